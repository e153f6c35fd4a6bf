"""What transformers makes of a model's image settings, in each of the files that say them: fixtures/goldens/processor-config.json.

Run after tiny_checkpoints.py and image_goldens.py: python processor_goldens.py
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import BertTokenizer, BlipForImageTextRetrieval, BlipProcessor
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
MATCH = ROOT / "fixtures/tiny/match"
IMAGE = "fixtures/images/chelsea.jpg"
TEXT = "two red cars"
HALVES = [0.5, 0.5, 0.5]


def saved_by_transformers() -> tuple[list[str], dict]:
    """The files that `BlipProcessor.save_pretrained` writes, and the settings among them."""
    images = BlipImageProcessorPil(size={"height": 32, "width": 32}, image_mean=HALVES, image_std=HALVES)
    tokenizer = BertTokenizer(vocab=str(MATCH / "vocab.txt"), do_lower_case=True)
    with tempfile.TemporaryDirectory() as folder:
        BlipProcessor(images, tokenizer).save_pretrained(folder)
        names = sorted(path.name for path in Path(folder).iterdir())
        return names, json.loads((Path(folder) / "processor_config.json").read_text())


def main() -> None:
    written, processor = saved_by_transformers()
    old = json.loads((MATCH / "preprocessor_config.json").read_text())
    other = {"num_query_tokens": 32, "processor_class": "BlipProcessor"}
    partial = {"image_processor": {"image_mean": HALVES, "size": {"height": 32, "width": 32}}}
    cases = {
        "processor_config.json alone": (processor, None),
        "both, which say different things": (processor, old),
        "a processor_config.json of other things": (other, old),
        "an image_processor that is null": ({**other, "image_processor": None}, old),
        "an image_processor that says a part": (partial, {**old, "image_std": HALVES}),
        "settings beside image_processor": ({**partial, "image_mean": [0, 0, 0]}, None),
        "preprocessor_config.json alone": (None, old),
    }
    model = BlipForImageTextRetrieval.from_pretrained(MATCH).eval()
    picture = Image.open(ROOT / IMAGE)
    rows = []
    for name, contents in cases.items():
        files = dict(zip(("processor_config.json", "preprocessor_config.json"), contents, strict=True))
        with tempfile.TemporaryDirectory() as folder:
            for file in ("config.json", "vocab.txt"):
                shutil.copy(MATCH / file, folder)
            for file, content in files.items():
                if content is not None:
                    (Path(folder) / file).write_text(json.dumps(content))
            images = BlipImageProcessorPil.from_pretrained(folder)
            tokens = BertTokenizer(vocab=str(MATCH / "vocab.txt"), do_lower_case=True)([TEXT], return_tensors="pt")
            pixels = torch.from_numpy(np.stack(images(picture, return_tensors="np").pixel_values))
            with torch.no_grad():
                logits = model(
                    pixel_values=pixels, input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
                ).itm_score
            rows.append(
                {
                    "name": name,
                    "files": {file: content for file, content in files.items() if content is not None},
                    "pixelValues": hashlib.sha256(pixels.numpy().astype(np.float32).tobytes()).hexdigest(),
                    "pixelValuesFirst": pixels.flatten()[:4].tolist(),
                    "logits": logits[0].tolist(),
                }
            )
    about = {
        "script": "oracle/hf/processor_goldens.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "model": "fixtures/tiny/match",
        "image": IMAGE,
        "text": TEXT,
        "written": written,
    }
    out = ROOT / "fixtures/goldens/processor-config.json"
    out.write_text(json.dumps({"about": about, "cases": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
