"""What tf_keras, ONNX Runtime and PyTorch make of files that afterglow wrote, and files for it to read.

    python keras_peer.py checkpoint ARCH FOLDER   trains three steps, saves FOLDER/m.h5 (tf_keras's Adam) and FOLDER/legacy.h5 (TensorFlow
                                                  2's), each with a FOLDER/then_NAME of its prediction and the losses of ten steps more
    python keras_peer.py relu3_3 WEIGHTS FILM FOLDER   writes to FOLDER/relu3_3.h5 the first frame's centre (x) and what VGG16 makes of it (y)
    python keras_peer.py exports FOLDER           compares m.h5, m.onnx and m.safetensors with the x and y of FOLDER/expected.h5
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "nn" / "data"))
import h5py
import make_goldens as goldens
import numpy as np
import tensorflow as tf

keras = goldens.keras
TOLERANCE = 1e-3  # of the largest value, as of the goldens of whole networks


def step(model, optimizer, x, truth):
    with tf.GradientTape() as tape:
        loss = goldens.temporal_loss(model(x, training=True), truth)
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return float(loss)


def checkpoint(arch, folder):
    x = tf.constant(goldens.frames("input", 6))
    truth = tf.constant(goldens.frames("truth", 3))
    for name, optimizer_class in (("m.h5", keras.optimizers.Adam), ("legacy.h5", keras.optimizers.legacy.Adam)):
        keras.backend.clear_session()
        goldens.block(keras.Input((8, 8, 3)), 1, 1, "valid")  # so that no layer has the number that it would have alone
        model = getattr(goldens, arch)()
        goldens.set_weights(model)
        optimizer = optimizer_class(goldens.LEARNING_RATE)
        model.compile(optimizer=optimizer, loss="mse")
        for _ in range(3):
            step(model, optimizer, x, truth)
        model.save(folder / name)
        with h5py.File(folder / f"then_{name}", "w") as file:
            file["prediction"] = model(x, training=False).numpy()
            file["losses"] = np.array([step(model, optimizer, x, truth) for _ in range(goldens.STEPS)])


def relu3_3(weights, film, folder):
    import cv2

    picture = cv2.VideoCapture(str(film)).read()[1]
    top, left = (picture.shape[0] - 128) // 2, (picture.shape[1] - 128) // 2
    x = picture[top:top + 128, left:left + 128].astype(np.float32)[None] - np.float32([103.939, 116.779, 123.68])  # BGR, ImageNet's means
    y = inputs = keras.Input((128, 128, 3))
    with h5py.File(weights) as file:
        layers = []
        for block, convs in enumerate((2, 2, 3), 1):
            for conv in range(1, convs + 1):
                name = f"block{block}_conv{conv}"
                layers.append((keras.layers.Conv2D(64 << (block - 1), 3, padding="same", activation="relu", name=name), file[name]))
                y = layers[-1][0](y)
            if block < 3:
                y = keras.layers.MaxPooling2D(2)(y)
        for layer, group in layers:
            layer.set_weights(sorted((values[...] for values in group.values()), key=lambda values: -values.ndim))
    with h5py.File(folder / "relu3_3.h5", "w") as file:
        file["x"], file["y"] = x, keras.Model(inputs, y)(x).numpy()


def torch_network(tensors, arch):
    """The documentation's snippet."""
    import torch
    import torch.nn.functional as F

    def conv(x, name, **options):
        return F.relu(F.conv2d(x, tensors[name + ".weight"], tensors[name + ".bias"], **options))

    def norm(x, name):
        values = (tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *values, eps=1e-3)

    def numbered(stem, i):
        return stem if i == 0 else f"{stem}_{i}"

    def network(x):
        i = 0
        if arch == "alexnet":
            for stride, pad, pool in ((2, 0, True), (1, 2, True), (1, 1, False), (1, 1, False), (1, 1, True)):
                x = conv(x, numbered("conv2d", i), stride=stride, padding=pad)
                x = norm(F.avg_pool2d(x, 3, 2) if pool else x, numbered("batch_normalization", i))
                i += 1
            pads = (0, 0, 0, 0, 2)
        else:
            x = norm(conv(x, "conv2d"), "batch_normalization")
            i = 1
            for block, convs in enumerate((2, 2, 3, 3, 3), 1):
                for number in range(1, convs + 1):
                    x = conv(x, f"vgg16.block{block}_conv{number}", padding=1)
                x = F.max_pool2d(x, 2)
            pads = (0, 0, 0, 0, 2, 2)
        for pad in pads:
            x = F.interpolate(conv(x, numbered("conv2d", i), padding=pad), scale_factor=2)
            x = norm(x, numbered("batch_normalization", i))
            i += 1
        return conv(x, numbered("conv2d", i), padding=2)

    return lambda x: network(torch.from_numpy(x)).numpy()


def check(what, y, expected):
    error = np.abs(y - expected).max() / np.abs(expected).max()
    print(what, error)
    assert error < TOLERANCE, (what, error)


def exports(folder):
    import onnx
    import onnxruntime
    import safetensors
    from safetensors.torch import load_file

    with h5py.File(folder / "expected.h5") as file:
        x, y = file["x"][...], file["y"][...]
    planes = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    check("tf_keras", keras.models.load_model(folder / "m.h5", compile=False)(x, training=False).numpy(), y)
    onnx.checker.check_model(str(folder / "m.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(str(folder / "m.onnx"), providers=["CPUExecutionProvider"])
    check("onnxruntime", session.run(None, {"x": planes})[0].transpose(0, 2, 3, 1), y)
    with safetensors.safe_open(folder / "m.safetensors", "pt") as file:
        metadata = file.metadata()
    if metadata["decoder"] == "upsample":
        network = torch_network(load_file(folder / "m.safetensors"), metadata["arch"])
        check("torch", network(planes).transpose(0, 2, 3, 1), y)


if __name__ == "__main__":
    if sys.argv[1] == "checkpoint":
        checkpoint(sys.argv[2], pathlib.Path(sys.argv[3]))
    elif sys.argv[1] == "relu3_3":
        relu3_3(*map(pathlib.Path, sys.argv[2:]))
    else:
        exports(pathlib.Path(sys.argv[2]))
