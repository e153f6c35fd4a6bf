"""Runs what `blip export` writes as any Python program would: onnx's checker on every file, ONNX Runtime for the task, and
transformers beside it. Any difference is a failure.

Run: python run_exported.py MODEL FOLDER...
MODEL is the Hugging Face folder that FOLDERs were exported from, with `--compat hf`. transformers has no NLVR2: a folder of
`--task compare` is exported from fixtures/tiny/nlvr-original without `--compat`, and compared with LAVIS's golden numbers.
"""

import json
import os
import sys
from pathlib import Path

# Read when it is loaded; unset, it reports its use.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

GOLDENS = Path(__file__).parents[2] / "fixtures" / "goldens"

PICTURES, TOKENS = 2, 12
TEXTS = ["a woman and her dog on the beach", "two red cars"]
# float32 sums in another order move logits of magnitude 10 by some 1e-6. Halves have 11 bits, int8 has 8: what they do to
# the tiny models' scores is measured, and bounded so that a wrong graph shows.
TOLERANCES = {"fp32": 2e-5, "fp16": 2e-2, "int8": 0.2}
ELEMENTS = {"float32": np.float32, "float16": np.float16}


class Exported:
    def __init__(self, folder: Path):
        self.about = json.loads((folder / "export.json").read_text())
        self.sessions = {}
        self.reference = {}
        for entry in self.about["files"]:
            path = folder / entry["file"]
            onnx.checker.check_model(str(path), full_check=True)
            options = onnxruntime.SessionOptions()
            # As the steps of 8-bit exports say.
            options.add_session_config_entry("session.x64quantprecision", "1")
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for kind, found in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
                said = [(one["name"], one["shape"]) for one in entry[kind]]
                assert said == [(one.name, one.shape) for one in found], (entry["file"], said)
            self.sessions[path.stem] = session
            if not self.about["contributedOperators"]:
                self.reference[path.stem] = ReferenceEvaluator(str(path))

    def run(self, name: str, feeds: dict) -> dict:
        session = self.sessions[name]
        outputs = [output.name for output in session.get_outputs()]
        found = dict(zip(outputs, session.run(outputs, feeds)))
        if name in self.reference:
            slow = dict(zip(outputs, self.reference[name].run(outputs, feeds)))
            for output in outputs:
                expect_close(f"{name}.onnx by onnx's reference evaluator: {output}", slow[output], found[output])
        return found


worst = 0.0
tolerance = 0.0


def expect_close(what: str, found, expected) -> None:
    global worst
    assert found.shape == tuple(expected.shape), (what, found.shape, expected.shape)
    difference = float(np.abs(np.asarray(found, np.float32) - np.asarray(expected, np.float32)).max())
    worst = max(worst, difference)
    assert difference < tolerance, f"{what} differs by {difference}"


def pixels(about: dict) -> np.ndarray:
    shape = (PICTURES, 3, about["image"]["height"], about["image"]["width"])
    return torch.randn(shape, generator=torch.Generator().manual_seed(5)).numpy()


def texts(files: Exported, folder: Path, given=TEXTS) -> dict:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=files.about["tokens"]["pad"])
    encoded = tokenizer.encode_batch(given)
    ids = np.array([one.ids for one in encoded], np.int64)
    mask = np.array([one.attention_mask for one in encoded], np.int64)
    return {"input_ids": ids, "position_ids": np.arange(ids.shape[1]), "attention_mask": mask}


def reference_of(kind: str, model: str):
    return getattr(transformers, kind).from_pretrained(model, dtype=torch.float32).eval()


def for_torch(read: dict) -> dict:
    return {name: torch.tensor(read[name]) for name in ("input_ids", "attention_mask")}


