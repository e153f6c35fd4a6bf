"""Full-size random checkpoints of NLVR2, of questions and of retrieval, with LAVIS's outputs beside them.

    python full_size.py nlvr|vqa|retrieval OUT [--size 384]

OUT becomes a folder with an original-named .pth and reference.safetensors; `npx tsx bench/full-size.ts OUT` compares. All
weights are drawn at std 0.02.
"""

import argparse
import shutil
from pathlib import Path
from types import SimpleNamespace

import lavis_stubs  # noqa: F401  before all of lavis
import torch
from lavis.models.blip_models.blip import BlipBase
from lavis.models.blip_models.blip_feature_extractor import BlipFeatureExtractor
from lavis.models.blip_models.blip_nlvr import BlipNLVR
from lavis.models.blip_models.blip_retrieval import BlipRetrieval
from lavis.models.blip_models.blip_vqa import BlipVQA
from lavis.models.blip_models.nlvr_encoder import BertModel as NlvrEncoder
from legacy_goldens import ROOT, Tiny, drawings, noise, pixel_values
from safetensors.torch import save_file

VOCABULARY = ROOT / "packages/blip/models/bert-base-uncased"
STATEMENTS = ["The left image shows two dogs on a beach.", "there are exactly three red cars in total"]
QUESTIONS = ["is there a dog in the picture?", "how many people are sitting on the bench?"]
TEXTS = ["a woman and her dog on the beach", "two red cars", "a cat sitting under a tree with snow"]
ANSWERS = ["yes", "no", "a dog", "two", "two people on a bench", "3", "red", "a red car", "on the beach", "snow"]


class Full(Tiny):
    """The parts of LAVIS's models at the size of Salesforce's base models."""

    def __init__(self, folder: Path, size: int):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(VOCABULARY / "vocab.txt", folder / "vocab.txt")
        self.folder = folder
        self.vision = {
            "image_size": size,
            "patch_size": 16,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-6,
        }
        self.text = {
            "vocab_size": 30524,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "max_position_embeddings": 512,
            "layer_norm_eps": 1e-12,
        }
        self.joint = 256
        BlipBase.init_tokenizer = classmethod(lambda _cls: self.tokenizer())

    def fill(self, model: torch.nn.Module) -> torch.nn.Module:
        generator = torch.Generator().manual_seed(19)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.normal_(0, 0.02, generator=generator)
                if "norm" in name.lower() and name.endswith("weight"):
                    parameter.add_(1)
        kind = {BlipNLVR: "nlvr", BlipVQA: "vqa", BlipRetrieval: "retrieval"}[type(model)]
        torch.save({"model": model.state_dict()}, self.folder / f"model_base_{kind}_random.pth")
        print("parameters", sum(parameter.numel() for parameter in model.parameters()))
        return model.eval()


def nlvr(full: Full) -> dict[str, torch.Tensor]:
    text = NlvrEncoder(full.med(full.vision["hidden_size"]), add_pooling_layer=False)
    model = full.fill(BlipNLVR(full.vit(), text, num_classes=2))
    size = full.vision["image_size"]
    left, right = noise(41, 2, 3, size, size), noise(42, 2, 3, size, size)
    tensors = {"left": left, "right": right}
    for row, statement in enumerate(STATEMENTS):
        one = slice(row, row + 1)
        sample = {"image0": left[one], "image1": right[one], "text_input": [statement], "label": torch.zeros(1).long()}
        tensors[f"{row}.logits"] = model.predict(sample)["predictions"]
        tensors[f"{row}.input_ids"] = model.tokenizer([statement], return_tensors="pt").input_ids
    return tensors


def vqa(full: Full) -> dict[str, torch.Tensor]:
    model = full.fill(BlipVQA(full.vit(), full.encoder(), full.decoder(full.text["hidden_size"])))
    pixels = noise(43, 2, 3, full.vision["image_size"], full.vision["image_size"])
    tensors = {"pixel_values": pixels}
    answers = model.tokenizer(ANSWERS, padding="longest", return_tensors="pt")
    tensors["answers"], tensors["answers.mask"] = answers.input_ids, answers.attention_mask
    forward = model.text_decoder.forward
    for row, question in enumerate(QUESTIONS):
        seen = []

        def watched(input_ids, *args, _seen=seen, **kwargs):
            output = forward(input_ids, *args, **kwargs)
            if output.loss is not None:
                _seen.append((input_ids, -output.loss))
            return output

        model.text_decoder.forward = watched
        sample = {"image": pixels[row : row + 1], "text_input": [question]}
        model.predict_answers(sample, inference_method="rank", answer_list=ANSWERS, num_ans_candidates=len(ANSWERS))
        model.text_decoder.forward = forward
        [(candidates, scores)] = seen
        order = torch.argsort(scores, descending=True)
        tensors[f"{row}.input_ids"] = model.tokenizer([question], return_tensors="pt").input_ids
        tensors[f"{row}.candidates"], tensors[f"{row}.scores"] = candidates[order], scores[order]
    return tensors


def retrieval(full: Full) -> dict[str, torch.Tensor]:
    """Two stages in both directions, and the features of each text with its picture, alone; queues and momentum copies stay."""
    model = full.fill(BlipRetrieval(full.vit(), full.encoder(), queue_size=8, embed_dim=full.joint, max_txt_len=35))
    images = drawings(44, 2, full.vision["image_size"])
    pixels = pixel_values(images)

    class Loader(list):
        dataset = SimpleNamespace(text=TEXTS, image=list(range(len(pixels))))

    loader = Loader({"image": pixels[row : row + 1]} for row in range(len(pixels)))
    i2t, t2i = model.compute_sim_matrix(loader, SimpleNamespace(k_test=2))
    extractor = BlipFeatureExtractor(model.visual_encoder, model.text_encoder, embed_dim=full.joint).eval()
    extractor.vision_proj, extractor.text_proj = model.vision_proj, model.text_proj
    tensors = {"images": images, "pixel_values": pixels}
    tensors["score_matrix_i2t"], tensors["score_matrix_t2i"] = torch.as_tensor(i2t), torch.as_tensor(t2i)
    for row in range(len(pixels)):
        sample = {"image": pixels[row : row + 1], "text_input": [TEXTS[row]]}
        tensors[f"{row}.input_ids"] = model.tokenizer([TEXTS[row]], return_tensors="pt").input_ids
        tensors[f"{row}.image_states"] = extractor.extract_features(sample, mode="image").image_embeds
        tensors[f"{row}.text_states"] = extractor.extract_features(sample, mode="text").text_embeds
        tensors[f"{row}.multimodal_states"] = extractor.extract_features(sample, mode="multimodal").multimodal_embeds
    return tensors


TASKS = {"nlvr": nlvr, "vqa": vqa, "retrieval": retrieval}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=384)
    given = parser.parse_args()
    full = Full(given.out, given.size)
    tensors = TASKS[given.task](full)
    save_file({key: value.contiguous() for key, value in tensors.items()}, given.out / "reference.safetensors")


if __name__ == "__main__":
    main()
