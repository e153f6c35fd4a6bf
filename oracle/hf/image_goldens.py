"""Pictures, ordinary and awkward, with what Pillow and transformers' PIL processor make of them.

Writes fixtures/images/ (inputs), fixtures/goldens/images.json and fixtures/goldens/resize.json.
Run: python image_goldens.py
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import skimage
import transformers
from PIL import Image, ImageCms, __version__ as pillow_version
from transformers.image_transforms import convert_to_rgb
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "fixtures/images"


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def noise(height: int, width: int, channels: int, seed: int) -> np.ndarray:
    """Smooth colours with some grain: what a codec keeps and what it loses."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (5 + c) + c) + np.cos(y / (7 + c)) for c in range(channels)]
    image = np.stack(waves, -1) * 55 + 128 + rng.normal(0, 8, (height, width, channels))
    return image.clip(0, 255).astype(np.uint8)


def other_profile() -> bytes:
    """An RGB profile that is not sRGB: Pillow can make sRGB alone, so the colorants of red and green change places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = int.from_bytes(data[128:132], "big")
    entries = {}
    for index in range(tags):
        start = 132 + 12 * index
        name = bytes(data[start : start + 4]).decode()
        entries[name] = int.from_bytes(data[start + 4 : start + 8], "big")
    red, green = entries["rXYZ"], entries["gXYZ"]
    for offset in range(8, 20):
        data[red + offset], data[green + offset] = data[green + offset], data[red + offset]
    return bytes(data)


def make_inputs() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    data = Path(skimage.__file__).parent / "data"
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        Image.open(data / name).convert("RGB").save(OUT / name.replace(".png", ".jpg"), quality=90)
    shutil.copy(data / "rocket.jpg", OUT / "rocket.jpg")

    rgb = Image.fromarray(noise(37, 53, 3, 1))
    rgba = Image.fromarray(noise(40, 30, 4, 2), "RGBA")
    grey = Image.fromarray(noise(33, 21, 1, 3)[:, :, 0])
    Image.fromarray(np.array([[[200, 30, 90]]], np.uint8)).save(OUT / "one-pixel.png")
    Image.fromarray(noise(2000, 3, 3, 4)).save(OUT / "thin-3x2000.png")
    rgba.save(OUT / "rgba.png")
    grey.save(OUT / "grey.png")
    Image.merge("LA", (grey, Image.fromarray(noise(33, 21, 1, 5)[:, :, 0]))).save(OUT / "grey-alpha.png")
    grey.save(OUT / "grey-trns.png", transparency=int(np.asarray(grey)[0, 0]))
    rgb.save(OUT / "rgb-trns.png", transparency=rgb.getpixel((0, 0)))
    palette = rgb.quantize(16)
    palette.save(OUT / "palette.png")
    palette.save(OUT / "palette-trns.png", transparency=bytes([0, 128, 255, 30] + [255] * 12))
    rgb.convert("1").save(OUT / "one-bit.png")
    wide = (np.arange(20 * 24, dtype=np.uint32).reshape(20, 24) * 137 % 65536).astype(np.uint16)
    Image.fromarray(wide).save(OUT / "grey16.png")
    rgb.convert("CMYK").save(OUT / "cmyk.jpg", quality=92)
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save(OUT / "exif-rotated.jpg", quality=92, exif=exif)
    rgb.save(OUT / "other-profile.jpg", quality=92, icc_profile=other_profile())
    rgb.save(OUT / "progressive.jpg", quality=85, progressive=True)
    rgb.save(OUT / "odd-420.jpg", quality=75, subsampling="4:2:0")
    rgb.save(OUT / "odd-422.jpg", quality=75, subsampling="4:2:2")
    rgb.save(OUT / "odd-444.jpg", quality=75, subsampling="4:4:4")
    grey.save(OUT / "grey.jpg", quality=85)
    rgb.save(OUT / "lossy.webp", quality=80)
    rgba.save(OUT / "alpha.webp", lossless=True)
    frames = [Image.fromarray(noise(20, 24, 3, seed)).quantize(32) for seed in (8, 9)]
    frames[0].save(OUT / "animated.gif", save_all=True, append_images=frames[1:], duration=100)
    palette.save(OUT / "transparent.gif", transparency=3)
    rgb.save(OUT / "lossy.avif", quality=80)
    rgb.save(OUT / "plain.tiff")
    whole = (OUT / "progressive.jpg").read_bytes()
    (OUT / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (OUT / "text.jpg").write_text("This is a text, whatever its name says.\n")


def describe(path: Path) -> dict:
    with Image.open(path) as image:
        row = {"file": path.name, "mode": image.mode, "width": image.width, "height": image.height}
        conversions = {"hf": np.asarray(convert_to_rgb(image, return_numpy=True)), "blip": np.asarray(image.convert("RGB"))}
    for name, array in conversions.items():
        picture = Image.fromarray(array)
        resized = {
            str(side): sha(np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))) for side in (32, 128, 384)
        }
        row[name] = {"rgb": sha(array), "first": array.reshape(-1)[:12].tolist(), "resized": resized}
    processor = BlipImageProcessorPil()
    with Image.open(path) as image:
        values = np.asarray(processor(image, return_tensors="np").pixel_values[0], np.float32)
    row["hf"]["pixelValues384"] = sha(values.astype("<f4"))
    row["hf"]["pixelValuesFirst"] = [float(value) for value in values.reshape(-1)[:4]]
    return row


def generated(width: int, height: int, seed: int, extreme: bool) -> np.ndarray:
    """x = (x * 1664525 + 1013904223) mod 2^32, a byte is x >> 24; `extreme` makes it 0 or 255 at 128."""
    state, values = seed, np.empty(width * height * 3, np.uint8)
    for index in range(values.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[index] = state >> 24
    if extreme:
        values = np.where(values >= 128, 255, 0).astype(np.uint8)
    return values.reshape(height, width, 3)


SIZES = [
    (1, 1, 7, 5, False), (5, 3, 5, 9, False), (5, 3, 9, 3, False), (100, 1, 3, 3, False), (37, 53, 16, 16, False),
    (8, 8, 8, 8, False), (640, 480, 384, 384, False), (3, 2000, 384, 384, False), (1000, 700, 32, 32, False),
    (2, 2, 384, 384, False), (383, 385, 384, 384, False), (33, 17, 128, 64, False), (31, 29, 64, 11, True),
    (64, 64, 17, 90, True),
]  # fmt: skip


def resize_cases() -> list[dict]:
    rows = []
    for index, (width, height, to_width, to_height, extreme) in enumerate(SIZES):
        image = Image.fromarray(generated(width, height, index + 1, extreme))
        out = np.asarray(image.resize((to_width, to_height), Image.Resampling.BICUBIC))
        rows.append(
            {
                "from": [width, height],
                "to": [to_width, to_height],
                "seed": index + 1,
                "extreme": extreme,
                "sha256": sha(out),
            }
        )
    return rows


def main() -> None:
    make_inputs()
    files = sorted(path for path in OUT.iterdir() if path.name not in ("truncated.jpg", "text.jpg"))
    versions = {"pillow": pillow_version, "transformers": transformers.__version__, "numpy": np.__version__}
    about = {"script": "oracle/hf/image_goldens.py", "versions": versions}
    for name, rows in (("images", [describe(path) for path in files]), ("resize", resize_cases())):
        lines = ",\n  ".join(json.dumps(row) for row in rows)
        text = f'{{\n "about": {json.dumps(about)},\n "rows": [\n  {lines}\n ]\n}}\n'
        (ROOT / f"fixtures/goldens/{name}.json").write_text(text)
    (OUT / "README.md").write_text(README)


README = """# Pictures for tests

`astronaut.jpg` (NASA), `rocket.jpg` (SpaceX), `chelsea.jpg` (Stefan van der Walt) and `coffee.jpg` (Rachel Michetti) are
scikit-image's example photographs, public domain or CC0 by its data/README; three are encoded anew as JPEG.
The rest is made by `oracle/hf/image_goldens.py`, which also writes what Pillow and transformers make of each.
"""

if __name__ == "__main__":
    main()
