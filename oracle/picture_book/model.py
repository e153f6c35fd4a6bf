"""The embedded model in transformers' classes: its losses, what it says, and its file."""

import json
from pathlib import Path

import numpy as np
import torch
from dataset import Scenes, concepts_of, edited, in_mirror, shortened
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scenes import CONCEPTS, NOTHING, UNSURE, many
from torch.nn import functional as F
from transformers import BertTokenizer, BlipForConditionalGeneration, BlipForImageTextRetrieval, logging

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packages/blip/models/picture-book"

# Half of the sentences stand alone, the others after one of these, which the loss leaves out.
PROMPTS = ("a picture of ", "a photo of ")

TEMPERATURE = 0.07

LOSSES = ("ITC", "ITM", "LM", "patches")

KINDS = 1 + len(CONCEPTS)
"""What a patch may show: nothing, or a concept."""


def mirrored(
    scenes: Scenes, chosen: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[str], list[list[str]]]:
    """Pictures, patches, sentences and concepts of chosen scenes, half of them as a mirror shows them."""
    concepts = [scenes.concepts[k] for k in chosen]
    seen = [(scenes.pixels[k], scenes.patches[k], scenes.sentences[k]) for k in chosen]
    for at, mirror in enumerate(rng.random(len(chosen)) < 0.5):
        if mirror:
            seen[at] = in_mirror(*seen[at], concepts[at])
    pixels, patches, sentences = zip(*seen, strict=True)
    return np.stack(pixels), np.stack(patches), list(sentences), concepts


class EmbeddedModel(torch.nn.Module):
    """Both of transformers' classes over one image encoder."""

    def __init__(self, weights: Path | None) -> None:
        super().__init__()
        # A decoder that the file lacks would be reported at length.
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
        with safe_open(FOLDER / "model.safetensors", "pt") as file:
            decodes = any(key.startswith("text_decoder.") for key in file.keys())
        if not decodes:
            self.decode_as_encoder()
        if weights is not None:
            self.load(weights)

    def decode_as_encoder(self) -> None:
        """The decoder that is not there yet begins as the text encoder."""
        encoder = self.matching.text_encoder.state_dict()
        self.decoder.bert.load_state_dict({key: one for key, one in encoder.items() if not key.startswith("pooler")})
        # transformers leaves a missing bias of this head as the memory had it.
        torch.nn.init.zeros_(self.decoder.cls.predictions.bias)

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
        pixels, patches, sentences, concepts = mirrored(scenes, chosen, rng)
        states = self.states(pixels)
        matching = self.matching_losses(states, sentences, concepts, rng, len(chosen) // 2)
        caption = self.caption_loss(states, sentences, rng)
        return torch.stack([*matching, caption, self.patch_loss(states, patches)])

    def text_losses(self, scenes: Scenes, chosen: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        """The first two of LOSSES, for the text encoder and the heads of matching alone."""
        pixels, _, sentences, concepts = mirrored(scenes, chosen, rng)
        with torch.no_grad():
            states = self.states(pixels)
        return torch.stack(self.matching_losses(states, sentences, concepts, rng, len(chosen)))

    def matching_losses(
        self,
        states: torch.Tensor,
        sentences: list[str],
        concepts: list[list[str]],
        rng: np.random.Generator,
        pairs: int,
    ) -> list[torch.Tensor]:
        """Contrast of all pictures; matching of so many with a true and a false text each."""
        count = len(sentences)
        true = [shortened(rng, sentence) if rng.random() < 0.6 else sentence for sentence in sentences]
        ids, mask = self.ids(true)
        shown = F.normalize(self.matching.vision_proj(states[:, 0]), dim=-1)
        told = F.normalize(self.matching.text_proj(self.text_states(ids, mask)), dim=-1)
        cosines = shown @ told.T / TEMPERATURE
        targets = torch.arange(count)
        contrast = (F.cross_entropy(cosines, targets) + F.cross_entropy(cosines.T, targets)) / 2
        with torch.no_grad():
            others = torch.multinomial(cosines.exp().fill_diagonal_(0), 1)[:, 0].tolist()
        # False by an edit, or by being another scene's that names something else.
        false = [
            edited(rng, true[k], concepts[k])
            if rng.random() < 0.7 or concepts_of(true[others[k]]) <= {*concepts[k], *map(many, concepts[k])}
            else true[others[k]]
            for k in range(pairs)
        ]
        logits = self.matching.itm_head(
            self.text_states(*self.ids(true[:pairs] + false), torch.cat([states[:pairs], states[:pairs]]))
        )
        targets = torch.cat([torch.ones(pairs), torch.zeros(pairs)]).long()
        return [contrast, F.cross_entropy(logits, targets)]

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
    def captions(self, pixels: np.ndarray, beams: int) -> list[str]:
        """Captions after the first prompt and without it, as BLIP searches them: 5 to 20 tokens."""
        ids, mask = self.ids([PROMPTS[0]] * len(pixels))
        ids, mask = ids[:, :-1], mask[:, :-1]
        ids[:, 0] = self.config.bos_token_id
        made = self.decoder.generate(
            input_ids=ids,
            attention_mask=mask,
            encoder_hidden_states=self.states(pixels),
            max_length=20,
            min_length=5,
            do_sample=False,
            num_beams=beams,
            eos_token_id=self.config.sep_token_id,
            pad_token_id=self.config.pad_token_id,
        )
        return self.tokenizer.batch_decode(made[:, ids.shape[1] :], skip_special_tokens=True)

    @torch.inference_mode()
    def probabilities(self, pixels: np.ndarray, sentences: list[str]) -> torch.Tensor:
        """ITM probability of each picture with its sentence."""
        states = self.text_states(*self.ids(sentences), self.states(pixels))
        return self.matching.itm_head(states).softmax(-1)[:, 1]

    @torch.inference_mode()
    def features(self, pixels: np.ndarray, sentences: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the cosine compares: [n, 128] of pictures and of sentences."""
        shown = self.matching.vision_proj(self.states(pixels)[:, 0])
        told = self.matching.text_proj(self.text_states(*self.ids(sentences)))
        return F.normalize(shown, dim=-1), F.normalize(told, dim=-1)

    def soften(self, temperature: float) -> None:
        """Divides the logits of matching: what is likelier than the other stays so."""
        with torch.no_grad():
            for one in self.matching.itm_head.parameters():
                one /= temperature

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
