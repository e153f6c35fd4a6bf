"""What transformers says of the embedded model's example scenes, scores and captions: fixtures/goldens/picture-book.json.

Run: python embedded_goldens.py
"""

import json
from pathlib import Path

import torch
import transformers
from PIL import Image
from transformers import BertTokenizer, BlipForConditionalGeneration, BlipForImageTextRetrieval
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "examples/scenes"
FOLDER = ROOT / "packages/blip/models/picture-book"

# transformers' own defaults, and BLIP's beams and prompt.
SEARCHES = ({"prompt": None}, {"prompt": "a picture of ", "num_beams": 3, "max_length": 20, "min_length": 5})


def captions(scenes: list[dict], tokenizer: BertTokenizer, processor: BlipImageProcessorPil) -> list[dict]:
    model = BlipForConditionalGeneration.from_pretrained(FOLDER).eval()
    rows = []
    for scene in scenes:
        pixels = processor(Image.open(SCENES / scene["image"]), return_tensors="pt").pixel_values
        for search in SEARCHES:
            options = {name: value for name, value in search.items() if name != "prompt"}
            if search["prompt"] is not None:
                options["input_ids"] = tokenizer([search["prompt"]], return_tensors="pt").input_ids
            with torch.no_grad():
                tokens = model.generate(pixel_values=pixels, **options)[0]
            # The first token is [DEC], which the released models' vocabularies lack.
            caption = tokenizer.decode(tokens[1:], skip_special_tokens=True)
            rows.append({"image": scene["image"], **search, "tokens": tokens.tolist(), "caption": caption})
    return rows


def main() -> None:
    model = BlipForImageTextRetrieval.from_pretrained(FOLDER).eval()
    tokenizer = BertTokenizer.from_pretrained(FOLDER)
    processor = BlipImageProcessorPil.from_pretrained(FOLDER)
    scenes = json.loads((SCENES / "scenes.json").read_text())
    rows = []
    with torch.no_grad():
        for scene in scenes:
            pixels = processor(Image.open(SCENES / scene["image"]), return_tensors="pt").pixel_values
            for kind in ("true", "false"):
                encoded = tokenizer([scene[kind]], return_tensors="pt")
                inputs = dict(
                    pixel_values=pixels, input_ids=encoded.input_ids, attention_mask=encoded.attention_mask
                )
                logits = model(**inputs).itm_score[0]
                rows.append(
                    {
                        "image": scene["image"],
                        "kind": kind,
                        "text": scene[kind],
                        "logits": logits.tolist(),
                        "probability": logits.softmax(0)[1].item(),
                        "cosine": model(**inputs, use_itm_head=False).itm_score[0, 0].item(),
                    }
                )
    golden = {
        "script": "oracle/hf/embedded_goldens.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "rows": rows,
        "captions": captions(scenes, tokenizer, processor),
    }
    (ROOT / "fixtures/goldens/picture-book.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
