"""Token ids of nasty texts by transformers' (Rust) BertTokenizer: fixtures/goldens/tokenizer-nasty.json.

`texts`: Greek capitals that end in sigma, CJK above U+FFFF, marks, and characters newer than the tokenizer's tables, drawn at
random. `characters`: "a" + character + "b" wherever the tokenizer begins to treat characters otherwise: keeps them, parts
words at them, drops them.
Run: python nasty_text_goldens.py
"""

import json
import random
from pathlib import Path

import tokenizers
import transformers
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertTokenizer

ROOT = Path(__file__).resolve().parents[2]
GREEK = ["ΟΔΟΣ", "Σ", "ΣΑΣ", "ΌΣ", "ΑΣ'Σ", "Ὀδυσσεύς", "ΣΟΦΌΣ", "aΣ", "ΣΣ", "ΛΌΓΟΣ.", "Ϲ"]
CJK = [0x20000, 0x2A6DF, 0x2A6E0, 0x2A700, 0x2B81F, 0x2B820, 0x2B91F, 0x2B920, 0x2CEAF, 0x2CEB0, 0x2EBE0, 0x2F800]
CJK += [0x2F81A, 0x2FA1D, 0x2FA1F, 0x2FA20, 0x30000, 0x31350, 0x4E00, 0x9FFF, 0x3400, 0xF900, 0x3007, 0x30A2]
WORDS = ["dog", "A", "cats", "Straße", "İstanbul", "café", "e\u0301", "x'y", "don't", "½", "№5", "ﬁ", "ǅ", "ẞ", "\u1e9e"]
ODD = [0x061D, 0x09FE, 0x166D, 0x1734, 0x1171E, 0x111C9, 0x2E52, 0x11A3F, 0x13430, 0x16FE4, 0x1CF00, 0x1E5FF, 0x08E2]
ODD += [0x200B, 0x200D, 0xFEFF, 0x00AD, 0xE000, 0xFFFD, 0x0345, 0x1E944, 0x105C9, 0x11383, 0x1F600, 0x10FFFF, 0x0378]


def nasty(count: int) -> list[str]:
    draw = random.Random(29)
    pools = [GREEK, [chr(c) for c in CJK], WORDS, [chr(c) for c in ODD], list(".,!-'\"()[]·…«»、。")]
    seps = ["", "", " ", " ", "-", "\u00a0"]
    texts = []
    while len(texts) < count:
        parts = []
        for _ in range(draw.randint(1, 7)):
            parts += [draw.choice(draw.choice(pools)), draw.choice(seps)]
        texts.append("".join(parts))
    return texts


def borders() -> list[int]:
    """Code points at which the tokenizer begins to treat characters otherwise, and those before them."""
    normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    parts = BertPreTokenizer()
    chosen: list[int] = []
    last = None
    for code in range(1, 0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        words = parts.pre_tokenize_str(normalizer.normalize_str(f"a{chr(code)}b"))
        kind = "dropped" if [word for word, _ in words] == ["ab"] else len(words)
        if kind != last:
            chosen += [code - 1, code] if code - 1 > 0 and not 0xD800 <= code - 1 < 0xE000 else [code]
        last = kind
    return sorted(set(chosen))


def main() -> None:
    vocabulary = ROOT / "packages/blip/models/bert-base-uncased/vocab.txt"
    tokenizer = BertTokenizer(vocab=str(vocabulary), do_lower_case=True)
    golden = {
        "script": "oracle/hf/nasty_text_goldens.py",
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "texts": [{"text": text, "ids": tokenizer(text).input_ids} for text in [*GREEK, *nasty(400)]],
        "characters": [[code, tokenizer(f"a{chr(code)}b").input_ids[1:-1]] for code in borders()],
    }
    path = ROOT / "fixtures/goldens/tokenizer-nasty.json"
    path.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
