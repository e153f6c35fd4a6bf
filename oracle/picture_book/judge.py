"""Judges the embedded model, or weights that a training wrote, on scenes that it was not trained on.

Run: python judge.py SCENES.npz [--weights FILE]
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from dataset import Scenes, concepts_of, edited, shortened
from model import PROMPTS, EmbeddedModel


PART = 200


def captioned(model: EmbeddedModel, scenes: Scenes, count: int, beams: int = 1) -> dict[str, float]:
    """How many of the things in the first scenes' captions are right, and how many captions are word by word."""
    exact = hits = named = there = 0
    for at in range(0, count, PART):
        part = slice(at, min(at + PART, count))
        for caption, sentence in zip(model.captions(scenes.pixels[part], beams), scenes.sentences[part], strict=True):
            exact += caption == sentence
            said, meant = concepts_of(caption), concepts_of(sentence)
            hits, named, there = hits + len(said & meant), named + len(said), there + len(meant)
    return {"concept F1": 2 * hits / (named + there), "exact": exact / count}


def matched(model: EmbeddedModel, scenes: Scenes, count: int, short: bool = False) -> dict[str, float]:
    """How well the first scenes' sentences, or shorter ones, are told from those with one thing edited; log loss in nats."""
    rng = np.random.default_rng(1)
    ranked = over = under = loss = 0
    for at in range(0, count, PART):
        part = slice(at, min(at + PART, count))
        pixels, sentences = scenes.pixels[part], scenes.sentences[part]
        if short:
            sentences = [shortened(rng, sentence) for sentence in sentences]
        false = [edited(rng, *pair) for pair in zip(sentences, scenes.concepts[part], strict=True)]
        right, wrong = model.probabilities(pixels, sentences), model.probabilities(pixels, false)
        ranked += int((right > wrong).sum())
        over, under = over + int((right > 0.5).sum()), under + int((wrong < 0.5).sum())
        loss -= (right.log() + (1 - wrong).log()).sum().item() / 2
    shares = {"true ranked over false": ranked, "true over 0.5": over, "false under 0.5": under, "log loss": loss}
    return {name: share / count for name, share in shares.items()}


def retrieved(model: EmbeddedModel, scenes: Scenes, count: int = 256, best: int = 8) -> dict[str, float]:
    """R@1 among the first scenes: by cosine, and for texts after the matching head ranks the best of them."""
    count = min(count, len(scenes))
    pixels, sentences = scenes.pixels[:count], scenes.sentences[:count]
    shown, told = model.features(pixels, sentences)
    cosines = shown @ told.T
    own = torch.arange(count)
    chosen = cosines.topk(best).indices
    pairs = [(picture, text) for picture, texts in enumerate(chosen.tolist()) for text in texts]
    scores = model.probabilities(pixels[[picture for picture, _ in pairs]], [sentences[text] for _, text in pairs])
    first = chosen.gather(1, scores.view(count, best).argmax(1, keepdim=True))[:, 0]
    hits = {"texts": cosines.argmax(1), f"texts, best {best} ranked": first, "pictures": cosines.argmax(0)}
    return {f"R@1 {name}": (found == own).float().mean().item() for name, found in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--weights", type=Path, help="instead of the package's")
    arguments = parser.parse_args()
    model, scenes = EmbeddedModel(arguments.weights).eval(), Scenes(arguments.scenes)
    count = len(scenes)
    for beams in (1, 3):
        print(f"captions, {beams} beams", json.dumps(captioned(model, scenes, count, beams)))
    for short in (False, True):
        print("shorter sentences" if short else "sentences", json.dumps(matched(model, scenes, count, short)))
    print(json.dumps(retrieved(model, scenes)))


if __name__ == "__main__":
    main()
