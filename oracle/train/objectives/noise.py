"""Numbers that follow from a name: the same here and in packages/blip/test/support/training-noise.ts."""

import numpy as np
import torch


def uniforms(name: str, count: int) -> np.ndarray:
    """From 0 to below 1: FNV-1a of the name, plus multiples of the golden ratio, mixed as murmur3 ends."""
    seed = 0x811C9DC5
    for letter in name.encode("ascii"):
        seed = ((seed ^ letter) * 0x01000193) & 0xFFFFFFFF
    mask = np.uint64(0xFFFFFFFF)
    x = (np.uint64(seed) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9)) & mask
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & mask
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & mask
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2**32


def noise(name: str, shape: tuple[int, ...], mean: float = 0.0, size: float = 0.5) -> torch.Tensor:
    """From mean - size to mean + size."""
    count = int(np.prod(shape)) if shape else 1
    return torch.from_numpy((mean + size * (2 * uniforms(name, count) - 1)).astype(np.float32)).reshape(shape)


def weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Gains near 1, a temperature that is not extreme, everything else wide enough to matter."""
    if name == "temp":
        return torch.tensor(0.2)
    is_gain = name.endswith(".weight") and ("norm" in name.rsplit(".", 2)[-2].lower())
    return noise(name, shape, 1.0, 0.3) if is_gain else noise(name, shape)
