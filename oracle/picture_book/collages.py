"""Pictures full of things without a sentence, made while the training runs: they teach what each patch shows.

A collage shows up to nine things where a scene shows two, so that the image encoder learns to tell them apart sooner.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scenes import BACKGROUNDS, CONCEPTS, PATCHES, STYLES, ground, loaded, posed, shown_by_patches

SIDE = 128
VARIANTS = 4

# Cells a side, with the longer side of what stands in a cell.
GRIDS = {1: (80, 112), 2: (42, 64), 3: (26, 43)}


@dataclass(frozen=True)
class Cutout:
    owner: int
    colours: np.ndarray
    """[height, width, 3] float32, multiplied by how much it covers."""
    covered: np.ndarray
    """[height, width, 1] float32 of 0 to 1."""
    colour: np.ndarray


class Collages:
    def __init__(self, art: Path, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.cutouts: dict[int, list[list[Cutout]]] = {}
        drawings = [
            [sprite for style in loaded(art, STYLES) for sprite in style.get(concept, [])] for concept in CONCEPTS
        ]
        for cells, (low, high) in GRIDS.items():
            self.cutouts[cells] = [
                [
                    self.cut(1 + index, sprite.half if high < 96 else sprite.image, sprite.colour, low, high)
                    for sprite in sprites
                    for _ in range(VARIANTS)
                ]
                for index, sprites in enumerate(drawings)
            ]

    def cut(self, owner: int, image: Image.Image, colour: np.ndarray, low: float, high: float) -> Cutout:
        mirrored, angle = bool(self.rng.random() < 0.5), self.rng.uniform(-12, 12)
        image = posed(image, mirrored, angle, self.rng.uniform(low, high))
        values = np.asarray(image, np.float32)
        covered = values[..., 3:] / 255
        return Cutout(owner, values[..., :3] * covered, covered, colour)

    def one(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels [128, 128, 3] and what the patches show [64]."""
        rng = self.rng
        rows = ground(rng, list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))], SIDE)
        base = rows.mean(0)
        picture = np.repeat(rows.astype(np.float32)[:, None], SIDE, 1)
        owners = np.zeros((SIDE, SIDE), np.uint8)
        cells = int(rng.choice([1, 2, 3], p=[0.1, 0.4, 0.5]))
        cell = SIDE / cells
        shift = rng.uniform(-10, 10, 2)
        for place in range(cells * cells):
            choices = self.cutouts[cells][rng.integers(len(CONCEPTS))]
            cutout = choices[rng.integers(len(choices))]
            if rng.random() < 0.1 or np.linalg.norm(cutout.colour - base) < 40:
                continue
            height, width = cutout.covered.shape[:2]
            middle = (np.array(divmod(place, cells)) + 0.5) * cell + shift + rng.uniform(-5, 5, 2)
            top, left = (
                int(np.clip(at - side / 2, 0, SIDE - side)) for at, side in zip(middle, (height, width), strict=True)
            )
            part = np.s_[top : top + height, left : left + width]
            picture[part] = picture[part] * (1 - cutout.covered) + cutout.colours
            owners[part][cutout.covered[..., 0] > 0.5] = cutout.owner
        return np.clip(picture, 0, 255).astype(np.uint8), shown_by_patches(owners, SIDE // PATCHES, 2)

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        pixels, patches = zip(*(self.one() for _ in range(count)), strict=True)
        return np.stack(pixels), np.stack(patches)
