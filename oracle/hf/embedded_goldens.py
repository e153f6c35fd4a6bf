"""What transformers says of the embedded model's example scenes: scores, captions and, if it is a suite, answers.

Writes fixtures/goldens/picture-book.json, and by picture_book_forward.py picture-book-forward.json.
Run: python embedded_goldens.py
"""

import json
from pathlib import Path

import picture_book_forward
import torch
import transformers
from embedded_model import embedded, expect_floats, parts
from PIL import Image
from transformers import (
    BertTokenizer,
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipForQuestionAnswering,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "examples/scenes"

# transformers' own defaults, and BLIP's beams and prompt.
SEARCHES = ({"prompt": None}, {"prompt": "a picture of ", "num_beams": 3, "max_length": 20, "min_length": 5})


def captions(scenes: list[dict], tokenizer: BertTokenizer, processor: BlipImageProcessorPil) -> list[dict]:
    model = expect_floats(BlipForConditionalGeneration.from_pretrained(embedded("caption")))
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


def answers(scenes: list[dict], tokenizer: BertTokenizer, processor: BlipImageProcessorPil) -> list[dict]:
    """Greedy answers to the scenes' questions, by transformers' own defaults."""
    model = expect_floats(BlipForQuestionAnswering.from_pretrained(embedded("ask")))
    rows = []
    for scene in scenes:
        pixels = processor(Image.open(SCENES / scene["image"]), return_tensors="pt").pixel_values
        encoded = tokenizer([scene["question"]], return_tensors="pt")
        with torch.no_grad():
            tokens = model.generate(
                pixel_values=pixels, input_ids=encoded.input_ids, attention_mask=encoded.attention_mask
            )[0]
        answer = tokenizer.decode(tokens[1:], skip_special_tokens=True)
        rows.append({"image": scene["image"], "question": scene["question"], "tokens": tokens.tolist(), "answer": answer})
    return rows


def main() -> None:
    picture_book_forward.main()
    folder = embedded("match")
    model = expect_floats(BlipForImageTextRetrieval.from_pretrained(folder))
    tokenizer = BertTokenizer.from_pretrained(folder)
    processor = BlipImageProcessorPil.from_pretrained(folder)
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
    if "ask" in parts():
        golden["answers"] = answers(scenes, tokenizer, processor)
    (ROOT / "fixtures/goldens/picture-book.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
