"""The same inputs as packages/cli/src/bench/inputs.ts, by the same formulas."""

import numpy as np

PAIRS = 128
TEXT_TOKENS = 12
CAPTION_TOKENS = 20
PIXEL_SCALE = 2
STATE_SCALE = 1.7


def numbers(dims: list[int], scale: float) -> np.ndarray:
    index = np.arange(int(np.prod(dims)), dtype=np.int64)
    return ((((index * 7919) % 4096) / 2048 - 1) * scale).astype(np.float32).reshape(dims)


def ids(rows: int, tokens: int, vocab_size: int) -> np.ndarray:
    row, column = np.arange(rows)[:, None], np.arange(tokens)[None, :]
    return 1 + (131 * row + 17 * column) % (vocab_size - 2)
