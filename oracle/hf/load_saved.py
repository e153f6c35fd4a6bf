"""Loads folders that `blip convert` wrote, as a user of transformers would; any warning or difference is a failure.

Run: python load_saved.py FOLDER...
"""

import json
import logging
import sys
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoTokenizer
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil


class Collected(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record):
        # Of the class, not of the folder.
        if "is going to be deprecated" not in record.getMessage():
            self.messages.append(record.getMessage())


def main() -> int:
    warnings.simplefilter("error")
    collected = Collected()
    logging.getLogger("transformers").addHandler(collected)
    failures = 0
    for folder in map(Path, sys.argv[1:]):
        collected.messages.clear()
        architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
        kind = getattr(transformers, architecture)
        model, info = kind.from_pretrained(folder, output_loading_info=True)
        size = model.config.vision_config.image_size
        processor = BlipImageProcessorPil.from_pretrained(folder)
        ids = AutoTokenizer.from_pretrained(folder)("a dog").input_ids
        wrong = [*collected.messages, *(f"{name}: {found}" for name, found in info.items() if found)]
        if (processor.size["height"], processor.size["width"]) != (size, size):
            wrong.append(f"processor size {processor.size}, model {size}")
        if any(not torch.isfinite(p).all() for p in model.parameters()):
            wrong.append("weights that are not finite")
        print(folder, architecture, model.dtype, ids, "FAILED" if wrong else "loads without a warning")
        for message in wrong:
            print("  ", message)
        failures += bool(wrong)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
