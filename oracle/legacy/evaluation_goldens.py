"""Golden numbers of `blip eval`: fixtures/goldens/evaluation.json.

LAVIS's classes and metrics over the rows that the data readers give of fixtures/datasets (which forms of files they read
rightly is tested elsewhere). Every row is computed alone. After oracle/hf/tiny_checkpoints.py:

    npx tsx --tsconfig tsconfig.scripts.json packages/blip/test/support/write-evaluation-inputs.ts > inputs.json
    python evaluation_goldens.py inputs.json
"""

import base64
import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import lavis_stubs  # noqa: F401  before all of lavis
import numpy as np
import torch
import torch.nn.functional as F
from legacy_goldens import ROOT, VERSIONS, Tiny
from lavis.models.blip_models.blip_caption import BlipCaption
from lavis.models.blip_models.blip_nlvr import BlipNLVR
from lavis.models.blip_models.blip_retrieval import BlipRetrieval
from lavis.models.blip_models.blip_vqa import BlipVQA
from lavis.models.blip_models.nlvr_encoder import BertModel as NlvrEncoder
from PIL import Image

sys.path.append(str(ROOT / "oracle/metrics"))
from lavis_parts import report_metrics, vqa_eval  # noqa: E402


class StableNumpy:
    """numpy, but argsort keeps the order of equal scores: what was not re-ranked has -100 together."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def argsort(values):
        return np.argsort(values, kind="stable")


def pre_caption(text, words):
    """data/utils.py"""
    text = re.sub(r"([.!\"()*#:;~])", " ", text.lower())
    text = re.sub(r"\s{2,}", " ", text).rstrip("\n").strip(" ")
    parts = text.split(" ")
    return " ".join(parts[:words]) if len(parts) > words else text


def pre_question(text, words=50):
    """data/utils.py"""
    text = re.sub(r"([.!\"()*#:;~])", "", text.lower()).rstrip(" ")
    parts = text.split(" ")
    return " ".join(parts[:words]) if len(parts) > words else text


def opened(image, crop=None):
    content = io.BytesIO(base64.b64decode(image["base64"])) if "base64" in image else ROOT / "fixtures" / image["file"]
    picture = Image.open(content).convert("RGB")
    if crop:
        picture = picture.crop((crop["x"], crop["y"], crop["x"] + crop["width"], crop["y"] + crop["height"]))
    return picture


def pixels(image, size, crop=None):
    """BLIP's transform of tests: [1, 3, size, size]."""
    picture = opened(image, crop).resize((size, size), Image.BICUBIC)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])
    values = torch.from_numpy(np.array(picture)).float() / 255
    return ((values - mean) / std).permute(2, 0, 1)[None].contiguous()


class Matching:
    def __init__(self, folder):
        self.tiny = Tiny(folder)
        self.size = self.tiny.vision["image_size"]
        self.model = self.tiny.fill(
            BlipRetrieval(
                self.tiny.vit(), self.tiny.encoder(), queue_size=8, embed_dim=self.tiny.joint, max_txt_len=35
            )
        )

    def image(self, frames):
        """States of all frames side by side, and the unit vector of their mean projection."""
        states = self.model.visual_encoder.forward_features(torch.cat(frames))
        embed = F.normalize(self.model.vision_proj(states[:, 0]).mean(dim=0, keepdim=True), dim=-1)
        return states.flatten(0, 1)[None], embed

    def text(self, text):
        encoded = self.model.tokenizer([text], max_length=35, truncation=True, return_tensors="pt")
        states = self.model.text_encoder.forward_text(encoded).last_hidden_state
        return encoded, F.normalize(self.model.text_proj(states[:, 0]), dim=-1)

    def logits(self, states, encoded):
        ids = encoded.input_ids.clone()
        ids[:, 0] = self.model.tokenizer.enc_token_id
        output = self.model.text_encoder(
            ids,
            attention_mask=encoded.attention_mask,
            encoder_hidden_states=states,
            encoder_attention_mask=torch.ones(states.shape[:-1], dtype=torch.long),
            return_dict=True,
        )
        return self.model.itm_head(output.last_hidden_state[:, 0])[0]


def frames_of(row):
    if "frames" not in row:
        return [row["image"]]
    frames = row["frames"]
    step = len(frames) // 8
    return [frames[index * step] for index in range(8)]


