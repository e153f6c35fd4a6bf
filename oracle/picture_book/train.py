"""Trains the embedded model further: contrast, matching and captions together, as BLIP is pre-trained (paper, section 3.2).

A fourth loss names what each patch shows; its head is not kept. Goes on from packages/blip/models/picture-book or from
other weights; where those have no text decoder, it begins as the text encoder. Two processes share a step, with a thread
each.

Run: python train.py ART SCENES.npz TEST.npz OUT.safetensors [--weights FILE] [--steps N] ...   (scenes: see README.md)
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from collages import Collages
from dataset import Scenes
from judge import captioned, matched
from model import LOSSES, EmbeddedModel
from torch import distributed

PROCESSES = 2

JUDGED = 200
"""Scenes on which a model is judged while it is trained."""

WEIGHTS = (0.25, 1.0, 2.0, 1.0)
"""Of LOSSES."""


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
            print(json.dumps(captioned(model, test, JUDGED) | matched(model, test, JUDGED)), flush=True)
            model.train()
    distributed.barrier()
    distributed.destroy_process_group()


def train_texts(rank: int, arguments: argparse.Namespace) -> None:
    """The text encoder and the heads of matching alone: pictures and captions stay what they are."""
    begin(rank, arguments)
    rng, scenes, test = np.random.default_rng(1 + rank), Scenes(arguments.scenes), Scenes(arguments.test)
    model = EmbeddedModel(arguments.weights).eval()
    parts = (model.matching.text_encoder, model.matching.text_proj, model.matching.vision_proj, model.matching.itm_head)
    steps = Steps([one for part in parts for one in part.parameters()], arguments.rate, arguments.text_steps)
    weights, start, sums = torch.tensor(WEIGHTS[:2]), time.monotonic(), torch.zeros(2)
    for step in range(1, arguments.text_steps + 1):
        losses = model.text_losses(scenes, rng.choice(len(scenes), arguments.batch // PROCESSES), rng)
        steps.take((losses * weights).sum())
        sums += losses.detach()
        if rank > 0:
            continue
        if step % 50 == 0:
            means = ", ".join(f"{name} {mean:.3f}" for name, mean in zip(LOSSES[:2], sums / 50, strict=True))
            print(f"{step}/{arguments.text_steps}  {means}  {time.monotonic() - start:.0f} s", flush=True)
            sums.zero_()
        if step % 500 == 0 or step == arguments.text_steps:
            model.save(arguments.out)
            print(json.dumps([matched(model, test, JUDGED, short) for short in (False, True)]), flush=True)
    distributed.barrier()
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("art", type=Path, help="folder of npm tarballs")
    parser.add_argument("scenes", type=Path)
    parser.add_argument("test", type=Path, help="scenes that are not trained on")
    parser.add_argument("out", type=Path, help="the weights that are written")
    parser.add_argument("--weights", type=Path, help="weights that an earlier run wrote, to go on from")
    parser.add_argument("--steps", type=int, default=4400)
    parser.add_argument("--collages", type=int, default=1500, help="steps of which three in four see collages")
    parser.add_argument("--text-steps", type=int, default=0, help="with the text encoder alone, at the end")
    parser.add_argument("--temperature", type=float, default=1, help="which divides the logits of matching, at the end")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--port", type=int, default=29511, help="for the two processes to find each other")
    arguments = parser.parse_args()
    if arguments.steps > 0:
        torch.multiprocessing.spawn(train, (arguments,), nprocs=PROCESSES)
        arguments.weights = arguments.out
    if arguments.text_steps > 0:
        torch.multiprocessing.spawn(train_texts, (arguments,), nprocs=PROCESSES)
        arguments.weights = arguments.out
    if arguments.temperature != 1:
        model = EmbeddedModel(arguments.weights)
        model.soften(arguments.temperature)
        model.save(arguments.out)


if __name__ == "__main__":
    main()
