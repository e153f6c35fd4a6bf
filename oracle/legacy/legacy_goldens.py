"""Golden numbers of what transformers 5 lacks: fixtures/goldens/legacy-*.{safetensors,json}.

LAVIS's own classes run the original-named tiny checkpoints: NLVR2, ranked answers, two-stage retrieval, features, and
beam search as transformers scored it until 4.35. Every row is computed alone unless it says otherwise.
Run after oracle/hf/tiny_checkpoints.py: python legacy_goldens.py
"""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import lavis_stubs  # noqa: F401  before all of lavis
import torch
import torch.nn.functional as F
import transformers
from lavis.models.blip_models.blip import BlipBase
from lavis.models.blip_models.blip_caption import BlipCaption
from lavis.models.blip_models.blip_feature_extractor import BlipFeatureExtractor
from lavis.models.blip_models.blip_nlvr import BlipNLVR
from lavis.models.blip_models.blip_retrieval import BlipRetrieval
from lavis.models.blip_models.blip_vqa import BlipVQA
from lavis.models.blip_models.nlvr_encoder import BertModel as NlvrEncoder
from lavis.models.med import XBertEncoder, XBertLMHeadDecoder
from lavis.models.vit import VisionTransformerEncoder
from safetensors.torch import save_file
from transformers import BertConfig, BertTokenizer

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "fixtures/tiny"
GOLDENS = ROOT / "fixtures/goldens"
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__, "salesforce-lavis": "1.0.2"}

SEP_BIASES = [0.0, 3.0, 4.5]
# Of the decoder of questions, which by itself never ends a text.
ANSWER_SEP_BIASES = [0.0, 7.0, 9.0]
TEXTS = ["a woman and her dog on the beach", "two red cars", "a cat sitting under a tree with snow", "a dog", "her house"]
QUESTIONS = ["is there a dog in the picture ?", "two red cars", "a cat sitting under a tree with snow?", "is it her ?"]
PROMPTS = ["a picture of ", "two red cars and the "]
# Of different lengths; several begin alike.
ANSWERS = [
    "a dog", "two red cars", "the cat", "a red car on the beach", "snow", "the woman", "blue", "green tree",
    "a", "small house in the snow", "her", "person",
]  # fmt: skip


def write(name: str, tensors: dict[str, torch.Tensor], about: dict) -> None:
    save_file({key: value.contiguous() for key, value in tensors.items()}, GOLDENS / f"{name}.safetensors")
    head = {"script": "oracle/legacy/legacy_goldens.py", "versions": VERSIONS}
    (GOLDENS / f"{name}.json").write_text(json.dumps({**head, **about}, separators=(",", ":")) + "\n")


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def drawings(seed: int, count: int, size: int) -> torch.Tensor:
    """Pictures [count, size, size, 3] of 8 bits: noise around a colour of each's own."""
    generator = torch.Generator().manual_seed(seed)
    colours = torch.randint(0, 200, (count, 1, 1, 3), generator=generator)
    return (colours + torch.randint(0, 56, (count, size, size, 3), generator=generator)).to(torch.uint8)


def pixel_values(images: torch.Tensor) -> torch.Tensor:
    """BLIP's evaluation transform of pictures that have the model's size."""
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])
    return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()


