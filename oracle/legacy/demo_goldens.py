"""Golden numbers of BLIP's demo: fixtures/goldens/demo.json.

The notebook (demo.ipynb), predict.py and models/blip_itm.py of salesforce/BLIP, step by step, over LAVIS's own modules of
the same networks, on the original-named tiny checkpoints: images as stored and without their alpha, raw texts cut at 35
tokens, [CLS] in front of texts that are matched, three beams. Each row is computed alone.
Run after oracle/hf/tiny_checkpoints.py: python demo_goldens.py
"""

import json
from functools import cache

import legacy_goldens as legacy
import numpy as np
import PIL
import torch
import torch.nn.functional as F
from lavis.models.blip_models.blip_caption import BlipCaption
from lavis.models.blip_models.blip_nlvr import BlipNLVR
from lavis.models.blip_models.blip_retrieval import BlipRetrieval
from lavis.models.blip_models.blip_vqa import BlipVQA
from lavis.models.blip_models.nlvr_encoder import BertModel as NlvrEncoder
from PIL import Image

IMAGES = ["astronaut.jpg", "exif-rotated.jpg", "rgba.png", "thin-3x2000.png"]
LONG = "A Woman, and her dog: two red cars! " * 4
TEXTS = ["Two red cars, a DOG!", "a woman (and her dog) on the beach.", "it's a cat; two trees & snow", LONG.strip()]
QUESTIONS = ["Is there a DOG, in the picture?", "two (red) cars?", LONG.strip()]
STATEMENTS = ["Two red cars, a DOG!", "it's a cat; two trees & snow"]
# What the notebook calls with.
CAPTION = {"num_beams": 3, "max_length": 20, "min_length": 5}
ANSWER = {"num_beams": 3, "max_length": 10, "min_length": 1}


@cache
def pixels(name: str, size: int) -> torch.Tensor:
    """The notebook's `load_demo_image`."""
    image = Image.open(legacy.ROOT / "fixtures/images" / name).convert("RGB").resize((size, size), Image.BICUBIC)
    return legacy.pixel_values(torch.from_numpy(np.array(image))[None])


def matches() -> list[dict]:
    tiny = legacy.Tiny("match-original")
    model = tiny.fill(BlipRetrieval(tiny.vit(), tiny.encoder(), queue_size=8, embed_dim=tiny.joint, max_txt_len=35))
    rows = []
    for name in IMAGES:
        states = model.visual_encoder.forward_features(pixels(name, tiny.vision["image_size"]))
        atts = torch.ones(states.shape[:-1], dtype=torch.long)
        for text in TEXTS:
            # models/blip_itm.py `forward`: the first token stays [CLS].
            ids = model.tokenizer(text, padding="max_length", truncation=True, max_length=35, return_tensors="pt")
            looking = model.text_encoder(
                ids.input_ids, ids.attention_mask, encoder_hidden_states=states, encoder_attention_mask=atts,
                return_dict=True,
            )  # fmt: skip
            alone = model.text_encoder.forward_text(ids).last_hidden_state
            image_feature = F.normalize(model.vision_proj(states[:, 0]), dim=-1)
            text_feature = F.normalize(model.text_proj(alone[:, 0]), dim=-1)
            rows.append(
                {
                    "image": name,
                    "text": text,
                    "tokens": int(ids.attention_mask.sum()),
                    "logits": model.itm_head(looking.last_hidden_state[:, 0])[0].tolist(),
                    "cosine": (image_feature @ text_feature.t()).item(),
                }
            )
    return rows


def captions() -> list[dict]:
    tiny = legacy.Tiny("pretrain-original")
    model = tiny.fill(BlipCaption(tiny.vit(), tiny.decoder(tiny.vision["hidden_size"]), prompt="a picture of "))
    original = model.text_decoder.cls.predictions.bias.clone()
    rows = []
    for sep in (0.0, 4.5):
        legacy.with_bias(model, sep, original)
        for name in IMAGES:
            # Cuts as many characters as the prompt has off the decoded text, as BLIP does.
            [caption] = model.generate({"image": pixels(name, tiny.vision["image_size"])}, **CAPTION)
            rows.append({"sepBias": sep, "image": name, "caption": caption})
    return rows


def answers() -> list[dict]:
    tiny = legacy.Tiny("vqa-original")
    model = tiny.fill(BlipVQA(tiny.vit(), tiny.encoder(), tiny.decoder(tiny.text["hidden_size"])))
    original = model.text_decoder.cls.predictions.bias.clone()
    rows = []
    for sep in (0.0, 7.0):
        legacy.with_bias(model, sep, original)
        for name in IMAGES[:2]:
            for question in QUESTIONS:
                sample = {"image": pixels(name, tiny.vision["image_size"]), "text_input": [question]}
                # models/blip_vqa.py `forward` with inference="generate": the raw question, cut at 35 tokens, [ENC] first.
                states = model.forward_encoder(sample)[0].last_hidden_state
                start = torch.tensor([[model.tokenizer.bos_token_id]])
                [tokens] = legacy.generated(model, start, states, ANSWER)["sequences"]
                answer = model.tokenizer.decode(tokens, skip_special_tokens=True)
                rows.append({"sepBias": sep, "image": name, "question": question, "answer": answer})
    return rows


def statements() -> list[dict]:
    tiny = legacy.Tiny("nlvr-original")
    text = NlvrEncoder(tiny.med(tiny.vision["hidden_size"]), add_pooling_layer=False)
    model = tiny.fill(BlipNLVR(tiny.vit(), text, num_classes=2))
    size = tiny.vision["image_size"]
    rows = []
    for statement in STATEMENTS:
        sample = {"image0": pixels(IMAGES[0], size), "image1": pixels(IMAGES[1], size)}
        logits = model.predict({**sample, "text_input": [statement], "label": torch.zeros(1, dtype=torch.long)})
        probability = logits["predictions"].softmax(-1)[0, 1].item()
        rows.append({"images": IMAGES[:2], "statement": statement, "probability": probability})
    return rows


@torch.no_grad()
def main() -> None:
    about = {
        "script": "oracle/legacy/demo_goldens.py",
        "versions": {**legacy.VERSIONS, "pillow": PIL.__version__},
        "matches": matches(),
        "captions": captions(),
        "answers": answers(),
        "statements": statements(),
    }
    for name in ("captions", "answers"):
        print(name, [row[name[:-1]] for row in about[name]])
    print("tokens", sorted({row["tokens"] for row in about["matches"]}))
    (legacy.GOLDENS / "demo.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
