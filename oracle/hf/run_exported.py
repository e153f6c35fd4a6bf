"""Runs what `blip export` writes as any Python program would: onnx's checker on every file, ONNX Runtime for a match and a
greedy caption, transformers beside it. Any difference is a failure.

Run: python run_exported.py MODEL FOLDER...
MODEL is the Hugging Face folder that FOLDERs were exported from (`--task match`, `caption`, with `--compat hf`; the files of
other tasks are checked and loaded).
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import transformers
from onnx.reference import ReferenceEvaluator
from tokenizers import Tokenizer

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
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
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
    shape = (PICTURES, 3, about["picture"]["height"], about["picture"]["width"])
    return torch.randn(shape, generator=torch.Generator().manual_seed(5)).numpy()


def match(files: Exported, folder: Path, model: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pad = files.about["tokens"]["pad"]
    tokenizer.enable_padding(pad_id=pad)
    encoded = tokenizer.encode_batch(TEXTS)
    ids = np.array([one.ids for one in encoded], np.int64)
    mask = np.array([one.attention_mask for one in encoded], np.int64)
    texts = {"input_ids": ids, "position_ids": np.arange(ids.shape[1]), "attention_mask": mask}
    values = pixels(files.about)
    image = files.run("image", {"pixel_values": values})
    cosines = image["image_features"] @ files.run("text", texts)["text_features"].T
    scores = files.run("match", {**texts, "image_embeds": image["image_embeds"]})["itm_score"]
    reference = transformers.BlipForImageTextRetrieval.from_pretrained(model, dtype=torch.float32).eval()
    inputs = dict(
        pixel_values=torch.tensor(values), input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask)
    )
    with torch.no_grad():
        expect_close("cosines", cosines, reference(**inputs, use_itm_head=False).itm_score)
        expect_close("itm_score", scores, reference(**inputs).itm_score)
    # All texts about one picture in one run: the rows of the first picture.
    shared = files.run("match", {**texts, "image_embeds": image["image_embeds"][:1]})["itm_score"]
    expect_close("itm_score of shared states", shared[:1], scores[:1])


def caption(files: Exported, model: str) -> None:
    """Token by token as transformers says it; 8-bit matrices choose other words of random weights, so that those are counted."""
    about = files.about
    decode = next(entry for entry in about["files"] if entry["file"] == "decode.onnx")
    values = pixels(about)
    states = files.run("image", {"pixel_values": values})["image_embeds"]
    memory = files.run("memory", {"encoder_hidden_states": states})
    past = {
        one["name"]: np.zeros((PICTURES, one["shape"][1], 0, one["shape"][3]), ELEMENTS[one["dtype"]])
        for one in decode["inputs"]
        if one["name"].startswith("past.")
    }
    rows = np.arange(PICTURES)
    tokens = np.full((PICTURES, 1), about["tokens"]["dec"], np.int64)
    for step in range(TOKENS):
        out = files.run(
            "decode",
            {
                "input_ids": tokens[:, -1:],
                "position_ids": np.full((PICTURES, 1), step, np.int64),
                "key_positions": np.tile(np.arange(step + 1), (PICTURES, 1)),
                "row_index": rows,
                "rows": rows,
                **past,
                **memory,
            },
        )
        logits = out.pop("logits")
        out.pop("hidden")
        past = {name.replace("present", "past"): value for name, value in out.items()}
        tokens = np.concatenate([tokens, logits.argmax(-1)[:, None]], axis=1)
    reference = transformers.BlipForConditionalGeneration.from_pretrained(model, dtype=torch.float32).eval()
    equal, count = 0, 0
    for row in range(PICTURES):
        expected = reference.generate(
            pixel_values=torch.tensor(values[row : row + 1]), max_new_tokens=TOKENS, do_sample=False
        )[0].tolist()
        found = tokens[row].tolist()[: len(expected)]
        assert files.about["dtype"] == "int8" or found == expected, (found, expected)
        equal, count = equal + sum(a == b for a, b in zip(found, expected)), count + len(expected)
    print(f"caption: {equal} of {count} tokens are transformers'")


def main() -> None:
    model, *folders = sys.argv[1:]
    print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__, "transformers", transformers.__version__)
    for folder in map(Path, folders):
        global worst, tolerance
        worst = 0.0
        files = Exported(folder)
        dtype = files.about["dtype"]
        tolerance = TOLERANCES[dtype]
        if files.about["task"] in ("match", "retrieve"):
            match(files, folder, model)
        elif files.about["task"] == "caption":
            caption(files, model)
        else:
            print(folder, files.about["task"], "checker, loaded by ONNX Runtime")
            continue
        checked = "checker, ONNX Runtime" + (", reference evaluator" if files.reference else "")
        print(folder, files.about["task"], dtype, checked, "equal; floats differ by at most", f"{worst:.1e}")


if __name__ == "__main__":
    main()
