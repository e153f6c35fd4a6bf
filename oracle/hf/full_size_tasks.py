"""Full-size random checkpoints of captioning, questions and BlipModel, with transformers' outputs beside them.

    python full_size_tasks.py caption|ask|embed OUT [--large] [--size 384]

OUT becomes a folder with model.safetensors and reference.safetensors; `npx tsx bench/full-size.ts OUT` compares. All weights
are drawn at std 0.02 (transformers draws vision weights at 1e-10), the text models have their 12 heads.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
    BlipModel,
)

from tiny_checkpoints import PREPROCESSOR

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "packages/blip/models/bert-base-uncased/vocab.txt"
CLASSES = {"caption": BlipForConditionalGeneration, "ask": BlipForQuestionAnswering, "embed": BlipModel}
TEXTS = ["a picture of", "two red cars and the"]
QUESTIONS = ["is there a dog in the picture?", "how many people are sitting on the bench?"]


def draw(model: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 0:
                continue
            parameter.normal_(0, 0.02, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1)


def make(task: str, out: Path, large: bool, size: int):
    vision = {"image_size": size}
    if large:
        vision |= {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    text = {"num_attention_heads": 12, "encoder_hidden_size": 1024 if large else 768}
    model = CLASSES[task](BlipConfig(text_config=text, vision_config=vision)).eval()
    draw(model, 17)
    model.save_pretrained(out)
    preprocessor = {**PREPROCESSOR, "size": {"height": size, "width": size}}
    (out / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
    shutil.copy(VOCABULARY, out / "vocab.txt")
    print("parameters", sum(p.numel() for p in model.parameters()))
    return model, BertTokenizer(vocab=str(VOCABULARY), do_lower_case=True)


@torch.no_grad()
def reference(task: str, model, tokenizer, size: int) -> dict[str, torch.Tensor]:
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(3))
    tensors = {"pixel_values": pixels}
    if task == "caption":
        for row, text in enumerate(TEXTS):
            ids = tokenizer([text], return_tensors="pt").input_ids
            one = pixels[row : row + 1]
            decoder = ids.clone()
            decoder[:, 0] = model.config.text_config.bos_token_id
            tensors[f"{row}.input_ids"] = ids
            tensors[f"{row}.logits"] = model(pixel_values=one, input_ids=decoder).logits
            for beams in (1, 3):
                tensors[f"{row}.beams.{beams}"] = model.generate(
                    pixel_values=one, input_ids=ids.clone(), num_beams=beams, max_length=20, do_sample=False
                )
    elif task == "ask":
        for row, text in enumerate(QUESTIONS):
            ids = tokenizer([text], return_tensors="pt").input_ids
            one = pixels[row : row + 1]
            tensors[f"{row}.input_ids"] = ids
            tensors[f"{row}.decoder_input_ids"] = torch.tensor([[30522, 2748, 1010, 2045, 2003]])
            states = model.vision_model(one)[0]
            question = model.text_encoder(input_ids=ids, encoder_hidden_states=states)[0]
            tensors[f"{row}.logits"] = model.text_decoder(
                input_ids=tensors[f"{row}.decoder_input_ids"], encoder_hidden_states=question
            ).logits
            for beams in (1, 3):
                tensors[f"{row}.beams.{beams}"] = model.generate(
                    input_ids=ids, pixel_values=one, num_beams=beams, max_length=10, min_length=1, do_sample=False
                )
    else:
        encoded = tokenizer(["a dog on the beach"], return_tensors="pt")
        tensors["input_ids"] = encoded.input_ids
        tensors["image_features"] = model.get_image_features(pixel_values=pixels).pooler_output
        tensors["text_features"] = model.get_text_features(**encoded).pooler_output
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=CLASSES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--size", type=int, default=384)
    given = parser.parse_args()
    model, tokenizer = make(given.task, given.out, given.large, given.size)
    tensors = reference(given.task, model, tokenizer, given.size)
    save_file({key: value.contiguous() for key, value in tensors.items()}, given.out / "reference.safetensors")


if __name__ == "__main__":
    main()
