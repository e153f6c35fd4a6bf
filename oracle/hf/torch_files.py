"""Files of PyTorch as people have them, after tiny_checkpoints.py.

- fixtures/tiny/match-f16-sharded-bin/: the weights of match-f16 in two files and their index, as transformers 4.x saves
  a large model without safetensors.
- fixtures/tiny/settings/: checkpoints as training scripts save them, with argparse's Namespace, a configuration of
  ruamel.yaml and NumPy's numbers beside the state dict; and in settings.json the tensors' values.

Run: python torch_files.py, with ruamel.yaml==0.19.1, and once more with NumPy 1 (numpy==1.26.4), which names its module
differently: each run writes the files of its own NumPy.
"""

import argparse
import json
import shutil
from collections import OrderedDict
from pathlib import Path

import numpy
import torch
from ruamel.yaml import YAML
from safetensors import safe_open

OUT = Path(__file__).resolve().parents[2] / "fixtures/tiny"

# The kinds of values of BLIP's configs/retrieval_coco.yaml, and others that ruamel.yaml has a class for.
CONFIG = """\
# where the images are
image_root: '/export/share/datasets/vision/coco/images/'
ann_root: "annotation"
dataset: coco
vit: 'base'
batch_size_train: 32
vit_grad_ckpt: True
queue_size: 57_600
init_lr: 1e-5
min_lr: 0
weight_decay: 0.05
alpha: 0.4
mask: 0x1F
k_test: [256, 128]
sizes:
  - 384   # pixels
  - 480
base: &base {max_epoch: 6}
tuned:
  <<: *base
  seen: !!set {a, b}
"""


def sharded() -> None:
    source, out = OUT / "match-f16", OUT / "match-f16-sharded-bin"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for file in ("config.json", "preprocessor_config.json", "vocab.txt"):
        shutil.copy(source / file, out / file)
    with safe_open(source / "model.safetensors", "pt") as weights:
        state = {name: weights.get_tensor(name) for name in sorted(weights.keys())}
    names = list(state)
    shards = [names[: len(names) // 2], names[len(names) // 2 :]]
    weight_map = {}
    for index, shard in enumerate(shards):
        file = f"pytorch_model-{index + 1:05d}-of-{len(shards):05d}.bin"
        torch.save({name: state[name].clone() for name in shard}, out / file)
        weight_map.update({name: file for name in shard})
    total = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (out / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


def settings() -> None:
    out = OUT / "settings"
    out.mkdir(exist_ok=True)
    layer = torch.nn.Linear(2, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(6.0).reshape(3, 2) / 4)
        layer.bias.copy_(torch.tensor([-1.0, 0.5, 2.0]))
    optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-5)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    tensors = layer.state_dict()
    saved = {
        "model": tensors,
        "optimizer": optimizer.state_dict(),
        "config": YAML().load(CONFIG),
        "args": argparse.Namespace(config="./configs/retrieval_coco.yaml", gpu=0, distributed=True, lr=numpy.float32(1e-5)),
        "log": OrderedDict(r_mean=numpy.float64(63.25), best=numpy.bool_(True), epochs=[numpy.int64(5)]),
        "epoch": numpy.int64(5),
    }
    generation = f"numpy{numpy.__version__.split('.')[0]}"
    torch.save(saved, out / f"{generation}.pth")
    torch.save(saved, out / f"{generation}-legacy.pth", _use_new_zipfile_serialization=False)
    values = {name: {"shape": list(tensor.shape), "values": tensor.flatten().tolist()} for name, tensor in tensors.items()}
    text = json.dumps({"script": "oracle/hf/torch_files.py", "tensors": values}, indent=1)
    (out / "settings.json").write_text(text + "\n")


if __name__ == "__main__":
    sharded()
    settings()
