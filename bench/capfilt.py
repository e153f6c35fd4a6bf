"""The peer of bench/capfilt.ts: transformers with two random base-size models that share an image encoder.

    python capfilt.py make --out DIR        writes DIR/caption and DIR/match
    python capfilt.py serve --models DIR --threads N --images A.png B.png ...

`serve` prints `ready`. Then, for each line of standard input, it captions all images by nucleus sampling, matches each
image with its two texts, and prints its seconds as JSON. Each model encodes an image once.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipForImageTextRetrieval
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "oracle/hf"))
from full_size import VOCABULARY  # noqa: E402
from tiny_checkpoints import PREPROCESSOR  # noqa: E402

KINDS = {"caption": BlipForConditionalGeneration, "match": BlipForImageTextRetrieval}
PROMPT, WEB = "a picture of ", "two people and a dog walk along the beach in the evening"


def make(out: Path) -> None:
    for task, kind in KINDS.items():
        config = BlipConfig(text_config={"num_attention_heads": 12})
        with torch.device("meta"):
            model = kind(config)
        model = model.to_empty(device="cpu")
        if task == "caption":
            model.tie_weights()
        for name, parameter in model.named_parameters():
            # The seed depends on the name alone, so both models get the same image encoder.
            seed = sum(ord(char) * (place + 1) for place, char in enumerate(name))
            with torch.no_grad():
                parameter.normal_(0, 0.02, generator=torch.Generator().manual_seed(seed))
                if "norm" in name.lower() and name.endswith("weight"):
                    parameter.add_(1)
        folder = out / task
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach() for name, value in model.named_parameters()}
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        config.architectures = [kind.__name__]
        config.save_pretrained(folder)
        preprocessor = {**PREPROCESSOR, "size": {"height": 384, "width": 384}}
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
        shutil.copy(VOCABULARY, folder / "vocab.txt")


class Peer:
    def __init__(self, models: Path):
        self.captioner, self.matcher = (
            kind.from_pretrained(models / task, dtype=torch.float32).eval() for task, kind in KINDS.items()
        )
        self.tokenizer = BertTokenizer(vocab=str(models / "match/vocab.txt"), do_lower_case=True)
        self.processor = BlipImageProcessorPil()

    def pixels(self, batch: list[str]) -> torch.Tensor:
        return self.processor([Image.open(image).convert("RGB") for image in batch], return_tensors="pt").pixel_values

    def captions(self, batch: list[str]) -> list[str]:
        prompt = self.tokenizer([PROMPT] * len(batch), return_tensors="pt", return_token_type_ids=False)
        tokens = self.captioner.generate(
            pixel_values=self.pixels(batch),
            **prompt,
            do_sample=True,
            top_p=0.9,
            top_k=50,
            repetition_penalty=1.1,
            min_length=5,
            max_length=20,
        )
        return [self.tokenizer.decode(row, skip_special_tokens=True) for row in tokens]

    def matches(self, batch: list[str], captions: list[str]) -> torch.Tensor:
        """As the class computes it, except that each image is encoded once for both of its texts."""
        states = self.matcher.vision_model(pixel_values=self.pixels(batch)).last_hidden_state.repeat_interleave(2, dim=0)
        texts = [text for caption in captions for text in (WEB, caption)]
        encoded = self.tokenizer(texts, padding=True, truncation=True, max_length=35, return_tensors="pt")
        output = self.matcher.text_encoder(
            input_ids=encoded.input_ids,
            attention_mask=encoded.attention_mask,
            encoder_hidden_states=states,
            encoder_attention_mask=torch.ones(states.shape[:-1], dtype=torch.long),
        )
        return self.matcher.itm_head(output.last_hidden_state[:, 0]).softmax(-1)[:, 1]

    def run(self, images: list[str], batch: int) -> dict:
        batches = [images[at : at + batch] for at in range(0, len(images), batch)]
        with torch.inference_mode():
            begun, used = time.perf_counter(), time.process_time()
            captions = [self.captions(own) for own in batches]
            middle = time.perf_counter()
            found = torch.cat([self.matches(own, texts) for own, texts in zip(batches, captions, strict=True)])
            ended = time.perf_counter()
        tokens = [len(self.tokenizer(text).input_ids) for own in captions for text in own]
        seconds = {"caption": middle - begun, "match": ended - middle, "processor": time.process_time() - used}
        return {**seconds, "tokens": sum(tokens) / len(tokens), "pairs": len(found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("make").add_argument("--out", type=Path, required=True)
    server = verbs.add_parser("serve")
    server.add_argument("--models", type=Path, required=True)
    server.add_argument("--threads", type=int, required=True)
    server.add_argument("--batch", type=int, default=4)
    server.add_argument("--images", nargs="+", required=True)
    given = parser.parse_args()
    if given.verb == "make":
        make(given.out)
        return
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    peer = Peer(given.models)
    peer.run(given.images[: given.batch], given.batch)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(peer.run(given.images, given.batch)), flush=True)


if __name__ == "__main__":
    main()
