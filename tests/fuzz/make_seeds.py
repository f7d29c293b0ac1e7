#!/usr/bin/env python3
"""Makes tests/fuzz/seeds: small right files for each fuzz target. Needs Pillow for the JPEGs alone.
   tests/fuzz/make_seeds.py"""
import io
import json
import os
import pickle
import struct
import zipfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))


def seed(target, name, content):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


# Protobuf.
def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(field_number, value):
    return varint(field_number << 3) + varint(value)


def caffemodels():
    floats = field(5, struct.pack("<6f", 1, 2, 3, 4, 5, 6))
    shape = field(7, field(1, varint(2) + varint(3)))
    doubles = field(8, struct.pack("<2d", 1, 2)) + field(7, field(1, varint(2)))
    layer = field(100, field(1, b"conv1") + field(7, floats + shape) + field(7, doubles))
    seed("caffemodel", "today", field(1, b"net") + layer)
    extents = b"".join(number(i + 1, n) for i, n in enumerate((1, 1, 2, 3)))
    seed("caffemodel", "before_2015",
         field(2, field(4, b"conv1") + field(6, extents + floats)) + layer)


# Pickles as torch.save writes them; no PyTorch is needed to write them.
def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value):
    return b"J" + struct.pack("<i", value)


def ints(values):
    return b"(" + b"".join(map(integer, values)) + b"t"


def tensor(key, shape, stride, count, storage="FloatStorage"):
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\n" +
            storage.encode() + b"\n" + text(key) + text("cpu") + integer(count) + b"tQ" +
            integer(0) + ints(shape) + ints(stride) + b"\x89ccollections\nOrderedDict\n)RtR")


def state_dict():
    return (b"\x80\x02ccollections\nOrderedDict\n)R(" + text("w") + tensor("0", [2, 3], [3, 1], 6) +
            text("n") + tensor("1", [1], [1], 1, "LongStorage") + b"u.")


def archive(entries):
    return b"".join(
        struct.pack("<BH", len(name), len(content)) + name.encode() + content
        for name, content in entries)


