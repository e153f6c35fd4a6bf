"""How the original classes' weights are distributed before training: fixtures/train/init.json.

Run: python init_statistics.py BLIP   (a checkout of salesforce/BLIP; see README.md)
"""

import argparse
import json
from pathlib import Path

import torch
import transformers
from original import PROMPT, canonical, load, med_file, our_name

OUT = Path(__file__).resolve().parents[3] / "fixtures/train"
# Wide enough that a deviation is known to about 1 %.
VISION = dict(image=32, patch=8, width=96, layers=2, heads=2, inner=192)
TEXT = dict(width=64, layers=2, heads=2, inner=128, vocabulary=200, positions=40)


def statistics(model: torch.nn.Module) -> dict[str, list]:
    found = {}
    for name, values in model.named_parameters():
        flat = values.detach().double().flatten()
        numbers = [flat.mean(), flat.std(unbiased=False), flat.abs().max()]
        found[our_name(canonical(name, False))] = [list(values.shape), *(round(x.item(), 6) for x in numbers)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    classes = load(parser.parse_args().checkout.resolve(), vision=VISION, text=TEXT)
    torch.manual_seed(0)
    med = dict(med_config=med_file(0.0, TEXT), image_size=VISION["image"])
    weights = {
        **statistics(classes.nlvr(**med)),
        **statistics(classes.caption(**med, prompt=PROMPT)),
        **statistics(classes.match(**med, embed_dim=32, queue_size=8)),
    }
    weights = {name: one for name, one in weights.items() if "_m." not in name}
    about = {
        "script": "oracle/train/objectives/init_statistics.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "BLIP": "056a169"},
        "columns": ["shape", "mean", "deviation", "largest"],
        "weights": weights,
    }
    (OUT / "init.json").write_text(json.dumps(about, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
