"""Golden numbers of training steps: transformers' BlipTextLMHeadModel as a captioner of random states, torch's AdamW.

Writes fixtures/train/captioner.safetensors and captioner.json. Seeded: run twice, it writes the same bytes.
"""
import json
import os

import torch
from safetensors.torch import save_file
from transformers import BlipTextConfig
from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel

OUT = os.path.join(os.path.dirname(__file__), "../../fixtures/train")
STEPS, B, T, N, WIDTH, BATCHES = 20, 8, 6, 5, 10, 3
SETTINGS = dict(lr=1e-3, decay=0.05, clip=2.0, smoothing=0.1, momentum=0.9)
SIZES = dict(
    hidden_size=12, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, vocab_size=31,
    max_position_embeddings=8,
)

torch.manual_seed(20)
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
config = BlipTextConfig(
    **SIZES, encoder_hidden_size=WIDTH, is_decoder=True, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0, layer_norm_eps=1e-12, initializer_range=0.2,
)
config._attn_implementation = "eager"
model = BlipTextLMHeadModel(config)
with torch.no_grad():
    # Biases and gains that are 0 and 1 would hide mistakes.
    for name, p in model.named_parameters():
        if p.dim() == 1:
            p.add_(torch.randn_like(p) * 0.1)
model.tie_weights()
assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
assert model.cls.predictions.decoder.bias is model.cls.predictions.bias
names = {n: p for n, p in model.named_parameters()}
tensors = {f"begin {n}": p.detach().clone() for n, p in names.items()}

batches = []
for index in range(BATCHES):
    ids = torch.randint(1, SIZES["vocab_size"], (B, T + 1))
    lengths = torch.randint(2, T + 1, (B,))
    mask = (torch.arange(T)[None] < lengths[:, None]).long()
    batch = dict(
        input_ids=ids[:, :-1] * mask, labels=ids[:, 1:] * mask, mask=mask,
        states=torch.randn(B, N, WIDTH), counted=mask.clone(),
    )
    batch["counted"][:, 0] = 0  # The first target belongs to a prompt.
    batches.append(batch)
    for key, value in batch.items():
        tensors[f"batch {index} {key}"] = value.contiguous()


def loss_of(batch):
    logits = model(
        input_ids=batch["input_ids"], attention_mask=batch["mask"], encoder_hidden_states=batch["states"],
    ).logits
    labels = batch["labels"].masked_fill(batch["counted"] == 0, -100)
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, SIZES["vocab_size"]), labels.reshape(-1), label_smoothing=SETTINGS["smoothing"],
    )


optimizer = torch.optim.AdamW(model.parameters(), lr=SETTINGS["lr"], weight_decay=SETTINGS["decay"])
followers = {n: p.detach().clone() for n, p in names.items()}
losses, norms = [], []
for step in range(STEPS):
    with torch.no_grad():
        for n, p in names.items():
            followers[n] = followers[n] * SETTINGS["momentum"] + p * (1.0 - SETTINGS["momentum"])
    optimizer.zero_grad()
    loss = loss_of(batches[step % BATCHES])
    loss.backward()
    if step == 0:
        tensors.update({f"gradient {n}": p.grad.clone() for n, p in names.items()})
    norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])))
    optimizer.step()
    losses.append(loss.item())
    if step + 1 in (1, 10):
        tensors.update({f"step {step + 1} {n}": p.detach().clone() for n, p in names.items()})
tensors.update({f"follower {n}": p.clone() for n, p in followers.items()})

os.makedirs(OUT, exist_ok=True)
save_file(tensors, f"{OUT}/captioner.safetensors")
with open(f"{OUT}/captioner.json", "w") as file:
    json.dump(dict(sizes=SIZES, width=WIDTH, batches=BATCHES, settings=SETTINGS, losses=losses, norms=norms), file, indent=2)
    file.write("\n")
print(losses, norms, sum(t.numel() for t in tensors.values()), sorted(names)[:8])
