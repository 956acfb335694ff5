"""stage=trials: EEG during pictures meets the pictures' categories and captions (model=trial).

Three losses with weights: cross-entropy of the category; distillation, 1 - cosine to the vector that a frozen language
model gives the caption (Hinton et al. 2015, arXiv 1503.02531, here of a point in space and not of a class); symmetric
InfoNCE between trials and captions, in which trials of the same picture, or of the same caption, are not each other's
negatives. All numbers follow from the seed and the number of a sample.

Shapes: B trials · C electrodes · S samples · K categories · P width of the text space.
"""

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from clef.network.report_encoder import TextConfig
from clef.network.trials.encoder import LIMITS as NETWORK_LIMITS
from clef.network.trials.encoder import TrialConfig, TrialEncoder
from clef.network.trials.model import Known, TrialModel, hash_labels
from clef.stages.caption_vectors import CaptionVectors, in_own_space, make_text
from clef.stages.epochs import session_order
from clef.stages.inputs import Inputs
from clef.stages.pair_loss import PairLoss
from clef.stages.stage import Batch, Objective, Preview, Samples
from clef.trials.table import Trials, read_trials
from tokenizer.base.limits import check_settings

PUBLISHED = (122, 500)
"""Electrodes and samples of the published trials, for a dry run without any."""


@dataclasses.dataclass
class TrialsConfig(TrialConfig):
    """The network of stage=trials, its data and its losses."""

    root: str = ""
    """Folder of trials as ds005589 has it: captions.txt and sub-XX/ses-YY/…_1000Hz.npy, .json and …_image.csv."""
    task: str = "lowSpeed"
    """The task in the names of the files."""
    rate: int = 1000
    """The rate in the names of the files, Hz; what JSON files say is held against it."""
    class_weight: float = 1.0
    """Weight of the cross-entropy of the category; 0 leaves it out."""
    distill_weight: float = 0.0
    """Weight of 1 - cosine to the frozen language model's vector of the caption (text=hf sets 1)."""
    pair_weight: float = 1.0
    """Weight of InfoNCE between trials and captions; 0 leaves it out."""
    text_scale: float = 0.1
    """Learning rate of what is trained with a language model (train_layers, lora), relative to the rest."""
    temperature: float = 0.07
    """Temperature of InfoNCE; where it is learned, its start."""
    learned_temperature: bool = False
    """Learn the temperature, down to 0.01."""
    validation_trials: int = 512
    """Trials of the validation sessions the losses are watched on, as one batch."""


LIMITS = NETWORK_LIMITS | {
    **{"rate": (1, 1 << 20), "class_weight": (0, 1e6), "distill_weight": (0, 1e6), "pair_weight": (0, 1e6)},
    **{"text_scale": (0, 1000), "temperature": (0.01, 100), "validation_trials": (0, 1 << 31)},
}


