#!/usr/bin/env python3
"""Makes eccv16.h5 with OpenCV 4's dnn (from a .caffemodel) and PyTorch (from a .pth): what the ECCV16 colorizer gives
for weights and a picture of an arithmetic rule, which eccv16_test.cpp repeats; and small.pth and small_legacy.pth, two state_dicts in
the two forms of torch.save.

    pip install numpy h5py torch "opencv-python-headless<5" && python make_eccv16_goldens.py pts_in_hull.npy

`caffe_scores` and `torch_scores`: every 16th bin's, float32 (H/4, W/4, 20); `caffe_ab` and `torch_ab`: (H/4, W/4, 2).
"""
import pathlib
import sys
import tempfile

import cv2
import h5py
import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
from golden_rule import rule

HEIGHT, WIDTH = 64, 48
FACTOR = 2.606
NORM_FACTOR = 2.5  # Caffe's third blob
BLOCKS = [(2, 64, 2, 1), (2, 128, 2, 1), (3, 256, 2, 1), (3, 512, 1, 1), (3, 512, 1, 2), (3, 512, 1, 2), (3, 512, 1, 1)]
HERE = pathlib.Path(__file__).parent


def scaled(name, shape, factor, offset=0.0):
    return (offset + factor * rule(name, shape)).astype(np.float32)


def layers():
    """(block, conv, in, out, stride, dilation) of the convolutions of blocks 1 to 7."""
    channels = 1
    for block, (convs, filters, last_stride, dilation) in enumerate(BLOCKS, 1):
        for conv in range(1, convs + 1):
            yield block, conv, channels, filters, last_stride if conv == convs else 1, dilation
            channels = filters


def kernel(name, outputs, inputs, size, first):
    """Of such a size that lightness of +-50 gives values near 1 throughout."""
    return scaled(name, (outputs, inputs, size, size), first * np.sqrt(6.0 / (inputs * size * size)))


def caffe_blobs():
    blobs = {}
    for block, conv, inputs, outputs, _, _ in layers():
        name = f"conv{block}_{conv}" if (block, conv) != (1, 1) else "bw_conv1_1"
        first = 0.04 if (block, conv) == (1, 1) else 1
        blobs[name] = [kernel(f"{name}/0", outputs, inputs, 3, first), scaled(f"{name}/1", (outputs,), 0.1)]
        if conv == BLOCKS[block - 1][0]:
            norm = f"conv{block}_{conv}norm"
            blobs[norm] = [scaled(f"{norm}/0", (outputs,), 0.1), scaled(f"{norm}/1", (outputs,), 0.5, 2.5),
                           np.array([NORM_FACTOR], np.float32)]
    # Transposed: (in, out, 4, 4); each output sees four of the taps.
    blobs["conv8_1"] = [scaled("conv8_1/0", (512, 256, 4, 4), np.sqrt(6.0 / (512 * 4))), scaled("conv8_1/1", (256,), 0.1)]
    for conv in (2, 3):
        name = f"conv8_{conv}"
        blobs[name] = [kernel(f"{name}/0", 256, 256, 3, 1), scaled(f"{name}/1", (256,), 0.1)]
    blobs["conv8_313"] = [kernel("conv8_313/0", 313, 256, 1, 3), scaled("conv8_313/1", (313,), 0.1)]
    return blobs


def prototxt(batch, height, width):
    text = f'input: "data_l" input_dim: {batch} input_dim: 1 input_dim: {height} input_dim: {width}\n'
    state = {"bottom": "data_l"}

    def layer(name, kind, parameters, in_place=False):
        nonlocal text
        top = state["bottom"] if in_place else name
        text += f'layer {{ name: "{name}" type: "{kind}" bottom: "{state["bottom"]}" top: "{top}" {parameters} }}\n'
        state["bottom"] = top

    def conv(name, kind, outputs, parameters):
        layer(name, kind, f"convolution_param {{ num_output: {outputs} {parameters} }}")

    for block, number, _, outputs, stride, dilation in layers():
        name = f"conv{block}_{number}" if (block, number) != (1, 1) else "bw_conv1_1"
        conv(name, "Convolution", outputs, f"kernel_size: 3 pad: {dilation} stride: {stride} dilation: {dilation}")
        layer("relu_" + name, "ReLU", "", in_place=True)
        if number == BLOCKS[block - 1][0]:
            layer(f"conv{block}_{number}norm", "BatchNorm", "batch_norm_param { use_global_stats: true }")
    conv("conv8_1", "Deconvolution", 256, "kernel_size: 4 pad: 1 stride: 2")
    layer("relu8_1", "ReLU", "", in_place=True)
    for number in (2, 3):
        conv(f"conv8_{number}", "Convolution", 256, "kernel_size: 3 pad: 1")
        layer(f"relu8_{number}", "ReLU", "", in_place=True)
    conv("conv8_313", "Convolution", 313, "kernel_size: 1")
    layer("scaled", "Scale", "scale_param { bias_term: false }")
    layer("softmax", "Softmax", "")
    conv("class8_ab", "Convolution", 2, "kernel_size: 1 bias_term: false")
    return text


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def caffemodel(blobs):
    out = b""
    for name, arrays in blobs.items():
        layer = field(1, name.encode())
        for array in arrays:
            shape = field(1, b"".join(varint(extent) for extent in array.shape))
            layer += field(7, field(5, array.tobytes()) + field(7, shape))
        out += field(100, layer)
    return out


