#!/usr/bin/env python3
"""Makes ssim.h5 with scikit-image: the SSIM of pairs of pictures of an arithmetic rule.

    pip install numpy h5py scikit-image && python make_ssim_goldens.py

`ssim` float64, one a case; ssim_test.cpp repeats CASES and the rule (tests/support/golden_values.hpp).
"""
import pathlib
import sys

import h5py
import numpy as np
from skimage.metrics import structural_similarity

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support"))
from golden_rule import rule

# Height, width, kind of picture, strength of the noise that makes the other one.
CASES = [(11, 11, "noise", 20), (24, 17, "noise", 60), (24, 17, "ramp", 8), (31, 40, "ramp", 100), (13, 64, "flat", 3)]


def picture(kind, height, width):
    if kind == "noise":
        return np.floor((rule("picture", (height, width, 3)) + 1) * 128)
    y, x, c = np.indices((height, width, 3))
    return (50 * c + (7 * x + 11 * y if kind == "ramp" else 0)) % 256.0


def main():
    values = []
    for height, width, kind, strength in CASES:
        truth = picture(kind, height, width)
        other = np.clip(np.floor(truth + strength * rule("noise", truth.shape)), 0, 255)
        # scikit-image's mean is over the valid region: it crops half a window.
        values.append(structural_similarity(
            truth, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2))
    with h5py.File(pathlib.Path(__file__).with_name("ssim.h5"), "w") as file:
        file["ssim"] = np.array(values)
    print(values)


main()
