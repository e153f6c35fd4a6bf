"""Small Parquet files, webdataset shards and folders of images, and what Python reads from them.

Parquet: as `datasets` pushes to the Hub (image column of {bytes, path}), and pyarrow's codecs, encodings, page
versions and row groups. Shards: as img2dataset lays them out, written by webdataset.
"""
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset as wds
from PIL import Image

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "datasets"
CAPTIONS = [
    ["a red square", "a square that is red"],
    ["a green square", "grünes Quadrat"],
    ["a blue square", "un carré bleu", "a third text, \"quoted\""],
    ["a grey square"],
]


def image_bytes(index: int, kind: str = "PNG") -> bytes:
    pixels = np.zeros((2, 2, 3), np.uint8)
    if index < 3:
        pixels[..., index] = 255
    else:
        pixels[...] = 128
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def write_images() -> None:
    folder = OUT / "images"
    folder.mkdir()
    for index in range(4):
        (folder / f"{index}.png").write_bytes(image_bytes(index))


def write_folder() -> None:
    folder = OUT / "folder"
    (folder / "sub").mkdir(parents=True)
    for index, captions in enumerate(CAPTIONS):
        stem = folder / ("sub" if index == 3 else "") / f"{index}"
        stem.with_suffix(".png").write_bytes(image_bytes(index))
        stem.with_suffix(".caption" if index == 1 else ".txt").write_text("\n".join(captions) + "\n", "utf-8")


def write_frames() -> None:
    for clip, count in (("video7020", 11), ("video7021", 2)):
        folder = OUT / "frames" / clip
        folder.mkdir(parents=True)
        for index in range(count):
            (folder / f"frame_{index}.png").write_bytes(image_bytes(index % 4))


def image_column() -> pa.Array:
    rows = [{"bytes": image_bytes(index), "path": f"{index}.png"} for index in range(4)]
    return pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def caption_table() -> pa.Table:
    return pa.table(
        {
            "image": image_column(),
            "caption": pa.array(CAPTIONS, pa.list_(pa.string())),
            "image_id": pa.array([391895, 522418, None, 2**40], pa.int64()),
            "weight": pa.array([0.5, None, 1.5, 2.5], pa.float32()),
        }
    )


def write_parquet() -> None:
    folder = OUT / "parquet"
    folder.mkdir()
    table = caption_table()
    for codec in ("none", "snappy", "gzip", "zstd", "brotli", "lz4"):
        pq.write_table(table, folder / f"{codec}.parquet", compression=codec, row_group_size=3)
    pq.write_table(table, folder / "v2-pages.parquet", data_page_version="2.0", compression="zstd")
    pq.write_table(table, folder / "plain.parquet", use_dictionary=False)
    pq.write_table(
        table.select(["image", "image_id"]).append_column("caption", pa.array(["aa", "ab", "abc", "abd"])),
        folder / "delta.parquet",
        use_dictionary=False,
        column_encoding={"caption": "DELTA_BYTE_ARRAY", "image_id": "DELTA_BINARY_PACKED"},
    )
    repeated = table.slice(0, 1).select(["image"]).append_column("caption", pa.array(["word " * 40_000]))
    pq.write_table(repeated, folder / "compressible.parquet", compression="zstd", use_dictionary=False,
                   write_statistics=False)
    pq.write_table(
        pa.table({"jpg": [image_bytes(index, "JPEG") for index in range(4)], "url": ["http://localhost/x.jpg"] * 4,
                  "caption": [texts[0] for texts in CAPTIONS], "key": [f"{index:09d}" for index in range(4)]}),
        folder / "img2dataset.parquet",
        row_group_size=100,
    )


def write_hub() -> None:
    """A repository as `Dataset.push_to_hub` leaves it: two splits of VQA rows."""
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "question": datasets.Value("string"),
            "question_id": datasets.Value("int64"),
            "answers": [{"answer": datasets.Value("string"), "answer_confidence": datasets.Value("string"),
                         "answer_id": datasets.Value("int64")}],
            "answer_type": datasets.Value("string"),
            "question_type": datasets.Value("string"),
        }
    )
    for split, indices in (("train", (0, 1)), ("test", (2, 3))):
        rows = {
            "image": [{"bytes": image_bytes(index), "path": f"{index}.png"} for index in indices],
            "question": [f"what color is square {index}?" for index in indices],
            "question_id": [1000 + index for index in indices],
            "answers": [
                [{"answer": answer, "answer_confidence": "yes", "answer_id": place + 1}
                 for place, answer in enumerate(["red"] * 7 + ["crimson"] * 2 + [""])]
                for _ in indices
            ],
            "answer_type": ["other" for _ in indices],
            "question_type": ["what color is" for _ in indices],
        }
        path = OUT / "parquet" / "hub" / "data" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features=features).to_parquet(str(path))


