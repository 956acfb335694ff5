"""stage=recon: masked reconstruction of a session's tokens (MAGE, Li et al. 2023, arXiv 2211.09117).

A share of the tokens of each session is hidden and half of them is dropped before the encoder (`clef.stages.masks`);
cross-entropy with label smoothing on every hidden token. Before the first step the log says what the loss has to beat
(`clef.stages.token_baselines`). Neighbours in sample number have like lengths, so that a batch holds little padding.

Shapes: B sessions · R x W token grid · N = R·W · V hidden tokens.
"""

import dataclasses
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from clef.network.encoder import Encoder, EncoderConfig, plan
from clef.stages.bottleneck import bottleneck_nats, steps_for
from clef.stages.epochs import length_order
from clef.stages.inputs import Inputs, about_training, load_tokens
from clef.stages.masks import MaskConfig, draw_masks, kept_positions
from clef.stages.probe import HeldOutProbes, make_probes
from clef.stages.stage import Batch, Objective, Samples
from clef.stages.token_baselines import FIT_SESSIONS, TUNE_SESSIONS, baselines, count_codes, smoothed
from tokenizer.base import ranks
from tokenizer.base.files import fingerprint
from tokenizer.store import Tokens
from tokenizer.stretches import cut, stretch, valid_spans

log = logging.getLogger(__name__)
RATIOS = 5  # at which each held-out session is masked


@dataclasses.dataclass
class ReconConfig(MaskConfig):
    """Settings of stage=recon beside the loop's and the encoder's."""

    smoothing: float = 0.1
    """Label smoothing of the cross-entropy."""
    columns: int = 128
    """Longest stretch of a session in one sample, in columns of 10 s; a longer session gives a random stretch."""
    validation_sessions: int = 32
    """Held-out sessions the loss is validated on, each at five mask ratios."""
    subjects_share: float = 1.0
    """Share of the training subjects used, by a seeded hash; a smaller share is a part of a larger one."""
    vector_weight: float = 0.0
    """Weight of a second loss: one minus the cosine of the expected code vector with a hidden token's own."""
    bottleneck: bool = True
    """Whether the log and metrics.jsonl say what a small model without attention reaches (clef.stages.bottleneck)."""
    bottleneck_seconds: float = 30.0
    """Processor time its training may take before the first step; it is stopped then, and the log says so."""
    probe: str | None = None
    """Task file of benchmark.build whose questions are probed at each validation (clef.stages.probe): probe_auroc."""
    probe_tasks: int = 8
    """How many of its tasks, those with most cases."""

    def check(self) -> None:
        """Raise ValueError for settings nothing can be trained with."""
        super().check()
        for name in ("vector_weight", "bottleneck_seconds"):
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"recon.{name}={value:g}: expected a number of at least 0")


class ReconObjective(Objective):
    """The encoder and decoder and their cross-entropy."""

    def __init__(self, encoder: Encoder, config: ReconConfig, probes: HeldOutProbes | None = None):
        super().__init__()
        self.encoder, self.config, self.probes = encoder, config, probes

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        config = self.config
        weight = config.vector_weight if self.training else 0.0
        return reconstruct(self.encoder, batch, totals, config.smoothing if self.training else 0.0, weight)

    def before_start(self, samples: "MaskedSessions") -> dict[str, float]:
        return say_baselines(samples, self.encoder.codes) | self.monitor()

    def monitor(self) -> dict[str, float]:
        return self.probes(self.encoder) if self.probes and ranks.RANK == 0 else {}

    def remark(self, shown: dict[str, float]) -> str:
        if (nats := self.known.get("baseline_bottleneck")) is None:
            return ""
        by = nats - shown["val_loss"]
        return f"{abs(by):.4f} nats {'below' if by > 0 else 'above'} the bottleneck, {nats:.4f}"

    def save_model(self, folder: Path) -> None:
        self.encoder.save_pretrained(folder / "encoder")


def reconstruct(
    encoder: Encoder, batch: Batch, totals: dict[str, float], smoothing: float, vector_weight: float = 0.0
) -> dict[str, Tensor]:
    """Loss and accuracy on the hidden tokens of a masked batch, as shares of `totals`."""
    logits, truth = encoder.predict(batch)
    logits = logits.float()
    losses = F.cross_entropy(logits, truth, reduction="none", label_smoothing=smoothing)  # (V,)
    right = (logits.argmax(-1) == truth).sum() / totals["hidden"]
    out = {"loss": losses.sum() / totals["hidden"], "accuracy": right} | by_ratio(losses, batch, totals)
    if vector_weight:
        out["loss_vector"] = vector_losses(logits, truth, encoder.codes).sum() / totals["hidden"]
        out["loss"] = out["loss"] + vector_weight * out["loss_vector"]
    return out