def retrieval(matching, case):
    items, texts, texts_of_image, keys = [], [], [], {}
    for row in case["rows"]:
        key = json.dumps(row.get("image", row.get("videoId")))
        if key not in keys:
            keys[key] = len(items)
            items.append(frames_of(row))
            texts_of_image.append([])
        for caption in row["captions"]:
            texts_of_image[keys[key]].append(len(texts))
            texts.append(pre_caption(caption, 40 if "frames" in row else 30))
    images = [matching.image([pixels(frame, matching.size) for frame in frames]) for frames in items]
    read = [matching.text(text) for text in texts]
    cosines = torch.cat([embed for _, embed in images]) @ torch.cat([embed for _, embed in read]).t()
    score = lambda i, t: (matching.logits(images[i][0], read[t][0])[1] + cosines[i, t]).item()  # noqa: E731

    def reranked(rows, k, of):
        matrix = np.full(rows.shape, -100.0)
        for query, row in enumerate(rows):
            for candidate in row.topk(min(k, len(row))).indices.tolist():
                matrix[query, candidate] = of(query, candidate)
        return matrix

    image_of_text = {text: image for image, own in enumerate(texts_of_image) for text in own}
    report = lambda a, b: {  # noqa: E731
        key: value
        for key, value in report_metrics(StableNumpy())(a, b, image_of_text, dict(enumerate(texts_of_image))).items()
        if key[:3] in ("txt", "img")
    }
    i2t = reranked(cosines, case["k"], score)
    t2i = reranked(cosines.t(), case["k"], lambda t, i: score(i, t))
    return {
        "cosines": cosines.tolist(),
        "scores": {"imageToText": i2t.tolist(), "textToImage": t2i.tolist()},
        "cosine": report(cosines.numpy(), cosines.t().numpy()),
        "reranked": report(i2t, t2i),
    }


def match(matching, case):
    found = []
    for row in case["rows"]:
        logits, cosines = [], []
        for image in row["images"]:
            states, embed = matching.image([pixels(image, matching.size, row.get("crop"))])
            read = [matching.text(pre_caption(text, 30)) for text in row["texts"]]
            logits.append([matching.logits(states, encoded).tolist() for encoded, _ in read])
            cosines.append([(embed @ own.t()).item() for _, own in read])
        probability = torch.tensor(logits).softmax(-1)[..., 1]
        found.append({"probability": probability.tolist(), "cosine": cosines})
    return {"rows": found}


def caption(case):
    tiny = Tiny(case["model"])
    model = tiny.fill(BlipCaption(tiny.vit(), tiny.decoder(tiny.vision["hidden_size"]), prompt="a picture of "))
    penalty = 1.1 if case["task"] == "nocaps" else 1.0
    options = dict(num_beams=3, max_length=20, min_length=5, repetition_penalty=penalty)
    size = tiny.vision["image_size"]
    texts = [model.generate({"image": pixels(row["image"], size)}, **options)[0] for row in case["rows"]]
    return {"captions": texts}


def vqa(case):
    tiny = Tiny(case["model"])
    model = tiny.fill(BlipVQA(tiny.vit(), tiny.encoder(), tiny.decoder(tiny.text["hidden_size"])))
    options = dict(num_beams=3, max_len=10, min_len=1, inference_method="generate")
    if case.get("answers"):
        options = dict(inference_method="rank", answer_list=case["answers"], num_ans_candidates=case["k"])
    answers = []
    for row in case["rows"]:
        sample = {
            "image": pixels(row["image"], tiny.vision["image_size"]),
            "text_input": [pre_question(row["question"])],
        }
        answers += model.predict_answers(sample, **options)
    judged = [row for row in case["rows"] if row["humanAnswers"]]
    if not judged:
        return {"answers": answers}
    questions = {
        index: {
            "question_id": index,
            "question_type": row.get("questionType", ""),
            "answer_type": row.get("answerType", ""),
            "answers": [{"answer": one, "answer_id": place} for place, one in enumerate(row["humanAnswers"])],
        }
        for index, row in enumerate(case["rows"])
        if row["humanAnswers"]
    }
    results = {index: {"question_id": index, "answer": answers[index]} for index in questions}
    evaluation = vqa_eval()(
        SimpleNamespace(qa=questions, getQuesIds=lambda: list(questions)), SimpleNamespace(qa=results), n=12
    )
    evaluation.evaluate(list(questions))
    types = {key: value for key, value in evaluation.accuracy["perAnswerType"].items() if key}
    return {"answers": answers, "accuracy": evaluation.accuracy["overall"], "byAnswerType": types}


def nlvr(case):
    tiny = Tiny(case["model"])
    model = tiny.fill(
        BlipNLVR(tiny.vit(), NlvrEncoder(tiny.med(tiny.vision["hidden_size"]), add_pooling_layer=False), num_classes=2)
    )
    size = tiny.vision["image_size"]
    found = []
    for row in case["rows"]:
        sample = {
            "image0": pixels(row["images"][0], size),
            "image1": pixels(row["images"][1], size),
            "text_input": [pre_caption(row["sentence"], 40)],
            "label": torch.zeros(1, dtype=torch.long),
        }
        found.append(model.predict(sample)["predictions"][0].softmax(-1)[1].item())
    return {"probability": found}


@torch.no_grad()
def main():
    matching = None
    golden = {}
    for case in json.loads(Path(sys.argv[1]).read_text()):
        if case["task"] in ("retrieval", "match"):
            matching = matching or Matching(case["model"])
            # Each model has a tokenizer of its own, which LAVIS keeps in the class.
            golden[case["name"]] = (retrieval if case["task"] == "retrieval" else match)(matching, case)
        else:
            golden[case["name"]] = {"caption": caption, "nocaps": caption, "vqa": vqa, "nlvr": nlvr}[case["task"]](case)
        print(case["name"], json.dumps(golden[case["name"]])[:120])
    about = {"script": "oracle/legacy/evaluation_goldens.py", "versions": VERSIONS, "cases": golden}
    (ROOT / "fixtures/goldens/evaluation.json").write_text(json.dumps(about, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
