"""Layer-by-layer golden numbers of fixtures/tiny/match: fixtures/goldens/match.safetensors and match.json.

Run after tiny_checkpoints.py: python match_goldens.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import BertTokenizer, BlipConfig, BlipForImageTextRetrieval

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "fixtures/tiny"
TEXTS = ["a woman and her dog on the beach", "two red cars", "a cat sitting under a tree with snow."]


class Recorder:
    """Keeps the outputs of modules by a name, in the order in which they ran."""

    def __init__(self) -> None:
        self.seen: dict[str, torch.Tensor] = {}
        self.handles = []

    def watch(self, module: torch.nn.Module, name: str) -> None:
        def hook(_module, _inputs, output):
            tensor = output if isinstance(output, torch.Tensor) else output[0]
            self.seen[name] = tensor.detach().clone().contiguous()

        self.handles.append(module.register_forward_hook(hook))

    def stop(self) -> dict[str, torch.Tensor]:
        for handle in self.handles:
            handle.remove()
        return self.seen


def load(config_change=lambda config: None, weights: dict | None = None) -> BlipForImageTextRetrieval:
    config = BlipConfig.from_pretrained(TINY / "match")
    config_change(config)
    model = BlipForImageTextRetrieval(config).eval()
    state = weights if weights is not None else load_file(TINY / "match/model.safetensors")
    model.load_state_dict({name: tensor.float() for name, tensor in state.items() if "position_ids" not in name})
    return model


def main() -> None:
    tokenizer = BertTokenizer(vocab=str(TINY / "match/vocab.txt"), do_lower_case=True)
    encoded = tokenizer(TEXTS, padding=True, return_tensors="pt")
    ids, mask = encoded.input_ids, encoded.attention_mask
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randn(3, 3, 32, 32, generator=generator)
    tall = torch.randn(2, 3, 48, 40, generator=generator)
    out: dict[str, torch.Tensor] = {
        "pixel_values": pixels,
        "input_ids": ids,
        "attention_mask": mask,
        "resized.pixel_values": tall,
    }
    inputs = dict(pixel_values=pixels, input_ids=ids, attention_mask=mask)
    with torch.no_grad():
        model = load()
        recorder = Recorder()
        recorder.watch(model.vision_model.embeddings, "vision.embeddings")
        for index, layer in enumerate(model.vision_model.encoder.layers):
            recorder.watch(layer, f"vision.block.{index}")
        recorder.watch(model.text_encoder.embeddings, "multimodal.embeddings")
        for index, layer in enumerate(model.text_encoder.encoder.layer):
            recorder.watch(layer, f"multimodal.layer.{index}")
        itm = model(**inputs)
        out.update(recorder.stop())
        out["vision.last_hidden_state"] = itm.last_hidden_state
        out["multimodal.question_embeds"] = itm.question_embeds
        out["itm_score"] = itm.itm_score

        recorder = Recorder()
        for index, layer in enumerate(model.text_encoder.encoder.layer):
            recorder.watch(layer, f"unimodal.layer.{index}")
        recorder.watch(model.vision_proj, "image_projection")
        recorder.watch(model.text_proj, "text_projection")
        cosine = model(**inputs, use_itm_head=False)
        out.update(recorder.stop())
        out["unimodal.question_embeds"] = cosine.question_embeds
        out["image_features"] = torch.nn.functional.normalize(out["image_projection"], dim=-1)
        out["text_features"] = torch.nn.functional.normalize(out["text_projection"], dim=-1)
        out["cosine"] = cosine.itm_score

        first_enc = ids.clone()
        first_enc[:, 0] = len(tokenizer.get_vocab()) + 1
        out["itm_score.enc_first"] = model(**{**inputs, "input_ids": first_enc}).itm_score
        out["itm_score.no_mask"] = model(pixel_values=pixels, input_ids=ids).itm_score
        alone = []
        for row, text in enumerate(TEXTS):
            one = tokenizer([text], return_tensors="pt")
            alone.append(
                model(
                    pixel_values=pixels[row : row + 1],
                    input_ids=one.input_ids,
                    attention_mask=one.attention_mask,
                ).itm_score
            )
        out["itm_score.alone"] = torch.cat(alone)
        resized = model(
            pixel_values=tall, input_ids=ids[:2], attention_mask=mask[:2], interpolate_pos_encoding=True
        )
        out["resized.last_hidden_state"] = resized.last_hidden_state
        out["resized.itm_score"] = resized.itm_score

        def eps(config):
            config.vision_config.layer_norm_eps = 1e-6

        def heads(config):
            config.text_config.num_attention_heads = 2

        out["itm_score.eps_1e-6"] = load(eps)(**inputs).itm_score
        out["itm_score.heads_2"] = load(heads)(**inputs).itm_score
        for suffix in ("f16", "bf16"):
            state = load_file(TINY / f"match-{suffix}/model.safetensors")
            out[f"itm_score.{suffix}"] = load(weights=state)(**inputs).itm_score

    save_file({name: tensor.contiguous() for name, tensor in out.items()}, ROOT / "fixtures/goldens/match.safetensors")
    about = {
        "script": "oracle/hf/match_goldens.py",
        "model": "fixtures/tiny/match",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "texts": TEXTS,
        "shapes": {name: list(tensor.shape) for name, tensor in out.items()},
        "itm_score": out["itm_score"].tolist(),
    }
    (ROOT / "fixtures/goldens/match.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
