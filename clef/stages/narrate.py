"""stage=narrate: a narrator learns to write the text on a minute from a frozen session encoder's states.

Starts from a finished stage=recon or stage=align run, which stays as it is. A sample is a session: a few of its
minutes are drawn, each with those before it (`clef.narratives.windows`), and the loss is the cross-entropy of the ids
of their texts, each from the ids before it. What writes is a small decoder of ours, or a local language model behind
soft prompts, as NeuroNarrator has it (text=hf report_encoder.name=FOLDER).

Shapes: M stretches of all sessions of a batch · L text ids · R x W token grid of a window.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from clef.narratives.maps import SessionMaps
from clef.narratives.narration import read_window
from clef.narratives.texts import PartScope, Place, places_in, texts_of
from clef.narratives.windows import windows
from clef.network.adapted_language_model import Adaptation
from clef.network.alignment import Alignment
from clef.network.bpe import learn
from clef.network.encoder import Encoder
from clef.network.narrators.base import BaseNarrator, NarratorConfig
from clef.network.narrators.decoder import Narrator
from clef.network.narrators.prompted import PromptedNarrator
from clef.network.report_encoder import TextConfig, check_from_scratch
from clef.stages.epochs import session_order
from clef.stages.inputs import Inputs, about_training, check_splits, check_tokenizer, load_tokens
from clef.stages.stage import Batch, Objective, Preview, Samples
from tokenizer.base.limits import check_settings
from tokenizer.sessions import read_sessions
from tokenizer.store import Tokens


@dataclasses.dataclass
class NarrateConfig:
    """Settings of stage=narrate beside the loop's and the narrator's."""

    texts: str = ""
    """Table of texts on stretches of the cohort's sessions, or the folder that clef.describe wrote."""
    scope: PartScope = "minute"
    """What a text is on: a minute, or a segment of 10 s."""
    stretches: int = 3
    """Most minutes (or segments) of a session in one sample."""
    projection: bool = True
    """Read the projection at the report head, too, if the model of init is aligned with reports."""
    validation_stretches: int = 512
    """Held-out stretches that the loss is validated on."""
    text_scale: float = 0.1
    """Learning rate of what is trained of a language model (train_layers, lora), relative to the rest."""


LIMITS = {"stretches": (1, 1024), "validation_stretches": (0, 1 << 31), "text_scale": (0, 1000)}
AT_ONCE = 64
"""Stretches of a batch of validation."""
SCALED_BY = 256
"""Most training sessions whose maps the standard ones are taken from."""


