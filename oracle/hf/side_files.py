"""Side files as each generation of transformers saves them: fixtures/side-files/VERSION[-slow|-fast]/, and what it reads
back. `-slow` has the tokenizer in Python, `-fast` the image processor on torchvision.

Run with each version, and last with 5.23.0, which reads all of them: side_files.py. The versions and what each needs stand
in README.md. Weights are not saved: the tests put these files beside those of fixtures/tiny/match.
"""

import importlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path

import transformers
from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "fixtures/side-files"
VERSION = transformers.__version__
OLD = VERSION.startswith("4.")

# Words that are read otherwise by each setting; they stand for the last words of the tiny vocabulary.
CASED = ["Dog", "é", "É", "A", "中", "文", "中文", "##é"]
TEXTS = ["A Dog É é", "a dog and two red cars", "中文", "DOG, É!", "ΟΔΟΣ", "two red cars " * 8]
SETTINGS = {
    "4.26.1-slow": {"do_lower_case": False},
    "4.26.1": {"strip_accents": False},
    "4.36.2": {"model_max_length": 16},
    "4.46.3-slow": {"tokenize_chinese_chars": False},
    "4.46.3": {"do_lower_case": False, "strip_accents": True},
    "4.57.1": {"do_lower_case": False},
    "4.57.1-fast": {"strip_accents": False},
    "5.0.0": {"strip_accents": False, "model_max_length": 16},
    "5.23.0": {"do_lower_case": False, "tokenize_chinese_chars": False},
    "5.23.0-fast": {"do_lower_case": True, "model_max_length": 16},
}
# Of a model that says how it generates.
GENERATION = {"num_beams": 4, "max_length": 15, "repetition_penalty": 1.25}


def vocabulary(folder: Path) -> str:
    words = (ROOT / "fixtures/tiny/match/vocab.txt").read_text().split("\n")[:-1]
    path = folder / "vocab.txt"
    path.write_text("\n".join([*words[: -len(CASED)], *CASED]) + "\n")
    return str(path)


def tokenizer(name: str, folder: Path):
    settings = SETTINGS[name]
    if not OLD:
        return transformers.BertTokenizer(vocab=vocabulary(folder), **settings)
    if not name.endswith("-slow"):
        return transformers.BertTokenizerFast(vocabulary(folder), **settings)
    slow = transformers.BertTokenizer(vocabulary(folder), **settings)
    # As BLIP's own `init_tokenizer`.
    slow.add_special_tokens({"bos_token": "[DEC]"})
    slow.add_special_tokens({"additional_special_tokens": ["[ENC]"]})
    return slow


def images(name: str):
    settings = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3], "size": {"height": 32, "width": 32}}
    if name.endswith("-fast"):
        return (transformers.BlipImageProcessorFast if OLD else BlipImageProcessor)(**settings)
    # From 5.x on the class of this name wants torchvision, and the one on Pillow has another name.
    pil = importlib.util.find_spec("transformers.models.blip.image_processing_pil_blip")
    if pil is None:
        return BlipImageProcessor(**settings)
    return importlib.import_module(pil.name).BlipImageProcessorPil(**settings)


def tiny_model() -> BlipForConditionalGeneration:
    text = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    vision = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "image_size": 16}
    model = BlipForConditionalGeneration(BlipConfig(text_config={**text, "vocab_size": 127}, vision_config=vision))
    # 4.26 does not count BLIP among the models that generate, and saves no generation_config.json.
    for key, value in GENERATION.items() if model.generation_config is not None else ():
        setattr(model.generation_config, key, value)
    return model


def save(name: str) -> None:
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        BlipProcessor(images(name), tokenizer(name, Path(scratch))).save_pretrained(folder)
        tiny_model().save_pretrained(scratch)
        generation = Path(scratch) / "generation_config.json"
        if generation.exists():
            shutil.copy(generation, folder)
    for path in folder.iterdir():
        # A file of the temporary folder is nobody's business.
        path.write_text(path.read_text().replace(scratch, "scratch"))
    print(name, sorted(path.name for path in folder.iterdir()))


def reading(name: str) -> dict:
    """What this version makes of a folder's files."""
    processor = BlipProcessor.from_pretrained(OUT / name)
    ids = [processor.tokenizer(text)["input_ids"] for text in TEXTS]
    cut = processor.tokenizer(TEXTS[-1], truncation=True)["input_ids"]
    settings = processor.image_processor
    return {
        "image": {
            "mean": list(settings.image_mean),
            "std": list(settings.image_std),
            "size": {"height": settings.size["height"], "width": settings.size["width"]},
        },
        "ids": ids,
        # Those that are shorter than the position table of fixtures/tiny/match.
        "cut": len(cut),
    }


def main() -> None:
    own = [name for name in SETTINGS if name.split("-")[0] == VERSION]
    for name in own:
        save(name)
    file = OUT / "expected.json"
    expected = json.loads(file.read_text()) if file.exists() else {"folders": {}}
    for name in own:
        expected["folders"][name] = reading(name)
    if VERSION == "5.23.0":
        for name, known in expected["folders"].items():
            if reading(name) != known:
                known["as 5.23.0 reads it"] = reading(name)
                print(name, "is read otherwise by 5.23.0")
    folders = {name: expected["folders"][name] for name in SETTINGS if name in expected["folders"]}
    about = {"script": "oracle/hf/side_files.py", "texts": TEXTS, "generation": GENERATION, "folders": folders}
    file.write_text(json.dumps(about, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