def torch_files():
    values = {"0": struct.pack("<6f", 1, 2, 3, 4, 5, 6), "1": struct.pack("<q", 7)}
    entries = [("a/data.pkl", state_dict()), ("a/byteorder", b"little"), ("a/data/0", values["0"]),
               ("a/data/1", values["1"]), ("a/version", b"3\n")]
    seed("torch_zip", "state_dict", archive(entries))
    nested = (b"\x80\x02}" + text("state_dict") + state_dict()[2:-1] + b"s.")
    seed("torch_zip", "checkpoint", archive([("a/data.pkl", nested)] + entries[1:]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as zip_file:
        for name, content in entries:
            zip_file.writestr(zipfile.ZipInfo(name), content)
    seed("torch_file", "zip", out.getvalue())
    magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
    legacy = (magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + state_dict() + b"\x80\x02](" +
              text("0") + text("1") + b"e." + struct.pack("<Q", 6) + values["0"] +
              struct.pack("<Q", 1) + values["1"])
    seed("torch_file", "legacy", legacy)
    seed("pickle", "state_dict", state_dict())
    objects = {"a": [1, 2.5, None, True, -70000, 2**70], "b": (b"x", "text", ("a", "a")), "c": {}}
    objects["self"] = objects
    for protocol in (2, 3, 4, 5):
        seed("pickle", f"protocol_{protocol}", pickle.dumps(objects, protocol=protocol))


def npy(version, kind, shape, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def arrays():
    seed("npy", "float32", npy(1, "<f4", "(2, 3)", struct.pack("<6f", *range(6))))
    seed("npy", "float64", npy(2, "<f8", "()", struct.pack("<d", 1)))
    seed("npy", "int64", npy(1, "<i8", "(2,)", struct.pack("<2q", -90, 110)))
    header = {"__metadata__": {"format": "afterglow model", "arch": "alexnet"},
              "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
              "n": {"dtype": "I64", "shape": [1], "data_offsets": [24, 32]},
              "s": {"dtype": "F32", "shape": [], "data_offsets": [32, 36]}}
    content = json.dumps(header, separators=(",", ":")).encode()
    seed("safetensors", "small", struct.pack("<Q", len(content)) + content + bytes(36))
    flow = struct.pack("<fii", 202021.25, 3, 2) + struct.pack("<12f", *range(12))
    seed("flow_file", "small", flow)


# Keras's model_config.
def keras_layer(kind, name, before, **config):
    return {"class_name": kind, "name": name, "config": {"name": name, **config},
            "inbound_nodes": [[[before, 0, 0, {}]]] if before else []}


def keras_models():
    conv = {"filters": 96, "kernel_size": [9, 9], "strides": [2, 2], "padding": "valid",
            "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "relu",
            "use_bias": True}
    layers = [
        keras_layer("InputLayer", "in", None),
        keras_layer("Conv2D", "conv2d", "in", **conv),
        keras_layer("AveragePooling2D", "pool", "conv2d", pool_size=[3, 3], strides=[2, 2],
                    padding="valid"),
        keras_layer("BatchNormalization", "norm", "pool", axis=[3], momentum=0.99, epsilon=0.001,
                    center=True, scale=True),
        keras_layer("Conv2DTranspose", "up", "norm", filters=256, kernel_size=[5, 5],
                    strides=[2, 2], padding="valid", activation="relu"),
        keras_layer("Cropping2D", "crop", "up", cropping=[[1, 1], [1, 1]]),
        keras_layer("UpSampling2D", "up2", "crop", size=[2, 2], interpolation="nearest"),
        keras_layer("MaxPooling2D", "max", "up2", pool_size=[2, 2]),
        keras_layer("ReLU", "relu", "max"),
        keras_layer("Activation", "act", "relu", activation="relu"),
    ]
    model = {"class_name": "Functional", "name": "m", "config": {"name": "m", "layers": layers}}
    seed("keras_config", "functional", json.dumps(model, separators=(",", ":")))
    sequential = [{"class_name": "Conv2D", "config": {"name": "a", **conv}},
                  {"class_name": "Sequential", "config": layers[1:3]}]
    seed("keras_config", "sequential",
         json.dumps({"class_name": "Sequential", "config": sequential}, separators=(",", ":")))


def texts():
    train = '[train]\ndata="a.h5"\nout="run"\narch="alexnet"\nbeta=0.8\nepochs=10\nbatch=16\n' \
            'lr=0.001\nstop-gradient=false\nseed=1\n'
    seed("configuration", "train", b"\x02" + train.encode())
    seed("configuration", "synth", b'\x00# clips\n[synth]\nout="clips"\nframes=60\nsize=256\n')
    seed("configuration", "lists",
         b"\x01[prepare]\ntruth=[\"a.mkv\", 'b.mkv']\ntest=[a,b]\n[train.x]\ny=1\n")
    seed("plan_store", "plans",
         "afterglow convolution plans 2\nkey fused 3 17 12.5\nkey2 bare 0 -1 1e3\nkey3 product 0 0 1\n")
    seed("split_file", "split", "# clips\na train\nb val  # middle\n\nc test\n")


# Pictures.
def png(width, height, depth, colour, rows, palette=b""):
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content +
                struct.pack(">I", zlib.crc32(kind + content)))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            (chunk(b"PLTE", palette) if palette else b"") +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pictures():
    seed("picture", "rgb.png", png(3, 2, 8, 2, (b"\x00" + bytes(range(9))) * 2))
    seed("picture", "filters.png", png(2, 5, 8, 6, b"".join(bytes([f]) + bytes(range(8)) for f in range(5))))
    seed("picture", "palette.png", png(4, 1, 4, 3, b"\x00\x01\x10", bytes(range(6))))
    seed("picture", "gray16.png", png(2, 1, 16, 0, b"\x00\x01\x02\x03\x04"))
    seed("picture", "rgb.ppm", b"P6\n# made\n2 1\n255\n" + bytes(range(6)))
    seed("picture", "gray.pgm", b"P5 2 2 255\n" + bytes(range(4)))
    bmp = struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, 16, 0, 0, 0, 0) + bytes(16)
    seed("picture", "rgb.bmp", b"BM" + struct.pack("<IHHI", 14 + len(bmp), 0, 0, 54) + bmp)
    paletted = struct.pack("<IiiHHIIiiII", 40, 4, -2, 1, 4, 0, 8, 0, 0, 2, 0) + bytes(8 + 8)
    seed("picture", "palette.bmp", b"BM" + struct.pack("<IHHI", 14 + len(paletted), 0, 0, 62) + paletted)
    tga = struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 4, 2, 24, 0)
    seed("picture", "rle.tga", tga + b"\x83\x01\x02\x03" + b"\x03" + bytes(12))
    mapped = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 2, 24, 0, 0, 2, 2, 8, 0x20)
    seed("picture", "palette.tga", mapped + bytes(range(6)) + bytes([0, 1, 1, 0]))
    from PIL import Image
    image = Image.new("RGB", (17, 9))
    image.putdata([(x * 13 % 256, x * 7 % 256, x * 29 % 256) for x in range(17 * 9)])
    for name, options in {"baseline.jpg": {}, "progressive.jpg": {"progressive": True},
                          "whole.jpg": {"subsampling": 0, "restart_marker_blocks": 1}}.items():
        out = io.BytesIO()
        image.save(out, "JPEG", quality=60, optimize=True, **options)
        seed("picture", name, out.getvalue())
    out = io.BytesIO()
    image.convert("L").save(out, "JPEG", quality=60, optimize=True)
    seed("picture", "gray.jpg", out.getvalue())


