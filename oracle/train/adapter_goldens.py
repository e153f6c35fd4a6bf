"""Adapters that PEFT writes over the tiny checkpoints, and what the models answer with them.

Writes fixtures/adapter/{match,caption,vqa}/ and fixtures/adapter/goldens.safetensors. Outputs are computed in double
precision. Seeded: run twice, it writes the same bytes.
"""
import json
import os
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import BlipForConditionalGeneration, BlipForImageTextRetrieval, BlipForQuestionAnswering

OUT = Path("fixtures/adapter")
CASES = {
    "match": (
        BlipForImageTextRetrieval,
        dict(r=4, lora_alpha=6, target_modules=["query", "value", "qkv", "projection"], modules_to_save=["itm_head"]),
    ),
    "caption": (
        BlipForConditionalGeneration,
        dict(
            r=3, lora_alpha=4, use_rslora=True, target_modules=["query", "value", "dense"],
            rank_pattern={"crossattention.self.query": 2}, alpha_pattern={"attention.self.value": 5},
        ),
    ),
    "vqa": (BlipForQuestionAnswering, dict(r=2, lora_alpha=2, target_modules=["query", "value"])),
}
IDS = torch.tensor([[2, 60, 61, 62, 70, 3], [2, 75, 64, 3, 0, 0]])
MASK = (IDS != 0).long()
# Tokens of both rows before the padding.
QUESTION = 4
DECODER = torch.tensor([[125, 60, 61, 62], [125, 75, 64, 66]])


def adapted(task: str, seed: int) -> PeftModel:
    kind, settings = CASES[task]
    model = get_peft_model(kind.from_pretrained(f"fixtures/tiny/{task}").eval(), LoraConfig(**settings))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * (0.2 if "lora_" in name else 0.15))
    return model


def save(model: PeftModel, folder: Path) -> None:
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    # A set in PEFT, whose order changes from run to run.
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def outputs(task: str, model: PeftModel, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    model = model.double()
    given = dict(pixel_values=pixels.double())
    if task == "match":
        texts = dict(input_ids=IDS, attention_mask=MASK)
        return {
            "itm_score": model(**given, **texts).itm_score,
            "cosine": model(**given, **texts, use_itm_head=False).itm_score,
        }
    if task == "caption":
        return {"logits": model(**given, input_ids=DECODER, attention_mask=torch.ones_like(DECODER)).logits}
    inner = model.get_base_model()
    states = inner.vision_model(pixels.double()).last_hidden_state
    # Without padding, which the references attend to.
    question = inner.text_encoder(
        input_ids=IDS[:, :QUESTION], attention_mask=MASK[:, :QUESTION], encoder_hidden_states=states,
        encoder_attention_mask=torch.ones(states.shape[:2], dtype=torch.long),
    ).last_hidden_state
    answers = inner.text_decoder(
        input_ids=DECODER, attention_mask=torch.ones_like(DECODER), encoder_hidden_states=question,
        encoder_attention_mask=MASK[:, :QUESTION],
    )
    return {"question": question, "logits": answers.logits}


def main() -> None:
    os.chdir(Path(__file__).resolve().parents[2])
    torch.set_num_threads(1)
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    found = {"pixel_values": pixels, "input_ids": IDS, "attention_mask": MASK, "decoder_input_ids": DECODER}
    with torch.no_grad():
        for seed, task in enumerate(CASES):
            model = adapted(task, seed + 1)
            save(model, OUT / task)
            for name, tensor in outputs(task, model, pixels).items():
                found[f"{task} {name}"] = tensor.float().contiguous()
    save_file(found, OUT / "goldens.safetensors")
    print({name: list(tensor.shape) for name, tensor in found.items()})


if __name__ == "__main__":
    main()