class NarrateObjective(Objective):
    """The frozen encoder (and heads) and the narrator that is trained."""

    def __init__(self, encoder: Encoder, heads: Alignment | None, narrator: BaseNarrator, text_scale: float = 0.1):
        super().__init__()
        self.encoder, self.heads, self.narrator, self.text_scale = encoder, heads, narrator, text_scale
        for part in (encoder, heads):
            if part is not None:
                part.requires_grad_(False)

    def train(self, mode: bool = True) -> "NarrateObjective":
        """The narrator trains; what is frozen never does."""
        super().train(mode)
        for part in (self.encoder, self.heads):
            if part is not None:
                part.eval()
        return self

    def groups(self) -> list[dict[str, Any]]:
        text = self.narrator.language_parameters()
        ours = {id(p) for p in text}
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in ours]
        return [{"params": rest}, {"params": text, "scale": self.text_scale}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        to_report = self.heads.to_report if self.heads is not None else None
        logits = self.narrator(batch["ids"], *read_window(self.encoder, to_report, self.narrator, batch))
        logits, ids = logits[batch["mask"]].float(), batch["ids"][batch["mask"]]
        right = (logits.argmax(-1) == ids).sum()
        return {"loss": F.cross_entropy(logits, ids, reduction="sum") / totals["ids"], "right": right / totals["ids"]}

    def save_model(self, folder: Path) -> None:
        self.encoder.save_pretrained(folder / "encoder")
        if self.heads is not None:
            self.heads.save_pretrained(folder / "align")
        self.narrator.save_pretrained(folder / "narrator")


class Stretches:
    """Sessions and the texts on their stretches: sample number -> stretches, as a pure function of the seed."""

    def __init__(
        self,
        tokens: Tokens,
        texts: dict[Place, str],
        narrator: BaseNarrator,
        config: NarrateConfig,
        seed: int,
        maps: SessionMaps | None = None,
    ):
        self.tokens, self.config, self.seed, self.maps = tokens, config, seed, maps
        self.scope, self.history = config.scope, narrator.config.history
        self.places = places_in(tokens, texts, config.scope)
        of = {split: [row for row in self.places if tokens.split[row] == split] for split in ("train", "val")}
        self.train, self.held_out = of["train"], [(row, n) for row in of["val"] for n in self.places[row]]
        kept = [(row, n) for row in (*of["train"], *of["val"]) for n in self.places[row]]
        ids, mask = narrator.encode([texts[Place(str(tokens.session_id[row]), n)] for row, n in kept])
        self.ids, self.mask = ids, mask
        self.number = {place: i for i, place in enumerate(kept)}

    def batch(self, numbers: Sequence[int]) -> Batch:
        return self._stretches(list(itertools.chain.from_iterable(map(self._sample, numbers))))

    def _sample(self, number: int) -> list[tuple[int, int]]:
        """The stretches that a sample shows: some of one session's, drawn anew for each number."""
        row = self.train[session_order(self.seed, number, len(self.train))]
        known = self.places[row]
        drawn = np.random.default_rng((self.seed, 1, number)).permutation(len(known))[: self.config.stretches]
        return [(row, known[i]) for i in sorted(drawn)]

    def validation(self) -> list[Batch]:
        order = np.random.default_rng((0, 6)).permutation(len(self.held_out))[: self.config.validation_stretches]
        drawn = [self.held_out[i] for i in sorted(order)]
        return [self._stretches(drawn[i : i + AT_ONCE]) for i in range(0, len(drawn), AT_ONCE)]

    def _stretches(self, places: list[tuple[int, int]]) -> Batch:
        rows = [self.number[place] for place in places]
        longest = int(self.mask[rows].sum(1).max())
        ids, mask = self.ids[rows, :longest], self.mask[rows, :longest]
        batch = windows(self.tokens, places, self.scope, self.history, self.maps)
        return batch | {"ids": ids, "mask": mask, "counts": {"ids": float(mask.sum())}}


def build(
    inputs: Inputs, narrate: NarrateConfig, narrator: NarratorConfig, report_encoder: TextConfig
) -> tuple[Objective, Samples]:
    """The frozen model of a finished run with a fresh narrator, and sessions with the texts on their stretches.

    Raises ValueError if the stores do not fit each other, or no text is on a session of split train.
    """
    check_settings(narrate, LIMITS, "narrate")
    store, tokens = load_tokens(inputs.tokens)
    check_splits(tokens, read_sessions(inputs.cohort), inputs)
    encoder = Encoder.from_pretrained(str(inputs.init / "encoder"))
    check_tokenizer(encoder, store, inputs.tokens)
    heads = Alignment.from_pretrained(str(inputs.init / "align")) if (inputs.init / "align").is_dir() else None
    texts = texts_of(narrate.texts, narrate.scope)
    aligned = heads is not None and heads.to_report is not None and narrate.projection
    projection = heads.to_report.out_features if aligned else 0
    entries = encoder.config.width, encoder.rows, projection, narrate.scope
    writer = make_narrator(narrator, report_encoder, training_texts(tokens, texts, narrate), entries)
    writer.about = about_training("narrate", store, tokens)
    writer.about["trained_on"] = joined(writer.about["trained_on"], encoder.about.get("trained_on", {}))
    encoder.attention = inputs.attention
    maps = SessionMaps(tokens, store.tokenizer.to(inputs.device), narrate.scope) if narrator.maps else None
    samples = Stretches(tokens, texts, writer, narrate, inputs.seed, maps)
    if maps is not None:
        drawn = np.random.default_rng((0, 7)).permutation(samples.train)[:SCALED_BY]
        writer.map_mean, writer.map_sd = maps.scale(sorted(drawn.tolist()))
    return NarrateObjective(encoder, heads, writer, narrate.text_scale).train(), samples


def make_narrator(
    narrator: NarratorConfig, text: TextConfig, subjects: list[list[str]], entries: tuple[int, int, int, PartScope]
) -> BaseNarrator:
    """A fresh narrator: a decoder over words of the subjects' texts, or a language model; entries: what it reads.

    Raises ValueError (one line) if the language model is not to be had, or settings of one are given without it.
    """
    adapted = Adaptation(text.train_layers, text.lora)
    if text.pretrained:
        return PromptedNarrator.make(narrator, text.name, adapted, *entries)
    check_from_scratch(text)
    return Narrator(narrator, learn(subjects, narrator.words, narrator.min_count), *entries)


def training_texts(tokens: Tokens, texts: dict[Place, str], narrate: NarrateConfig) -> list[list[str]]:
    """The texts of each subject of split train. Raises ValueError if there is none."""
    check = places_in(tokens, texts, narrate.scope)
    if not check:
        raise ValueError(f"narrate.texts={narrate.texts}: has no text on a session of the token store; texts and "
                         f"tokens must be of one cohort")  # fmt: skip
    subjects: dict[int, list[str]] = {}
    for row, numbers in check.items():
        if tokens.split[row] == "train":
            mine = subjects.setdefault(int(tokens.subject_id[row]), [])
            mine += [texts[Place(str(tokens.session_id[row]), n)] for n in numbers]
    if not subjects:
        raise ValueError(f"narrate.texts={narrate.texts}: has no text on a session of split train; there is nothing "
                         f"to learn from")  # fmt: skip
    return [subjects[subject] for subject in sorted(subjects)]


def joined(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    """Whom two parts of a model have seen, by split."""
    return {split: sorted({*one.get(split, []), *other.get(split, [])}) for split in ("train", "val")}


def preview(settings: dict) -> Preview:
    """What can be said before texts are read."""
    return Preview(["stage=narrate: its cost depends on the texts; the encoder is not trained, and runs forward only"])