def write_winoground() -> None:
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    column = lambda index: pa.array([{"bytes": image_bytes(index), "path": f"ex_0_img_{index}.png"}], struct)
    pq.write_table(
        pa.table(
            {
                "id": pa.array([0], pa.int32()),
                "image_0": column(0),
                "image_1": column(1),
                "caption_0": ["a square beside a circle"],
                "caption_1": ["a circle beside a square"],
                "tag": ["Noun"],
                "secondary_tag": [""],
                "num_main_preds": pa.array([1], pa.int32()),
                "collapsed_tag": ["Object"],
            }
        ),
        OUT / "parquet" / "winoground.parquet",
    )


def shard_samples() -> list[dict]:
    samples = []
    for index, captions in enumerate(CAPTIONS):
        meta = {"url": f"http://localhost/{index}.jpg", "caption": captions[0], "key": f"{index:09d}",
                "status": "success", "error_message": None, "width": 2, "height": 2, "original_width": 2,
                "original_height": 2, "sha256": hashlib.sha256(image_bytes(index, "JPEG")).hexdigest()}
        samples.append({"__key__": f"{index:09d}", "jpg": image_bytes(index, "JPEG"), "txt": captions[0],
                        "json": json.dumps(meta, indent=4).encode()})
    return samples


def write_shards() -> None:
    folder = OUT / "shards"
    folder.mkdir()
    samples = shard_samples()
    for name, part in (("00000.tar", samples[:2]), ("00001.tar", samples[2:])):
        with wds.TarWriter(str(folder / name), mtime=0) as sink:
            for sample in part:
                sink.write(sample)
        stem = name.removesuffix(".tar")
        table = pa.Table.from_pylist([json.loads(sample["json"]) for sample in part])
        pq.write_table(table, folder / f"{stem}.parquet", row_group_size=100)
        stats = {"count": len(part), "successes": len(part), "failed_to_download": 0, "failed_to_resize": 0}
        (folder / f"{stem}_stats.json").write_text(json.dumps(stats))
    odd = OUT / "odd.tar"
    with tarfile.open(odd, "w", format=tarfile.PAX_FORMAT) as archive:
        def add(name: str, data: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        folder_info = tarfile.TarInfo("deep")
        folder_info.type = tarfile.DIRTYPE
        archive.addfile(folder_info)
        add("README", b"no dot")
        add("deep/" + "long" * 40 + "/a.PNG", image_bytes(0))
        add("deep/" + "long" * 40 + "/a.txt", "ünïcode".encode())
        add("deep/" + "long" * 40 + "/a.cls", b"3")
        add("__meta__.json", b"{}")
        add("b.left.png", image_bytes(1))
        add("b.png", image_bytes(2))
        add("b.txt", b"two images")


def described(value):
    if isinstance(value, str) and len(value) > 1000:
        return {"characters": len(value), "sha256": sha(value.encode())}
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": sha(value)}
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, list):
        return [described(item) for item in value]
    return value


def golden() -> None:
    parquet = {}
    for path in sorted((OUT / "parquet").rglob("*.parquet")):
        parquet[str(path.relative_to(OUT))] = described(pq.read_table(path).to_pylist())
    shards = {}
    for path in sorted(OUT.rglob("*.tar")):
        rows = [{key: value for key, value in sample.items() if not key.startswith("__") or key == "__key__"}
                for sample in wds.WebDataset(str(path), shardshuffle=False)]
        shards[str(path.relative_to(OUT))] = described(rows)
    hub = datasets.load_dataset("parquet", data_dir=str(OUT / "parquet" / "hub" / "data"), split="train")
    answers = [row["question"] for row in hub]
    text = json.dumps({"parquet": parquet, "shards": shards, "hubTrain": answers}, indent=1, ensure_ascii=False)
    (OUT / "golden.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    for name in ("images", "parquet", "shards", "folder", "frames"):
        shutil.rmtree(OUT / name, ignore_errors=True)
    write_images()
    write_folder()
    write_frames()
    write_parquet()
    write_hub()
    write_winoground()
    write_shards()
    golden()
