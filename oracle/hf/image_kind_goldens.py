"""Kinds of image files, small, with what two generations of Pillow make of each.

Writes fixtures/images/kinds/ and fixtures/goldens/image-kinds.json. Run it with Pillow 13 first, then with Pillow 10.4:
  python image_kind_goldens.py make && python image_kind_goldens.py describe
  python3.11 -m venv /tmp/pillow10 && /tmp/pillow10/bin/pip install pillow==10.4.0 numpy
  /tmp/pillow10/bin/python image_kind_goldens.py describe
"""

import hashlib
import io
import json
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, __version__ as pillow_version

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "fixtures/images/kinds"
GOLDENS = ROOT / "fixtures/goldens/image-kinds.json"
WIDTH, HEIGHT = 21, 13


def pattern(channels: int, dtype=np.uint8, top: int = 255) -> np.ndarray:
    """Every channel another slope, so that swapped channels, rows and columns show."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [(x * (7 + 3 * c) + y * (11 + 5 * c) + 40 * c) % (top + 1) for c in range(channels)]
    return np.stack(planes, -1).astype(dtype)


# TIFF, written here: Pillow writes few of the kinds that it reads.
SHORT, LONG = 3, 4


def tiff(name: str, strips: list[bytes], tags: dict[int, list[int]], order: str = "<", big: bool = False) -> None:
    """One directory; `tags` are SHORT but for sizes and offsets."""
    head = 16 if big else 8
    offsets, at, body = [], head, b""
    for strip in strips:
        offsets.append(at)
        body += strip + b"\0" * (len(strip) % 2)
        at = head + len(body)
    entries = dict(tags)
    entries[256], entries[257] = tags.get(256, [WIDTH]), tags.get(257, [HEIGHT])
    where, sizes = (324, 325) if 322 in tags else (273, 279)
    entries[where], entries[sizes] = offsets, [len(strip) for strip in strips]
    long = {256, 257, 273, 279, 278, 322, 323, 324, 325}
    count_format, entry_size, offset_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    inline = 8 if big else 4
    directory = head + len(body)
    extra_at = directory + struct.calcsize(order + count_format) + len(entries) * entry_size + (8 if big else 4)
    table, extra = struct.pack(order + count_format, len(entries)), b""
    for tag in sorted(entries):
        kind = LONG if tag in long else SHORT
        values = struct.pack(order + ("I" if kind == LONG else "H") * len(entries[tag]), *entries[tag])
        table += struct.pack(order + "HH" + offset_format, tag, kind, len(entries[tag]))
        if len(values) <= inline:
            table += values.ljust(inline, b"\0")
        else:
            table += struct.pack(order + offset_format, extra_at + len(extra))
            extra += values + b"\0" * (len(values) % 2)
    table += struct.pack(order + offset_format, 0)
    mark = b"II" if order == "<" else b"MM"
    header = mark + (struct.pack(order + "HHHQ", 43, 8, 0, directory) if big else struct.pack(order + "HI", 42, directory))
    (OUT / name).write_bytes(header + body + table + extra)


def plain(name: str, array: np.ndarray, photometric: int, *, order: str = "<", big: bool = False, **more) -> None:
    """Uncompressed, one strip, samples of a pixel together."""
    channels = array.shape[2]
    bits = array.dtype.itemsize * 8
    formats = {"u": 1, "i": 2, "f": 3}
    tags = {258: [bits] * channels, 259: [1], 262: [photometric], 277: [channels], 278: [HEIGHT], 284: [1]}
    if array.dtype.kind != "u":
        tags[339] = [formats[array.dtype.kind]] * channels
    tags.update({int(tag[1:]): values for tag, values in more.items()})
    tiff(name, [array.astype(array.dtype.newbyteorder(order)).tobytes()], tags, order, big)


def packed(array: np.ndarray, bits: int) -> bytes:
    """Samples of few bits, rows to whole bytes."""
    rows = []
    for row in array.reshape(HEIGHT, -1):
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        rows.append(int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big"))
    return b"".join(rows)


def few_bits(name: str, bits: int, photometric: int, **more) -> None:
    tags = {258: [bits], 259: [1], 262: [photometric], 277: [1], 278: [HEIGHT], 284: [1]}
    tags.update({int(tag[1:]): values for tag, values in more.items()})
    tiff(name, [packed(pattern(1, top=2**bits - 1), bits)], tags)


def palette_of(bits: int) -> list[int]:
    """Red, green and blue of all colours, 16 bits each."""
    count = 2**bits
    ramp = [int(65535 * index / max(1, count - 1)) for index in range(count)]
    return ramp + ramp[::-1] + [(value * 3) % 65536 for value in ramp]


def make_tiffs() -> None:
    grey, rgb, rgba, wide = pattern(1), pattern(3), pattern(4), pattern(1, np.uint16, 65535)
    image, bilevel = Image.fromarray(rgb), Image.fromarray(grey[:, :, 0]).convert("1")
    for bits in (1, 2, 4):
        few_bits(f"tiff-grey{bits}.tif", bits, 1)
        few_bits(f"tiff-white-is-zero{bits}.tif", bits, 0)
    for bits in (1, 2, 4, 8):
        few_bits(f"tiff-palette{bits}.tif", bits, 3, _320=palette_of(bits))
    plain("tiff-grey8.tif", grey, 1)
    plain("tiff-white-is-zero8.tif", grey, 0)
    plain("tiff-grey16.tif", wide, 1)
    plain("tiff-grey16-mm.tif", wide, 1, order=">")
    plain("tiff-white-is-zero16.tif", wide, 0)
    plain("tiff-grey32.tif", pattern(1, np.uint32, 65535), 1)
    plain("tiff-int8.tif", (grey.astype(int) - 128).astype(np.int8), 1)
    plain("tiff-int16.tif", (wide.astype(int) - 32768).astype(np.int16), 1)
    plain("tiff-int32.tif", pattern(1, np.int32, 255), 1)
    plain("tiff-float32.tif", grey.astype(np.float32) / 255, 1)
    plain("tiff-float64.tif", grey.astype(np.float64) / 255, 1)
    plain("tiff-float32-rgb.tif", rgb.astype(np.float32) / 255, 2)
    for extra in (0, 1, 2):
        plain(f"tiff-grey-extra{extra}.tif", pattern(2), 1, _338=[extra])
        plain(f"tiff-rgb-extra{extra}.tif", rgba, 2, _338=[extra])
        plain(f"tiff-rgb16-extra{extra}.tif", pattern(4, np.uint16, 65535), 2, _338=[extra])
    plain("tiff-rgb-4-unsaid.tif", rgba, 2)
    plain("tiff-grey-2-unsaid.tif", pattern(2), 1)
    plain("tiff-5-samples.tif", pattern(5), 2, _338=[0, 0])
    plain("tiff-rgb8.tif", rgb, 2)
    plain("tiff-rgb8-mm.tif", rgb, 2, order=">")
    plain("tiff-rgb8-big.tif", rgb, 2, big=True)
    plain("tiff-rgb16.tif", pattern(3, np.uint16, 65535), 2)
    plain("tiff-cmyk.tif", rgba, 5)
    plain("tiff-ycbcr.tif", rgb, 6, _530=[1, 1])
    plain("tiff-lab.tif", rgb, 8)
    for orientation in range(2, 9):
        plain(f"tiff-o{orientation}.tif", rgb, 2, _274=[orientation])
    planes = [rgb[:, :, channel].tobytes() for channel in range(3)]
    base = {258: [8] * 3, 259: [1], 262: [2], 277: [3], 278: [HEIGHT]}
    tiff("tiff-planes.tif", planes, {**base, 284: [2]})
    deflated = [zlib.compress(rgb.tobytes())]
    tiff("tiff-deflate.tif", deflated, {**base, 259: [8], 284: [1]})
    tiff("tiff-deflate-old.tif", deflated, {**base, 259: [32946], 284: [1]})
    steps = np.diff(rgb.astype(int), axis=1, prepend=0).astype(np.uint8)
    tiff("tiff-predictor.tif", [zlib.compress(steps.tobytes())], {**base, 259: [8], 284: [1], 317: [2]})
    strips = [rgb[row : row + 4].tobytes() for row in range(0, HEIGHT, 4)]
    tiff("tiff-strips.tif", strips, {**base, 278: [4], 284: [1]})
    tiles = [np.zeros((16, 16, 3), np.uint8) for _ in range(2)]
    tiles[0][:HEIGHT], tiles[1][:HEIGHT, : WIDTH - 16] = rgb[:, :16], rgb[:, 16:]
    tiled = {tag: value for tag, value in base.items() if tag != 278}
    tiff("tiff-tiles.tif", [tile.tobytes() for tile in tiles], {**tiled, 284: [1], 322: [16], 323: [16]})
    few_bits("tiff-fill-order.tif", 1, 1, _266=[2])
    few_bits("tiff-fill-order4.tif", 4, 1, _266=[2])
    tiff("tiff-unknown-compression.tif", [rgb.tobytes()], {**base, 259: [65000], 284: [1]})
    tiff("tiff-no-photometric.tif", [grey.tobytes()], {258: [8], 259: [1], 277: [1], 278: [HEIGHT], 284: [1]})
    for compression in ("tiff_lzw", "packbits", "jpeg", "zstd", "lzma"):
        image.save(OUT / f"tiff-{compression.replace('tiff_', '')}.tif", compression=compression)
    Image.fromarray(grey[:, :, 0]).save(OUT / "tiff-jpeg-grey.tif", compression="jpeg")
    for compression in ("group3", "group4", "tiff_ccitt"):
        bilevel.save(OUT / f"tiff-{compression}.tif", compression=compression)
    image.save(OUT / "tiff-pages.tif", save_all=True, append_images=[ImageOps.invert(image)])


def png(name: str, rows: bytes, depth: int, colour_type: int, *chunks: tuple[bytes, bytes], interlaced=0) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour_type, 0, 0, interlaced)
    before = b"".join(chunk(*one) for one in chunks if one[0] not in (b"CgBI", b"late"))
    first = b"".join(chunk(*one) for one in chunks if one[0] == b"CgBI")
    late = b"".join(chunk(b"eXIf", data) for kind, data in chunks if kind == b"late")
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + late + chunk(b"IEND", b"")
    (OUT / name).write_bytes(b"\x89PNG\r\n\x1a\n" + first + body)


def unfiltered(array: np.ndarray, depth: int = 8) -> bytes:
    if depth < 8:
        whole = packed(array, depth)
        width = len(whole) // HEIGHT
        return b"".join(b"\0" + whole[row * width : (row + 1) * width] for row in range(HEIGHT))
    data = array.astype(">u2") if depth == 16 else array
    return b"".join(b"\0" + data[row].tobytes() for row in range(HEIGHT))


def exif(orientation: int, order: str = "<", kind: int = SHORT) -> bytes:
    value = struct.pack(order + ("HH" if kind == SHORT else "I"), *([orientation, 0] if kind == SHORT else [orientation]))
    entry = struct.pack(order + "HHI", 0x112, kind, 1) + value
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HIH", 42, 8, 1) + entry + struct.pack(order + "I", 0)


def make_pngs() -> None:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}
    for colour_type, count in channels.items():
        for depth in (8, 16):
            array = pattern(count, np.uint16, 65535) if depth == 16 else pattern(count)
            png(f"png-type{colour_type}-{depth}.png", unfiltered(array, depth), depth, colour_type)
    palette = bytes(pattern(3)[:, :, :].reshape(-1)[: 3 * 256].tolist() + [0] * 768)
    for depth in (1, 2, 4):
        rows = unfiltered(pattern(1, top=2**depth - 1), depth)
        png(f"png-type0-{depth}.png", rows, depth, 0)
        png(f"png-type3-{depth}.png", rows, depth, 3, (b"PLTE", palette[: 3 * 2**depth]))
    rows = unfiltered(pattern(1))
    png("png-type3-8.png", rows, 8, 3, (b"PLTE", palette[:768]))
    png("png-type3-alpha.png", rows, 8, 3, (b"PLTE", palette[:768]), (b"tRNS", bytes(range(256))))
    for orientation in range(1, 9):
        png(f"png-o{orientation}.png", unfiltered(pattern(3)), 8, 2, (b"eXIf", exif(orientation)))
    png("png-o6-mm.png", unfiltered(pattern(3)), 8, 2, (b"eXIf", exif(6, ">")))
    png("png-o6-late.png", unfiltered(pattern(3)), 8, 2, (b"late", exif(6)))
    png("png-o9.png", unfiltered(pattern(3)), 8, 2, (b"eXIf", exif(9)))
    png("png-o6-alpha.png", unfiltered(pattern(4)), 8, 6, (b"eXIf", exif(6)))
    png("png-cgbi.png", unfiltered(pattern(3)), 8, 2, (b"CgBI", b"\x50\x00\x20\x06"))


def denied(name: str, image: Image.Image, **more) -> None:
    """A WebP with alpha whose VP8X chunk announces none."""
    file = io.BytesIO()
    image.save(file, "WEBP", **more)
    chunks = file.getvalue()[12:]
    if chunks[:4] == b"VP8X":
        chunks = chunks[18:]
    sizes = struct.pack("<I", WIDTH - 1)[:3] + struct.pack("<I", HEIGHT - 1)[:3]
    body = b"WEBP" + b"VP8X" + struct.pack("<II", 10, 0) + sizes + chunks
    (OUT / name).write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)



def make_others() -> None:
    image, rgba = Image.fromarray(pattern(3)), Image.fromarray(pattern(4))
    for orientation in range(1, 9):
        block = b"Exif\0\0" + exif(orientation, ">")
        image.save(OUT / f"webp-o{orientation}.webp", lossless=True, exif=block)
        image.save(OUT / f"jpeg-o{orientation}.jpg", quality=90, subsampling=0, exif=block)
    image.save(OUT / "webp-o6-bare.webp", lossless=True, exif=exif(6))
    rgba.save(OUT / "webp-alpha-lossy.webp", quality=80)
    denied("webp-alpha-denied.webp", rgba, lossless=True)
    denied("webp-denied-lossy.webp", rgba, quality=80)
    image.save(OUT / "webp-pages.webp", save_all=True, append_images=[ImageOps.invert(image)], duration=100, lossless=True)
    image.save(OUT / "jpeg-411.jpg", quality=80, subsampling="4:1:1")
    image.convert("L").save(OUT / "jpeg-grey.jpg", quality=80)
    image.save(OUT / "jpeg-rgb.jpg", quality=80, keep_rgb=True)
    image.convert("CMYK").save(OUT / "jpeg-cmyk.jpg", quality=80)
    image.save(OUT / "jpeg-progressive.jpg", quality=80, progressive=True)
    image.save(OUT / "avif-still.avif", quality=90)
    image.save(OUT / "avif-444.avif", quality=100, subsampling="4:4:4")
    image.save(OUT / "avif-sequence.avif", save_all=True, append_images=[ImageOps.invert(image)])


def make() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    make_tiffs()
    make_pngs()
    make_others()


def sha(image: Image.Image) -> str:
    return hashlib.sha256(np.ascontiguousarray(np.asarray(image)).tobytes()).hexdigest()


def over_white(image: Image.Image) -> Image.Image:
    """transformers 5.23's convert_to_rgb."""
    if "A" not in image.getbands() and image.info.get("transparency") is None:
        return image.convert("RGB")
    image = image.convert("RGBA")
    background = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(background, image).convert("RGB")


def describe(path: Path) -> dict:
    """Under hf: over white, as stored. Under blip: alpha dropped, upright. Or what Pillow says of it."""
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            stored = over_white(image)
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:
        return {"error": type(error).__name__}
    row = {"size": stored.size, "hf": sha(stored), "blip": sha(upright)}
    if path.suffix == ".avif":
        row["first"] = np.asarray(stored).reshape(-1)[:12].tolist()
    return row


def main() -> None:
    if "make" in sys.argv:
        make()
    if "describe" not in sys.argv:
        return
    about = {"script": "oracle/hf/image_kind_goldens.py"}
    known = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {"about": about, "pillow": {}}
    known["pillow"][pillow_version] = {path.name: describe(path) for path in sorted(OUT.iterdir())}
    lines = []
    for version, rows in sorted(known["pillow"].items()):
        body = ",\n   ".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        lines.append(f'  {json.dumps(version)}: {{\n   {body}\n  }}')
    GOLDENS.write_text(f'{{\n "about": {json.dumps(about)},\n "pillow": {{\n' + ",\n".join(lines) + "\n }\n}\n")


if __name__ == "__main__":
    main()
