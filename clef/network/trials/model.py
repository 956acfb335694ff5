"""The whole network of trials: encoder, a head per subject, and the text network that captions are read with.

    trial ─▶ encoder (D) ─▶ head of its subject ─▶ logits of K categories
                                               └▶ unit vector (P) ─┐
                                 caption ─▶ text network ─▶ unit vector (P), compared by cosine

The Transformer is shared by all subjects, the heads are not: a subject the network was not trained on has none. Vectors
of a language model's own space all point one way; the mean over the captions of training (`centre`) is taken out.

Shapes: B trials · C electrodes · S samples · D width · K categories · P width of the text space · n texts.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.pretrained_text import ReportEncoder, check_report_encoder, least_numbers, report_encoder
from clef.network.report_encoder import TextConfig
from clef.network.trials.encoder import LIMITS, TrialConfig, TrialEncoder
from tokenizer.base.files import fingerprint
from tokenizer.base.hub import ModelPart, build, check_entry, check_network, load_folder, save_folder
from tokenizer.base.limits import is_texts, is_whole

FORMAT = 1
KIND = "clef-trials"
AT_ONCE = 64
"""Texts that are read together."""


@dataclasses.dataclass(frozen=True)
class Known:
    """What the network was made for.

    channels, samples: of a trial · electrodes: C names, or none · categories: K names · subjects: as `hash_labels` has
    them, in the order of their heads
    """

    channels: int
    samples: int
    electrodes: list[str]
    categories: list[str]
    subjects: list[str]


def hash_labels(labels: Iterable[str], salt: str | None = None) -> list[str]:
    """Labels of subjects as `SALT-HASH`, in their order: enough to tell a subject, not to list them."""
    labels = list(labels)
    salt = fingerprint("\n".join(labels))[:8] if salt is None else salt
    return [f"{salt}-{fingerprint(salt, label)}" for label in labels]


class SubjectLinear(nn.Module):
    """A linear layer of each subject's own."""

    def __init__(self, subjects: int, inputs: int, outputs: int):
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(subjects, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(subjects, outputs))

    def forward(self, x: Tensor, subject: Tensor) -> Tensor:
        """x (B, inputs), subject (B,) int64 -> (B, outputs)."""
        return torch.einsum("bi,boi->bo", x, self.weight[subject]) + self.bias[subject]


class TrialModel(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Encoder, heads and text network."""

    def __init__(self, config: TrialConfig, known: Known, text: ReportEncoder):
        super().__init__()
        self.config, self.known, self.text = config, known, text
        self.about: dict[str, Any] = {}  # what it was trained on; travels in config.json
        self.encoder = TrialEncoder(config, known.channels, known.samples)
        subjects = len(known.subjects)
        self.classify = SubjectLinear(subjects, config.width, len(known.categories))
        self.project = SubjectLinear(subjects, config.width, text.config.output)
        self.register_buffer("centre", torch.zeros(text.config.output))

    def forward(self, trials: Tensor, subject: Tensor, seeds: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Trials (B, C, S), subject (B,) int64 the heads -> logits (B, K), unit vectors (B, P), float32."""
        states = self.encoder(trials, seeds)
        return self.classify(states, subject).float(), F.normalize(self.project(states, subject).float(), dim=-1)

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What `text.tokenize` gives (n, L) -> unit vectors (n, P) float32."""
        return F.normalize(self.text(ids, mask).float() - self.centre, dim=-1)

    @torch.no_grad()
    def captions(self, texts: list[str]) -> Tensor:
        """Unit vectors (n, P) of texts."""
        ids, mask = (each.to(self.centre.device) for each in self.text.tokenize(texts))
        pairs = zip(ids.split(AT_ONCE), mask.split(AT_ONCE), strict=True)
        return torch.cat([self.read(some, present) for some, present in pairs])

    def heads_of(self, labels: Iterable[str]) -> dict[str, int]:
        """Which head each subject has. Raises ValueError (one line) for one that has none."""
        labels, known = list(dict.fromkeys(labels)), self.known.subjects
        salt = known[0].rpartition("-")[0]
        heads = {
            label: known.index(h) for label, h in zip(labels, hash_labels(labels, salt), strict=True) if h in known
        }
        if unknown := [label for label in labels if label not in heads]:
            raise ValueError(
                f"{unknown[0]}: this network has no head for this subject, only for {len(known)} others it was trained "
                f"on; train it with sessions of this one, or leave the subject's folder out"
            )
        return heads

    # ---- saving
    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        made = dataclasses.asdict(self.config) | dataclasses.asdict(self.known)
        return {"format": FORMAT, "kind": KIND, **made, "text": self.text.to_config(), "about": self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "TrialModel":
        config, tensors = load_folder(model_id, KIND, options)
        name = Path(model_id).name
        others = [field.name for field in dataclasses.fields(Known)]
        check_network(config, TrialConfig, LIMITS, FORMAT, name, (*others, "text"))
        _check_known(config, name)
        check_report_encoder(config.get("text"), name)
        sizes = TrialConfig(**{f.name: config[f.name] for f in dataclasses.fields(TrialConfig) if f.name in config})
        known = Known(**{key: config[key] for key in others})
        heads = (
            len(known.subjects) * sizes.width * (len(known.categories) + TextConfig(**config["text"]["config"]).output)
        )
        least = 12 * sizes.width**2 * sizes.layers + known.channels * sizes.width + heads
        least += least_numbers(config["text"])
        model = build(lambda: cls(sizes, known, report_encoder(config["text"])), tensors, least, "trials")
        model.about = config.get("about", {})
        return model


def _check_known(config: dict[str, Any], name: str) -> None:
    """Raise ValueError (one line) unless a stored configuration says what the network was made for."""
    for key in ("channels", "samples"):
        check_entry(is_whole(config.get(key), 1, 1 << 20), name, key, config.get(key), "a whole number from 1")
    for key, least in (("electrodes", 0), ("categories", 1), ("subjects", 1)):
        fits = is_texts(config.get(key)) and len(config[key]) >= least
        check_entry(fits, name, key, config.get(key), f"a list of at least {least} texts")
    fits = all("-" in subject for subject in config["subjects"])
    check_entry(fits, name, "subjects", config["subjects"], "hashed labels of subjects")
    runs = config.get("about", {}).get("runs", {})
    fits = isinstance(runs, dict) and all(is_texts(digests) for digests in runs.values())
    check_entry(fits, name, "about.runs", runs, "lists of digests of runs by split")
