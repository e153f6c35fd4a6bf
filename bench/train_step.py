"""PyTorch's side of bench/train-step.ts: transformers' captioner or matcher, AdamW (fused) and clip_grad_norm_.

usage: train_step.py lm|itm FOLDER SIZES_JSON THREADS
Writes FOLDER/weights.safetensors. Each input line is a batch number; the answer is one step, as a line of JSON.
"""
import json
import resource
import sys
import time

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BlipConfig, BlipTextConfig, BlipVisionConfig
from transformers.models.blip.modeling_blip import BlipForConditionalGeneration, BlipForImageTextRetrieval

objective, folder, sizes, threads = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
torch.manual_seed(0)
if threads > 0:
    torch.set_num_threads(threads)
D, V = sizes["D"], sizes["V"]
vision = BlipVisionConfig(
    hidden_size=D, intermediate_size=4 * D, num_hidden_layers=sizes["L"], num_attention_heads=sizes["heads"],
    image_size=sizes["S"], patch_size=16, attention_dropout=0.0,
    # transformers initialises vision weights with 1e-10, so layer normalisation would amplify rounding.
    initializer_range=0.02,
)
text = BlipTextConfig(
    hidden_size=D, encoder_hidden_size=D, intermediate_size=4 * D, num_hidden_layers=sizes["TL"],
    num_attention_heads=sizes["heads"], vocab_size=V, max_position_embeddings=max(32, sizes["T"]),
    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, is_decoder=True, layer_norm_eps=1e-12,
    bos_token_id=0, sep_token_id=1, eos_token_id=1, pad_token_id=0,
)
config = BlipConfig(text_config=text.to_dict(), vision_config=vision.to_dict())
if objective == "lm":
    model = BlipForConditionalGeneration(config)
    model.tie_weights()
else:
    model = BlipForImageTextRetrieval(config)
    # ITC's heads: no loss here trains them.
    del model.vision_proj, model.text_proj
save_file(
    {n: p.detach() for n, p in model.named_parameters()}, f"{folder}/weights.safetensors", {"format": "pt"}
)


def read(name, dtype, *shape):
    return torch.from_numpy(np.fromfile(f"{folder}/{name}.bin", dtype).reshape(shape))


B, T, S = sizes["B"], sizes["T"], sizes["S"]
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, fused=True)


def language_loss(states, ids, labels, mask):
    """LM: the next token, given the tokens before it."""
    logits = model.text_decoder(
        input_ids=ids, attention_mask=torch.ones_like(ids), encoder_hidden_states=states
    ).logits
    return torch.nn.functional.cross_entropy(logits.reshape(-1, V), labels.reshape(-1))


def matching_loss(states, ids, labels, mask):
    """ITM: two logits from the first state."""
    hidden = model.text_encoder(
        input_ids=ids, attention_mask=mask, encoder_hidden_states=states
    ).last_hidden_state
    return torch.nn.functional.cross_entropy(model.itm_head(hidden[:, 0]), labels)


loss_of = language_loss if objective == "lm" else matching_loss


def step(pixels, *texts):
    optimizer.zero_grad()
    loss = loss_of(model.vision_model(pixels).last_hidden_state, *texts)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item(), norm.item()


def batch_of(turn):
    pixels, ids = read(f"pixels-{turn}", "<f4", B, 3, S, S), read(f"ids-{turn}", "<i8", B, T)
    if objective == "lm":
        return pixels, ids, read(f"labels-{turn}", "<i8", B, T), None
    return pixels, ids, read(f"labels-{turn}", "<i8", B), read(f"mask-{turn}", "<i8", B, T)


print(json.dumps({"ready": sum(p.numel() for p in model.parameters()), "torch": torch.__version__}), flush=True)
for line in sys.stdin:
    batch = batch_of(int(line))
    begin, before = time.perf_counter(), time.process_time()
    loss, norm = step(*batch)
    took, cpu = (time.perf_counter() - begin) * 1000, (time.process_time() - before) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ms": took, "cpu": cpu, "loss": loss, "norm": norm, "peak": peak}), flush=True)
