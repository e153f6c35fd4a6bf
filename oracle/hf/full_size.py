"""A full-size (223,744,258 parameters) random BlipForImageTextRetrieval, and transformers' scores with it.

    python full_size.py make --out DIR --format safetensors|bin|pth [--config-heads 8]
    python full_size.py reference --model DIR --images A.png B.jpg --texts "one" "two"

The same seed gives the same weights in each format: 12 text heads, all weights drawn at std 0.02 (transformers draws
vision weights at 1e-10). `--config-heads 8` writes the config of the seed's repository: the weights stay the same.
"""

import argparse
import json
import shutil
from collections import OrderedDict
from pathlib import Path

import torch
from PIL import Image
from transformers import BertTokenizer, BlipConfig, BlipForImageTextRetrieval
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from tiny_checkpoints import PREPROCESSOR, original_name

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "packages/blip/models/bert-base-uncased/vocab.txt"


def make(out: Path, fmt: str, config_heads: int) -> None:
    config = BlipConfig(text_config={"num_attention_heads": 12})
    with torch.device("meta"):
        model = BlipForImageTextRetrieval(config)
    model = model.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0, 0.02, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1)
    state = OrderedDict((name, value) for name, value in model.named_parameters())
    print("parameters", sum(value.numel() for value in state.values()))
    out.mkdir(parents=True, exist_ok=True)
    if fmt == "safetensors":
        from safetensors.torch import save_file

        save_file({k: v.detach() for k, v in state.items()}, out / "model.safetensors", metadata={"format": "pt"})
    else:
        tensors = OrderedDict((name, value.detach()) for name, value in state.items())
        tensors["text_encoder.embeddings.position_ids"] = torch.arange(512).unsqueeze(0)
        if fmt == "bin":
            torch.save(tensors, out / "pytorch_model.bin")
        else:
            renamed = OrderedDict((original_name(name), tensor) for name, tensor in tensors.items())
            torch.save({"model": renamed, "epoch": 5}, out / "model_base_retrieval_random.pth")
    config.text_config.num_attention_heads = config_heads
    config.architectures = ["BlipForImageTextRetrieval"]
    config.save_pretrained(out)
    preprocessor = {**PREPROCESSOR, "size": {"height": 384, "width": 384}}
    (out / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
    shutil.copy(VOCABULARY, out / "vocab.txt")


def reference(folder: Path, images: list[str], texts: list[str]) -> None:
    config = BlipConfig.from_pretrained(folder)
    config.text_config.num_attention_heads = 12
    model = BlipForImageTextRetrieval.from_pretrained(folder, config=config, dtype=torch.float32).eval()
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    processor = BlipImageProcessorPil()
    rows = []
    with torch.no_grad():
        for image in images:
            pixels = processor(Image.open(image), return_tensors="pt").pixel_values
            for text in texts:
                encoded = tokenizer([text], return_tensors="pt")
                inputs = dict(
                    pixel_values=pixels, input_ids=encoded.input_ids, attention_mask=encoded.attention_mask
                )
                logits = model(**inputs).itm_score[0]
                cosine = model(**inputs, use_itm_head=False).itm_score[0, 0]
                rows.append(
                    {
                        "image": image,
                        "text": text,
                        "logits": logits.tolist(),
                        "probability": logits.softmax(0)[1].item(),
                        "cosine": cosine.item(),
                    }
                )
    (folder / "reference.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(json.dumps(rows, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("--out", type=Path, required=True)
    maker.add_argument("--format", choices=["safetensors", "bin", "pth"], default="safetensors")
    maker.add_argument("--config-heads", type=int, default=12)
    scorer = verbs.add_parser("reference")
    scorer.add_argument("--model", type=Path, required=True)
    scorer.add_argument("--images", nargs="+", required=True)
    scorer.add_argument("--texts", nargs="+", required=True)
    given = parser.parse_args()
    if given.verb == "make":
        make(given.out, given.format, given.config_heads)
    else:
        reference(given.model, given.images, given.texts)


if __name__ == "__main__":
    main()
