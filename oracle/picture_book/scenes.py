"""Composed scenes of emoji art, each with the sentence that says what is in it: what the embedded model is taught.

Art comes from npm packages of Iconify and names from emojibase-data, as `npm pack` delivers them. A scene is drawn by
its number alone: the same number gives the same picture.
"""

import io
import json
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

SIDE = 256
"""Side of a scene in pixels."""

SPRITE = 192
"""Side at which art is rendered, before it is scaled down."""

PATCHES = 8
"""Patches of the model a side: what each shows is known, too."""

NOTHING, UNSURE = 0, 255
"""Of a patch that shows the background alone, or too little of anything to say."""

STYLES = ("noto", "fluent-emoji", "fluent-emoji-flat", "twemoji", "emojione")
UNSEEN_STYLE = "openmoji"

# CLDR's name where it is not the word that the model uses.
CLDR_NAMES = {"sheep": ("ewe", "ram"), "apple": ("red apple", "green apple"), "bee": ("honeybee",)}
CONCEPTS = tuple(
    " ".join(
        """airplane, apple, backpack, banana, basketball, bee, bicycle, bird, birthday cake, bread, bus, butterfly,
            cactus, camera, candle, carrot, cat, cherries, chicken, cookie, cow, crab, crown, dog, dolphin, doughnut,
            drum, duck, elephant, evergreen tree, fire, fish, grapes, guitar, hamburger, hammer, helicopter, horse, hot
            dog, ice cream, lemon, light bulb, monkey, motorcycle, mushroom, octopus, owl, palm tree, pear, penguin,
            pig, pineapple, pizza, rabbit, rocket, rose, sailboat, sheep, snail, snake, soccer ball, spider, strawberry,
            sun, sunflower, taco, taxi, television, tiger, tomato, top hat, tractor, trumpet, tulip, turtle, umbrella,
            violin, watermelon, whale""".split()
    ).split(", ")
)
ALWAYS_MANY = ("cherries", "grapes")
PLURALS = {
    "bus": "buses",
    "butterfly": "butterflies",
    "fish": "fish",
    "octopus": "octopuses",
    "sheep": "sheep",
    "strawberry": "strawberries",
    "tomato": "tomatoes",
}
NUMBERS = {2: "two", 3: "three", 4: "four"}

BACKGROUNDS = {
    "red": (221, 46, 44),
    "orange": (238, 133, 38),
    "yellow": (244, 208, 63),
    "green": (63, 158, 77),
    "blue": (56, 108, 207),
    "purple": (120, 68, 178),
    "pink": (242, 150, 190),
    "brown": (124, 82, 54),
    "gray": (146, 150, 154),
    "black": (24, 26, 30),
    "white": (250, 247, 248),
}


@dataclass(frozen=True)
class Sprite:
    image: Image.Image
    """RGBA, cut to what is drawn."""
    half: Image.Image
    """The same at half the side, for small ones."""
    colour: np.ndarray
    """Mean RGB of what it draws, weighed by how much it covers."""


@dataclass(frozen=True)
class Scene:
    image: Image.Image | None
    """RGB, SIDE x SIDE; nothing where a picture is done with."""
    sentence: str
    concepts: tuple[str, ...]
    """Each once, in the order of the sentence."""
    patches: np.ndarray
    """[PATCHES * PATCHES] bytes: 1 + the index of the concept that a patch shows, NOTHING or UNSURE."""


def with_article(concept: str) -> str:
    if concept in ALWAYS_MANY:
        return concept
    return f"{'an' if concept[0] in 'aeiou' else 'a'} {concept}"


def many(concept: str) -> str:
    return PLURALS.get(concept, concept + "s")


