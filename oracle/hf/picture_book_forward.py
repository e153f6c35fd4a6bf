"""Golden numbers of the embedded model's network alone: pixels by a formula, so that no picture code is involved.

Writes fixtures/goldens/picture-book-forward.json. embedded_goldens.py runs it too. Run: python picture_book_forward.py
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from embedded_model import embedded, expect_floats
from transformers import BlipForImageTextRetrieval

ROOT = Path(__file__).resolve().parents[2]


def pixels(shape: tuple[int, ...]) -> torch.Tensor:
    """k-th value: (k * 2654435761 mod 2^32) / 2^30 - 2, exact in every language (uint32 and one division)."""
    count = int(np.prod(shape))
    hashed = (np.arange(count, dtype=np.uint64) * 2654435761) % 2**32
    return torch.from_numpy((hashed / 2**30 - 2).astype(np.float32).reshape(shape))


def main() -> None:
    model = expect_floats(BlipForImageTextRetrieval.from_pretrained(embedded("match")))
    ids = torch.tensor([[2, 40, 77, 120, 9, 201, 3], [2, 55, 8, 3, 0, 0, 0], [2, 150, 33, 290, 61, 3, 0]])
    mask = (ids != 0).long()
    square, tall = pixels((3, 3, 128, 128)), pixels((3, 3, 160, 144))
    with torch.no_grad():
        itm = model(pixel_values=square, input_ids=ids, attention_mask=mask).itm_score
        cosine = model(pixel_values=square, input_ids=ids, attention_mask=mask, use_itm_head=False).itm_score
        resized = model(
            pixel_values=tall, input_ids=ids, attention_mask=mask, interpolate_pos_encoding=True
        ).itm_score
    golden = {
        "script": "oracle/hf/picture_book_forward.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "input_ids": ids.tolist(),
        "attention_mask": mask.tolist(),
        "itm_score": itm.tolist(),
        "cosine": cosine.tolist(),
        "itm_score_160x144": resized.tolist(),
    }
    path = ROOT / "fixtures/goldens/picture-book-forward.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
