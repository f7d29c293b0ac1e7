#!/usr/bin/env python3
"""Makes goldens.h5 with tf_keras: whole-network outputs and ten Adam steps of both networks, as the paper defines them.

    pip install tensorflow-cpu tf_keras h5py && python make_goldens.py

Weights and inputs come from an arithmetic rule that golden_rule.hpp repeats, so only outputs are stored: `inference`
and `training` hold the output at every 16th pixel of both axes, float32 (N, 8, 8, 3), `moving_mean` and `moving_variance` every
8th running statistic of all batch norms together after that training pass, from the 4th on (the first three are those of VGG16's entry:
TensorFlow sums squares in one float32 pass, which at its large means costs a variance four digits), `losses` the loss before each of
ten steps.
"""
import os
import pathlib
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import numpy as np
import tensorflow as tf
import tf_keras as keras

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
from golden_rule import rule

FRAMES = 4
BETA = 0.8
STEPS = 10
LEARNING_RATE = 1e-3
# Height and width of the blocks' outputs, as the paper's code prints them.
SIZES = {"alexnet": [29, 14, 14, 14, 6, 12, 20, 36, 64, 128, 128], "vgg16": [128, 8, 12, 20, 32, 64, 128, 128]}


def weight(name, shape):
    """The rule's weight: He-uniform kernels, small biases, running statistics near 0 and 1."""
    values = rule(name, shape)
    kind = name.rsplit("/", 1)[1]
    if kind == "kernel":
        values = values * np.sqrt(6.0 / (shape[0] * shape[1] * shape[2]))
    elif kind in ("bias", "beta", "moving_mean"):
        values = 0.1 * values
    elif kind in ("gamma", "moving_variance"):
        values = 1.0 + 0.2 * values
    else:
        raise ValueError(name)
    return values.astype(np.float32)


def frames(name, channels):
    """Pixels 0..255."""
    return ((rule(name, (FRAMES, 128, 128, channels)) + 1) * 127.5).astype(np.float32)


def block(x, filters, size, padding, after=None, strides=1, norm=True):
    x = keras.layers.Conv2D(filters, size, strides=strides, padding=padding)(x)
    x = keras.layers.ReLU()(x)
    if after == "pool":
        x = keras.layers.AveragePooling2D(3, 2)(x)
    elif after == "up":
        x = keras.layers.UpSampling2D(2)(x)
    return keras.layers.BatchNormalization()(x) if norm else x


def alexnet():
    inputs = keras.Input((128, 128, 6))
    x = block(inputs, 96, 9, "valid", "pool", strides=2)
    x = block(x, 256, 5, "same", "pool")
    x = block(x, 384, 3, "same")
    x = block(x, 384, 3, "same")
    x = block(x, 256, 3, "same", "pool")
    x = block(x, 256, 1, "valid", "up")
    x = block(x, 384, 3, "valid", "up")
    x = block(x, 384, 3, "valid", "up")
    x = block(x, 256, 5, "valid", "up")
    x = block(x, 96, 5, "same", "up")
    return keras.Model(inputs, block(x, 3, 5, "same", norm=False))


def vgg16():
    inputs = keras.Input((128, 128, 6))
    x = block(inputs, 3, 1, "valid")
    encoder = keras.applications.VGG16(include_top=False, weights=None, input_shape=(128, 128, 3))
    encoder.trainable = False
    x = encoder(x)
    x = block(x, 256, 1, "valid", "up")
    x = block(x, 384, 3, "valid", "up")
    x = block(x, 384, 3, "valid", "up")
    x = block(x, 256, 5, "valid", "up")
    x = block(x, 256, 5, "same", "up")
    x = block(x, 96, 5, "same", "up")
    return keras.Model(inputs, block(x, 3, 5, "same", norm=False))


def set_weights(model, prefix=""):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            set_weights(layer, prefix + layer.name + "/")
            continue
        for variable in layer.weights:
            kind = variable.name.rsplit("/", 1)[1].split(":")[0]
            variable.assign(weight(f"{prefix}{layer.name}/{kind}", tuple(variable.shape)))


def temporal_loss(prediction, truth):
    fidelity = tf.reduce_mean(tf.square(prediction - truth))
    change = tf.reduce_mean(tf.square(prediction[1:] - prediction[:-1]), axis=[1, 2, 3])
    return BETA * fidelity + (1 - BETA) * tf.reduce_sum(change) / FRAMES


def block_sizes(model):
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    shapes = [layer.output_shape for layer in norms] + [model.output_shape]
    assert all(shape[1] == shape[2] for shape in shapes)
    return [shape[1] for shape in shapes]


def statistics(model, kind):
    values = [v.numpy() for v in model.weights if v.name.rsplit("/", 1)[1] == kind + ":0"]
    return np.concatenate(values)[3::8]


def goldens(model):
    set_weights(model)
    x = tf.constant(frames("input", 6))
    truth = tf.constant(frames("truth", 3))
    inference = model(x, training=False).numpy()
    training = model(x, training=True).numpy()
    running = {kind: statistics(model, kind) for kind in ("moving_mean", "moving_variance")}
    set_weights(model)  # the training pass moved the running statistics
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    losses = []
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = temporal_loss(model(x, training=True), truth)
        losses.append(float(loss))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return inference, training, running, losses


def main():
    with h5py.File(pathlib.Path(__file__).parent / "goldens.h5", "w") as file:
        file.attrs["made_with"] = f"tf_keras {keras.__version__}, tensorflow {tf.__version__}"
        for name, build in (("alexnet", alexnet), ("vgg16", vgg16)):
            keras.backend.clear_session()
            model = build()
            trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
            print(name, model.count_params(), trainable)
            assert block_sizes(model) == SIZES[name]
            inference, training, running, losses = goldens(model)
            print(" largest output", inference.max(), training.max(), "losses", losses)
            group = file.create_group(name)
            group["inference"] = inference[:, 7::16, 7::16]
            group["training"] = training[:, 7::16, 7::16]
            for kind, values in running.items():
                group[kind] = values
            group["losses"] = np.array(losses)


if __name__ == "__main__":
    main()
