"""What transformers does with a generation_config.json beside a BLIP model: fixtures/goldens/generation-config.json.

For each set of keys: the tokens with the file beside the model (`beside`), and those with the same keys given to
`generate` (`passed`). The images are the first two of fixtures/goldens/caption.safetensors, each alone.
Run after generation_goldens.py: python generation_config_goldens.py
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import BlipForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "fixtures/tiny/caption"
GOLDENS = ROOT / "fixtures/goldens"
CONFIGS = [
    {"num_beams": 3},
    {"max_length": 7},
    {"repetition_penalty": 1.8},
    {"no_repeat_ngram_size": 2, "max_new_tokens": 15},
    {"num_beams": 3, "max_length": 9, "min_length": 6, "repetition_penalty": 1.5, "no_repeat_ngram_size": 3},
]


def tokens(model: BlipForConditionalGeneration, pixels: torch.Tensor, options: dict) -> list[list[int]]:
    with torch.no_grad():
        return [model.generate(pixel_values=row[None], **options)[0].tolist() for row in pixels]


def main() -> None:
    pixels = load_file(GOLDENS / "caption.safetensors")["pixel_values"][:2]
    plain = BlipForConditionalGeneration.from_pretrained(MODEL).eval()
    cases = []
    for config in CONFIGS:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(MODEL, folder, dirs_exist_ok=True)
            (Path(folder) / "generation_config.json").write_text(json.dumps(config))
            model = BlipForConditionalGeneration.from_pretrained(folder).eval()
            beside = tokens(model, pixels, {})
        cases.append({"config": config, "beside": beside, "passed": tokens(plain, pixels, config)})
    golden = {
        "script": "oracle/hf/generation_config_goldens.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "model": "fixtures/tiny/caption",
        "cases": cases,
    }
    (GOLDENS / "generation-config.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
