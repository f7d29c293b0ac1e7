#!/usr/bin/env python3
"""Measures `colorize --key` on films whose colours are known (docs/key-frames.md).

usage: measure_key_frames.py AFTERGLOW FOLDER...

Each FOLDER holds a film as numbered pictures. It is given as a gray film, once with its first picture as a key frame, once with its
first and last. Prints the mean distance of CIE ab from the truth's over that of the gray film, at full size. Needs ffmpeg, numpy and
scikit-image.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from skimage.color import rgb2lab
from skimage.io import imread


def frames(film, height, width):
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", film, "-f", "rawvideo", "-pix_fmt", "rgb24",
         "-sws_flags", "accurate_rnd+full_chroma_int+bilinear", "-"], check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def colours(picture):
    return rgb2lab(picture)[..., 1:]


def error(afterglow, folder, keys, truth, work):
    gray, out = work / "gray.mkv", work / "out.mkv"
    pattern = ["-pattern_type", "glob", "-i", str(folder / ("*" + keys[0].suffix))]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-framerate", "25", *pattern, "-vf", "format=gray", "-c:v", "ffv1", gray], check=True)
    options = [text for key, picture in keys.items() for text in ("--key", f"{key}={picture}")]
    subprocess.run([afterglow, "colorize", gray, "--out", out, "--codec", "lossless", *options], check=True, stderr=subprocess.DEVNULL)
    result = frames(out, *truth[0].shape[:2])
    assert len(result) == len(truth)
    return sum(np.hypot(*(colours(r) - colours(t)).transpose(2, 0, 1)).mean() for r, t in zip(result, truth))


def main():
    afterglow, *folders = sys.argv[1:]
    rows = []
    for folder in map(pathlib.Path, folders):
        pictures = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
        truth = [imread(picture) for picture in pictures]
        gray = sum(np.hypot(*colours(t).transpose(2, 0, 1)).mean() for t in truth)
        last = len(pictures) - 1
        with tempfile.TemporaryDirectory() as work:
            row = [error(afterglow, folder, keys, truth, pathlib.Path(work)) / gray
                   for keys in ({0: pictures[0]}, {0: pictures[0], last: pictures[last]})]
        rows.append(row)
        print(f"{folder.name:20} {row[0]:.3f} {row[1]:.3f}", flush=True)
    print(f"{'mean':20} {np.mean(rows, axis=0)[0]:.3f} {np.mean(rows, axis=0)[1]:.3f}")


if __name__ == "__main__":
    main()
