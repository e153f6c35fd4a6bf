"""Golden numbers of captioning, question answering and BlipModel: fixtures/goldens/{caption,vqa,features}.{safetensors,json}.

Every sequence is generated for one image alone: what a batch does to it is our matter, not the reference's.
Run after tiny_checkpoints.py: python generation_goldens.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    BertTokenizer,
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
    BlipModel,
)

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "fixtures/tiny"
GOLDENS = ROOT / "fixtures/goldens"
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__}
PROMPTS = [None, "a picture of", "two red cars and the"]
QUESTIONS = ["is there a dog in the picture ?", "two red cars", "a cat sitting under a tree with snow?", "is it her ?"]
SEP_BIASES = [0.0, 1.5, 3.0]


def write(name: str, tensors: dict[str, torch.Tensor], about: dict) -> None:
    save_file({key: value.contiguous() for key, value in tensors.items()}, GOLDENS / f"{name}.safetensors")
    head = {"script": "oracle/hf/generation_goldens.py", "versions": VERSIONS}
    (GOLDENS / f"{name}.json").write_text(json.dumps({**head, **about}, separators=(",", ":")) + "\n")


def load(kind, folder: str):
    """As a user loads it: a decoder matrix that differs from the word embeddings stays untied."""
    return kind.from_pretrained(TINY / folder).eval()


def option_sets() -> list[dict]:
    """Options of generate; `max_length` and `min_length` count the prompt."""
    sets = [dict(num_beams=beams, max_length=20, min_length=0) for beams in range(1, 9)]
    sets += [dict(num_beams=beams, max_length=12, min_length=8) for beams in (1, 3, 5)]
    sets += [dict(num_beams=beams, max_new_tokens=20) for beams in (1, 3)]
    sets += [
        dict(num_beams=3, max_length=20, repetition_penalty=1.5),
        dict(num_beams=1, max_length=20, repetition_penalty=1.5),
        dict(num_beams=4, max_length=20, no_repeat_ngram_size=2),
        dict(num_beams=1, max_length=20, no_repeat_ngram_size=2),
        dict(num_beams=4, max_length=20, length_penalty=0.5),
        dict(num_beams=4, max_length=20, length_penalty=2.0),
        dict(num_beams=4, max_length=20, early_stopping=True),
        dict(num_beams=5, num_return_sequences=3, max_length=20),
    ]
    return sets


def run(generate, options: dict) -> dict:
    out = generate(**options, do_sample=False, return_dict_in_generate=True, output_scores=True)
    scores = getattr(out, "sequences_scores", None)
    result = {"sequences": out.sequences.tolist()}
    if scores is not None:
        result["scores"] = scores.tolist()
    return result


def captions() -> None:
    model = load(BlipForConditionalGeneration, "caption")
    stored = load(BlipForConditionalGeneration, "caption-4x")
    tokenizer = BertTokenizer(vocab=str(TINY / "caption/vocab.txt"), do_lower_case=True)
    generator = torch.Generator().manual_seed(21)
    pixels = torch.randn(5, 3, 32, 32, generator=generator)
    tall = torch.randn(1, 3, 48, 40, generator=generator)
    bias = model.text_decoder.cls.predictions.bias
    original = bias.detach().clone()
    cases = []
    for sep in SEP_BIASES:
        with torch.no_grad():
            bias.copy_(original)
            bias[3] += sep
        for prompt in PROMPTS:
            for options in option_sets():
                rows = []
                for image in range(len(pixels)):
                    inputs = {"pixel_values": pixels[image : image + 1]}
                    if prompt is not None:
                        inputs["input_ids"] = tokenizer([prompt], return_tensors="pt").input_ids
                    rows.append(run(lambda **more: model.generate(**inputs, **more), options))
                cases.append({"sepBias": sep, "prompt": prompt, "options": options, "rows": rows})
    lengths = [len(row["sequences"][0]) for case in cases for row in case["rows"]]
    ended = sum(row["sequences"][0][-1] in (0, 3) for case in cases for row in case["rows"])
    print("captions", len(lengths), "ended by [SEP]", ended, "lengths", sorted(set(lengths)))
    with torch.no_grad():
        bias.copy_(original)
        ids = tokenizer(["a woman and her dog on the beach", "a cat sitting under a tree with"], return_tensors="pt", padding=True)
        ids.input_ids[:, 0] = model.config.text_config.bos_token_id
        inputs = dict(pixel_values=pixels[:2], input_ids=ids.input_ids, attention_mask=ids.attention_mask)
        tensors = {
            "pixel_values": pixels,
            "resized.pixel_values": tall,
            "input_ids": ids.input_ids,
            "attention_mask": ids.attention_mask,
            "logits": model(**inputs).logits,
            "logits.4x": stored(**inputs).logits,
            "logits.resized": model(
                pixel_values=tall, input_ids=ids.input_ids[:1], interpolate_pos_encoding=True
            ).logits,
            "resized.sequence": model.generate(pixel_values=tall, interpolate_pos_encoding=True, max_length=20),
        }
    write("caption", tensors, {"model": "fixtures/tiny/caption", "cases": cases})


def questions() -> None:
    model = load(BlipForQuestionAnswering, "vqa")
    tokenizer = BertTokenizer(vocab=str(TINY / "vqa/vocab.txt"), do_lower_case=True)
    generator = torch.Generator().manual_seed(22)
    pixels = torch.randn(len(QUESTIONS), 3, 32, 32, generator=generator)
    bias = model.text_decoder.cls.predictions.bias
    original = bias.detach().clone()
    option_list = [dict(num_beams=beams, max_length=10, min_length=1) for beams in range(1, 9)]
    option_list += [dict(), dict(num_beams=3, max_length=8, min_length=6)]
    cases = []
    tensors = {"pixel_values": pixels}
    for sep in SEP_BIASES:
        with torch.no_grad():
            bias.copy_(original)
            bias[3] += sep
        for options in option_list:
            rows = []
            for row, question in enumerate(QUESTIONS):
                encoded = tokenizer([question], return_tensors="pt")
                inputs = dict(
                    pixel_values=pixels[row : row + 1],
                    input_ids=encoded.input_ids,
                    attention_mask=encoded.attention_mask,
                )
                # No row is padded here. transformers' own wrapper passes the options on to the decoder.
                rows.append(run(lambda **more: model.generate(**inputs, **more), options))
            cases.append({"sepBias": sep, "options": options, "rows": rows})
    lengths = [len(row["sequences"][0]) for case in cases for row in case["rows"]]
    ended = sum(row["sequences"][0][-1] in (0, 3) for case in cases for row in case["rows"])
    print("answers", len(lengths), "ended by [SEP]", ended, "lengths", sorted(set(lengths)))
    with torch.no_grad():
        bias.copy_(original)
        answers = tokenizer(["a red car", "two"], return_tensors="pt", padding=True)
        decoder = answers.input_ids.clone()
        decoder[:, 0] = model.config.text_config.bos_token_id
        for row in range(2):
            encoded = tokenizer([QUESTIONS[row]], return_tensors="pt")
            one = slice(row, row + 1)
            states = model.vision_model(pixels[one])[0]
            question = model.text_encoder(
                input_ids=encoded.input_ids,
                attention_mask=encoded.attention_mask,
                encoder_hidden_states=states,
            )[0]
            logits = model.text_decoder(
                input_ids=decoder[one, : int(answers.attention_mask[row].sum())],
                encoder_hidden_states=question,
                reduction="none",
            ).logits
            tensors[f"question_embeds.{row}"] = question
            tensors[f"logits.{row}"] = logits
        tensors["decoder_input_ids"] = decoder
    write("vqa", tensors, {"model": "fixtures/tiny/vqa", "questions": QUESTIONS, "cases": cases})


def features() -> None:
    model = load(BlipModel, "model")
    tokenizer = BertTokenizer(vocab=str(TINY / "model/vocab.txt"), do_lower_case=True)
    generator = torch.Generator().manual_seed(23)
    pixels = torch.randn(2, 3, 32, 32, generator=generator)
    texts = ["a woman and her dog on the beach", "two red cars"]
    encoded = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.no_grad():
        image = model.get_image_features(pixel_values=pixels).pooler_output
        text = model.get_text_features(**{k: encoded[k] for k in ("input_ids", "attention_mask")}).pooler_output
        both = model(pixel_values=pixels, input_ids=encoded.input_ids, attention_mask=encoded.attention_mask)
    tensors = {
        "pixel_values": pixels,
        "input_ids": encoded.input_ids,
        "attention_mask": encoded.attention_mask,
        "image_features": image,
        "text_features": text,
        "image_embeds": both.image_embeds,
        "text_embeds": both.text_embeds,
        "logits_per_image": both.logits_per_image,
    }
    write("features", tensors, {"model": "fixtures/tiny/model", "texts": texts})


def main() -> None:
    captions()
    questions()
    features()


if __name__ == "__main__":
    main()