class Art:
    """Sprites of one folder of npm tarballs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        named = self._json("emojibase-data", "en/data.json")
        labels = {entry["label"]: entry["hexcode"].lower() for entry in named}
        self.codes = {
            concept: [labels[name] for name in CLDR_NAMES.get(concept, (concept,))] for concept in CONCEPTS
        }

    def _json(self, package: str, member: str) -> object:
        (path,) = self.folder.glob(f"{package}-[0-9]*.tgz")
        with tarfile.open(path) as archive:
            file = archive.extractfile(f"package/{member}")
            if file is None:
                raise FileNotFoundError(f"{path}: package/{member}")
            return json.load(file)

    def sprites(self, style: str) -> dict[str, list[Sprite]]:
        """The sprites of each concept."""
        icons = self._json(f"iconify-json-{style}", "icons.json")
        # Only some sets say which sign an icon draws; the others share their icons' names.
        names = self._json("iconify-json-noto", "chars.json")
        aliases = icons.get("aliases", {})
        found: dict[str, list[Sprite]] = {}
        for concept, codes in self.codes.items():
            for code in codes:
                name = names.get(code, names.get(f"{code}-fe0f"))
                name = aliases.get(name, {}).get("parent", name)
                if name in icons["icons"]:
                    found.setdefault(concept, []).append(rendered(icons, icons["icons"][name]))
        return found


def rendered(icons: dict, icon: dict) -> Sprite:
    width, height = icon.get("width", icons.get("width", 16)), icon.get("height", icons.get("height", 16))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" width="{SPRITE}" height="{SPRITE}">{icon["body"]}</svg>'
    )
    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")
    small = np.asarray(image.resize((16, 16)), np.float64)
    colour = (small[..., :3] * small[..., 3:]).sum((0, 1)) / max(1.0, small[..., 3].sum())
    image = image.crop(image.getbbox())
    return Sprite(image, image.reduce(2), colour)


@cache
def loaded(folder: Path, styles: tuple[str, ...]) -> tuple[dict[str, list[Sprite]], ...]:
    art = Art(folder)
    return tuple(art.sprites(style) for style in styles)


def shown_by_patches(owners: np.ndarray, side: int, step: int) -> np.ndarray:
    """What patches of a side show most of, from who owns each pixel; looks at every step-th one."""
    blocks = owners.reshape(PATCHES, side, PATCHES, side)[:, ::step, :, ::step].transpose(0, 2, 1, 3)
    blocks = blocks.reshape(PATCHES * PATCHES, -1).astype(np.int64)
    kinds = 1 + len(CONCEPTS)
    first = np.arange(len(blocks))[:, None] * kinds
    shown = np.bincount((first + blocks).ravel(), minlength=len(blocks) * kinds).reshape(-1, kinds)[:, 1:]
    covered = shown.max(1) / blocks.shape[1]
    return np.where(covered > 0.25, 1 + shown.argmax(1), np.where(covered < 0.05, NOTHING, UNSURE)).astype(np.uint8)


def ground(rng: np.random.Generator, colour: str, side: int) -> np.ndarray:
    """RGB of each row of a background [side, 3]: near a colour, and a little other at the bottom."""
    base = np.array(BACKGROUNDS[colour]) + rng.normal(0, 5, 3)
    slope = np.linspace(-1, 1, side)[:, None] * rng.normal(0, 5, 3)
    return np.clip(base + slope, 0, 255)


def posed(image: Image.Image, mirrored: bool, angle: float, size: float) -> Image.Image:
    """A sprite, turned by degrees, at the given longer side."""
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    image = image.crop(image.getbbox())
    scale = size / max(image.size)
    return image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)


class Drawing:
    """One scene while it is drawn."""

    def __init__(self, rng: np.random.Generator, sprites: dict[str, list[Sprite]]) -> None:
        self.rng = rng
        self.sprites = sprites
        self.colour = str(rng.choice(list(BACKGROUNDS)))
        rows = ground(rng, self.colour, SIDE).astype(np.uint8)
        self.ground = rows.mean(0)
        self.image = Image.fromarray(np.repeat(rows[:, None], SIDE, 1))
        self.owners = np.zeros((SIDE, SIDE), np.uint8)

    def sprite(self, concept: str) -> tuple[int, Sprite, bool]:
        """One of a concept's drawings, and whether it is mirrored."""
        choices = self.sprites[concept]
        sprite = choices[self.rng.integers(len(choices))]
        return 1 + CONCEPTS.index(concept), sprite, bool(self.rng.random() < 0.5)

    def put(self, chosen: tuple[int, Sprite, bool], x: float, y: float, size: float) -> None:
        """Draws a sprite of the given longer side around a place, all of it inside of the picture."""
        owner, sprite, mirrored = chosen
        image = sprite.half if size < SPRITE / 2 else sprite.image
        turned = posed(image, mirrored, self.rng.uniform(-12, 12), size)
        width, height = turned.size
        left = round(np.clip(x - width / 2, 0, SIDE - width))
        top = round(np.clip(y - height / 2, 0, SIDE - height))
        self.image.paste(turned, (left, top), turned)
        covered = np.asarray(turned.getchannel("A")) > 127
        self.owners[top : top + height, left : left + width][covered] = owner

    def jitter(self, reach: float) -> float:
        return self.rng.uniform(-reach, reach)


