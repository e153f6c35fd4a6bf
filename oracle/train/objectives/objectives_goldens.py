"""Losses and gradients of the original classes: fixtures/train/*.safetensors and objectives.json.

Run: python objectives_goldens.py BLIP   (a checkout of salesforce/BLIP; see README.md)
"""

import argparse
import json
from pathlib import Path

import torch
import transformers
from noise import noise, uniforms, weight
from original import (
    CLS, JOINT, PROMPT, SEP, TEXT, VISION, Tokenizer, canonical, drawn, load, masked, med_file, our_name,
)  # fmt: skip
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[3] / "fixtures/train"
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__, "BLIP": "056a169"}

QUEUE, ALPHA, DROPOUT, DROP_PATH, SEED = 8, 0.4, 0.25, 0.5, 5
TEXTS = [[CLS, 7, 8, 9, SEP], [CLS, 10, 11, SEP], [CLS, 12, SEP], [CLS, 9, 13, 14, 15, SEP]]
CAPTIONS = [[*Tokenizer.prompt[:-1], *text[1:]] for text in TEXTS]
IMAGE_IDS = [7, 3, 7, 9]
QUEUE_IDS = [3, -100, 7, 11, 9, 7, -100, 12]
QUESTIONS, ANSWERS = TEXTS[:3], [[CLS, 5, SEP], [CLS, 16, 17, SEP], [CLS, 18, SEP], [CLS, 19, 20, 4, SEP]]
COUNTS, WEIGHTS = [2, 1, 1], [0.3, 0.7, 1.0, 0.2]
SENTENCES, LABELS = TEXTS[:3], [1, 0, 1]

# Stacks of which the last layer computes the first state alone here, as nothing reads the others.
FIRST_ONLY = ("online", "momentum", "matching", "statement")


def pixels(count: int) -> torch.Tensor:
    return noise("pixels", (count, 3, VISION["image"], VISION["image"]), size=1.0)


def fill(model: torch.nn.Module, tied: bool) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters(remove_duplicate=False):
            parameter.copy_(weight(our_name(canonical(name, tied)), tuple(parameter.shape)))
        for name in ("image_queue", "text_queue"):
            if hasattr(model, name):
                getattr(model, name).copy_(noise(name, (QUEUE, JOINT)).T)
        if hasattr(model, "idx_queue"):
            model.idx_queue.copy_(torch.tensor([QUEUE_IDS]))


def gradients(model: torch.nn.Module, tied: bool) -> dict[str, torch.Tensor]:
    found = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            grad = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
            found[f"gradient {our_name(canonical(name, tied))}"] = grad.clone()
    return found


def label_of(path: str, call: int, name: str) -> str:
    """The use of a stack that a mask belongs to, as the inputs here are called."""
    if path.startswith("text_decoder"):
        return "decoder"
    if "_m." in path:
        return "momentum"
    if path.startswith("text_encoder"):
        alone = call == 0 and ".crossattention." not in path
        return {"vqa": "question", "nlvr": "statement"}.get(name, "online" if alone else "matching")
    return "online"


def mask_inputs(name: str, masks: dict[str, list[torch.Tensor]]) -> dict[str, torch.Tensor]:
    found: dict[str, list[torch.Tensor]] = {}
    for path, calls in masks.items():
        for call, mask in enumerate(calls):
            if path.endswith("drop_path"):
                stack, layer = path.split(".")[0], path.split(".")[2]
                scope = f"{stack.replace('visual_encoder', 'vision_model')}.encoder.layers.{layer}"
                scope += ".mlp" if call else ".self_attn"
                label = "momentum" if stack.endswith("_m") else "online"
            else:
                scope, label = path.removesuffix(".dropout"), label_of(path, call, name)
                if label in FIRST_ONLY and f".layer.{TEXT['layers'] - 1}." in path:
                    mask = mask[:, :, :1] if mask.ndim == 4 else mask[:, :1]
            found.setdefault(f"keep {label} {scope}", []).append(mask)
    return {key: torch.cat(parts).contiguous() for key, parts in found.items()}


def run(name: str, model: torch.nn.Module, step, dropout: float, tied: bool = False) -> dict:
    fill(model, tied)
    model.train()
    masks: dict[str, list[torch.Tensor]] = {}
    chosen: list[int] = []
    count = len(TEXTS)
    draws = uniforms("negative draws", 2 * count)
    with drawn(draws, chosen), masked(model, SEED, masks):
        losses = step(model)
    sum(losses.values()).backward()
    case = name + ("-dropout" if dropout else "")
    tensors = gradients(model, tied) | mask_inputs(name, masks)
    if hasattr(model, "image_queue"):
        # What the step put first into the queue: its momentum features.
        tensors["momentum_image_features"] = model.image_queue.T[:count].contiguous()
        tensors["momentum_text_features"] = model.text_queue.T[:count].contiguous()
    save_file(tensors, OUT / f"{case}.safetensors")
    about = {"losses": {key: loss.item() for key, loss in losses.items()}}
    if chosen:
        about |= {"draws": draws.tolist(), "images": chosen[:count], "texts": chosen[count:]}
    print(case, about)
    return {case: about}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    checkout = parser.parse_args().checkout.resolve()
    OUT.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    cases: dict = {}
    four = pixels(4)

    def contrastive(model) -> dict:
        ita, itm = model(four, TEXTS, ALPHA, torch.tensor(IMAGE_IDS))
        return {"ITC": ita, "ITM": itm}

    def answered(model) -> dict:
        return {"VQA": model(pixels(3), QUESTIONS, ANSWERS, n=COUNTS, weights=torch.tensor(WEIGHTS))}

    sizes = dict(image_size=VISION["image"])
    joint = dict(embed_dim=JOINT, queue_size=QUEUE)
    for dropout in (0.0, DROPOUT):
        classes = load(checkout, DROP_PATH if dropout else 0.0)
        med = dict(med_config=med_file(dropout, TEXT), **sizes)
        cases |= run("match", classes.match(**med, **joint), contrastive, dropout)
        cases |= run("vqa", classes.vqa(**med), answered, dropout)
    classes = load(checkout)
    med = dict(med_config=med_file(0.0, TEXT), **sizes)
    cases |= run("caption", classes.caption(**med, prompt=PROMPT), lambda m: {"LM": m(four, CAPTIONS)}, 0.0)
    cases |= run(
        "pretrain",
        classes.pretrain(**med, **joint),
        lambda m: dict(zip(("ITC", "ITM", "LM"), m(four, TEXTS, ALPHA), strict=True)),
        *(0.0, True),
    )
    targets = torch.tensor(LABELS)
    cases |= run("nlvr", classes.nlvr(**med), lambda m: {"NLVR": m(pixels(6), SENTENCES, targets)}, 0.0)
    about = {
        "script": "oracle/train/objectives/objectives_goldens.py",
        "versions": VERSIONS,
        "vision": VISION,
        "text": TEXT,
        "joint": JOINT,
        "queue": QUEUE,
        "alpha": ALPHA,
        "dropout": DROPOUT,
        "dropPath": DROP_PATH,
        "texts": TEXTS,
        "captions": CAPTIONS,
        "promptLength": len(Tokenizer.prompt) - 1,
        "imageIds": IMAGE_IDS,
        "queueIds": QUEUE_IDS,
        "questions": QUESTIONS,
        "answers": ANSWERS,
        "answerCounts": COUNTS,
        "answerWeights": WEIGHTS,
        "sentences": SENTENCES,
        "labels": LABELS,
        "cases": cases,
    }
    (OUT / "objectives.json").write_text(json.dumps(about, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
