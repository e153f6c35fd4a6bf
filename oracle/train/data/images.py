"""Small images by integer arithmetic, the same in packages/blip/test/support/augment-images.ts."""

import numpy as np

SIZES = [(37, 29), (64, 48), (33, 65), (48, 48), (31, 17)]
COUNT = 20


def image(number: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """RGB [height, width, 3]: noise, slopes, squares or dark slopes under weak noise."""
    width, height = size or SIZES[number % len(SIZES)]
    kind = number % 4
    state = (number * 7919 + 12345) & 0x7FFFFFFF
    out = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            for channel in range(3):
                state = (state * 1103 + 12345) % 2147483647
                noise = state >> 8
                if kind == 0:
                    value = noise & 255
                elif kind == 1:
                    value = (x * (3 + channel) + y * (5 - channel)) & 255
                elif kind == 2:
                    value = (40 + 60 * channel) if ((x >> 3) + (y >> 2)) % 2 else 250 - 70 * channel
                else:
                    value = 20 + 10 * channel + ((x * 2 + y) >> 1) + (noise & 7)
                out[y, x, channel] = value
    return out