def single(d: Drawing, concept: str) -> str:
    size = str(d.rng.choice(["small", "", "large"], p=[0.35, 0.3, 0.35]))
    low, high = {"small": (56, 88), "": (110, 145), "large": (172, 222)}[size]
    side = d.rng.uniform(low, high)
    d.put(d.sprite(concept), *d.rng.uniform(side / 2, SIDE - side / 2, 2), side)
    return with_article(f"{size} {concept}" if size and concept not in ALWAYS_MANY else concept)


def several(d: Drawing, concept: str) -> str:
    number = int(d.rng.integers(2, 5))
    sprite, side = d.sprite(concept), d.rng.uniform(72, 106)
    for cell in d.rng.permutation(4)[:number]:
        x, y = 64 + 128 * (cell % 2) + d.jitter(14), 64 + 128 * (cell // 2) + d.jitter(14)
        d.put(sprite, x, y, side * d.rng.uniform(0.88, 1.12))
    return f"{NUMBERS[number]} {many(concept)}"


def pair(d: Drawing, first: str, second: str) -> str:
    beside = d.rng.random() < 0.5
    across = d.rng.uniform(70, 186)
    for concept, along in ((first, 66), (second, 190)):
        a, b = along + d.jitter(12), across + d.jitter(22)
        d.put(d.sprite(concept), *((a, b) if beside else (b, a)), d.rng.uniform(80, 114))
    relation = "to the left of" if beside else "above"
    return f"{with_article(first)} {relation} {with_article(second)}"


def three(d: Drawing, concepts: list[str]) -> str:
    row = d.rng.random() < 0.5
    across = d.rng.uniform(60, 196)
    for concept, along in zip(concepts, (44, 128, 212), strict=True):
        a, b = along + d.jitter(6), across + d.jitter(24)
        d.put(d.sprite(concept), *((a, b) if row else (b, a)), d.rng.uniform(62, 80))
    first, second, third = map(with_article, concepts)
    return f"{first}, {second} and {third}"


def scene(number: int, folder: Path, styles: tuple[str, ...] = STYLES) -> Scene:
    """The scene of a number: one thing, several of one, two in a relation or three in a row, in one style of art."""
    rng = np.random.default_rng(number)
    sprites = loaded(folder, styles)[rng.integers(len(styles))]
    d = Drawing(rng, sprites)
    seen = [
        concept
        for concept, choices in sprites.items()
        # What has the background's colour would not be seen.
        if np.linalg.norm(choices[0].colour - d.ground) > 40
    ]
    kind = rng.choice(["single", "several", "pair", "three"], p=[0.25, 0.25, 0.3, 0.2])
    if kind == "several":
        seen = [concept for concept in seen if concept not in ALWAYS_MANY]
    chosen = [str(concept) for concept in rng.choice(seen, 3, replace=False)]
    match kind:
        case "single":
            chosen, words = chosen[:1], single(d, chosen[0])
        case "several":
            chosen, words = chosen[:1], several(d, chosen[0])
        case "pair":
            chosen, words = chosen[:2], pair(d, chosen[0], chosen[1])
        case _:
            words = three(d, chosen)
    article = "an" if d.colour == "orange" else "a"
    sentence = f"{words} on {article} {d.colour} background"
    return Scene(d.image, sentence, tuple(chosen), shown_by_patches(d.owners, SIDE // PATCHES, 4))
