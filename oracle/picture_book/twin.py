"""A stage of picture-book's pre-training by the original classes: BLIP_Pretrain with our sizes, recipe and shards.

The losses, the data and the number of samples are those of `blip train pretrain SHARDS --recipe RECIPE`; the order of the
samples and what is drawn at random are PyTorch's own.

Run: python twin.py BLIP SHARDS --model MODEL --recipe RECIPE.json --out OUT   (a checkout of salesforce/BLIP; see README.md)
"""

import argparse
import io
import json
import math
import random
import shutil
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BertTokenizer

sys.path.append(str(Path(__file__).resolve().parents[1] / "train/objectives"))
from original import load, med_file  # noqa: E402

MOST_TOKENS = 30
SHUFFLED = 4096
"""Samples that are shuffled among each other, as in `blip train`."""


class Words:
    """What BLIP's init_tokenizer makes, of the model's own vocabulary."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True)
        lines = (folder / "vocab.txt").read_text().splitlines()
        self.bos_token_id, self.enc_token_id = lines.index("[DEC]"), lines.index("[ENC]")
        self.pad_token_id, self.size = self.tokenizer.pad_token_id, len(lines)

    def __len__(self) -> int:
        return self.size

    def rows(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        read = self.tokenizer(texts, padding="longest", truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
        return read.input_ids, read.attention_mask


def samples(shards: Path, seed: int) -> Iterator[dict]:
    """Samples without end: shards in a random order, then samples in a random order within a buffer."""
    rng = random.Random(seed)
    buffer: list[dict] = []
    while True:
        names = sorted(shards.glob("*.tar"))
        rng.shuffle(names)
        for name in names:
            image = None
            with tarfile.open(name) as archive:
                for member in archive:
                    content = archive.extractfile(member).read()
                    if not member.name.endswith(".json"):
                        image = content
                        continue
                    for caption in (row := json.loads(content))["caption"]:
                        sample = {**row, "caption": caption, "image": image}
                        if len(buffer) < SHUFFLED:
                            buffer.append(sample)
                            continue
                        place = rng.randrange(SHUFFLED)
                        buffer[place], sample = sample, buffer[place]
                        yield sample


def cleaned(text: str) -> str:
    """What `pre_caption` (data/utils.py) leaves of the world's texts, which have no other characters than these."""
    kept = "".join(" " if sign in ".!\"()*#:;~" else sign for sign in text.lower())
    return " ".join(kept.split()[:MOST_TOKENS])


def batches(shards: Path, recipe: dict, settings: dict, seed: int) -> Iterator[dict]:
    mean, std = (torch.tensor(settings[name]).view(3, 1, 1) for name in ("image_mean", "image_std"))
    rng, source = random.Random(seed), samples(shards, seed)
    while True:
        rows = [next(source) for _ in range(recipe["batchSize"])]
        images = [np.array(Image.open(io.BytesIO(row["image"])).convert("RGB")) for row in rows]
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        patches = [[-1 if name is None else name for name in row.get("patches", [])] for row in rows]
        false = [rng.choice(row["false_captions"]) if row.get("false_captions") else None for row in rows]
        yield {
            "pixels": (pixels - mean) / std,
            "captions": [cleaned(row["caption"]) for row in rows],
            "false": [None if text is None else cleaned(text) for text in false],
            "patches": torch.tensor(patches),
        }


