"""Trains the embedded model further: contrast, matching and captions together, as BLIP is pre-trained (paper, section 3.2).

A fourth loss names what each patch shows; its head is not kept. Reads packages/blip/models/picture-book, whose matching
half goes on from where it is; the text decoder begins as the text encoder. Two processes share a step, with a thread each.

Run: python train.py ART SCENES.npz TEST.npz UNSEEN.npz OUT.safetensors [--steps N] [--batch N]   (scenes: see README.md)
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from collages import Collages
from safetensors.torch import load_file, save_file
from scenes import BACKGROUNDS, CONCEPTS, NOTHING, NUMBERS, PATCHES, UNSURE, many
from torch import distributed
from torch.nn import functional as F
from transformers import BertTokenizer, BlipForConditionalGeneration, BlipForImageTextRetrieval, logging

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packages/blip/models/picture-book"
PROCESSES = 2

# Half of the sentences stand alone, the others after one of these, which the loss leaves out.
PROMPTS = ("a picture of ", "a photo of ")

TEMPERATURE = 0.07
DECODER_RATE = 1e-3

LOSSES = ("ITC", "ITM", "LM", "patches")
WEIGHTS = (0.25, 1.0, 2.0, 1.0)

KINDS = 1 + len(CONCEPTS)
"""What a patch may show: nothing, or a concept."""


class Scenes:
    """Scenes that draw.py drew."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.pixels: np.ndarray = file["pixels"]
            self.patches: np.ndarray = file["patches"]
            told = json.loads(str(file["told"]))
        self.sentences: list[str] = told["sentences"]
        self.concepts: list[list[str]] = told["concepts"]

    def __len__(self) -> int:
        return len(self.sentences)


def edited(rng: np.random.Generator, sentence: str, concepts: list[str]) -> str:
    """A sentence that is false of the scene by one thing: a concept, the background, a number, a size or the order."""
    kinds = ["concept", "concept", "background"]
    if " above " in sentence or " to the left of " in sentence:
        kinds.append("order")
    if any(f"{number} " in sentence for number in NUMBERS.values()):
        kinds.append("number")
    if " small " in sentence or " large " in sentence:
        kinds.append("size")
    match rng.choice(kinds):
        case "background":
            (colour,) = (one for one in BACKGROUNDS if sentence.endswith(f" {one} background"))
            other = str(rng.choice([one for one in BACKGROUNDS if one != colour]))
            head = sentence.removesuffix(f" {colour} background").rsplit(" ", 1)[0]
            return f"{head} {'an' if other == 'orange' else 'a'} {other} background"
        case "order":
            relation = " above " if " above " in sentence else " to the left of "
            things, ground = sentence.rsplit(" on ", 1)
            first, second = things.split(relation)
            return f"{second}{relation}{first} on {ground}"
        case "number":
            said = next(one for one in NUMBERS.values() if sentence.startswith(one))
            return sentence.replace(said, str(rng.choice([one for one in NUMBERS.values() if one != said])), 1)
        case "size":
            other = {"small": "large", "large": "small"}
            return " ".join(other.get(word, word) for word in sentence.split(" "))
        case _:
            old = str(rng.choice(concepts))
            new = str(rng.choice([one for one in CONCEPTS if one not in concepts]))
            if many(old) in sentence and many(old) != old:
                return sentence.replace(many(old), many(new), 1)
            for article in (f"a {old}", f"an {old}"):
                if article in sentence:
                    return sentence.replace(article, f"{'an' if new[0] in 'aeiou' else 'a'} {new}", 1)
            return sentence.replace(old, new, 1)


