"""Compares tokenizeCaptions with pycocoevalcap's tokenizer on random captions, and prints what differs."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from captions_goldens import tokenize
from common import between, load_pieces, pick, random_numbers

ROOT = Path(__file__).resolve().parents[2]

ASCII = [chr(code) for code in range(32, 127)]
BEYOND = [
    chr(code)
    for low, high in [(0xA1, 0x250), (0x300, 0x340), (0x370, 0x600), (0x900, 0x980), (0x2000, 0x2300), (0x2600, 0x2700),
                      (0x3000, 0x3100), (0x4E00, 0x4E40), (0xFF00, 0xFFE0), (0x1F600, 0x1F640)]
    for code in range(low, high)
    if code not in (0x2028, 0x2029)
]
# Short alphabets make rare combinations frequent.
ALPHABETS = [
    ASCII,
    ASCII + BEYOND,
    list("0123456789   ..--//,,:()+½⁄%$#"),
    "a b S U I ' ' ’ ` n t s ll d O o - . em y é e i".split(" ") + [" "],
    "http https :// www . com org q / ? = & @ - _ a 1 # < > : , ~ % + é X".split(" ") + [" "],
    "< > a / = \" ' ! ? - b x & lt; gt; amp; quot; apos; nbsp; ; br #39;".split(" ") + [" "],
    list(":=;)(DP-o*'^_x~><[]{}|\\@pd a38B"),
    ["U.S", ".", " ", "The", "Inc", "Mr", "a", "A", "b", ", ", "No", "5", "-", "based", "non", "e.g", "Ph.D", "'s", "St", "<b>"],
]


def caption(pieces, random):
    if random() < 0.5:
        text = ""
        for _ in range(between(random, 1, 14)):
            text += pick(random, pick(random, pieces["captions"])) + pick(random, pieces["separators"])
        return text
    alphabet = pick(random, ALPHABETS)
    return "".join(pick(random, alphabet) for _ in range(between(random, 1, 16)))


def ours(captions):
    with tempfile.TemporaryDirectory() as folder:
        program, given, found = (Path(folder) / name for name in ("run.mts", "given.json", "found.json"))
        source = ROOT / "packages" / "metrics" / "src" / "index.ts"
        program.write_text(
            f"""import {{ readFileSync, writeFileSync }} from "node:fs";
            import {{ tokenizeCaptions }} from {json.dumps(str(source))};
            const captions = JSON.parse(readFileSync({json.dumps(str(given))}, "utf8"));
            writeFileSync({json.dumps(str(found))}, JSON.stringify(tokenizeCaptions(captions).map((one) => one.join(" "))));"""
        )
        given.write_text(json.dumps(captions))
        subprocess.run(["npx", "tsx", program], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        return json.loads(found.read_text())


def main(count, seed):
    pieces, random = load_pieces(), random_numbers(seed)
    captions = [caption(pieces, random) for _ in range(count)]
    expected, found = tokenize({0: captions})[0], ours(captions)
    different = [one for one in zip(captions, expected, found, strict=True) if one[1] != one[2]]
    for text, theirs, mine in different[:20]:
        print(repr(text), "\n  java:", theirs, "\n  ours:", mine)
    print(f"{len(different)} of {count} differ")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3] or (20000, 1)))
