"""The arithmetic rule of golden_rule.hpp and golden_values.hpp, for the scripts that make goldens. Needs numpy alone."""
import numpy as np


def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def rule(name, shape):
    """Numbers in [-1, 1), the j-th from splitmix64's finalizer of (FNV-1a of the name) + j * golden gamma; 24 bits each."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    index = np.arange(int(np.prod(shape)), dtype=np.uint64)
    with np.errstate(over="ignore"):
        bits = mix(np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15))
    return ((bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1).reshape(shape)
