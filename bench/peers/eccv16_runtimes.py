#!/usr/bin/env python3
"""A picture of 224 x 224 through the ECCV16 colorizer in OpenCV 4's dnn and ONNX Runtime on the CPU, with weights of an arithmetic rule.

    pip install h5py torch onnx onnxruntime "opencv-python-headless<5"
    python bench/peers/eccv16_runtimes.py --weights FOLDER      writes eccv16.caffemodel and eccv16.onnx there
    python bench/peers/eccv16_runtimes.py FOLDER [--batch 1] [--rounds 9] [--json FILE]
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/weights/data"))
import make_eccv16_goldens as goldens

SIDE = 224


def bins():
    """The grid's points in the gamut do not matter here, only that all runtimes have the same."""
    return goldens.rule("bins", (313, 2)) * 110


def onnx_model(blobs):
    nodes, initializers = [], []

    def constant(name, array):
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float32), name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(x, name, kind="Conv", relu=True, **attributes):
        kernel, bias = blobs[name]
        y = node(kind, [x, constant(name + "_w", kernel), constant(name + "_b", bias)], name, **attributes)
        return node("Relu", [y], name + "_relu") if relu else y

    x = "lightness"
    for block, number, _, outputs, stride, dilation in goldens.layers():
        name = f"conv{block}_{number}" if (block, number) != (1, 1) else "bw_conv1_1"
        x = conv(x, name, strides=[stride] * 2, dilations=[dilation] * 2, pads=[dilation] * 4)
        if number == goldens.BLOCKS[block - 1][0]:
            norm = f"conv{block}_{number}norm"
            mean, variance, factor = blobs[norm]
            parameters = {"s": np.ones(outputs), "b": np.zeros(outputs), "m": mean / factor, "v": variance / factor}
            x = node("BatchNormalization", [x] + [constant(f"{norm}_{key}", value) for key, value in parameters.items()], norm)
    x = conv(x, "conv8_1", "ConvTranspose", strides=[2, 2], pads=[1] * 4)
    x = conv(conv(x, "conv8_2", pads=[1] * 4), "conv8_3", pads=[1] * 4)
    x = conv(x, "conv8_313", relu=False)
    x = node("Mul", [x, constant("factor", np.array(goldens.FACTOR))], "scaled")
    x = node("Softmax", [x], "softmax", axis=1)
    node("Conv", [x, constant("centres", bins().T.reshape(2, 313, 1, 1))], "ab")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "eccv16", [value("lightness", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
                              [value("ab", TensorProto.FLOAT, ["n", 2, SIDE // 4, SIDE // 4])], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--weights")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.weights:
        blobs = goldens.caffe_blobs()
        Path(options.weights, "eccv16.caffemodel").write_bytes(goldens.caffemodel(blobs))
        onnx.save(onnx_model(blobs), str(Path(options.weights, "eccv16.onnx")))
        np.save(Path(options.weights, "bins.npy"), bins())
        return

    threads = len(os.sched_getaffinity(0))
    lightness = (50 * goldens.rule("lightness", (options.batch, 1, SIDE, SIDE))).astype(np.float32)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(f"{options.folder}/eccv16.onnx", settings, providers=["CPUExecutionProvider"])
    cv2.setNumThreads(threads)
    net = goldens.opencv_network(bins(), options.batch, SIDE, SIDE)

    def with_opencv():
        net.setInput(lightness)
        return net.forward("class8_ab")

    rows = []
    for label, run in ((f"OpenCV {cv2.__version__} dnn", with_opencv),
                       (f"ONNX Runtime {onnxruntime.__version__}", lambda: session.run(None, {"lightness": lightness})[0])):
        ab = run()
        samples = []
        for _ in range(options.rounds):
            start = time.perf_counter()
            run()
            samples.append((time.perf_counter() - start) * 1e3 / options.batch)
        low, median, high = np.percentile(samples, (10, 50, 90))
        rows.append({"name": label, "median_ms": median, "p10_ms": low, "p90_ms": high,
                     "ab": ab.transpose(0, 2, 3, 1).ravel().tolist()})
    if options.json:
        Path(options.json).write_text(json.dumps({"threads": threads, "rows": rows}))


if __name__ == "__main__":
    main()