def match(files: Exported, folder: Path, model: str) -> None:
    read = texts(files, folder)
    values = pixels(files.about)
    image = files.run("image", {"pixel_values": values})
    cosines = image["image_features"] @ files.run("text", read)["text_features"].T
    scores = files.run("match", {**read, "image_embeds": image["image_embeds"]})["itm_score"]
    reference = reference_of("BlipForImageTextRetrieval", model)
    inputs = {"pixel_values": torch.tensor(values), **for_torch(read)}
    expect_close("cosines", cosines, reference(**inputs, use_itm_head=False).itm_score)
    expect_close("itm_score", scores, reference(**inputs).itm_score)
    # All texts about one picture in one run: the rows of the first picture.
    shared = files.run("match", {**read, "image_embeds": image["image_embeds"][:1]})["itm_score"]
    expect_close("itm_score of shared states", shared[:1], scores[:1])


def embed(files: Exported, folder: Path, model: str) -> None:
    read = texts(files, folder)
    values = pixels(files.about)
    image = files.run("image", {"pixel_values": values})
    text = files.run("text", read)
    inputs = for_torch(read)
    if "multimodal" not in files.sessions:
        expected = reference_of("BlipModel", model)(pixel_values=torch.tensor(values), **inputs)
        expect_close("image_features", image["image_features"], expected.image_embeds)
        expect_close("text_features", text["text_features"], expected.text_embeds)
        return
    reference = reference_of("BlipForImageTextRetrieval", model)
    unit = torch.nn.functional.normalize
    states = reference.vision_model(pixel_values=torch.tensor(values)).last_hidden_state
    expect_close("image_features", image["image_features"], unit(reference.vision_proj(states[:, 0])))
    alone = reference.text_encoder(**inputs).last_hidden_state
    expect_close("text_features", text["text_features"], unit(reference.text_proj(alone[:, 0])))
    seen = reference.text_encoder(
        **inputs, encoder_hidden_states=states, encoder_attention_mask=torch.ones(states.shape[:-1])
    )
    found = files.run("multimodal", {**read, "image_embeds": image["image_embeds"]})
    expect_close("question_embeds", found["question_embeds"], seen.last_hidden_state)


def compare(files: Exported, folder: Path, _model: str) -> None:
    golden = load_file(GOLDENS / "legacy-nlvr.safetensors")
    read = texts(files, folder, json.loads((GOLDENS / "legacy-nlvr.json").read_text())["texts"])
    read["input_ids"][:, 0] = files.about["tokens"]["enc"]
    left, right = (
        files.run("image", {"pixel_values": golden[side].numpy()})["image_embeds"] for side in ("left", "right")
    )
    found = files.run("compare", {**read, "image_embeds": left, "image_embeds_1": right})
    expect_close("nlvr_score", found["nlvr_score"], golden["logits"])


def first_step(files: Exported, tokens: np.ndarray, attended: dict) -> dict:
    """Whole sequences at once, with empty caches."""
    count, length = tokens.shape
    places = np.tile(np.arange(length), (count, 1))
    decode = next(entry for entry in files.about["files"] if entry["file"] == "decode.onnx")
    past = {
        one["name"]: np.zeros((count, one["shape"][1], 0, one["shape"][3]), ELEMENTS[one["dtype"]])
        for one in decode["inputs"]
        if one["name"].startswith("past.")
    }
    return {
        **{"input_ids": tokens, "position_ids": places, "key_positions": places, "row_index": np.arange(count)},
        **past,
        **attended,
    }


def greedy(files: Exported, attended: dict) -> np.ndarray:
    rows = np.arange(PICTURES)
    tokens = np.full((PICTURES, 1), files.about["tokens"]["dec"], np.int64)
    feeds = first_step(files, tokens, attended)
    for step in range(TOKENS):
        feeds |= {
            "input_ids": tokens[:, -1:],
            "position_ids": np.full((PICTURES, 1), step, np.int64),
            "key_positions": np.tile(np.arange(step + 1), (PICTURES, 1)),
            "rows": rows,
        }
        out = files.run("decode", feeds)
        feeds |= {name.replace("present", "past"): value for name, value in out.items() if "present" in name}
        tokens = np.concatenate([tokens, out["logits"].argmax(-1)[:, None]], axis=1)
    return tokens


