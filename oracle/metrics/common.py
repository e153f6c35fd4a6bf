"""Inputs of the golden numbers: what packages/metrics/test/support/generate.ts generates from the same seeds."""

import json
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "metrics"
MASK = 0xFFFFFFFF


def _imul(a, b):
    return (a * b) & MASK


def random_numbers(seed):
    """mulberry32, two draws for each number of 53 bits."""
    state = seed & MASK

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & MASK
        mixed = _imul(state ^ (state >> 15), state | 1)
        mixed ^= (mixed + _imul(mixed ^ (mixed >> 7), mixed | 61)) & MASK
        return mixed ^ (mixed >> 14)

    def number():
        high = draw() >> 5
        return (high * 2**26 + (draw() >> 6)) / 2**53

    return number


def between(random, low, high):
    return low + int(random() * (high - low + 1))


def pick(random, options):
    return options[int(random() * len(options))]


def load_pieces():
    return json.loads((FIXTURES / "pieces.json").read_text(encoding="utf-8"))


def caption_set(pieces, seed):
    random = random_numbers(seed)

    def piece():
        return pick(random, pick(random, pieces["captions"]))

    shared = [piece() for _ in range(10)]

    def caption():
        text = ""
        for left in range(between(random, 1, 14), 0, -1):
            text += pick(random, shared) if random() < 0.7 else piece()
            if left > 1:
                text += pick(random, pieces["separators"])
        return text

    references = [caption() for _ in range(5)]
    return caption(), references


def question(pieces, seed):
    random = random_numbers(seed)

    def text():
        made = ""
        for left in range(between(random, 1, 4), 0, -1):
            made += pick(random, pick(random, pieces["answers"]))
            if left > 1 and random() < 0.7:
                made += " "
        return made

    few = [text() for _ in range(between(random, 1, 4))]
    answers = [pick(random, few) if random() < 0.9 else text() for _ in range(10)]
    answer = pick(random, few) if random() < 0.9 else text()
    return {
        "answer": answer,
        "answers": answers,
        "answer_type": pick(random, ["yes/no", "number", "other"]),
        "question_type": pick(random, ["how many", "is the", "what color is the", "none of the above"]),
    }


def ranking(seed, levels=None):
    random = random_numbers(seed)

    def score():
        return random() if levels is None else int(random() * levels)

    texts_of_image, texts = [], 0
    for _ in range(between(random, 2, 12)):
        count = between(random, 1, 5)
        texts_of_image.append(list(range(texts, texts + count)))
        texts += count
    images = len(texts_of_image)

    def cell(image, text):
        base = score()
        return base + (score() / 2 if text in texts_of_image[image] else 0)

    image_to_text = [[cell(image, text) for text in range(texts)] for image in range(images)]
    text_to_image = [[cell(image, text) for image in range(images)] for text in range(texts)]
    return image_to_text, text_to_image, texts_of_image


def labelled_pairs(seed, levels=None):
    random = random_numbers(seed)
    labels = [True, False]
    for _ in range(between(random, 2, 38)):
        labels.append(random() < 0.5)
    scores = []
    for label in labels:
        score = (random() + (random() if label else 0)) / 2
        scores.append(score if levels is None else int(score * levels) / levels)
    return scores, labels


def fingerprint(text):
    units = text.encode("utf-16-le")
    value = 0x811C9DC5
    for index in range(0, len(units), 2):
        value = _imul(value ^ (units[index] | units[index + 1] << 8), 0x01000193)
    return value


def write(name, content):
    path = FIXTURES / name
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size} bytes")