def in_mirror(
    pixels: np.ndarray, patches: np.ndarray, sentence: str, concepts: list[str]
) -> tuple[np.ndarray, np.ndarray, str]:
    """A scene turned left to right, with the sentence that is then true; the same scene where three have no clear order."""
    grid = patches.reshape(PATCHES, PATCHES)
    things, ground = sentence.rsplit(" on ", 1)
    if " to the left of " in things:
        first, second = things.split(" to the left of ")
        things = f"{second} to the left of {first}"
    elif " and " in things:
        places = [np.argwhere(grid == 1 + CONCEPTS.index(concept)) for concept in concepts]
        if any(len(place) == 0 for place in places):
            return pixels, patches, sentence
        down, across = np.ptp([place.mean(0) for place in places], axis=0)
        if across > down:
            first, others = things.split(", ")
            second, third = others.split(" and ")
            things = f"{third}, {second} and {first}"
    return pixels[:, ::-1], grid[:, ::-1].flatten(), f"{things} on {ground}"


class EmbeddedModel(torch.nn.Module):
    """Both of transformers' classes over one image encoder."""

    def __init__(self, weights: Path | None) -> None:
        super().__init__()
        # The decoder that the file lacks would be reported at length.
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.matching = BlipForImageTextRetrieval.from_pretrained(FOLDER)
        captioning = BlipForConditionalGeneration.from_pretrained(FOLDER)
        self.decoder = captioning.text_decoder
        self.config = captioning.config.text_config
        self.tokenizer = BertTokenizer.from_pretrained(FOLDER)
        processor = json.loads((FOLDER / "preprocessor_config.json").read_text())
        self.mean = torch.tensor(processor["image_mean"]).view(1, 3, 1, 1)
        self.std = torch.tensor(processor["image_std"]).view(1, 3, 1, 1)
        self.patch_head = torch.nn.Linear(self.config.encoder_hidden_size, KINDS)
        self.patch_weights = torch.ones(KINDS)
        # Most patches show nothing.
        self.patch_weights[NOTHING] = 0.1
        self.decoder.bert.load_state_dict(
            {
                key: one
                for key, one in self.matching.text_encoder.state_dict().items()
                if not key.startswith("pooler")
            }
        )
        # transformers leaves a missing bias of this head as the memory had it.
        torch.nn.init.zeros_(self.decoder.cls.predictions.bias)
        if weights is not None:
            self.load(weights)

    def states(self, pixels: np.ndarray) -> torch.Tensor:
        """[n, 65, 160]"""
        values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        return self.matching.vision_model(pixel_values=(values - self.mean) / self.std).last_hidden_state

    def ids(self, sentences: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        encoded = self.tokenizer(sentences, padding=True, return_tensors="pt")
        return encoded.input_ids, encoded.attention_mask

    def text_states(self, ids: torch.Tensor, mask: torch.Tensor, states: torch.Tensor | None = None) -> torch.Tensor:
        """[CLS] of texts, alone or looking at pictures."""
        out = self.matching.text_encoder(input_ids=ids, attention_mask=mask, encoder_hidden_states=states)
        return out.last_hidden_state[:, 0]

    def losses(self, scenes: Scenes, chosen: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        """The four of LOSSES."""
        seen = [(scenes.pixels[k], scenes.patches[k], scenes.sentences[k]) for k in chosen]
        concepts = [scenes.concepts[k] for k in chosen]
        for at, mirror in enumerate(rng.random(len(chosen)) < 0.5):
            if mirror:
                seen[at] = in_mirror(*seen[at], concepts[at])
        sentences = [sentence for _, _, sentence in seen]
        false = [edited(rng, *pair) for pair in zip(sentences, concepts, strict=True)]
        states = self.states(np.stack([pixels for pixels, _, _ in seen]))
        count, half = len(chosen), len(chosen) // 2
        ids, mask = self.ids(sentences + false)
        true_ids, true_mask = ids[:count], mask[:count]
        shown = F.normalize(self.matching.vision_proj(states[:, 0]), dim=-1)
        told = F.normalize(self.matching.text_proj(self.text_states(true_ids, true_mask)), dim=-1)
        cosines = shown @ told.T / TEMPERATURE
        targets = torch.arange(count)
        contrast = (F.cross_entropy(cosines, targets) + F.cross_entropy(cosines.T, targets)) / 2
        with torch.no_grad():
            texts = torch.multinomial(cosines.exp().fill_diagonal_(0), 1)[:, 0]
        # For half of the pictures the true text and a false one, by an edit or by being another scene's.
        by_edit = torch.from_numpy(rng.random(count) < 0.7)[:, None]
        wrong_ids = torch.where(by_edit, ids[count:], true_ids[texts])
        wrong_mask = torch.where(by_edit, mask[count:], true_mask[texts])
        logits = self.matching.itm_head(
            self.text_states(
                torch.cat([true_ids[:half], wrong_ids[:half]]),
                torch.cat([true_mask[:half], wrong_mask[:half]]),
                torch.cat([states[:half], states[:half]]),
            )
        )
        matching = F.cross_entropy(logits, torch.cat([torch.ones(half), torch.zeros(half)]).long())
        caption = self.caption_loss(states, sentences, rng)
        return torch.stack([contrast, matching, caption, self.patch_loss(states, np.stack([patches for _, patches, _ in seen]))])

    def patch_loss(self, states: torch.Tensor, patches: np.ndarray) -> torch.Tensor:
        return F.cross_entropy(
            self.patch_head(states[:, 1:]).flatten(0, 1),
            torch.from_numpy(patches).long().flatten(),
            weight=self.patch_weights,
            ignore_index=UNSURE,
        )

    def caption_loss(self, states: torch.Tensor, sentences: list[str], rng: np.random.Generator) -> torch.Tensor:
        prompts = [str(rng.choice(PROMPTS)) if rng.random() < 0.5 else "" for _ in sentences]
        ids, mask = self.ids([prompt + sentence for prompt, sentence in zip(prompts, sentences, strict=True)])
        ids[:, 0] = self.config.bos_token_id
        labels = ids.masked_fill(mask == 0, -100)
        for row, prompt in enumerate(prompts):
            labels[row, : 1 + len(prompt.split())] = -100
        return self.decoder(
            input_ids=ids, attention_mask=mask, encoder_hidden_states=states, labels=labels, reduction="mean"
        ).loss

    @torch.inference_mode()
    def captions(self, pixels: np.ndarray, prompt: str = "") -> list[str]:
        """Greedy captions without their prompt."""
        ids, mask = self.ids([prompt] * len(pixels))
        ids, mask = ids[:, :-1], mask[:, :-1]
        ids[:, 0] = self.config.bos_token_id
        made = self.decoder.generate(
            input_ids=ids,
            attention_mask=mask,
            encoder_hidden_states=self.states(pixels),
            max_new_tokens=24,
            do_sample=False,
            num_beams=1,
            eos_token_id=self.config.sep_token_id,
            pad_token_id=self.config.pad_token_id,
        )
        return self.tokenizer.batch_decode(made[:, ids.shape[1] :], skip_special_tokens=True)

    @torch.inference_mode()
    def probabilities(self, pixels: np.ndarray, sentences: list[str]) -> torch.Tensor:
        """ITM probability of each picture with its sentence."""
        states = self.text_states(*self.ids(sentences), self.states(pixels))
        return self.matching.itm_head(states).softmax(-1)[:, 1]

    def save(self, path: Path) -> None:
        # [ENC] is [CLS], so that every convention gives the same score.
        words = self.matching.text_encoder.embeddings.word_embeddings.weight
        vocabulary = self.tokenizer.get_vocab()
        with torch.no_grad():
            words[vocabulary["[ENC]"]] = words[vocabulary["[CLS]"]]
        # The matrix of the language head is the words', and its bias is there once, as transformers itself saves them.
        tied = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
        decoder = {f"text_decoder.{key}": one for key, one in self.decoder.state_dict().items() if key not in tied}
        tensors = self.matching.state_dict() | decoder
        kept = {key: one.contiguous().clone() for key, one in tensors.items() if "position_ids" not in key}
        save_file(kept, path, metadata={"format": "pt"})

    def load(self, path: Path) -> None:
        """Weights that `save` wrote."""
        tensors = load_file(path)
        decoder = {
            key.removeprefix("text_decoder."): tensors.pop(key) for key in list(tensors) if key.startswith("text_d")
        }
        for module, part in ((self.matching, tensors), (self.decoder, decoder)):
            missing, unexpected = module.load_state_dict(part, strict=False)
            if unexpected or any(".decoder." not in key and "position_ids" not in key for key in missing):
                raise ValueError(f"{path}: missing {missing}, unexpected {unexpected}")


def judged(model: EmbeddedModel, scenes: Scenes, count: int | None = None) -> dict[str, float]:
    """What the model says of scenes that it was not trained on."""
    rng = np.random.default_rng(1)
    count = count or len(scenes)
    exact = hits = named = there = ranked = over = under = 0
    for at in range(0, count, 200):
        part = slice(at, min(at + 200, count))
        pixels, sentences = scenes.pixels[part], scenes.sentences[part]
        for caption, sentence in zip(model.captions(pixels, PROMPTS[0]), sentences, strict=True):
            exact += caption == sentence
            said, meant = concepts_of(caption), concepts_of(sentence)
            hits, named, there = hits + len(said & meant), named + len(said), there + len(meant)
        false = [edited(rng, *pair) for pair in zip(sentences, scenes.concepts[part], strict=True)]
        right, wrong = model.probabilities(pixels, sentences), model.probabilities(pixels, false)
        ranked += int((right > wrong).sum())
        over, under = over + int((right > 0.5).sum()), under + int((wrong < 0.5).sum())
    shares = {"captions exact": exact, "ranked": ranked, "true over 0.5": over, "false under 0.5": under}
    return {"concept F1": 2 * hits / (named + there)} | {key: one / count for key, one in shares.items()}


def concepts_of(sentence: str) -> set[str]:
    """The words of things, by a sentence's parts between articles, numbers and relations."""
    words = sentence.split(" on a ")[0].split(" on an ")[0]
    for between in (" to the left of ", " above ", " and ", ", "):
        words = words.replace(between, "|")
    skipped = {"a", "an", *NUMBERS.values(), "small", "large"}
    return {" ".join(word for word in part.split() if word not in skipped) for part in words.split("|")}


def average_gradients(parameters: list[torch.nn.Parameter]) -> None:
    """Over the processes."""
    gradients = [one.grad for one in parameters if one.grad is not None]
    flat = torch.cat([one.flatten() for one in gradients])
    distributed.all_reduce(flat)
    flat /= PROCESSES
    for gradient, part in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def begin(rank: int, arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    rendezvous = f"tcp://127.0.0.1:{arguments.port}"
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=PROCESSES)
    torch.manual_seed(rank)


class Steps:
    """AdamW over both processes."""

    def __init__(self, parameters: list[torch.nn.Parameter], rate: float, steps: int) -> None:
        self.parameters = parameters
        self.optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05, betas=(0.9, 0.98), foreach=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=rate, total_steps=steps, pct_start=0.06
        )
        for one in parameters:
            distributed.broadcast(one.data, 0)

    def take(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        average_gradients(self.parameters)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()


def train(rank: int, arguments: argparse.Namespace) -> None:
    """One process's half of the training of the whole model."""
    begin(rank, arguments)
    rng, shared = np.random.default_rng(1 + rank), np.random.default_rng(0)
    scenes, test = Scenes(arguments.scenes), Scenes(arguments.test)
    model = EmbeddedModel(arguments.weights).train()
    steps = Steps(list(model.parameters()), arguments.rate, arguments.steps)
    weights = torch.tensor(WEIGHTS)
    collages = Collages(arguments.art, 1000 + rank)
    start, sums, seen = time.monotonic(), torch.zeros(len(LOSSES) + 1), [0, 0]
    passes = 1 + arguments.steps * arguments.batch // len(scenes)
    order = np.concatenate([shared.permutation(len(scenes)) for _ in range(passes)])
    for step in range(1, arguments.steps + 1):
        chosen = order[(step - 1) * arguments.batch : step * arguments.batch][rank::PROCESSES]
        # First mostly collages, for the image encoder; then scenes alone, for all.
        by_collage = step <= arguments.collages and step % 4 > 0
        if by_collage:
            pixels, patches = collages.batch(arguments.batch // PROCESSES)
            loss = model.patch_loss(model.states(pixels), patches)
            steps.take(loss)
            sums[-1] += loss.detach()
        else:
            losses = model.losses(scenes, chosen, rng)
            steps.take((losses * weights).sum())
            sums[:-1] += losses.detach()
        seen[by_collage] += 1
        if rank > 0:
            continue
        if step % 50 == 0:
            counts = [seen[0]] * len(LOSSES) + [seen[1]]
            means = [f"{name} {sums[k] / max(1, counts[k]):.3f}" for k, name in enumerate((*LOSSES, "collages"))]
            print(f"{step}/{arguments.steps}  {', '.join(means)}  {time.monotonic() - start:.0f} s", flush=True)
            sums.zero_()
            seen = [0, 0]
        if step % 500 == 0 or step == arguments.steps:
            model.eval()
            model.save(arguments.out)
            print(json.dumps(judged(model, test, 200)), flush=True)
            model.train()
    distributed.barrier()
    distributed.destroy_process_group()


def train_decoder(rank: int, arguments: argparse.Namespace) -> None:
    """The decoder alone, over what the image encoder says once of each scene: its steps are five times as fast."""
    begin(rank, arguments)
    rng, share = np.random.default_rng(1 + rank), slice(rank, arguments.decoder_scenes, PROCESSES)
    scenes, test = Scenes(arguments.scenes), Scenes(arguments.test)
    sentences, pixels, start = scenes.sentences[share], scenes.pixels[share], time.monotonic()
    model = EmbeddedModel(arguments.weights).eval()
    with torch.no_grad():
        states = torch.cat([model.states(pixels[at : at + 100]).half() for at in range(0, len(pixels), 100)])
    print(f"process {rank}: looked at {len(states)} scenes in {time.monotonic() - start:.0f} s", flush=True)
    steps = Steps(list(model.decoder.parameters()), DECODER_RATE, arguments.decoder_steps)
    sum_ = 0.0
    for step in range(1, arguments.decoder_steps + 1):
        chosen = rng.choice(len(states), arguments.decoder_batch // PROCESSES, replace=False)
        loss = model.caption_loss(states[chosen].float(), [sentences[k] for k in chosen], rng)
        steps.take(loss)
        sum_ += loss.item()
        if rank > 0:
            continue
        if step % 100 == 0:
            print(f"{step}/{arguments.decoder_steps}  LM {sum_ / 100:.3f}  {time.monotonic() - start:.0f} s", flush=True)
            sum_ = 0.0
        if step % 1000 == 0 or step == arguments.decoder_steps:
            model.save(arguments.out)
            print(json.dumps(judged(model, test, 200)), flush=True)
    distributed.barrier()
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("art", type=Path, help="folder of npm tarballs")
    parser.add_argument("scenes", type=Path)
    parser.add_argument("test", type=Path, help="scenes that are not trained on")
    parser.add_argument("unseen", type=Path, help="such scenes in another style")
    parser.add_argument("out", type=Path, help="the weights that are written")
    parser.add_argument("--weights", type=Path, help="weights that an earlier run wrote, to go on from")
    parser.add_argument("--steps", type=int, default=2800)
    parser.add_argument("--collages", type=int, default=1050, help="steps of which three in four see collages")
    parser.add_argument("--decoder-steps", type=int, default=2400, help="with the decoder alone, at the end")
    parser.add_argument("--decoder-scenes", type=int, default=60_000, help="of which it sees so many")
    parser.add_argument("--decoder-batch", type=int, default=128)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--port", type=int, default=29511, help="for the two processes to find each other")
    arguments = parser.parse_args()
    if arguments.steps > 0:
        torch.multiprocessing.spawn(train, (arguments,), nprocs=PROCESSES)
        arguments.weights = arguments.out
    if arguments.decoder_steps > 0:
        torch.multiprocessing.spawn(train_decoder, (arguments,), nprocs=PROCESSES)
    model = EmbeddedModel(arguments.out).eval()
    for name, test in (("seen styles", arguments.test), ("unseen style", arguments.unseen)):
        print(name, json.dumps(judged(model, Scenes(test))), flush=True)


if __name__ == "__main__":
    main()
