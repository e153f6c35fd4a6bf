"""Writes fixtures/training/augment.json (README.md)."""

import hashlib
import importlib.util
import json
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps

from images import COUNT, image

OUT = Path(__file__).parents[2] / "fixtures" / "training" / "augment.json"
FILL = (128, 128, 128)
LEVELS = range(11)
SIGNED = {
    "ShearX": ("shear_x_func", 0.3),
    "ShearY": ("shear_y_func", 0.3),
    "TranslateX": ("translate_x_func", 10.0),
    "TranslateY": ("translate_y_func", 10.0),
    "Rotate": ("rotate_func", 30),
}
SIZE = 24


def digest(pixels) -> str:
    return hashlib.sha256(np.ascontiguousarray(np.asarray(pixels)).tobytes()).hexdigest()[:8]


def boxes(width: int, height: int):
    """left, top, width, height: parts that shrink, grow, keep a side, and the whole."""
    return [
        (0, 0, width, height),
        (1, 2, width - 5, height - 4),
        (width // 3, height // 4, 7, 11),
        (0, height - 12, 24, 12),
        (width // 2, 0, width - width // 2, height),
    ]


def main(blip: Path) -> None:
    # The reference takes the negative of an unsigned byte.
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location("randaugment", blip / "transform" / "randaugment.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    images = [image(number) for number in range(COUNT)]
    operations = {
        "AutoContrast blip": [digest(reference.autocontrast_func(one)) for one in images],
        "AutoContrast pillow": [digest(ImageOps.autocontrast(Image.fromarray(one))) for one in images],
        "Equalize": [digest(reference.equalize_func(one)) for one in images],
    }
    assert operations["Equalize"] == [digest(ImageOps.equalize(Image.fromarray(one))) for one in images]
    for level in LEVELS:
        (factor,) = reference.enhance_level_to_args(10)(level)
        operations[f"Brightness {level}"] = [digest(reference.brightness_func(one, factor)) for one in images]
        operations[f"Sharpness {level}"] = [digest(reference.sharpness_func(one, factor)) for one in images]
        for name, (function, most) in SIGNED.items():
            for sign, word in ((1, "+"), (-1, "-")):
                value = sign * (level / 10) * most
                found = [digest(getattr(reference, function)(one, value, FILL)) for one in images]
                operations[f"{name} {word}{level}"] = found
    noise = image(0, (384, 384))
    large = {
        f"{name} {word}5": digest(getattr(reference, function)(noise, sign * 0.5 * most, FILL))
        for name, (function, most) in SIGNED.items()
        for sign, word in ((1, "+"), (-1, "-"))
    }
    crops = []
    for one in images:
        picture = Image.fromarray(one)
        height, width = one.shape[:2]
        for left, top, w, h in boxes(width, height):
            part = picture.crop((left, top, left + w, top + h)).resize((SIZE, SIZE), Image.BICUBIC)
            crops.append(digest(part))
    flips = [digest(Image.fromarray(one).transpose(Image.FLIP_LEFT_RIGHT)) for one in images]
    made = {
        "versions": {"numpy": np.__version__, "opencv": cv2.__version__, "pillow": PIL.__version__},
        "images": [digest(one) for one in images],
        "operations": operations,
        "large": large,
        "cropSize": SIZE,
        "crops": crops,
        "flips": flips,
    }
    OUT.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
