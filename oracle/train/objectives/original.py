"""The classes of salesforce/BLIP, tiny: their sizes, tokenizer and downloads replaced, nothing that is computed."""

import json
import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "legacy"))
import lavis_stubs  # noqa: E402, F401  timm and fairscale as far as they are needed

VISION = dict(image=8, patch=4, width=12, layers=2, heads=2, inner=16)
TEXT = dict(width=8, layers=2, heads=2, inner=12, vocabulary=23, positions=10)
JOINT = 4
PAD, CLS, SEP, DEC, ENC = 0, 1, 2, 21, 22
PROMPT = "PROMPT"

_VISION_NAMES = [
    ("cls_token", "embeddings.class_embedding"),
    ("pos_embed", "embeddings.position_embedding"),
    ("patch_embed.proj", "embeddings.patch_embedding"),
    (r"blocks\.(\d+)\.norm1", r"encoder.layers.\1.layer_norm1"),
    (r"blocks\.(\d+)\.norm2", r"encoder.layers.\1.layer_norm2"),
    (r"blocks\.(\d+)\.attn\.qkv", r"encoder.layers.\1.self_attn.qkv"),
    (r"blocks\.(\d+)\.attn\.proj", r"encoder.layers.\1.self_attn.projection"),
    (r"blocks\.(\d+)\.mlp", r"encoder.layers.\1.mlp"),
    (r"norm\b", "post_layernorm"),
]


def our_name(name: str) -> str:
    """The name that the network here gives a weight of the original."""
    found = re.match(r"visual_encoder(_m)?\.(.*)", name)
    if not found:
        return name
    ending, path = found.group(1) or "", found.group(2)
    for original, ours in _VISION_NAMES:
        renamed, count = re.subn(f"^{original}", ours, path)
        if count:
            return f"vision_model{ending}.{renamed}"
    raise KeyError(name)


def canonical(name: str, tied: bool) -> str:
    """Of weights with several names the one whose gradient is asked for."""
    head = "text_decoder.cls.predictions.decoder."
    if name.startswith(head):
        return "text_decoder.bert.embeddings.word_embeddings.weight" if name.endswith("weight") else head[:-8] + "bias"
    if tied and name.startswith("text_encoder.") and ".attention." not in name:
        return "text_decoder.bert" + name.removeprefix("text_encoder")
    return name


class Tokenizer:
    """Texts are lists of ids already; a batch is padded to the longest."""

    enc_token_id, bos_token_id, pad_token_id = ENC, DEC, PAD
    prompt = (CLS, 5, 6, SEP)

    def __len__(self) -> int:
        return TEXT["vocabulary"]

    def __call__(self, texts, **_options):
        if texts == PROMPT:
            return SimpleNamespace(input_ids=list(self.prompt))
        length = max(map(len, texts))
        ids = torch.tensor([[*text, *[PAD] * (length - len(text))] for text in texts])
        found = SimpleNamespace(input_ids=ids, attention_mask=(ids != PAD).long())
        found.to = lambda _device: found
        return found


def med_file(dropout: float, text: dict) -> str:
    config = dict(
        vocab_size=text["vocabulary"],
        hidden_size=text["width"],
        num_hidden_layers=text["layers"],
        num_attention_heads=text["heads"],
        intermediate_size=text["inner"],
        max_position_embeddings=text["positions"],
        layer_norm_eps=1e-12,
        hidden_act="gelu",
        pad_token_id=PAD,
        encoder_width=text["width"],
        add_cross_attention=True,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    file = tempfile.NamedTemporaryFile("w", suffix=".json", delete=False)
    with file:
        json.dump(config, file)
    return file.name


def load(
    checkout: Path, rate: float = 0.0, vision: dict = VISION, text: dict = TEXT, tokenizer=Tokenizer
) -> SimpleNamespace:
    """The classes of the checkout, tiny unless other sizes are given."""
    sys.path.insert(0, str(checkout))
    from models import blip, blip_nlvr, blip_pretrain, blip_retrieval, blip_vqa, nlvr_encoder, vit

    def create_vit(_vit, image_size, _checkpoints=False, _layer=0, drop_path_rate=0):
        encoder = vit.VisionTransformer(
            img_size=image_size,
            patch_size=vision["patch"],
            embed_dim=vision["width"],
            depth=vision["layers"],
            num_heads=vision["heads"],
            mlp_ratio=vision["inner"] / vision["width"],
            drop_path_rate=rate,
        )
        return encoder, vision["width"]

    for module in (blip, blip_nlvr, blip_pretrain, blip_retrieval, blip_vqa):
        module.create_vit, module.init_tokenizer = create_vit, tokenizer
    for cls in (blip_pretrain.BertModel, blip_pretrain.BertLMHeadModel):
        cls.from_pretrained = classmethod(lambda cls, _name, config, **rest: cls(config=config, **rest))
    torch.hub.load_state_dict_from_url = lambda **_options: {"model": {}}
    # The upper half of the layers merges two images from layer 6 on; here it is the second of two.
    if not hasattr(nlvr_encoder, "WholeLayer"):
        nlvr_encoder.WholeLayer = nlvr_encoder.BertLayer
        nlvr_encoder.BertLayer = lambda config, index: nlvr_encoder.WholeLayer(config, index + 5)
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    return SimpleNamespace(
        caption=blip.BLIP_Decoder,
        match=blip_retrieval.BLIP_Retrieval,
        pretrain=blip_pretrain.BLIP_Pretrain,
        vqa=blip_vqa.BLIP_VQA,
        nlvr=blip_nlvr.BLIP_NLVR,
    )


@contextmanager
def drawn(draws: np.ndarray, chosen: list[int]):
    """torch.multinomial of one sample by given numbers, in order; none may be near the border of two columns."""
    kept, given = torch.multinomial, iter(draws.tolist())

    def multinomial(weights: torch.Tensor, count: int) -> torch.Tensor:
        assert count == 1
        sums = weights.double().cumsum(0)
        bound = next(given) * sums[-1]
        assert ((sums - bound).abs() / sums[-1]).min() > 1e-3, "a draw is too near a border"
        chosen.append(int((sums <= bound).sum()))
        return torch.tensor([chosen[-1]])

    torch.multinomial = multinomial
    try:
        yield
    finally:
        torch.multinomial = kept


@contextmanager
def masked(model: torch.nn.Module, seed: int, masks: dict[str, list[torch.Tensor]]):
    """Dropout and drop path by masks that are kept, by the path of the module, in the order of its calls."""
    from timm.models.layers import DropPath

    paths = {module: path for path, module in model.named_modules()}
    generator = torch.Generator().manual_seed(seed)
    kept = torch.nn.Dropout.forward, DropPath.forward

    def forward(self, x, rate, shape):
        if not self.training or not rate:
            return x
        mask = (torch.rand(shape, generator=generator) >= rate).to(torch.uint8)
        masks.setdefault(paths[self], []).append(mask)
        return x * mask / (1 - rate)

    torch.nn.Dropout.forward = lambda self, x: forward(self, x, self.p, x.shape)
    DropPath.forward = lambda self, x: forward(self, x, self.drop_prob, (x.shape[0], 1, 1))
    try:
        yield
    finally:
        torch.nn.Dropout.forward, DropPath.forward = kept


