"""Tiny random checkpoints in every file format and dialect: fixtures/tiny/.

All weights are drawn anew, far larger than training would start with: in a net this small, std 0.02 (and transformers'
1e-10 for vision) would leave masks, heads, the first token and epsilons without a visible effect.
Run: python tiny_checkpoints.py
"""

import copy
import json
import shutil
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipForQuestionAnswering,
    BlipModel,
)

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "fixtures/tiny"

WORDS = """a an the woman man dog cat beach tree red blue green two three sitting standing on in under with and of
picture is there car house small large she her photo person water snow""".split()
PUNCTUATION = list(".,!?'\"-():;")


def vocabulary() -> list[str]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789")
    pieces = ["##" + letter for letter in letters] + ["##s", "##ing", "##ed", "##er"]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + PUNCTUATION + WORDS + pieces
    return list(OrderedDict.fromkeys(tokens))


def config(vocab: int, vision_width: int = 48, image_size: int = 32) -> BlipConfig:
    text = dict(
        vocab_size=vocab + 2,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=64,
        bos_token_id=vocab,
        sep_token_id=3,
        eos_token_id=3,
        pad_token_id=0,
        encoder_hidden_size=vision_width,
        projection_dim=16,
    )
    vision = dict(
        hidden_size=vision_width,
        intermediate_size=2 * vision_width,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=image_size,
        patch_size=8,
        projection_dim=16,
    )
    return BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=16, projection_dim=16)


def redraw(model: torch.nn.Module, seed: int) -> None:
    redraw_parameters(list(model.named_parameters()), seed)


