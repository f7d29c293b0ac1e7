#!/usr/bin/env python3
"""Checks that tf_keras reads a model file of afterglow: keras_reads.py MODEL.h5 ARCH

The model must have the weights of golden_rule.hpp and an optimizer. Its datasets must have the names and shapes of those in a file
that tf_keras itself writes, and the network that tf_keras loads from it must compute the golden output.
"""
import pathlib
import sys
import tempfile

import make_goldens
from make_goldens import h5py, keras, np, tf


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        for root in ("model_weights", "optimizer_weights"):
            file[root].visititems(lambda name, item: found.update({f"{root}/{name}": item.shape})
                                  if isinstance(item, h5py.Dataset) else None)
    return found


def main(path, arch):
    model = make_goldens.alexnet() if arch == "alexnet" else make_goldens.vgg16()
    x = make_goldens.frames("input", 6)
    with tempfile.TemporaryDirectory() as folder:
        model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
        model.optimizer.apply_gradients([(tf.zeros_like(v), v) for v in model.trainable_variables])
        own = pathlib.Path(folder) / "keras.h5"
        model.save(own)
        expected, actual = datasets(own), datasets(path)
    expected.pop("optimizer_weights/learning_rate:0", None)
    if expected != actual:
        sys.exit(f"differ from Keras's: {sorted(set(expected.items()) ^ set(actual.items()))}")
    model.load_weights(path)
    with h5py.File(pathlib.Path(__file__).parent / "goldens.h5") as file:
        golden = file[arch]["inference"][()]
    output = model(tf.constant(x), training=False).numpy()[:, 7::16, 7::16]
    error = np.abs(output - golden).max() / np.abs(golden).max()
    if not error < 1e-5:
        sys.exit(f"the output is wrong by {error}")
    print("tf_keras reads", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
