"""The embedded model as folders that transformers loads: the model's own folder, or a part of the suite with the shared
image encoder, joined in a temporary folder."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packages/blip/models/picture-book"

# Keeps the temporary folders until the program ends.
_JOINED: dict[str, tempfile.TemporaryDirectory] = {}


def parts() -> dict[str, str]:
    """The suite's folder of each task; empty if the embedded model is one file."""
    index = FOLDER / "model_index.json"
    return json.loads(index.read_text())["tasks"] if index.exists() else {}


def embedded(task: str) -> Path:
    """The folder with the network of a task. Half-precision weights are stored as float32, in which transformers computes."""
    folders = parts()
    if not folders:
        return FOLDER
    if task not in _JOINED:
        _JOINED[task] = tempfile.TemporaryDirectory()
        joined, part = Path(_JOINED[task].name), FOLDER / folders[task]
        for file in part.iterdir():
            if file.suffix != ".safetensors":
                shutil.copy(file, joined)
        encoder = json.loads((FOLDER / "model_index.json").read_text())["image_encoder"]
        tensors = load_file(part / "model.safetensors") | load_file(FOLDER / encoder / "model.safetensors")
        floats = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        save_file(floats, joined / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((part / "config.json").read_text())
        (joined / "config.json").write_text(json.dumps(in_floats(config)))
    return Path(_JOINED[task].name)


def in_floats(config: dict) -> dict:
    """The config with float32 as its type, which transformers would otherwise load the weights in."""
    said = {name: in_floats(value) if isinstance(value, dict) else value for name, value in config.items()}
    return {**said, **{name: "float32" for name in ("dtype", "torch_dtype") if name in said}}


def expect_floats(model: torch.nn.Module) -> torch.nn.Module:
    """The model for evaluation, in float32."""
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    return model.eval()
