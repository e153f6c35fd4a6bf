"""Training steps of an adapter: PEFT over the tiny captioner of step_goldens.py, torch's AdamW.

Writes fixtures/train/lora.safetensors and lora.json. Run after step_goldens.py. Seeded: run twice, it writes the same bytes.
"""
import json
import os

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BlipTextConfig
from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel

OUT = os.path.join(os.path.dirname(__file__), "../../fixtures/train")
STEPS = 10
LORA = dict(r=2, lora_alpha=3, target_modules=["query", "value", "dense"], modules_to_save=["LayerNorm"])

torch.manual_seed(21)
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
with open(f"{OUT}/captioner.json") as file:
    facts = json.load(file)
given = load_file(f"{OUT}/captioner.safetensors")
settings, sizes = facts["settings"], facts["sizes"]
config = BlipTextConfig(
    **sizes, encoder_hidden_size=facts["width"], is_decoder=True, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0, layer_norm_eps=1e-12,
)
config._attn_implementation = "eager"
base = BlipTextLMHeadModel(config)
with torch.no_grad():
    for name, parameter in base.named_parameters():
        parameter.copy_(given[f"begin {name}"])
base.tie_weights()
model = get_peft_model(base, LoraConfig(**LORA))
trained = {
    name.removeprefix("base_model.model.").replace(".default", "").replace(".modules_to_save", ""): parameter
    for name, parameter in model.named_parameters()
    if parameter.requires_grad
}
with torch.no_grad():
    # B that is 0 would leave A without a gradient.
    for name, parameter in trained.items():
        if "lora_B" in name:
            parameter.copy_(torch.randn_like(parameter) * 0.1)
tensors = {f"begin {name}": parameter.detach().clone() for name, parameter in trained.items()}


def loss_of(index: int) -> torch.Tensor:
    batch = {key: given[f"batch {index} {key}"] for key in ("input_ids", "labels", "mask", "states", "counted")}
    logits = model(
        input_ids=batch["input_ids"], attention_mask=batch["mask"], encoder_hidden_states=batch["states"],
    ).logits
    labels = batch["labels"].masked_fill(batch["counted"] == 0, -100)
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, sizes["vocab_size"]), labels.reshape(-1), label_smoothing=settings["smoothing"],
    )


optimizer = torch.optim.AdamW(trained.values(), lr=settings["lr"], weight_decay=settings["decay"])
losses, norms = [], []
for step in range(STEPS):
    optimizer.zero_grad()
    loss = loss_of(step % facts["batches"])
    loss.backward()
    if step == 0:
        tensors.update({f"gradient {name}": parameter.grad.clone() for name, parameter in trained.items()})
    norms.append(float(torch.nn.utils.clip_grad_norm_(trained.values(), settings["clip"])))
    optimizer.step()
    losses.append(loss.item())
    if step + 1 in (1, STEPS):
        tensors.update({f"step {step + 1} {name}": parameter.detach().clone() for name, parameter in trained.items()})

save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, f"{OUT}/lora.safetensors")
with open(f"{OUT}/lora.json", "w") as file:
    json.dump(dict(lora=LORA, losses=losses, norms=norms), file, indent=2)
    file.write("\n")
print(losses, norms, sorted(trained)[:6], len(trained))
