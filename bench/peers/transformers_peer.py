"""transformers in one long-lived process: each model is loaded once, each order returns one sample.

    python transformers_peer.py --itm FOLDER --caption FOLDER --threads 2
"""

import argparse
import os
import platform
import site
import time
from functools import cache
from pathlib import Path

import torch
import transformers
from transformers import BlipForConditionalGeneration, BlipForImageTextRetrieval

import inputs
from line_json import serve

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FOLDERS: dict[str, str] = {}


@cache
def model(task: str, dtype: str):
    kind = BlipForImageTextRetrieval if task == "itm" else BlipForConditionalGeneration
    return kind.from_pretrained(FOLDERS[task], dtype=DTYPES[dtype]).eval()


def timed(work) -> dict:
    with torch.inference_mode():
        start = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - start
    return {"value": seconds, "outputs": [float(x) for x in result.flatten().tolist()]}


def state_shape(config) -> list[int]:
    return [(config.vision_config.image_size // config.vision_config.patch_size) ** 2 + 1, config.vision_config.hidden_size]


@cache
def pixels(task: str, dtype: str) -> torch.Tensor:
    size = model(task, dtype).config.vision_config.image_size
    return torch.from_numpy(inputs.numbers([1, 3, size, size], inputs.PIXEL_SCALE)).to(DTYPES[dtype])


@cache
def states(task: str, dtype: str, images: int) -> torch.Tensor:
    shape = state_shape(model(task, dtype).config)
    return torch.from_numpy(inputs.numbers([images, *shape], inputs.STATE_SCALE)).to(DTYPES[dtype])


@cache
def texts(count: int, vocab_size: int) -> torch.Tensor:
    return torch.from_numpy(inputs.ids(count, inputs.TEXT_TOKENS, vocab_size))


def image(dtype: str) -> dict:
    net, given = model("itm", dtype), pixels("itm", dtype)
    return timed(lambda: net.vision_model(pixel_values=given).last_hidden_state.flatten()[:8].float())


def match(kind: str, dtype: str, batch: int, pairs: int = inputs.PAIRS) -> dict:
    """The image is already encoded; `1x128` expands its states over the texts of a batch, as an expert would."""
    net = model("itm", dtype)
    one_image = kind == "1x128"
    seen = states("itm", dtype, 1 if one_image else inputs.PAIRS)
    read = texts(inputs.PAIRS if one_image else 1, net.config.text_config.vocab_size)

    def work() -> torch.Tensor:
        logits = []
        for start in range(0, pairs, batch):
            count = min(batch, pairs - start)
            some = seen.expand(count, -1, -1) if one_image else seen[start : start + count]
            ids = read[start : start + count] if one_image else read.expand(count, -1)
            hidden = net.text_encoder(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                encoder_hidden_states=some,
                encoder_attention_mask=torch.ones(some.shape[:2], dtype=torch.long),
            ).last_hidden_state
            logits.append(net.itm_head(hidden[:, 0]))
        return torch.cat(logits).float()

    return timed(work)


def best_batch(kind: str, dtype: str, sizes: list[int], pairs: int) -> dict:
    """The batch size with the least time per pair; each size is tried twice on some of the pairs."""
    found = {size: min(match(kind, dtype, size, pairs)["value"] for _ in range(2)) for size in sizes}
    return {"batch": min(found, key=found.get), "seconds": {str(size): value for size, value in found.items()}}


def caption(dtype: str, beams: int) -> dict:
    """As BlipForConditionalGeneration.generate calls its decoder; [SEP] is suppressed until the last token."""
    net, seen = model("caption", dtype), states("caption", dtype, 1)
    config = net.config.text_config
    length = inputs.CAPTION_TOKENS + 1
    return timed(
        lambda: net.text_decoder.generate(
            input_ids=torch.tensor([[config.bos_token_id]]),
            eos_token_id=config.sep_token_id,
            pad_token_id=config.pad_token_id,
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long),
            num_beams=beams,
            do_sample=False,
            min_length=length,
            max_length=length,
        )[0]
    )


def product() -> dict:
    """torch's best matrix product in GFLOP/s: the largest rate of a few shapes, each three times."""
    best = 0.0
    for rows, inner, columns in [(577, 768, 3072), (577, 3072, 768), (1024, 1024, 1024), (2048, 2048, 2048)]:
        a, b = torch.randn(rows, inner), torch.randn(columns, inner)
        for _ in range(3):
            with torch.inference_mode():
                start = time.perf_counter()
                torch.nn.functional.linear(a, b)
                best = max(best, 2 * rows * inner * columns / (time.perf_counter() - start) / 1e9)
    return {"value": best}


def install_size() -> dict:
    files = (Path(root) / name for place in site.getsitepackages() for root, _, names in os.walk(place) for name in names)
    return {"value": sum(file.stat().st_size for file in files if file.is_file())}


def versions() -> dict:
    return {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "python": platform.python_version()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--itm", required=True)
    parser.add_argument("--caption", required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    FOLDERS |= {"itm": given.itm, "caption": given.caption}
    torch.set_num_threads(given.threads)
    serve(
        image=image,
        match=match,
        best_batch=best_batch,
        caption=caption,
        product=product,
        install_size=install_size,
        versions=versions,
    )
