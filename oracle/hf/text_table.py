"""Token ids of 12,000 drawn texts, as hashes of a hundred texts each: fixtures/goldens/text-table.json.

The texts are drawn by a rule that packages/blip/src/text/text-table.slow.test.ts follows too, so that none is stored: all
blocks of Unicode, combining marks, CJK, emoji, Greek with sigmas, controls, spaces, and plain English. Ids are those of
transformers' BertTokenizer (5.23: tokenizers' Rust), after BLIP's clean-up if the mode has one.

`text_table.py slow`, run with transformers 4.57.1, which still has BERT's tokenizer in Python, adds how many texts have other
ids there: BLIP was made with it.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import tokenizers
import transformers
from text_goldens import pre_caption, pre_question
from transformers import BertTokenizer

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "fixtures/goldens/text-table.json"
VOCABULARY = ROOT / "packages/blip/models/bert-base-uncased/vocab.txt"
COUNT, GROUP = 12_000, 100

WORDS = (
    "a the dog Dogs cats red-haired woman's playing skateboarding Straße İstanbul café naïve don't it's two 384x384 3.5 ½ "
    "U.S.A. x'y №5 ﬁsh ǅ ẞ ΟΔΟΣ ΣΟΦΌΣ Ὀδυσσεύς [MASK] [DEC] ##ing"
).split(" ")
MARKS = ".,!?'\"()[]{}*#:;~-_/&%$@^`|<>=+·…«»、。“”’–—"
# Inclusive ranges of code points, each with the name of what is drawn from it.
POOLS = {
    "any": [(0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x1FFFD), (0x20000, 0x323AF), (0xE0000, 0xE01EF), (0x10FF00, 0x10FFFF)],
    "latin": [(0x21, 0x7E), (0xA1, 0x24F), (0x1E00, 0x1EFF)],
    "marks": [(0x300, 0x36F), (0x483, 0x487), (0x591, 0x5BD), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0xFE20, 0xFE2F)],
    "cjk": [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0x3040, 0x30FF), (0xAC00, 0xD7A3)],
    "emoji": [(0x1F300, 0x1F64F), (0x1F900, 0x1FAFF), (0x2600, 0x27BF), (0xFE0F, 0xFE0F), (0x200D, 0x200D), (0x1F1E6, 0x1F1FF)],
    "greek": [(0x391, 0x3C9), (0x3A3, 0x3A3), (0x1F00, 0x1FFF)],
    "controls": [(0x00, 0x20), (0x7F, 0xA0), (0x2000, 0x200F), (0x2028, 0x202F), (0x3000, 0x3000), (0xFEFF, 0xFEFF), (0xAD, 0xAD)],
}  # fmt: skip
RANGES = list(POOLS.values())


class Draw:
    """A generator of 32 bits that any language has: state * 1664525 + 1013904223."""

    def __init__(self, seed: int):
        self.state = seed

    def below(self, count: int) -> int:
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 8) % count


def drawn(seed: int) -> str:
    draw = Draw(seed)
    parts = []
    # A text in eight is long enough to be cut.
    for _ in range(1 + draw.below(60 if draw.below(8) == 0 else 9)):
        pool = draw.below(len(RANGES) + 3)
        if pool < len(RANGES):
            first, last = RANGES[pool][draw.below(len(RANGES[pool]))]
            parts.append(chr(first + draw.below(last - first + 1)))
        elif pool == len(RANGES):
            parts.append(MARKS[draw.below(len(MARKS))])
        else:
            parts.append(WORDS[draw.below(len(WORDS))])
        parts.append(["", " ", "  ", "\u00a0", " "][draw.below(5)])
    return "".join(parts)


def hashed(rows: list[list[int]]) -> str:
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()[:12]


# What BLIP's data sets do to a text, and at how many tokens it is cut.
MODES = {
    "as given": (lambda text: text, None),
    "pre_caption, 30 words": (lambda text: pre_caption(text, 30), None),
    "pre_caption, 40 words": (lambda text: pre_caption(text, 40), None),
    "pre_question, 50 words, 35 tokens": (lambda text: pre_question(text, 50), 35),
}


def ids_of(tokenizer, text: str, most: int | None) -> list[int]:
    return tokenizer(text, truncation=most is not None, max_length=most).input_ids


def main() -> None:
    texts = [drawn(seed) for seed in range(COUNT)]
    if sys.argv[1:] != ["slow"]:
        tokenizer = BertTokenizer(vocab=str(VOCABULARY), do_lower_case=True)
        ids = {
            name: [ids_of(tokenizer, clean(text), most) for text in texts] for name, (clean, most) in MODES.items()
        }
        golden = {
            "script": "oracle/hf/text_table.py",
            "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
            "texts": hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12],
            "count": COUNT,
            "group": GROUP,
            "cut": sum(len(row) > 35 for row in ids["as given"]),
            "modes": {
                name: [hashed(rows[start : start + GROUP]) for start in range(0, COUNT, GROUP)]
                for name, rows in ids.items()
            },
        }
        OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        return
    golden = json.loads(OUT.read_text())
    slow = BertTokenizer(str(VOCABULARY), do_lower_case=True)
    fast = transformers.BertTokenizerFast(str(VOCABULARY), do_lower_case=True)
    golden["slow"] = {"transformers": transformers.__version__, "python": sys.version.split()[0], "differ": {}}
    for name, (clean, _) in MODES.items():
        cleaned = [clean(text) for text in texts]
        pairs = [(text, slow(text).input_ids, fast(text).input_ids) for text in cleaned]
        different = [(text, a, b) for text, a, b in pairs if a != b]
        golden["slow"]["differ"][name] = len(different)
        sigma = sum("ς" in text.lower() and slow(text.lower().replace("ς", "σ")).input_ids == b for text, a, b in different)
        print(name, len(different), "of which by a sigma:", sigma)
        kinds: Counter[str] = Counter()
        for text, a, b in different[:2000]:
            odd = [c for c in text if slow(f"a{c}b").input_ids != fast(f"a{c}b").input_ids]
            kinds["characters" if odd else "sigma" if "Σ" in text else "other"] += 1
        print(kinds)
        for text, a, b in [pair for pair in different if len(pair[0]) < 12][:6]:
            print(ascii(text), slow.convert_ids_to_tokens(a), fast.convert_ids_to_tokens(b))
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