def expect_tokens(files: Exported, tokens: np.ndarray, generate) -> None:
    """Token by token as transformers says it; 8-bit matrices choose other words of random weights, so that those are counted."""
    equal, count = 0, 0
    for row in range(PICTURES):
        # Row by row: transformers attends to padding.
        expected = generate(row)[0].tolist()
        found = tokens[row].tolist()[: len(expected)]
        assert files.about["dtype"] == "int8" or found == expected, (found, expected)
        equal, count = equal + sum(a == b for a, b in zip(found, expected)), count + len(expected)
    print(f"{files.about['task']}: {equal} of {count} tokens are transformers'")


def caption(files: Exported, _folder: Path, model: str) -> None:
    values = pixels(files.about)
    states = files.run("image", {"pixel_values": values})["image_embeds"]
    tokens = greedy(files, files.run("cross-kv", {"encoder_hidden_states": states}))
    reference = reference_of("BlipForConditionalGeneration", model)
    expect_tokens(
        files,
        tokens,
        lambda row: reference.generate(
            pixel_values=torch.tensor(values[row : row + 1]), max_new_tokens=TOKENS, do_sample=False
        ),
    )


def ask(files: Exported, folder: Path, model: str) -> None:
    read = texts(files, folder, [f"is there {text} ?" for text in TEXTS])
    values = pixels(files.about)
    states = files.run("image", {"pixel_values": values})["image_embeds"]
    questions = files.run("question", {**read, "image_embeds": states})["question_embeds"]
    keys_and_values = files.run("cross-kv", {"encoder_hidden_states": questions})
    attended = {**keys_and_values, "encoder_attention_mask": read["attention_mask"]}
    tokens = greedy(files, attended)
    reference = reference_of("BlipForQuestionAnswering", model)

    def alone(row: int) -> dict:
        length = int(read["attention_mask"][row].sum())
        inputs = {name: value[row : row + 1, :length] for name, value in for_torch(read).items()}
        return {"pixel_values": torch.tensor(values[row : row + 1]), **inputs}

    expect_tokens(
        files, tokens, lambda row: reference.generate(**alone(row), max_new_tokens=TOKENS, do_sample=False)
    )
    # An answer that is given, as ranking reads it: [DEC] and all of its tokens but the last.
    answer = np.concatenate([tokens[:1, :1], texts(files, folder, ["two dogs"])["input_ids"][:, 1:]], axis=1)
    one = {name: value[:1] for name, value in attended.items()}
    last = np.arange(answer.shape[1] - 1)
    hidden = files.run("decode", {**first_step(files, answer[:, :-1], one), "rows": last[-1:]})["hidden"]
    scores = files.run("score", {"hidden": hidden, "rows": last, "labels": answer[0, 1:]})
    inputs = alone(0)
    seen = reference.vision_model(pixel_values=inputs.pop("pixel_values")).last_hidden_state
    question = reference.text_encoder(
        **inputs, encoder_hidden_states=seen, encoder_attention_mask=torch.ones(seen.shape[:-1])
    ).last_hidden_state
    logits = reference.text_decoder(
        input_ids=torch.tensor(answer[:, :-1]),
        encoder_hidden_states=question,
        encoder_attention_mask=torch.ones(question.shape[:-1]),
    ).logits[0]
    probabilities = logits.log_softmax(-1)
    labels = torch.tensor(answer[0, 1:])
    expect_close("log_probability", scores["log_probability"], probabilities[torch.tensor(last), labels])
    expect_close("mean_log_probability", scores["mean_log_probability"], probabilities.mean(-1))


RUNS = {"match": match, "retrieve": match, "caption": caption, "ask": ask, "compare": compare, "embed": embed}


def main() -> None:
    model, *folders = sys.argv[1:]
    print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__, "transformers", transformers.__version__)
    for folder in map(Path, folders):
        global worst, tolerance
        worst = 0.0
        files = Exported(folder)
        dtype = files.about["dtype"]
        tolerance = TOLERANCES[dtype]
        with torch.no_grad():
            RUNS[files.about["task"]](files, folder, model)
        checked = "checker, ONNX Runtime" + (", reference evaluator" if files.reference else "")
        print(folder, files.about["task"], dtype, checked, "equal; floats differ by at most", f"{worst:.1e}")


if __name__ == "__main__":
    main()
