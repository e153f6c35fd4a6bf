"""Golden numbers of `blip capfilt`: fixtures/goldens/capfilt.json.

LAVIS's captioner draws a caption for each example scene, its filter scores it and four texts: 50 pairs. The numbers by which
tokens are drawn are fed in: those of the generator and of the seeds that blip-ts has. After oracle/hf/tiny_checkpoints.py:
python capfilt_goldens.py
"""

import hashlib
import json

import lavis_stubs  # noqa: F401  before all of lavis
import torch
from evaluation_goldens import pixels, pre_caption
from legacy_goldens import GOLDENS, ROOT, VERSIONS, Tiny, with_bias
from lavis.models.blip_models.blip_caption import BlipCaption
from lavis.models.blip_models.blip_image_text_matching import BlipITM

SEED = 7
PROMPT = "a picture of "
# Texts as the web has them: other cases, punctuation, more than thirty words.
TEXTS = [
    "A woman and her DOG on the beach!",
    "two red cars (blue)",
    "a cat sitting under a tree with snow, a cat. a cat; a dog",
    " ".join(["the snow on the green tree and the blue house"] * 5),
]


class Random:
    """packages/blip/src/decode/random.ts: sfc32, 53 bits."""

    def __init__(self, seed: int, stream: int = 0):
        self.state = [seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF, stream & 0xFFFFFFFF, 1]
        for _ in range(15):
            self.next()

    def next(self) -> int:
        a, b, c, counter = self.state
        total = (a + b + counter) & 0xFFFFFFFF
        rotated = ((c << 21) | (c >> 11)) & 0xFFFFFFFF
        self.state = [b ^ (b >> 9), (c + (c << 3)) & 0xFFFFFFFF, (rotated + total) & 0xFFFFFFFF, (counter + 1) & 0xFFFFFFFF]
        return total

    def __call__(self) -> float:
        high = self.next() >> 5
        return (high * 2**26 + (self.next() >> 6)) / 2**53


def sample_seed(seed: int, key: str) -> int:
    """packages/blip/src/capfilt/sample-seed.ts"""
    return int(hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()[:13], 16)


class Fed:
    """torch.multinomial of one row by numbers that are fed in: the likeliest token first, equals by their ids."""

    def __init__(self, random: Random):
        self.random, self.draws = random, []

    def __call__(self, probabilities: torch.Tensor, num_samples: int) -> torch.Tensor:
        assert num_samples == 1 and probabilities.shape[0] == 1
        row = probabilities[0].double()
        order = sorted(range(len(row)), key=lambda token: (-row[token].item(), token))
        self.draws.append(self.random())
        left = self.draws[-1]
        for token in order:
            left -= row[token].item()
            if left < 0:
                break
        return torch.tensor([[token]])


def drawn(model: BlipCaption, image: torch.Tensor, seed: int) -> dict:
    """LAVIS's own function, with other draws than torch's."""
    states = model.forward_encoder({"image": image})
    prompt = model.tokenizer([PROMPT], return_tensors="pt")
    prompt.input_ids[:, 0] = model.tokenizer.bos_token_id
    prompt.input_ids = prompt.input_ids[:, :-1]
    prompt.attention_mask = prompt.attention_mask[:, :-1]
    fed, own = Fed(Random(seed)), torch.multinomial
    torch.multinomial = fed
    try:
        [tokens] = model.text_decoder.generate_from_encoder(
            tokenized_prompt=prompt,
            visual_embeds=states,
            sep_token_id=3,
            pad_token_id=0,
            use_nucleus_sampling=True,
            num_beams=1,
            max_length=20,
            min_length=5,
            top_p=0.9,
            repetition_penalty=1.1,
        ).tolist()
    finally:
        torch.multinomial = own
    text = model.tokenizer.decode(tokens, skip_special_tokens=True)
    # LAVIS cuts the prompt with the blank behind it, and with it a letter of a caption that begins within a word.
    caption = text[len(PROMPT.strip()) :].strip()
    return {"seed": seed, "draws": fed.draws, "tokens": tokens, "caption": caption}


@torch.no_grad()
def main() -> None:
    tiny = Tiny("pretrain-original")
    size = tiny.vision["image_size"]
    captioner = tiny.fill(BlipCaption(tiny.vit(), tiny.decoder(tiny.vision["hidden_size"]), prompt=PROMPT))
    matcher = tiny.fill(BlipITM(tiny.vit(), tiny.encoder(), embed_dim=tiny.joint, max_txt_len=35))
    original = captioner.text_decoder.cls.predictions.bias.clone()

    def probability(image: torch.Tensor, text: str) -> float:
        # LAVIS's processors of texts clean them before the model.
        logits = matcher({"image": image, "text_input": [pre_caption(text, 30)]}, match_head="itm")
        return torch.softmax(logits, dim=1)[0, 1].item()

    rows = []
    for sep in (0.0, 3.0):
        with_bias(captioner, sep, original)
        for scene in range(1, 11):
            path = f"{scene:02}.png"
            image = pixels({"file": f"../examples/scenes/{path}"}, size)
            caption = drawn(captioner, image, sample_seed(SEED, f"path {path}"))
            texts = [*TEXTS, caption["caption"]]
            rows.append({"sepBias": sep, "image": path, **caption, "probabilities": [probability(image, t) for t in texts]})
    for sep in (0.0, 3.0):
        found = sorted(p for row in rows if row["sepBias"] == sep for p in row["probabilities"])
        print("bias", sep, "pairs", len(found), "from", found[0], "to", found[-1], [row["caption"] for row in rows if row["sepBias"] == sep][:3])
    # Between two probabilities near the middle that are far apart, so that no rounding decides.
    found = sorted(p for row in rows for p in row["probabilities"])
    middle = range(len(found) // 3, 2 * len(found) // 3)
    gap, at = max((found[i + 1] - found[i], i) for i in middle)
    print("gap", gap)
    head = {"script": "oracle/legacy/capfilt_goldens.py", "versions": VERSIONS, "seed": SEED, "texts": TEXTS}
    about = {**head, "threshold": (found[at] + found[at + 1]) / 2, "rows": rows}
    (GOLDENS / "capfilt.json").write_text(json.dumps(about, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