def opencv_network(points, batch, height, width):
    blobs = caffe_blobs()
    blobs["scaled"] = [np.full(313, FACTOR, np.float32)]
    blobs["class8_ab"] = [np.ascontiguousarray(points.T, dtype=np.float32).reshape(2, 313, 1, 1)]
    with tempfile.TemporaryDirectory() as folder:
        text, model = pathlib.Path(folder, "m.prototxt"), pathlib.Path(folder, "m.caffemodel")
        text.write_text(prototxt(batch, height, width))
        model.write_bytes(caffemodel(blobs))
        return cv2.dnn.readNetFromCaffe(str(text), str(model))


def with_opencv(lightness, points):
    net = opencv_network(points, 1, HEIGHT, WIDTH)
    net.setInput(lightness.reshape(1, 1, HEIGHT, WIDTH))
    ab = net.forward("class8_ab")[0]
    net.setInput(lightness.reshape(1, 1, HEIGHT, WIDTH))
    return net.forward("conv8_313")[0], ab


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for block, number, inputs, outputs, stride, dilation in layers():
            if number == 1:
                parts = []
            parts += [torch.nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation), torch.nn.ReLU()]
            if number == BLOCKS[block - 1][0]:
                self.add_module(f"model{block}", torch.nn.Sequential(*parts, torch.nn.BatchNorm2d(outputs)))
        self.model8 = torch.nn.Sequential(
            torch.nn.ConvTranspose2d(512, 256, 4, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(256, 256, 3, padding=1), torch.nn.ReLU(),
            torch.nn.Conv2d(256, 256, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(256, 313, 1))
        self.model_out = torch.nn.Conv2d(313, 2, 1, bias=False)

    def forward(self, x):
        for block in range(1, 9):
            x = getattr(self, f"model{block}")(x)
        return x, self.model_out(torch.softmax(x, 1))


def with_torch(lightness):
    network = Network().eval()
    state = {}
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        shape = tuple(value.shape)
        if name == "model_out.weight":
            array = scaled(name, shape, 1)
        elif len(shape) == 4:
            inputs = 512 * 4 if name == "model8.0.weight" else shape[1] * shape[2] * shape[3]
            first = {"model1.0.weight": 4, "model8.6.weight": FACTOR}.get(name, 1)
            array = scaled(name, shape, first * np.sqrt(6.0 / inputs))
        elif name.endswith("running_var"):
            array = scaled(name, shape, 0.2, 1)
        elif name.endswith("weight"):
            array = scaled(name, shape, 0.2, 1)
        else:
            array = scaled(name, shape, 0.1)
        state[name] = torch.from_numpy(array)
    network.load_state_dict(state, strict=False)
    with torch.no_grad():
        scores, ab = network(torch.from_numpy(lightness.reshape(1, 1, HEIGHT, WIDTH) / 100))
    return scores[0].numpy(), 110 * ab[0].numpy()


def small_files():
    """A matrix, its transpose in the same storage, a parameter, a counter."""
    matrix = torch.from_numpy(scaled("matrix", (3, 2), 1))
    state = {"matrix": matrix, "turned": matrix.T, "tail": matrix.flatten()[4:],
             "parameter": torch.nn.Parameter(torch.tensor([0.5, -2.0])), "counter": torch.tensor(7)}
    torch.save(state, HERE / "small.pth")
    torch.save(state, HERE / "small_legacy.pth", _use_new_zipfile_serialization=False)


def main():
    points = np.load(sys.argv[1])
    lightness = scaled("lightness", (HEIGHT, WIDTH), 50)
    with h5py.File(HERE / "eccv16.h5", "w") as file:
        for name, (scores, ab) in {"caffe": with_opencv(lightness, points), "torch": with_torch(lightness)}.items():
            print(name, "scores", scores.std(), "ab", ab.std(), ab.min(), ab.max())
            file[f"{name}_scores"] = scores.transpose(1, 2, 0)[:, :, ::16].astype(np.float32)
            file[f"{name}_ab"] = ab.transpose(1, 2, 0).astype(np.float32)
    small_files()


if __name__ == "__main__":
    main()