def vector_losses(logits: Tensor, truth: Tensor, codes: Tensor) -> Tensor:
    """One minus the cosine of the expected code vector with that of the true code: (V, K), (V,), (K, E) -> (V,).

    A code that sounds like the true one costs little, where the cross-entropy counts every other code alike. The
    vector before the quantiser would say more, but token stores do not hold it.
    """
    return 1 - F.cosine_similarity(logits.softmax(-1) @ codes, codes[truth], dim=-1)


def say_baselines(samples: "MaskedSessions", codes: Tensor) -> dict[str, float]:
    """Log what the loss has to beat, and return it as metrics."""
    known = samples.baselines(len(codes)) | samples.bottleneck(codes)
    for name, nats in known.items():
        how = "without attention" if name == "bottleneck" else "without a network"
        log.info("the loss to beat, %s: %s %.4f nats per hidden token", how, name, nats)
    return {f"baseline_{name}": nats for name, nats in known.items()}


def by_ratio(losses: Tensor, batch: Batch, totals: dict[str, float]) -> dict[str, Tensor]:
    """Shares of the loss per tenth of the mask ratio, `loss_50_60` for 0.5 to 0.6, for each tenth in `totals`."""
    tenths = {name: int(name.split("_")[1]) // 10 for name in totals if name != "hidden"}
    if not tenths:
        return {}
    tenth = batch["tenth"][batch["hidden"].nonzero()[:, 0]]  # (V,)
    return {name.replace("hidden", "loss"): (losses * (tenth == t)).sum() / totals[name] for name, t in tenths.items()}


def some_subjects(tokens: Tokens, share: float, seed: int) -> Tokens:
    """The sessions of a `share` of the training subjects, and all others: those whose seeded hash is lowest."""
    if not 0 < share <= 1:
        raise ValueError(f"recon.subjects_share={share}: must be above 0 and at most 1")
    train = np.unique(tokens.subject_id[tokens.split == "train"])
    drawn = np.argsort([fingerprint(str(seed), str(subject)) for subject in train])
    left_out = train[drawn[math.ceil(share * len(train)) :]]
    return tokens.where(~np.isin(tokens.subject_id, left_out))


class MaskedSessions:
    """Sessions with hidden and dropped tokens: sample number -> masks, as a pure function of the seed."""

    def __init__(self, tokens: Tokens, config: ReconConfig, seed: int):
        config.check()
        self.config, self.seed = config, seed
        self.train = tokens.where(tokens.split == "train")
        self.held_out = tokens.where(tokens.split == "val")
        if not len(self.train):
            raise ValueError("tokens: no session has split train; there is nothing to learn from")
        self.lengths = np.minimum(valid_spans(self.train.valid), config.columns)
        self._order = (-1, np.empty(0, np.int64))  # the newest epoch and its order
        self._validation: list[Batch] | None = None

    def batch(self, numbers: Sequence[int]) -> Batch:
        rows = [self.row(n) for n in numbers]
        generators = [np.random.default_rng((self.seed, 1, n)) for n in numbers]
        return self._masked(self.train, rows, generators, [None] * len(rows))

    def row(self, number: int) -> int:
        """Which training session sample `number` shows."""
        epoch, place = divmod(number, len(self.train))
        known, order = self._order
        if known != epoch:
            order = length_order(self.seed, epoch, self.lengths)
            self._order = epoch, order
        return int(order[place])

    def validation(self) -> list[Batch]:
        """Held-out sessions with masks that never change, with counts per tenth of the mask ratio.

        Each is masked at the same five quantiles of the distribution that training draws from, so that tenths differ by
        the ratio and not by the sessions, and what is hidden at one ratio is hidden at every higher one.
        """
        if self._validation is None:
            rows = np.random.default_rng((0, 3)).permutation(len(self.held_out))[: self.config.validation_sessions]
            quantiles = np.repeat(spaced(RATIOS), len(rows))
            self._validation = self._fixed(self.held_out, np.tile(rows, RATIOS), quantiles, 3)
        return self._validation

    def baselines(self, codes: int) -> dict[str, float]:
        """Nats per hidden token of the validation batches without a network (`clef.stages.token_baselines`)."""
        if not self.validation():
            return {}
        rows = self._counted()
        tuning = rows[: max(1, min(TUNE_SESSIONS, len(rows) // 2))]
        masked = self._fixed(self.train, tuning, spaced(len(tuning)), 4)
        return baselines(self.train, rows, tuning, masked, self.validation(), codes)

    def bottleneck(self, codes: Tensor) -> dict[str, float]:
        """The same of the bottleneck (`clef.stages.bottleneck`), if it is asked for: codes (K, E)."""
        if not self.validation() or not self.config.bottleneck:
            return {}
        counts = self.code_counts(len(codes))
        steps, most = steps_for(len(self.train)), self.config.bottleneck_seconds
        return {"bottleneck": bottleneck_nats(codes, counts, self.batch, self.validation(), steps, most)}

    def code_counts(self, codes: int) -> np.ndarray:
        """How often each code occurs in each row of the training sessions: (R, K) int64."""
        return count_codes(self.train, self._counted(), codes)

    def code_shares(self, codes: int) -> np.ndarray:
        """How often each code occurs in all rows, as a share above 0: (K,)."""
        return smoothed(self.code_counts(codes).sum(0))

    def _counted(self) -> np.ndarray:
        return np.random.default_rng((0, 4)).permutation(len(self.train))[:FIT_SESSIONS]

    def _fixed(self, source: Tokens, rows: np.ndarray, quantiles: np.ndarray, purpose: int) -> list[Batch]:
        batches = []
        for first in range(0, len(rows), 16):
            part = slice(first, first + 16)
            generators = [np.random.default_rng((0, purpose, row)) for row in rows[part]]
            batches.append(self._masked(source, rows[part], generators, quantiles[part]))
        return with_ratio_counts(batches)

    def _masked(self, source: Tokens, rows, generators: list[np.random.Generator], quantiles) -> Batch:
        stretches = [stretch(source.valid[r], self.config.columns, g) for r, g in zip(rows, generators, strict=True)]
        batch = cut(source, rows, stretches)
        hidden, kept = np.zeros((2, *batch["tokens"].shape), bool)
        for i, (row, s, g, quantile) in enumerate(zip(rows, stretches, generators, quantiles, strict=True)):
            ok = np.repeat(source.valid[row][None, s], hidden.shape[1], 0)
            place = i, slice(None), slice(s.stop - s.start)
            hidden[place], kept[place] = draw_masks(ok, self.config, g, quantile)
        hidden, kept = (mask.reshape(len(rows), -1) for mask in (hidden, kept))
        batch |= kept_positions(kept) | {"hidden": torch.from_numpy(hidden)}
        seeds = torch.tensor([int(g.integers(2**63)) for g in generators])  # for whatever else is random in a sample
        return batch | plan(batch) | {"seed": seeds, "counts": {"hidden": float(hidden.sum())}}


def spaced(count: int) -> np.ndarray:
    """The middles of `count` equal parts of [0, 1]."""
    return (np.arange(count) + 0.5) / max(1, count)


def with_ratio_counts(batches: list[Batch]) -> list[Batch]:
    """Add `tenth` (B,) int64, the tenth of each session's mask ratio, and counts of hidden tokens per tenth.

    Every batch counts the same tenths: those that any of the batches has.
    """
    for batch in batches:
        hidden, ok = batch["hidden"].sum(1), batch["valid"].sum(1) * batch["tokens"].shape[1]
        batch["tenth"] = (10 * hidden // ok.clamp_min(1)).clamp_max(9)
    tenths = sorted({t for batch in batches for t in batch["tenth"].tolist()})
    for batch in batches:
        sums = {t: float(batch["hidden"][batch["tenth"] == t].sum()) for t in tenths}
        batch["counts"] |= {f"hidden_{10 * t}_{10 * t + 10}": n for t, n in sums.items()}
    return batches


def build(inputs: Inputs, encoder: EncoderConfig, recon: ReconConfig) -> tuple[Objective, Samples]:
    """A fresh encoder over the store's codes, and its sessions with masks."""
    store, tokens = load_tokens(inputs.tokens)
    probes = make_probes(recon.probe, recon.probe_tasks, tokens) if recon.probe else None
    tokens = some_subjects(tokens, recon.subjects_share, inputs.seed)
    network = Encoder(encoder, store.tokenizer.codebook.vectors, store.grid[0])
    network.about, network.attention = about_training("recon", store, tokens), inputs.attention
    samples = MaskedSessions(tokens, recon, inputs.seed)
    network.start_from(samples.code_shares(len(network.codes)))
    return ReconObjective(network, recon, probes), samples
