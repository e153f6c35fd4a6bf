"""Draws scenes into one file, as the training reads them.

Run: python draw.py ART OUT.npz [--first N] [--count N] [--unseen]   (ART: see README.md)
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scenes import STYLES, UNSEEN_STYLE, Scene, scene

SIDE = 128
"""Side of the model's pictures."""


def drawn(numbers: range, art: Path, styles: tuple[str, ...]) -> tuple[list[np.ndarray], list[Scene]]:
    scenes = [scene(number, art, styles) for number in numbers]
    pixels = [np.asarray(one.image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for one in scenes]
    # Whole pictures are not sent between processes.
    return pixels, [replace(one, image=None) for one in scenes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("art", type=Path, help="folder of npm tarballs")
    parser.add_argument("out", type=Path)
    parser.add_argument("--first", type=int, default=0, help="number of the first scene")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--unseen", action="store_true", help="in the style that is not trained on")
    arguments = parser.parse_args()
    styles = (UNSEEN_STYLE,) if arguments.unseen else STYLES
    numbers = range(arguments.first, arguments.first + arguments.count)
    pixels = np.empty((len(numbers), SIDE, SIDE, 3), np.uint8)
    patches, sentences, concepts = [], [], []
    start, done = time.monotonic(), 0
    with ProcessPoolExecutor(2) as pool:
        parts = [numbers[at : at + 250] for at in range(0, len(numbers), 250)]
        for images, scenes in pool.map(partial(drawn, art=arguments.art, styles=styles), parts):
            pixels[done : done + len(images)] = images
            patches += [one.patches for one in scenes]
            sentences += [one.sentence for one in scenes]
            concepts += [one.concepts for one in scenes]
            done += len(images)
            print(f"{done}/{len(numbers)}  {time.monotonic() - start:.0f} s", flush=True)
    told = json.dumps({"sentences": sentences, "concepts": concepts})
    np.savez(arguments.out, pixels=pixels, patches=np.stack(patches), told=np.array(told))


if __name__ == "__main__":
    main()