class Tiny:
    """A folder of fixtures/tiny with an original-named checkpoint, as parts of LAVIS's models."""

    def __init__(self, folder: str):
        self.folder = TINY / folder
        config = json.loads((self.folder / "config.json").read_text())
        self.vision, self.text = config["vision_config"], config["text_config"]
        self.joint = config["image_text_hidden_size"]
        BlipBase.init_tokenizer = classmethod(lambda _cls: self.tokenizer())

    def tokenizer(self) -> BertTokenizer:
        tokenizer = BertTokenizer(str(self.folder / "vocab.txt"), do_lower_case=True)
        tokenizer.add_special_tokens({"bos_token": "[DEC]"})
        tokenizer.add_special_tokens({"additional_special_tokens": ["[ENC]"]})
        tokenizer.enc_token_id = tokenizer.additional_special_tokens_ids[0]
        return tokenizer

    def vit(self) -> VisionTransformerEncoder:
        v = self.vision
        encoder = VisionTransformerEncoder(
            img_size=v["image_size"],
            patch_size=v["patch_size"],
            embed_dim=v["hidden_size"],
            depth=v["num_hidden_layers"],
            num_heads=v["num_attention_heads"],
            mlp_ratio=v["intermediate_size"] / v["hidden_size"],
            # The tiny models' own epsilon; LAVIS's default is that of Salesforce's weights.
            norm_layer=partial(torch.nn.LayerNorm, eps=v["layer_norm_eps"]),
        )
        encoder.vision_width = v["hidden_size"]
        return encoder

    def med(self, memory: int) -> BertConfig:
        t = self.text
        return BertConfig(
            vocab_size=t["vocab_size"],
            hidden_size=t["hidden_size"],
            num_hidden_layers=t["num_hidden_layers"],
            num_attention_heads=t["num_attention_heads"],
            intermediate_size=t["intermediate_size"],
            max_position_embeddings=t["max_position_embeddings"],
            layer_norm_eps=t["layer_norm_eps"],
            pad_token_id=0,
            encoder_width=memory,
            add_type_embeddings=False,
            add_cross_attention=True,
        )

    def encoder(self) -> XBertEncoder:
        return XBertEncoder(self.med(self.vision["hidden_size"]), add_pooling_layer=False)

    def decoder(self, memory: int) -> XBertLMHeadDecoder:
        return XBertLMHeadDecoder(self.med(memory))

    def fill(self, model: torch.nn.Module) -> torch.nn.Module:
        """Loads the weights; whatever the class needs must be there."""
        [path] = self.folder.glob("*.pth")
        state = torch.load(path, map_location="cpu", weights_only=True)["model"]
        missing, _ = model.load_state_dict(state, strict=False)
        # Momentum copies, queues and the temperature belong to training.
        lost = [name for name in missing if not re.search(r"_m\.|queue|^temp$|position_ids", name)]
        if lost:
            raise RuntimeError(f"{path} lacks {lost}")
        return model.eval()


def with_bias(model: torch.nn.Module, sep: float, original: torch.Tensor) -> None:
    with torch.no_grad():
        model.text_decoder.cls.predictions.bias.copy_(original)
        model.text_decoder.cls.predictions.bias[3] += sep


