"""Loads an adapter that `blip train --lora` left with PEFT over transformers, and writes what the model answers with it.

Run: python load_adapter.py TASK BASE ADAPTER OUT.safetensors. TASK: match, caption or vqa. Any warning is a failure.
"""
import logging
import sys
import warnings

import torch
from adapter_goldens import CASES, DECODER, IDS, MASK, outputs
from peft import PeftModel
from safetensors.torch import save_file

task, base, folder, out = sys.argv[1:]
messages: list[str] = []


class Collected(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())


for library in ("transformers", "peft"):
    logging.getLogger(library).addHandler(Collected(logging.WARNING))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = PeftModel.from_pretrained(CASES[task][0].from_pretrained(base).eval(), folder)
messages += [str(one.message) for one in caught]
# Of the classes, not of the folder.
own = ("is going to be deprecated", "is deprecated and will be removed")
messages = [message for message in messages if not any(part in message for part in own)]
size = model.get_base_model().config.vision_config.image_size
pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(4))
found = {"pixel_values": pixels, "input_ids": IDS, "attention_mask": MASK, "decoder_input_ids": DECODER}
with torch.no_grad():
    made = outputs(task, model.eval(), pixels)
    found.update({f"{task} {name}": tensor.float().contiguous() for name, tensor in made.items()})
    # That the adapter does something.
    with model.disable_adapter():
        plain = outputs(task, model, pixels)
save_file(found, out)
moved = {name: (tensor - plain[name]).abs().max().item() for name, tensor in made.items()}
trained = sum("lora_" in name for name, _ in model.named_parameters())
print(f"{folder}: {trained} matrices, outputs moved by {moved}", "FAILED" if messages else "loads without a warning")
for message in messages:
    print("  ", message)
sys.exit(1 if messages else 0)