class Twin(torch.nn.Module):
    """The original's modules; the losses are those of its paper, and a head that names patches."""

    def __init__(self, modules, config: dict, words: Words, recipe: dict) -> None:
        super().__init__()
        vision, text = config["vision_config"], config["text_config"]
        sizes = dict(
            width=text["hidden_size"],
            layers=text["num_hidden_layers"],
            heads=text["num_attention_heads"],
            inner=text["intermediate_size"],
            vocabulary=len(words),
            positions=text["max_position_embeddings"],
        )
        self.blip = modules.pretrain(
            med_config=med_file(recipe.get("dropout", 0.1), sizes),
            image_size=vision["image_size"],
            embed_dim=config["projection_dim"],
            queue_size=recipe["queue"],
            momentum=recipe["momentum"],
        )
        self.words, self.recipe = words, recipe
        names = recipe["patchNames"]["names"]
        self.patch_names = torch.nn.Linear(vision["hidden_size"], len(names))
        self.patch_weights = torch.tensor(recipe["patchNames"].get("weights") or [1.0] * len(names))

    def features(self, states: torch.Tensor, texts: torch.Tensor, momentum: bool) -> tuple[torch.Tensor, torch.Tensor]:
        blip, end = self.blip, "_m" if momentum else ""
        image = F.normalize(getattr(blip, f"vision_proj{end}")(states[:, 0]), dim=-1)
        ids, mask = texts
        read = getattr(blip, f"text_encoder{end}")(ids, attention_mask=mask, return_dict=True, mode="text")
        return image, F.normalize(getattr(blip, f"text_proj{end}")(read.last_hidden_state[:, 0]), dim=-1)

    def contrast(self, states, pixels, texts) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """ITC with a queue, its targets the pairs alone (alpha 0), and the weights by which negatives are drawn."""
        blip = self.blip
        image, text = self.features(states, texts, momentum=False)
        with torch.no_grad():
            blip._momentum_update()
            image_m, text_m = self.features(blip.visual_encoder_m(pixels), texts, momentum=True)
            keys = {
                "images": torch.cat([image_m.T, blip.image_queue.clone()], 1),
                "texts": torch.cat([text_m.T, blip.text_queue.clone()], 1),
            }
        to_texts, to_images = image @ keys["texts"] / blip.temp, text @ keys["images"] / blip.temp
        own = torch.arange(len(image))
        loss = (F.cross_entropy(to_texts, own) + F.cross_entropy(to_images, own)) / 2
        blip._dequeue_and_enqueue(image_m, text_m)
        with torch.no_grad():
            count = len(image)
            weights = [F.softmax(sims[:, :count], 1) + 1e-4 for sims in (to_texts, to_images)]
            for one in weights:
                one.fill_diagonal_(0)
        return loss, *weights

    def matching(self, states, texts, false, of_images, of_texts) -> torch.Tensor:
        """ITM over true pairs, each text with a wrong image, each image with a wrong text: its own false caption, if any."""
        blip, (ids, mask) = self.blip, texts
        count = len(ids)
        wrong_images = states[torch.multinomial(of_texts, 1).flatten()]
        drawn = torch.multinomial(of_images, 1).flatten()
        wrong_ids, wrong_mask = ids[drawn], mask[drawn]
        if any(text is not None for text in false):
            own_ids, own_mask = self.words.rows([text or "a" for text in false])
            longest = max(ids.shape[1], own_ids.shape[1])
            fit = lambda x: F.pad(x, (0, longest - x.shape[1]), value=0)  # noqa: E731
            has = torch.tensor([text is not None for text in false])[:, None]
            ids, mask = fit(ids), fit(mask)
            wrong_ids = torch.where(has, fit(own_ids), fit(wrong_ids))
            wrong_mask = torch.where(has, fit(own_mask), fit(wrong_mask))
        all_ids = torch.cat([ids, ids, wrong_ids]).clone()
        all_ids[:, 0] = self.words.enc_token_id
        seen = torch.cat([states, wrong_images, states])
        read = blip.text_encoder(
            all_ids,
            attention_mask=torch.cat([mask, mask, wrong_mask]),
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long),
            return_dict=True,
        )
        labels = torch.cat([torch.ones(count), torch.zeros(2 * count)]).long()
        return F.cross_entropy(blip.itm_head(read.last_hidden_state[:, 0]), labels)

    def language(self, states, texts) -> torch.Tensor:
        ids, mask = texts
        ids = ids.clone()
        ids[:, 0] = self.words.bos_token_id
        labels = ids.masked_fill(mask == 0, -100)
        found = self.blip.text_decoder(
            ids,
            attention_mask=mask,
            encoder_hidden_states=states,
            encoder_attention_mask=torch.ones(states.shape[:2], dtype=torch.long),
            labels=labels,
            return_dict=True,
        )
        return found.loss

    def forward(self, batch: dict) -> dict[str, torch.Tensor]:
        """The losses whose weight is not 0."""
        weights = {"itc": 1, "itm": 1, "lm": 1, "patchNames": 0, **self.recipe.get("losses", {})}
        states = self.blip.visual_encoder(batch["pixels"])
        found: dict[str, torch.Tensor] = {}
        if weights["patchNames"] > 0:
            found["patchNames"] = F.cross_entropy(
                self.patch_names(states[:, 1:]).flatten(0, 1),
                batch["patches"].flatten(),
                weight=self.patch_weights,
                ignore_index=-1,
            )
        if weights["itc"] + weights["itm"] + weights["lm"] > 0:
            texts = self.words.rows(batch["captions"])
            itc, of_images, of_texts = self.contrast(states, batch["pixels"], texts)
            found["itc"] = itc
            false = batch["false"] if self.recipe.get("falseCaptions") else [None] * len(texts[0])
            found["itm"] = self.matching(states, texts, false, of_images, of_texts)
            found["lm"] = self.language(states, texts)
        return {name: loss * weights[name] for name, loss in found.items()}


