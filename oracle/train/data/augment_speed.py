"""Images per second of BLIP's own preparation: Pillow, torchvision's crop and flip, RandomAugment on OpenCV, ToTensor, Normalize.

python augment_speed.py PATH/TO/BLIP FOLDER SIZE SECONDS: one process, one thread; prints images per second of processor time and of the clock.
torchvision's RandomResizedCrop and flip are Pillow's crop, resize and transpose, which are called here by themselves.
"""

import importlib.util
import json
import math
import random
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

AUGS = [
    "Identity", "AutoContrast", "Brightness", "Sharpness", "Equalize",
    "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate",
]  # fmt: skip
MEAN = np.array((0.48145466, 0.4578275, 0.40821073), np.float32)
STD = np.array((0.26862954, 0.26130258, 0.27577711), np.float32)


def crop_box(width: int, height: int):
    for _ in range(10):
        area = width * height * random.uniform(0.5, 1.0)
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, width - w), random.randint(0, height - h), w, h
    return 0, 0, width, height


def main(blip: str, folder: str, size: int, seconds: float) -> None:
    cv2.setNumThreads(1)
    spec = importlib.util.spec_from_file_location("randaugment", Path(blip) / "transform" / "randaugment.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    augment = reference.RandomAugment(2, 5, isPIL=True, augs=AUGS)
    files = sorted(Path(folder).glob("*.jpg"))
    done, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        picture = Image.open(files[done % len(files)]).convert("RGB")
        left, top, w, h = crop_box(*picture.size)
        picture = picture.crop((left, top, left + w, top + h)).resize((size, size), Image.BICUBIC)
        if random.random() < 0.5:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        pixels = np.asarray(augment(picture)).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        pixels = (pixels - MEAN[:, None, None]) / STD[:, None, None]
        assert pixels.shape == (3, size, size)
        done += 1
    rates = {"cpu": done / (time.process_time() - cpu), "clock": done / (time.perf_counter() - start)}
    print(json.dumps(rates))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
