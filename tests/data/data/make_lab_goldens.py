#!/usr/bin/env python3
"""Makes lab.h5 with scikit-image: the lightness of a picture of an arithmetic rule, and the picture with other colours put upon it.

    pip install numpy h5py scikit-image && python make_lab_goldens.py

`lightness` float32 (H, W) and `coloured` uint8 (H, W, 3); lab_picture_test.cpp repeats the rule (tests/support/golden_values.hpp).
"""
import pathlib
import sys

import h5py
import numpy as np
from skimage import color

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "weights/data"))
from make_eccv16_goldens import rule

HEIGHT, WIDTH = 24, 16


def main():
    picture = np.floor((rule("picture", (HEIGHT, WIDTH, 3)) + 1) * 128).astype(np.uint8)
    ab = (rule("ab", (HEIGHT, WIDTH, 2)) * 80).astype(np.float32)
    lightness = color.rgb2lab(picture / 255.0)[..., 0]
    coloured = color.lab2rgb(np.concatenate([lightness[..., None], ab.astype(np.float64)], -1))
    with h5py.File(pathlib.Path(__file__).with_name("lab.h5"), "w") as file:
        file["lightness"] = lightness.astype(np.float32)
        file["coloured"] = np.floor(coloured * 255 + 0.5).astype(np.uint8)


main()
