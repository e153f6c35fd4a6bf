"""What transformers says of the embedded model's example scenes: fixtures/goldens/picture-book.json.

Run: python embedded_goldens.py
"""

import json
from pathlib import Path

import torch
import transformers
from PIL import Image
from transformers import BertTokenizer, BlipForImageTextRetrieval
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "examples/scenes"


def main() -> None:
    folder = ROOT / "packages/blip/models/picture-book"
    model = BlipForImageTextRetrieval.from_pretrained(folder).eval()
    tokenizer = BertTokenizer.from_pretrained(folder)
    processor = BlipImageProcessorPil.from_pretrained(folder)
    rows = []
    with torch.no_grad():
        for scene in json.loads((SCENES / "scenes.json").read_text()):
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
    }
    (ROOT / "fixtures/goldens/picture-book.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