def redraw_parameters(parameters: list[tuple[str, torch.Tensor]], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in parameters:
            noise = torch.randn(parameter.shape, generator=generator)
            norm = "norm" in name.lower()
            if norm and name.endswith("weight"):
                parameter.copy_(1 + 0.1 * noise)
            elif name.startswith("vision_model.embeddings"):
                # Rows of low variance, where the epsilon of the first LayerNorm shows.
                parameter.copy_((0.001 if "patch" in name else 0.01) * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            elif "embedding" in name and "patch" not in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(0.15 * noise)


def ends(bias: torch.Tensor) -> None:
    """Makes [SEP] likely enough that sequences end at different lengths, before their longest."""
    with torch.no_grad():
        bias[3] += 2.0


def side_files(
    folder: Path,
    source: Path,
    *,
    tokenizer: bool = False,
    only: tuple[str, ...] = ("config.json", "preprocessor_config.json", "vocab.txt"),
) -> None:
    names = list(only)
    if tokenizer:
        names += ["tokenizer.json", "tokenizer_config.json"]
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (source / name).resolve() != (folder / name).resolve():
            shutil.copy(source / name, folder / name)


PREPROCESSOR = {
    "do_normalize": True,
    "do_pad": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "BlipImageProcessor",
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "processor_class": "BlipProcessor",
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 32, "width": 32},
    "size_divisor": 32,
}

VISION = [
    ("vision_model.embeddings.class_embedding", "visual_encoder.cls_token"),
    ("vision_model.embeddings.position_embedding", "visual_encoder.pos_embed"),
    ("vision_model.embeddings.patch_embedding.", "visual_encoder.patch_embed.proj."),
    ("vision_model.encoder.layers.", "visual_encoder.blocks."),
    ("vision_model.post_layernorm.", "visual_encoder.norm."),
    (".layer_norm1.", ".norm1."),
    (".layer_norm2.", ".norm2."),
    (".self_attn.qkv.", ".attn.qkv."),
    (".self_attn.projection.", ".attn.proj."),
]


def original_name(name: str) -> str:
    if not name.startswith("vision_model."):
        return name
    for hugging_face, original in VISION:
        name = name.replace(hugging_face, original)
    return name


def original_state(state: dict, config: BlipConfig) -> OrderedDict:
    """The keys of BLIP_Retrieval: momentum copies (other values), queues, temperature, buffers."""
    generator = torch.Generator().manual_seed(7)
    result = OrderedDict((original_name(name), tensor.clone()) for name, tensor in state.items())
    result["text_encoder.embeddings.position_ids"] = torch.arange(
        config.text_config.max_position_embeddings
    ).unsqueeze(0)
    for name in list(result):
        module, _, rest = name.partition(".")
        if module in ("visual_encoder", "text_encoder", "vision_proj", "text_proj"):
            tensor = result[name]
            copy_ = tensor if tensor.dtype == torch.int64 else tensor + 0.01 * torch.randn(
                tensor.shape, generator=generator
            )
            result[f"{module}_m.{rest}"] = copy_
    result["temp"] = torch.tensor(0.07)
    result["image_queue"] = torch.randn(16, 8, generator=generator)
    result["text_queue"] = torch.randn(16, 8, generator=generator)
    result["idx_queue"] = torch.full((1, 8), -100)
    result["ptr_queue"] = torch.zeros(1, dtype=torch.int64)
    return result


def drawn(shapes: dict[str, list[int]], seed: int) -> OrderedDict:
    """Tensors by name and shape, drawn as `redraw` draws a model's."""
    parameters = [(name, torch.empty(shape)) for name, shape in shapes.items()]
    redraw_parameters(parameters, seed)
    return OrderedDict(parameters)


def vision_shapes(config: BlipConfig) -> dict[str, list[int]]:
    """models/vit.py, by Hugging Face names so that `redraw` knows them; `original_name` renames them."""
    vision = BlipForImageTextRetrieval(config).vision_model.state_dict()
    return {f"vision_model.{name}": list(tensor.shape) for name, tensor in vision.items()}


def text_shapes(config: BlipConfig, prefix: str, memory: int, *, nlvr: bool = False) -> dict[str, list[int]]:
    """models/med.py and models/nlvr_encoder.py: cross-attention to states `memory` wide."""
    encoder = BlipForImageTextRetrieval(config).text_encoder.state_dict()
    width, layers = config.text_config.hidden_size, config.text_config.num_hidden_layers
    shapes: dict[str, list[int]] = {}
    for name, tensor in encoder.items():
        shape = list(tensor.shape)
        cross = ".crossattention.self." in name
        if cross and (".key.weight" in name or ".value.weight" in name):
            shape[1] = memory
        if nlvr and cross:
            for half in ("self0", "self1"):
                shapes[prefix + name.replace(".self.", f".{half}.")] = shape
        elif nlvr and ".crossattention.output.dense." in name:
            for half in ("dense0", "dense1"):
                shapes[prefix + name.replace(".dense.", f".{half}.")] = shape
        else:
            shapes[prefix + name] = shape
    if nlvr:
        # The original merges by a Linear from layer 6 of its 12 on.
        for layer in range(layers):
            if layer >= 6:
                base = f"{prefix}encoder.layer.{layer}.crossattention.output.merge_layer"
                shapes[f"{base}.weight"] = [width, 2 * width]
                shapes[f"{base}.bias"] = [width]
    return shapes


def head_shapes(config: BlipConfig) -> dict[str, list[int]]:
    width, vocab = config.text_config.hidden_size, config.text_config.vocab_size
    prefix = "text_decoder.cls.predictions."
    return {
        f"{prefix}bias": [vocab],
        f"{prefix}transform.dense.weight": [width, width],
        f"{prefix}transform.dense.bias": [width],
        f"{prefix}transform.LayerNorm.weight": [width],
        f"{prefix}transform.LayerNorm.bias": [width],
    }


def with_decoder_tied(state: OrderedDict) -> OrderedDict:
    """The original's state dict names the tied matrix and bias of the LM head a second time."""
    prefix = "text_decoder.cls.predictions."
    state[f"{prefix}decoder.weight"] = state["text_decoder.bert.embeddings.word_embeddings.weight"].clone()
    ends(state[f"{prefix}bias"])
    state[f"{prefix}decoder.bias"] = state[f"{prefix}bias"].clone()
    return state


def save_original(name: str, file: str, state: OrderedDict, config: BlipConfig, match: Path) -> None:
    folder = OUT / name
    folder.mkdir(parents=True)
    buffers = OrderedDict()
    for prefix in ("text_encoder.", "text_decoder.bert."):
        if any(key.startswith(prefix) for key in state):
            buffers[f"{prefix}embeddings.position_ids"] = torch.arange(64).unsqueeze(0)
    renamed = OrderedDict((original_name(key), tensor) for key, tensor in {**state, **buffers}.items())
    torch.save({"model": renamed, "epoch": 1, "config": {"vit": "base"}}, folder / file)
    config.architectures = None
    config.save_pretrained(folder)
    side_files(folder, match, only=("preprocessor_config.json", "vocab.txt"))


def originals(cfg: BlipConfig, match: Path) -> None:
    """Original files of the tasks that transformers has no class for, or other shapes."""
    # Eight layers, so that the last two merge their two images by a Linear.
    nlvr = copy.deepcopy(cfg)
    nlvr.text_config.num_hidden_layers = 8
    width = nlvr.text_config.hidden_size
    shapes = {
        **vision_shapes(nlvr),
        **text_shapes(nlvr, "text_encoder.", nlvr.vision_config.hidden_size, nlvr=True),
        "cls_head.0.weight": [width, width],
        "cls_head.0.bias": [width],
        "cls_head.2.weight": [2, width],
        "cls_head.2.bias": [2],
    }
    save_original("nlvr-original", "model_tiny_nlvr.pth", drawn(shapes, 5), nlvr, match)

    # 48 wide pictures and 32 wide questions, as a ViT-L has it: transformers' class cannot hold that.
    shapes = {
        **vision_shapes(cfg),
        **text_shapes(cfg, "text_encoder.", cfg.vision_config.hidden_size),
        **text_shapes(cfg, "text_decoder.bert.", cfg.text_config.hidden_size),
        **head_shapes(cfg),
    }
    save_original("vqa-original", "model_tiny_vqa.pth", with_decoder_tied(drawn(shapes, 6)), cfg, match)

    embed, memory = cfg.image_text_hidden_size, cfg.vision_config.hidden_size
    shapes = {
        **vision_shapes(cfg),
        **text_shapes(cfg, "text_encoder.", memory),
        **text_shapes(cfg, "text_decoder.bert.", memory),
        **head_shapes(cfg),
        "vision_proj.weight": [embed, memory],
        "vision_proj.bias": [embed],
        "text_proj.weight": [embed, width],
        "text_proj.bias": [embed],
        "itm_head.weight": [2, width],
        "itm_head.bias": [2],
    }
    state = with_decoder_tied(drawn(shapes, 8))
    generator = torch.Generator().manual_seed(10)
    for name in list(state):
        module, _, rest = name.partition(".")
        if module in ("vision_model", "text_encoder", "vision_proj", "text_proj"):
            momentum = f"{'visual_encoder' if module == 'vision_model' else module}_m.{rest}"
            state[momentum] = state[name] + 0.01 * torch.randn(state[name].shape, generator=generator)
    state["temp"] = torch.tensor(0.07)
    state["image_queue"] = torch.randn(embed, 8, generator=generator)
    state["text_queue"] = torch.randn(embed, 8, generator=generator)
    state["queue_ptr"] = torch.zeros(1, dtype=torch.int64)
    save_original("pretrain-original", "model_tiny_pretrain.pth", state, cfg, match)


def strided() -> None:
    """Tensors that are not simply rows of bytes, with the values that PyTorch reads from them."""
    folder = OUT / "strided"
    folder.mkdir(parents=True, exist_ok=True)
    base = torch.arange(24, dtype=torch.float32)
    shared = torch.arange(12, dtype=torch.float32) * 0.5
    tensors = OrderedDict(
        transposed=base.reshape(4, 6).t(),
        offset_slice=torch.arange(20, dtype=torch.float32)[5:13].reshape(2, 4),
        column=torch.arange(12, dtype=torch.float32).reshape(3, 4)[:, 1],
        every_other=torch.arange(10, dtype=torch.float32)[::2],
        expanded=torch.tensor([[1.5], [2.5]]).expand(2, 3),
        scalar=torch.tensor(3.25),
        empty=torch.zeros(0, 4),
        shared_a=shared,
        shared_b=shared[3:9],
        boolean=torch.tensor([True, False, True]),
        bytes=torch.tensor([0, 127, 255], dtype=torch.uint8),
        int64=torch.tensor([-1, 2**40]),
        float64=torch.tensor([1e-300, 0.1], dtype=torch.float64),
        bfloat16=torch.tensor([1.0, -2.5], dtype=torch.bfloat16),
        float16=torch.tensor([0.333251953125, 65504.0], dtype=torch.float16),
        parameter=torch.nn.Parameter(torch.tensor([[0.25, -0.75]])),
        channels_last=torch.arange(16, dtype=torch.float32)
        .reshape(1, 2, 2, 4)
        .contiguous(memory_format=torch.channels_last),
    )
    torch.save(tensors, folder / "strided.pt")
    expected = {
        name: {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "values": tensor.detach().flatten().tolist(),
        }
        for name, tensor in tensors.items()
    }
    text = json.dumps({"script": "oracle/hf/tiny_checkpoints.py", "tensors": expected}, indent=1)
    (folder / "strided.json").write_text(text + "\n")


def main() -> None:
    vocab = vocabulary()
    shutil.rmtree(OUT, ignore_errors=True)
    match = OUT / "match"
    match.mkdir(parents=True)
    (match / "vocab.txt").write_text("\n".join(vocab) + "\n")
    tokenizer = BertTokenizer(vocab=str(match / "vocab.txt"), do_lower_case=True)
    tokenizer.save_pretrained(match)
    (match / "vocab.txt").write_text("\n".join(vocab) + "\n")
    cfg = config(len(vocab))
    model = BlipForImageTextRetrieval(cfg).eval()
    redraw(model, 1)
    model.save_pretrained(match)
    (match / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2) + "\n")
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    positions = torch.arange(64).unsqueeze(0)
    saved = OrderedDict(state)
    saved["text_encoder.embeddings.position_ids"] = positions
    side_files(OUT / "match-bin", match)
    torch.save(saved, OUT / "match-bin/pytorch_model.bin")
    side_files(OUT / "match-legacy", match)
    torch.save(saved, OUT / "match-legacy/pytorch_model.bin", _use_new_zipfile_serialization=False)
    side_files(OUT / "match-f64-bin", match)
    torch.save(OrderedDict((k, v.double()) for k, v in state.items()), OUT / "match-f64-bin/pytorch_model.bin")

    for suffix, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16)):
        side_files(OUT / f"match-{suffix}", match)
        half = {name: tensor.to(dtype) for name, tensor in state.items()}
        save_file(half, OUT / f"match-{suffix}/model.safetensors", metadata={"format": "pt"})

    side_files(OUT / "match-sharded", match)
    names = sorted(state)
    shards = [names[: len(names) // 2], names[len(names) // 2 :]]
    weight_map = {}
    for index, shard in enumerate(shards):
        file = f"model-{index + 1:05d}-of-{len(shards):05d}.safetensors"
        save_file({name: state[name] for name in shard}, OUT / "match-sharded" / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in shard})
    total = sum(tensor.numel() * 4 for tensor in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (OUT / "match-sharded/model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")

    side_files(OUT / "match-original", match)
    original = {
        "model": original_state(copy.deepcopy(state), cfg),
        "epoch": 3,
        "config": {"image_size": 32, "vit": "base", "alpha": 0.4, "queue_size": 8, "negative_all_rank": False},
    }
    torch.save(original, OUT / "match-original/model_tiny_retrieval.pth")

    caption = BlipForConditionalGeneration(cfg).eval()
    redraw(caption, 2)
    ends(caption.text_decoder.cls.predictions.bias)
    caption.save_pretrained(OUT / "caption")
    (OUT / "caption/generation_config.json").unlink(missing_ok=True)
    side_files(OUT / "caption", match, only=("preprocessor_config.json", "vocab.txt"))
    # transformers 4.x stored the decoder's matrix beside the word embeddings, and fine-tunes may have parted them.
    old = OrderedDict((name, tensor.clone()) for name, tensor in caption.state_dict().items())
    generator = torch.Generator().manual_seed(12)
    matrix = old["text_decoder.bert.embeddings.word_embeddings.weight"]
    old["text_decoder.cls.predictions.decoder.weight"] = matrix + 0.05 * torch.randn(
        matrix.shape, generator=generator
    )
    old["text_decoder.cls.predictions.decoder.bias"] = old["text_decoder.cls.predictions.bias"].clone()
    old["text_decoder.bert.embeddings.position_ids"] = positions
    side_files(OUT / "caption-4x", OUT / "caption")
    torch.save(old, OUT / "caption-4x/pytorch_model.bin")

    square = config(len(vocab), vision_width=32)
    vqa = BlipForQuestionAnswering(square).eval()
    redraw(vqa, 4)
    ends(vqa.text_decoder.cls.predictions.bias)
    vqa.save_pretrained(OUT / "vqa")
    (OUT / "vqa/generation_config.json").unlink(missing_ok=True)
    side_files(OUT / "vqa", match, only=("preprocessor_config.json", "vocab.txt"))

    dual = BlipModel(cfg).eval()
    redraw(dual, 9)
    dual.save_pretrained(OUT / "model")
    side_files(OUT / "model", match, only=("preprocessor_config.json", "vocab.txt"))

    originals(cfg, match)
    strided()


if __name__ == "__main__":
    main()
