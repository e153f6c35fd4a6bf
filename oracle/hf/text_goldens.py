"""Token ids of bert-base-uncased by transformers, and BLIP's clean-up of captions: fixtures/goldens/tokenizer.json.

Run: python text_goldens.py
"""

import json
import re
from pathlib import Path

import transformers
from transformers import BertTokenizer

ROOT = Path(__file__).resolve().parents[2]

TEXTS = [
    "a woman and her dog on the beach",
    "A Woman sitting on the Beach, with her DOG.",
    "two dogs play with a ball; it's John's!",
    "café naïve résumé Ångström",
    "cafe\u0301 nai\u0308ve",
    "Straße İstanbul ıspanak ẞ",
    "你好世界 a 北京 city",
    "日本語のテキスト と カタカナ",
    "한국어 문장",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "привет мир Ёлка",
    "Ελληνικά κείμενο Ώ",
    "emoji 😀 👍🏽 👩‍👩‍👧 🇩🇪 ❤️",
    "control\x00\x01\x02 char\x7f\x85 s\u200bero\u200dwidth\ufeff bom",
    "tab\tnew\nline\r\nnbsp\u00a0thin\u2009ideographic\u3000space",
    "...!!!???",
    "#hashtag @name $5.99 50% a&b c*d (e) [f] {g} <h> ~i ^j `k _l =m +n |o \\p /q",
    "“curly” ‘quotes’ — dash – en … ellipsis • bullet « guillemets »",
    "12345 3.14 1,000,000 0xff 1e10 ½ ² ①",
    "full １２３ ＡＢＣ width",
    "don't can't it's we'll o'clock",
    "word " * 600,
    "a" * 100,
    "b" * 101,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "[SEP] in [MASK] the [CLS] text [PAD] [UNK] [ENC] [DEC]",
    "[sep] lower [mask]",
    "  leading and trailing   spaces  ",
    "private \ue000 use \ufffd replacement",
    "a\u0301\u0302\u0303 stacked",
    "ﬁ ligature ﬀ ﬃ",
    "mixed你好mixed",
    "x\u00adsoft hyphen",
    "math ∑∫√≤≥≠ ∈ ℝ 𝔸 𝟘",
    "arrows → ← ⇒",
    "thai สวัสดี khmer សួស្តី tibetan བོད",
    "hebrew שלום עולם with points שָׁלוֹם",
    "vietnamese Tiếng Việt đường",
    "polish łódź żółć",
    "line\u2028separator\u2029paragraph",
    "\U0001f1fa\U0001f1f8 flag \U000e0067 tag",
    "CamelCaseWord snake_case_word kebab-case-word",
    "http://example.com/path?x=1&y=2",
    "IMG_2043.jpg",
    "a picture of ",
    "A cat, close up!",
    "how many dogs are in the picture?",
]

CLEANUP = [
    "A Dog. Runs!  Fast",
    'say "hello" (now) * # : ; ~ end',
    "keeps , ? ' - / & 42",
    "two  spaces\tand\ttabs\n\nlines",
    "trailing newline\n\n",
    "  spaces around  ",
    " ".join(f"w{n}" for n in range(60)),
    "dots...in...row",
    "ÀÉ Upper İ ẞ",
    "nbsp\u00a0\u00a0two",
    "unit\x1c\x1dseparators",
    "bom\ufeff\ufefftwice",
    ".leading dot",
    "end dot.",
    "\n",
    "(all)(removed)",
    "question? yes!",
    "a ; b",
]


def pre_caption(text: str, max_words: int) -> str:
    text = re.sub("[" + re.escape('.!"()*#:;~') + "]", " ", text.lower())
    text = re.sub(r"\s{2,}", " ", text).rstrip("\n").strip(" ")
    words = text.split(" ")
    return " ".join(words[:max_words]) if len(words) > max_words else text


def pre_question(text: str, max_words: int) -> str:
    text = re.sub("[" + re.escape('.!"()*#:;~') + "]", "", text.lower()).rstrip(" ")
    words = text.split(" ")
    return " ".join(words[:max_words]) if len(words) > max_words else text


def main() -> None:
    vocabulary = ROOT / "packages/blip/models/bert-base-uncased/vocab.txt"
    tokenizer = BertTokenizer(vocab=str(vocabulary), do_lower_case=True)
    rows = [
        {
            "text": text,
            "ids": tokenizer(text).input_ids,
            "ids35": tokenizer(text, padding="max_length", truncation=True, max_length=35).input_ids,
            "decoded": tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True),
        }
        for text in TEXTS
    ]
    clean = [
        {
            "text": text,
            "maxWords": words,
            "caption": pre_caption(text, words),
            "question": pre_question(text, words),
        }
        for text in CLEANUP
        for words in (50, 3)
    ]
    golden = {
        "script": "oracle/hf/text_goldens.py",
        "versions": {"transformers": transformers.__version__},
        "texts": rows,
        "cleanup": clean,
    }
    path = ROOT / "fixtures/goldens/tokenizer.json"
    path.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
