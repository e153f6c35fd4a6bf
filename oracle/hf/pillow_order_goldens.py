"""Bytes of tall and wide images by two versions of Pillow: fixtures/goldens/pillow-order.json.

Up to 12.3 Pillow's resize goes across first, 13 goes down first if the height shrinks by more than twice what the width does.
Run by both, which write a column each: with Pillow 10.4.0 and numpy, then with Pillow 13: python pillow_order_goldens.py
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image
from PIL import __version__ as pillow_version

OUT = Path(__file__).resolve().parents[2] / "fixtures/goldens/pillow-order.json"
SIZES = [
    (480, 640, 384, 384), (427, 640, 384, 384), (375, 500, 384, 384), (333, 500, 384, 384), (480, 640, 224, 224),
    (640, 480, 384, 384), (17, 27, 12, 17), (14, 28, 5, 9), (28, 14, 9, 5), (9, 5, 14, 28),
]  # fmt: skip


def generated(width: int, height: int, seed: int) -> np.ndarray:
    """x = (x * 1664525 + 1013904223) mod 2^32, a byte is x >> 24."""
    state, values = seed, np.empty(width * height * 3, np.uint8)
    for index in range(values.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[index] = state >> 24
    return values.reshape(height, width, 3)


def main() -> None:
    order = pillow_version.split(".")[0]
    golden = json.loads(OUT.read_text()) if OUT.exists() else {"versions": {}, "rows": [{} for _ in SIZES]}
    golden["script"] = "oracle/hf/pillow_order_goldens.py"
    golden["versions"][order] = pillow_version
    for index, (width, height, to_width, to_height) in enumerate(SIZES):
        image = Image.fromarray(generated(width, height, index + 1))
        out = np.asarray(image.resize((to_width, to_height), Image.Resampling.BICUBIC))
        row = golden["rows"][index]
        row |= {"from": [width, height], "to": [to_width, to_height], "seed": index + 1}
        row[order] = hashlib.sha256(out.tobytes()).hexdigest()
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