class TrialsObjective(Objective):
    """The network and the three losses."""

    def __init__(self, model: TrialModel, captions: CaptionVectors, config: TrialsConfig):
        super().__init__()
        self.model, self.captions, self.config = model, captions, config
        self.pairs = PairLoss("infonce", config.temperature, config.learned_temperature)

    def groups(self) -> list[dict[str, Any]]:
        text = [p for p in self.model.text.parameters() if p.requires_grad]
        rest = {id(p) for p in self.parameters()} - {id(p) for p in text}
        scale = self.config.text_scale if self.model.text.config.pretrained else 1.0
        return [{"params": [p for p in self.parameters() if id(p) in rest]}, {"params": text, "scale": scale}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        logits, vectors = self.model(batch["trials"], batch["subject"], batch["seed"])
        config, total, out = self.config, totals["trials"], {}
        out["loss_class"] = F.cross_entropy(logits, batch["category"], reduction="sum") / total
        out["accuracy"] = (logits.argmax(1) == batch["category"]).float().sum() / total
        weighted = config.class_weight * out["loss_class"]
        if config.distill_weight:
            cosine = (vectors * self.captions.target[batch["caption"]]).sum(1)
            out["loss_distill"] = (1 - cosine).sum() / total
            weighted = weighted + config.distill_weight * out["loss_distill"]
        if config.pair_weight:
            out |= self._pairs(vectors, batch, total)
            weighted = weighted + config.pair_weight * out["loss_pairs"]
        return out | {"loss": weighted}

    def _pairs(self, vectors: Tensor, batch: Batch, total: float) -> dict[str, Tensor]:
        """InfoNCE with the captions, and the share of first places among true negatives."""
        texts = self.captions(self.model, batch["caption"])
        everyone = torch.ones(len(vectors), dtype=torch.bool, device=vectors.device)
        pairs = self.pairs(vectors, texts, everyone, subject=batch["image"], kind=batch["caption"])
        return {
            "loss_pairs": pairs["sum"] / total,
            "first_pairs": (pairs["hits_ab"] + pairs["hits_ba"]) / 2 / total,
        }

    def after_step(self, step: int) -> dict[str, float]:
        return self.pairs.after_step()

    def save_model(self, folder: Path) -> None:
        self.model.save_pretrained(folder / "trials")


class TrialSamples:
    """Sample number -> trial of a training session, as a pure function of the seed."""

    def __init__(self, trials: Trials, model: TrialModel, captions: dict[str, int], config: TrialsConfig, seed: int):
        self.trials, self.config, self.seed = trials, config, seed
        table, heads = trials.table, model.heads_of(trials.table["subject"].unique())
        category = {name: number for number, name in enumerate(model.known.categories)}
        image = {name: number for number, name in enumerate(table["image"].unique().sort())}
        columns = {"subject": heads, "category": category, "image": image, "caption": captions}
        self.numbers = {key: np.array([of[value] for value in table[key]]) for key, of in columns.items()}
        self.train, self.held_out = trials.rows("train"), trials.rows("val")

    def batch(self, numbers: Sequence[int]) -> Batch:
        rows = [int(self.train[session_order(self.seed, n, len(self.train))]) for n in numbers]
        return self._batch(rows, [(self.seed, 1, n) for n in numbers])

    def validation(self) -> list[Batch]:
        drawn = np.random.default_rng((0, 5)).permutation(self.held_out)[: self.config.validation_trials]
        rows = sorted(drawn.tolist())
        return [self._batch(rows, [(0, 3, row) for row in rows])] if rows else []

    def _batch(self, rows: list[int], draws: list[tuple[int, ...]]) -> Batch:
        seeds = [int(np.random.default_rng(draw).integers(1 << 62)) for draw in draws]
        columns = {key: torch.from_numpy(values[rows]) for key, values in self.numbers.items()}
        signal = torch.from_numpy(self.trials.signal(rows))
        return columns | {"trials": signal, "seed": torch.tensor(seeds), "counts": {"trials": float(len(rows))}}


def build(inputs: Inputs, report_encoder: TextConfig, trials: TrialsConfig) -> tuple[Objective, Samples]:
    """A fresh network with a head for every subject, and the trials of its training and validation sessions.

    Raises ValueError if no run can be used, or the settings do not go together.
    """
    check_settings(trials, LIMITS, "trials")
    if not (trials.class_weight or trials.distill_weight or trials.pair_weight):
        raise ValueError("trials.class_weight, trials.distill_weight and trials.pair_weight are all 0; raise one")
    data = source({"trials": trials}).of("train", "val")
    learned = data.table[data.rows("train")]
    captions = {text: number for number, text in enumerate(data.table["caption"].unique().sort())}
    of_training = set(learned["caption"])
    text = make_text(report_encoder, sorted(of_training), inputs.device)
    if trials.distill_weight and not in_own_space(text):
        raise ValueError(
            f"trials.distill_weight={trials.distill_weight:g}: a text network that is trained from scratch has nothing "
            f"to teach; set it to 0, or take text=hf with report_encoder.pooling=mean"
        )
    model = TrialModel(_network(trials), _known(data), text)
    model.encoder.kernel = inputs.attention
    runs = {split: data.table[data.rows(split)]["digest"].unique().sort().to_list() for split in ("train", "val")}
    frequent = learned["category"].value_counts(sort=True).sort("count", "category", descending=[True, False])
    model.about = {"stage": "trials", "runs": runs, "commonest": frequent["category"][0]}
    vectors = CaptionVectors(
        model, list(captions), torch.tensor([caption in of_training for caption in captions]), inputs.device
    )
    return TrialsObjective(model.train(), vectors, trials), TrialSamples(data, model, captions, trials, inputs.seed)


def _network(config: TrialsConfig) -> TrialConfig:
    return TrialConfig(**{field.name: getattr(config, field.name) for field in dataclasses.fields(TrialConfig)})


def _known(data: Trials) -> Known:
    """What the network is made for: categories and subjects of the training sessions."""
    learned = data.table[data.rows("train")]
    subjects = hash_labels(learned["subject"].unique().sort())
    return Known(data.channels, data.samples, list(data.electrodes or ()), data.categories, subjects)


def source(settings: dict[str, Any]) -> Trials:
    """The trials that the settings name."""
    config = settings["trials"]
    return _opened(config.root, config.task, config.rate)


@lru_cache(maxsize=1)
def _opened(root: str, task: str, rate: int) -> Trials:
    """Read once by a program: the files are large, and are looked at before, and for, training."""
    return read_trials(root, task, rate)


def preview(settings: dict[str, Any]) -> Preview:
    """The size of the network without heads and text, for trials like the published ones."""
    channels, samples = PUBLISHED
    count = sum(p.numel() for p in TrialEncoder(_network(settings["trials"]), channels, samples).parameters())
    return Preview([f"parameters: {count / 1e6:.2f} M, without heads and text, for {channels} electrodes x {samples}"])