def rate(recipe: dict, step: int) -> float:
    """A rise, then half a cosine over all steps."""
    lr, least, steps = recipe["lr"], recipe["minLr"], recipe["steps"]
    cosine = (lr - least) * (1 + math.cos(math.pi * step / steps)) / 2 + least
    if step >= recipe["warmUp"]:
        return cosine
    return min(cosine, recipe["warmUpFrom"] + (lr - recipe["warmUpFrom"]) * step / max(recipe["warmUp"], 1))


def train(twin: Twin, recipe: dict, shards: Path, settings: dict, out: Path, seed: int) -> None:
    trained = [p for name, p in twin.named_parameters() if p.requires_grad and name not in ("blip.temp",)]
    optimizer = torch.optim.AdamW(trained, lr=recipe["lr"], weight_decay=recipe["decay"])
    twin.train()
    start, kept = time.monotonic(), {}
    with open(out / "metrics.jsonl", "w") as log:
        for step, batch in zip(range(recipe["steps"]), batches(shards, recipe, settings, seed), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = rate(recipe, step)
            losses = twin(batch)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            norm = torch.nn.utils.clip_grad_norm_(trained, recipe["clip"])
            optimizer.step()
            kept = {name: round(loss.item(), 4) for name, loss in losses.items()}
            log.write(json.dumps({"step": step, "losses": kept, "norm": round(norm.item(), 3)}) + "\n")
            if step % 50 == 0:
                seconds = time.monotonic() - start
                speed = (step + 1) * recipe["batchSize"] / seconds
                print(f"{step}/{recipe['steps']} {kept} {speed:.0f} images/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="sizes, vocabulary and, without init, weights")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    recipe = json.loads(arguments.recipe.read_text())
    if arguments.steps is not None:
        recipe["steps"] = arguments.steps
    assert recipe.get("alpha", 0) == 0 and "phases" not in recipe, "one phase without soft targets"
    config = json.loads((arguments.model / "config.json").read_text())
    settings = json.loads((arguments.model / "preprocessor_config.json").read_text())
    words = Words(arguments.model)
    vision = config["vision_config"]
    modules = load(
        arguments.checkout,
        vision=dict(
            image=vision["image_size"],
            patch=vision["patch_size"],
            width=vision["hidden_size"],
            layers=vision["num_hidden_layers"],
            heads=vision["num_attention_heads"],
            inner=vision["intermediate_size"],
        ),
        tokenizer=lambda: words,
    )
    twin = Twin(modules, config, words, recipe)
    if not recipe.get("init"):
        found = twin.blip.load_state_dict(load_file(arguments.model / "model.safetensors"), strict=False)
        print("begun at random:", [name for name in found.missing_keys if "_m." not in name and "queue" not in name])
        twin.blip.copy_params()
    arguments.out.mkdir(parents=True)
    train(twin, recipe, arguments.shards, settings, arguments.out, arguments.seed)
    for file in arguments.model.iterdir():
        if file.suffix in (".json", ".txt"):
            shutil.copy(file, arguments.out)
    saved = {
        name: value.contiguous().clone()
        for name, value in twin.blip.state_dict().items()
        if "_m." not in name and "queue" not in name and "position_ids" not in name
    }
    save_file(saved, arguments.out / "model.safetensors")


if __name__ == "__main__":
    main()
