"""Scenes as the training reads them: with sentences that say less or are false of them, and as a mirror shows them."""

import json
from pathlib import Path

import numpy as np
from scenes import ALWAYS_MANY, BACKGROUNDS, CONCEPTS, NUMBERS, PATCHES, many, with_article

RELATIONS = (" above ", " to the left of ")
SIZES = ("small", "large")


class Scenes:
    """Scenes that draw.py drew."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.pixels: np.ndarray = file["pixels"]
            self.patches: np.ndarray = file["patches"]
            told = json.loads(str(file["told"]))
        self.sentences: list[str] = told["sentences"]
        self.concepts: list[list[str]] = told["concepts"]

    def __len__(self) -> int:
        return len(self.sentences)


def parts_of(things: str) -> list[str]:
    """The things of a sentence without its background, each with its article or number."""
    for between in (*RELATIONS, " and ", ", "):
        things = things.replace(between, "|")
    return things.split("|")


def shortened(rng: np.random.Generator, sentence: str) -> str:
    """A sentence that says less of its scene: fewer things, or no order, size, number or background."""
    things, ground = sentence.rsplit(" on ", 1)
    parts = parts_of(things)
    if len(parts) > 1 and rng.random() < 0.6:
        kept = rng.permutation(len(parts))[: rng.integers(1, 3)]
        things = " and ".join(parts[k] for k in kept)
    first, _, rest = things.partition(" ")
    if first in NUMBERS.values() and rng.random() < 0.3:
        things = rest
    elif rest.startswith(SIZES) and rng.random() < 0.6:
        things = with_article(rest.partition(" ")[2])
    return things if rng.random() < 0.6 else f"{things} on {ground}"


def edited(rng: np.random.Generator, sentence: str, concepts: list[str]) -> str:
    """A sentence that is false of the scene by one thing: a concept, the background, a number, a size or the order."""
    kinds = ["concept", "concept"]
    if sentence.endswith(" background"):
        kinds.append("background")
    if any(relation in sentence for relation in RELATIONS):
        kinds.append("order")
    if sentence.startswith(tuple(NUMBERS.values())):
        kinds.append("number")
    if any(f" {size} " in sentence for size in SIZES):
        kinds.append("size")
    match rng.choice(kinds):
        case "background":
            (colour,) = (one for one in BACKGROUNDS if sentence.endswith(f" {one} background"))
            other = str(rng.choice([one for one in BACKGROUNDS if one != colour]))
            head = sentence.removesuffix(f" {colour} background").rsplit(" ", 1)[0]
            return f"{head} {'an' if other == 'orange' else 'a'} {other} background"
        case "order":
            relation = next(one for one in RELATIONS if one in sentence)
            things, on, ground = sentence.partition(" on ")
            first, second = things.split(relation)
            return f"{second}{relation}{first}{on}{ground}"
        case "number":
            said = next(one for one in NUMBERS.values() if sentence.startswith(one))
            return sentence.replace(said, str(rng.choice([one for one in NUMBERS.values() if one != said])), 1)
        case "size":
            other = {"small": "large", "large": "small"}
            return " ".join(other.get(word, word) for word in sentence.split(" "))
        case _:
            said = [concept for concept in concepts if concept in sentence or many(concept) in sentence]
            old = str(rng.choice(said))
            others = [one for one in CONCEPTS if one not in concepts]
            new = str(rng.choice(others))
            if with_article(old) in sentence:
                return sentence.replace(with_article(old), with_article(new), 1)
            new = str(rng.choice([one for one in others if one not in ALWAYS_MANY]))
            if any(f"{size} {old}" in sentence for size in SIZES):
                return sentence.replace(old, new, 1)
            return sentence.replace(many(old), many(new), 1)


def in_mirror(
    pixels: np.ndarray, patches: np.ndarray, sentence: str, concepts: list[str]
) -> tuple[np.ndarray, np.ndarray, str]:
    """A scene turned left to right, with the sentence that is then true; the same scene where three have no clear order."""
    grid = patches.reshape(PATCHES, PATCHES)
    things, ground = sentence.rsplit(" on ", 1)
    if " to the left of " in things:
        first, second = things.split(" to the left of ")
        things = f"{second} to the left of {first}"
    elif " and " in things:
        places = [np.argwhere(grid == 1 + CONCEPTS.index(concept)) for concept in concepts]
        if any(len(place) == 0 for place in places):
            return pixels, patches, sentence
        down, across = np.ptp([place.mean(0) for place in places], axis=0)
        if across > down:
            first, others = things.split(", ")
            second, third = others.split(" and ")
            things = f"{third}, {second} and {first}"
    return pixels[:, ::-1], grid[:, ::-1].flatten(), f"{things} on {ground}"


def concepts_of(sentence: str) -> set[str]:
    """The words of things, by a sentence's parts between articles, numbers and relations."""
    words = sentence.split(" on a ")[0].split(" on an ")[0]
    skipped = {"a", "an", *NUMBERS.values(), *SIZES}
    return {" ".join(word for word in part.split() if word not in skipped) for part in parts_of(words)}
