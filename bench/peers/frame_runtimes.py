#!/usr/bin/env python3
"""A frame (batch 1) of both networks in ONNX Runtime and OpenVINO on the CPU, from the ONNX files that torch_step.py --onnx writes.

    pip install onnxruntime openvino && python bench/peers/frame_runtimes.py FOLDER [--rounds 36] [--json FILE]
"""
import argparse
import json
import os

import numpy
import onnxruntime
import openvino

from torch_step import measured


def onnx_runtime(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})


def open_vino(path, threads, precision):
    core = openvino.Core()
    model = core.compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision,
                                             "PERFORMANCE_HINT": "LATENCY"})
    request = model.create_infer_request()
    return lambda x: request.infer({0: x})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=36)
    parser.add_argument("--json")
    options = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    x = (numpy.random.default_rng(1).random((1, 6, 128, 128)) * 255).astype(numpy.float32)
    rows = []
    for name in ("alexnet", "vgg16"):
        path = f"{options.folder}/{name}.onnx"
        for label, run in (("ONNX Runtime", onnx_runtime(path, threads)), ("OpenVINO", open_vino(path, threads, "f32")),
                           ("OpenVINO bf16", open_vino(path, threads, "bf16"))):
            rows.append(measured(f"{name} frame, {label}", 1, options.rounds, lambda: run(x)))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"onnxruntime": onnxruntime.__version__, "openvino": openvino.__version__, "threads": threads, "rows": rows},
                      file, indent=2)


if __name__ == "__main__":
    main()