def generated(model: torch.nn.Module, ids: torch.Tensor, memory: torch.Tensor, options: dict) -> dict:
    """As `generate_from_encoder` and `_generate_answers` call it, with more options than they pass on."""
    beams = options["num_beams"]
    states = memory.repeat_interleave(beams, dim=0)
    out = model.text_decoder.generate(
        input_ids=ids,
        eos_token_id=3,
        pad_token_id=0,
        do_sample=False,
        encoder_hidden_states=states,
        encoder_attention_mask=torch.ones(states.shape[:-1], dtype=torch.long),
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    scores = getattr(out, "sequences_scores", None)
    return {"sequences": out.sequences.tolist(), **({} if scores is None else {"scores": scores.tolist()})}


def report(name: str, cases: list[dict]) -> None:
    for sep in sorted({case["sepBias"] for case in cases}):
        rows = [row["sequences"][0] for case in cases if case["sepBias"] == sep for row in case["rows"]]
        ended = sum(row[-1] in (0, 3) for row in rows)
        print(name, "bias", sep, len(rows), "ended", ended, "lengths", sorted({len(row) for row in rows}))


def caption_options() -> list[dict]:
    sets = [
        dict(num_beams=beams, max_length=longest, min_length=shortest)
        for longest, shortest in ((20, 5), (30, 10), (8, 1))
        for beams in range(1, 9)
    ]
    sets += [dict(num_beams=3, max_length=20, min_length=5, repetition_penalty=r) for r in (1.1, 1.5)]
    sets += [
        dict(num_beams=1, max_length=20, min_length=5, repetition_penalty=1.5),
        dict(num_beams=4, max_length=20, min_length=5, no_repeat_ngram_size=2),
        dict(num_beams=4, max_length=20, min_length=5, length_penalty=0.5),
        dict(num_beams=4, max_length=20, min_length=5, length_penalty=2.0),
        dict(num_beams=4, max_length=20, min_length=5, early_stopping=True),
        dict(num_beams=5, max_length=20, min_length=5, num_return_sequences=3),
    ]
    return sets


@torch.no_grad()
def captions() -> None:
    tiny = Tiny("pretrain-original")
    model = tiny.fill(BlipCaption(tiny.vit(), tiny.decoder(tiny.vision["hidden_size"]), prompt=PROMPTS[0]))
    pixels = noise(31, 5, 3, tiny.vision["image_size"], tiny.vision["image_size"])
    original = model.text_decoder.cls.predictions.bias.clone()
    cases = []
    for sep in SEP_BIASES:
        with_bias(model, sep, original)
        for prompt in PROMPTS:
            ids = model.tokenizer(prompt, return_tensors="pt").input_ids
            ids[:, 0] = model.tokenizer.bos_token_id
            ids = ids[:, :-1]
            for options in caption_options():
                rows = []
                for image in range(len(pixels)):
                    states = model.forward_encoder({"image": pixels[image : image + 1]})
                    rows.append(generated(model, ids, states, options))
                cases.append({"sepBias": sep, "prompt": prompt, "options": options, "rows": rows})
    with_bias(model, 0.0, original)
    # LAVIS's own function, for the prompt that is cut from the text.
    texts = [model.generate({"image": pixels[row : row + 1]}, max_length=20, min_length=5)[0] for row in range(5)]
    report("captions", cases)
    write("legacy-caption", {"pixel_values": pixels}, {"cases": cases, "captions": texts})


def ranking(model: BlipVQA, sample: dict, k: int) -> dict:
    """`_rank_answers`, with the scores that it compares."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    forward: Callable = model.text_decoder.forward

    def watched(input_ids, *args, **kwargs):
        output = forward(input_ids, *args, **kwargs)
        if output.loss is not None:
            seen.append((input_ids, -output.loss))
        return output

    model.text_decoder.forward = watched
    [answer] = model.predict_answers(sample, inference_method="rank", answer_list=ANSWERS, num_ans_candidates=k)
    model.text_decoder.forward = forward
    [(ids, scores)] = seen
    texts = [model.tokenizer.decode(row, skip_special_tokens=True) for row in ids]
    return {"answer": answer, "candidates": texts, "scores": scores.tolist()}


@torch.no_grad()
def questions() -> None:
    tiny = Tiny("vqa-original")
    model = tiny.fill(BlipVQA(tiny.vit(), tiny.encoder(), tiny.decoder(tiny.text["hidden_size"])))
    pixels = noise(32, len(QUESTIONS), 3, tiny.vision["image_size"], tiny.vision["image_size"])
    original = model.text_decoder.cls.predictions.bias.clone()
    cases, ranked = [], []

    def sample(row: int) -> dict:
        return {"image": pixels[row : row + 1], "text_input": [QUESTIONS[row]]}

    for sep in ANSWER_SEP_BIASES:
        with_bias(model, sep, original)
        for options in [
            *(dict(num_beams=beams, max_length=10, min_length=1) for beams in range(1, 9)),
            dict(num_beams=3, max_length=8, min_length=6),
        ]:
            rows = []
            for row in range(len(QUESTIONS)):
                states = model.forward_encoder(sample(row))[0].last_hidden_state
                start = torch.tensor([[model.tokenizer.bos_token_id]])
                rows.append(generated(model, start, states, options))
            cases.append({"sepBias": sep, "options": options, "rows": rows})
    with_bias(model, 0.0, original)
    for k in (12, 5):
        rows = [ranking(model, sample(row), k) for row in range(len(QUESTIONS))]
        ranked.append({"k": k, "rows": rows})
    report("answers", cases)
    print("ranked", [[row["answer"] for row in one["rows"]] for one in ranked])
    about = {"questions": QUESTIONS, "cases": cases, "answers": ANSWERS, "ranked": ranked}
    write("legacy-vqa", {"pixel_values": pixels}, about)


@torch.no_grad()
def statements() -> None:
    tiny = Tiny("nlvr-original")
    text = NlvrEncoder(tiny.med(tiny.vision["hidden_size"]), add_pooling_layer=False)
    model = tiny.fill(BlipNLVR(tiny.vit(), text, num_classes=2))
    size = tiny.vision["image_size"]
    left, right = noise(33, len(TEXTS), 3, size, size), noise(34, len(TEXTS), 3, size, size)

    def logits(rows: slice) -> torch.Tensor:
        texts = TEXTS[rows]
        label = torch.zeros(len(texts), dtype=torch.long)
        sample = {"image0": left[rows], "image1": right[rows], "text_input": texts, "label": label}
        return model.predict(sample)["predictions"]

    alone = torch.cat([logits(slice(row, row + 1)) for row in range(len(TEXTS))])
    together = logits(slice(None))
    print("nlvr", alone.tolist(), "batch differs by", (alone - together).abs().max().item())
    tensors = {"left": left, "right": right, "logits": alone, "logits.batch": together}
    write("legacy-nlvr", tensors, {"texts": TEXTS})


@torch.no_grad()
def retrieval() -> None:
    tiny = Tiny("match-original")
    model = tiny.fill(
        BlipRetrieval(
            tiny.vit(), tiny.encoder(), queue_size=8, embed_dim=tiny.joint, max_txt_len=35
        )
    )
    size = tiny.vision["image_size"]
    images, frames = drawings(35, 6, size), drawings(36, 3 * 8, size)
    pixels, videos = pixel_values(images), pixel_values(frames).unflatten(0, (3, 8))

    def features(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states = model.visual_encoder.forward_features(images)
        return states, model.vision_proj(states[:, 0])

    class Loader(list):
        dataset = SimpleNamespace(text=TEXTS, image=list(range(len(pixels))))

    loader = Loader({"image": pixels[row : row + 1]} for row in range(len(pixels)))
    i2t, t2i = model.compute_sim_matrix(loader, SimpleNamespace(k_test=3))

    # BLIP's eval_retrieval_video.py: projections of frames averaged, then normalised; their states side by side.
    states = torch.stack([features(video)[0].flatten(0, 1) for video in videos])
    embeds = torch.stack([F.normalize(features(video)[1].mean(dim=0), dim=-1) for video in videos])
    rows = []
    for text in TEXTS:
        encoded = model.tokenizer([text], return_tensors="pt")
        embed = F.normalize(model.text_proj(model.text_encoder.forward_text(encoded).last_hidden_state[:, 0]), dim=-1)
        ids = encoded.input_ids.clone()
        ids[:, 0] = model.tokenizer.enc_token_id
        output = model.text_encoder(
            ids.repeat(len(videos), 1),
            attention_mask=encoded.attention_mask.repeat(len(videos), 1),
            encoder_hidden_states=states,
            encoder_attention_mask=torch.ones(states.shape[:-1], dtype=torch.long),
            return_dict=True,
        )
        cosine = (embeds @ embed.t())[:, 0]
        rows.append(model.itm_head(output.last_hidden_state[:, 0])[:, 1] + cosine)
    tensors = {
        "images": images,
        "frames": frames,
        "score_matrix_i2t": torch.as_tensor(i2t),
        "score_matrix_t2i": torch.as_tensor(t2i),
        "video_scores_t2v": torch.stack(rows),
    }
    print("retrieval", tensors["score_matrix_t2i"][0].tolist(), tensors["video_scores_t2v"][0].tolist())
    write("legacy-retrieval", tensors, {"texts": TEXTS, "k": 3})


@torch.no_grad()
def features() -> None:
    tiny = Tiny("match-original")
    model = tiny.fill(BlipFeatureExtractor(tiny.vit(), tiny.encoder(), embed_dim=tiny.joint))
    size = tiny.vision["image_size"]
    pixels = noise(37, 2, 3, size, size)
    sample = {"image": pixels, "text_input": TEXTS[:2]}
    image = model.extract_features(sample, mode="image")
    text = model.extract_features(sample, mode="text")
    both = model.extract_features(sample, mode="multimodal")
    tensors = {
        "pixel_values": pixels,
        "image_embeds": image.image_embeds,
        "image_features": image.image_embeds_proj,
        "text_embeds": text.text_embeds,
        "text_features": text.text_embeds_proj,
        "multimodal_embeds": both.multimodal_embeds,
    }
    write("legacy-features", tensors, {"texts": TEXTS[:2]})


if __name__ == "__main__":
    captions()
    questions()
    statements()
    retrieval()
    features()
