#!/usr/bin/env python3
"""Makes h5py.h5: the spellings of text and numbers that h5py and Keras write and afterglow does not.

    pip install h5py && python make_h5py.py
"""
import pathlib

import h5py
import numpy as np

with h5py.File(pathlib.Path(__file__).parent / "h5py.h5", "w") as file:
    file.attrs["variable"] = "one tëxt"
    file.attrs["variable_list"] = ["kernel:0", "", "a longer name"]
    file.attrs["fixed"] = np.bytes_("keras")
    file.attrs["fixed_list"] = [b"kernel:0", b"a longer name"]
    file.attrs["float_number"] = np.float32(1.5)
    file.attrs["small_integer"] = np.uint8(200)
    file["big_endian"] = np.array([1, -2, 3], dtype=">i4")
    file["double"] = np.array([[1.5, -2.5]])
    file.create_dataset("half", data=np.arange(6, dtype=np.float16).reshape(3, 2), chunks=(1, 2), compression="gzip",
                        shuffle=True)
    file["scalar"] = np.int64(7)
    file["text"] = ["not", "numbers"]
    file.create_dataset("huge", shape=(2**40,), dtype="f4", chunks=(1024,))