# Choices of tests/fuzz/hdf5_maker.hpp: 0 leaves a part as it should be.
def hdf5_files():
    seed("dataset", "dataset", bytes(64))
    seed("dataset", "result", b"\x01" + bytes(64))
    seed("dataset", "flow", b"\x02" + bytes(64))
    seed("dataset", "film_set", b"\x04" + bytes(64))
    seed("dataset", "film_set_colorized", b"\x06" + bytes(64))
    seed("dataset", "size", b"\x00" * 3 + b"\x03" + struct.pack("<q", 8) + bytes(32))
    seed("dataset", "three_clips", bytes(9) + b"\x02" + bytes(16) + b"\x01\x01b" + bytes(40))
    header = 6  # attributes of the root
    state = 1 + 6 + 1  # the group, its attributes, rng
    seed("checkpoint", "header", bytes(64))
    seed("checkpoint", "weights", bytes(header + state + 1) + b"\x06" + bytes(80))
    seed("checkpoint", "optimizer", bytes(header + state + 1) + b"\x00" + bytes(4) + b"\x04" +
         bytes(5) + b"\x04" + bytes(40))
    seed("checkpoint", "state", bytes(header + 1) + b"\x03" + struct.pack("<q", 5) + bytes(32))


def choice(text):
    return bytes([len(text)]) + text.encode()


def small_tensor(name, *shape):
    return choice(name) + bytes([len(shape)]) + b"".join(struct.pack("<H", n) for n in shape) + b"\x00"


def network_weights():
    filters = [64, 128, 256, 512, 512, 512, 512]
    caffe, torch = [small_tensor("bw_conv1_1/0", 64, 1, 3, 3)], [small_tensor("model1.0.weight", 64, 1, 3, 3)]
    for block, channels in enumerate(filters, 1):
        convs = 2 if block < 3 else 3
        for conv in range(1, convs + 1):
            caffe.append(small_tensor(("bw_" if block + conv == 2 else "") + f"conv{block}_{conv}/1", channels))
            torch.append(small_tensor(f"model{block}.{2 * conv - 2}.bias", channels))
        norm = f"conv{block}_{convs}norm"
        caffe += [small_tensor(f"{norm}/0", channels), small_tensor(f"{norm}/1", channels), small_tensor(f"{norm}/2", 1)]
        torch += [small_tensor(f"model{block}.{2 * convs}.{what}", channels)
                  for what in ("weight", "bias", "running_mean", "running_var")]
    torch.append(small_tensor("model_out.weight", 2, 313, 1, 1))
    for place in (0, 1, 8, 11):  # the first kernel and bias, a bias and a mean further on
        seed("eccv16", f"caffe_{place}", bytes([0, place, len(caffe)]) + b"".join(caffe))
        seed("eccv16", f"torch_{place}", bytes([1, place, len(torch)]) + b"".join(torch))


for make in (caffemodels, torch_files, arrays, keras_models, texts, pictures, hdf5_files, network_weights):
    make()
