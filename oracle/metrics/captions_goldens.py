"""Golden tokens and scores of 1,000 generated caption sets, and of tokens.txt, by pycocoevalcap."""

import contextlib
import io
import os
from pathlib import Path

import numpy as np
from common import caption_set, fingerprint, load_pieces, write
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

SETS = 1000


def tokenize(captions_of_image):
    """As COCOEvalCap.evaluate calls it. Java 17 and older read files in the locale's encoding."""
    os.environ["LC_ALL"] = "C.UTF-8"
    as_annotations = {image: [{"caption": text} for text in texts] for image, texts in captions_of_image.items()}
    return PTBTokenizer().tokenize(as_annotations)


def base36(value):
    digits = ""
    while True:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if value == 0:
            return digits


def main():
    pieces = load_pieces()
    sets = [caption_set(pieces, seed) for seed in range(SETS)]
    candidates = tokenize({image: [caption] for image, (caption, _) in enumerate(sets)})
    references = tokenize({image: texts for image, (_, texts) in enumerate(sets)})
    with contextlib.redirect_stdout(io.StringIO()):
        bleu, bleus = Bleu(4).compute_score(references, candidates)
        rouge, rouges = Rouge().compute_score(references, candidates)
        cider, ciders = Cider().compute_score(references, candidates)
    rounded = lambda values: [float(f"{value:.9g}") for value in values]
    write(
        "captions.json",
        {
            "sets": SETS,
            "score": [*map(float, bleu), float(rouge), float(cider)],
            "each": [rounded(values) for values in [*bleus, np.asarray(rouges), np.asarray(ciders)]],
            "tokens": " ".join(
                base36(fingerprint("\n".join([*candidates[image], *references[image]]))) for image in range(SETS)
            ),
        },
    )
    lines = (Path(__file__).parent / "tokens.txt").read_text(encoding="utf-8").split("\n")[:-1]
    tokens = tokenize({0: lines})[0]
    write("tokens.json", [[line, found] for line, found in zip(lines, tokens, strict=True)])


if __name__ == "__main__":
    main()
