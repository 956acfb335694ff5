"""stage=joint: masked reconstruction and alignment at once, from a fresh encoder, instead of one after the other.

The ablation of the claim that a session Transformer should first learn to reconstruct and then be aligned (CLEF, arXiv
2605.10817): the same two losses with weights, the same encoder, heads and samples, in one run. Each step shows a batch
to either loss; every parameter learns at the full rate, so that `align.encoder_scale` has no part in it.
"""

import dataclasses
import itertools
from collections.abc import Sequence

from torch import Tensor

from clef.network.alignment import Alignment
from clef.network.encoder import Encoder, EncoderConfig
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages.align import LIMITS, AlignConfig, AlignObjective, Pairs, make_heads
from clef.stages.inputs import Inputs, about_training, load_tokens
from clef.stages.probe import HeldOutProbes, make_probes
from clef.stages.recon import MaskedSessions, ReconConfig, reconstruct, say_baselines, some_subjects
from clef.stages.stage import Batch, Objective, Samples
from tokenizer.base import ranks
from tokenizer.base.limits import check_settings

MASKED = "masked."
"""Stands before the names of what is for the reconstruction."""


@dataclasses.dataclass
class JointConfig:
    """Settings of stage=joint beside those of recon and align."""

    recon_weight: float = 1.0
    """Weight of the masked reconstruction."""
    align_weight: float = 1.0
    """Weight of the alignment with reports and records."""


class JointObjective(AlignObjective):
    """The encoder, the heads, and the losses of both stages."""

    def __init__(
        self,
        encoder: Encoder,
        heads: Alignment,
        config: AlignConfig,
        recon: ReconConfig,
        joint: JointConfig,
        probes: HeldOutProbes | None = None,
    ):
        super().__init__(encoder, heads, config)
        check_settings(joint, {"recon_weight": (0, 1e6), "align_weight": (0, 1e6)}, "joint")
        self.recon, self.joint, self.probes = recon, joint, probes
        for parameter in encoder.parameters():
            parameter.requires_grad_(True)

    def groups(self) -> list[dict]:
        return [{"params": [p for p in self.parameters() if p.requires_grad]}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        out: dict[str, Tensor] = {}
        losses = []
        if "tokens" in batch:  # of the held-out batches only the first is for the alignment
            out = super().forward(batch, totals, progress)
            out["loss_align"] = out["loss"]
            losses.append(self.joint.align_weight * out["loss"])
        if f"{MASKED}tokens" in batch:
            masked = {key.removeprefix(MASKED): v for key, v in batch.items() if key.startswith(MASKED)}
            hidden = {key: v for key, v in totals.items() if key.startswith("hidden")}
            smoothing, weight = (self.recon.smoothing, self.recon.vector_weight) if self.training else (0.0, 0.0)
            parts = reconstruct(self.encoder, masked, hidden, smoothing, weight)
            losses.append(self.joint.recon_weight * parts["loss"])
            out |= {"loss_recon" if key == "loss" else key: value for key, value in parts.items()}
        return out | {"loss": sum(losses)}

    def before_start(self, samples: "JointSamples") -> dict[str, float]:
        return say_baselines(samples.masked, self.encoder.codes) | self.monitor()

    def monitor(self) -> dict[str, float]:
        return self.probes(self.encoder) if self.probes and ranks.RANK == 0 else {}


class JointSamples:
    """Sample number -> a masked session and a pair, each as its own stage draws it."""

    def __init__(self, masked: MaskedSessions, pairs: Pairs):
        self.masked, self.pairs = masked, pairs

    def batch(self, numbers: Sequence[int]) -> Batch:
        return _together(self.masked.batch(numbers), self.pairs.batch(numbers))

    def validation(self) -> list[Batch]:
        both = itertools.zip_longest(self.masked.validation(), self.pairs.validation(), fillvalue={})
        batches = [_together(masked, pairs) for masked, pairs in both]
        names = {name for batch in batches for name in batch["counts"]}
        return [batch | {"counts": dict.fromkeys(names, 0.0) | batch["counts"]} for batch in batches]


def _together(masked: Batch, pairs: Batch) -> Batch:
    counts = masked.get("counts", {}) | pairs.get("counts", {})
    return {f"{MASKED}{key}": v for key, v in masked.items() if key != "counts"} | pairs | {"counts": counts}


def build(
    inputs: Inputs,
    encoder: EncoderConfig,
    recon: ReconConfig,
    align: AlignConfig,
    report_encoder: TextConfig,
    record_encoder: RecordConfig,
    joint: JointConfig,
) -> tuple[Objective, Samples]:
    """A fresh encoder over the store's codes with fresh heads, and its sessions with masks, reports and records.

    Raises ValueError if the stores do not fit each other, or if there is nothing to align with.
    """
    check_settings(align, LIMITS, "align")
    store, tokens = load_tokens(inputs.tokens)
    probes = make_probes(recon.probe, recon.probe_tasks, tokens) if recon.probe else None
    tokens = some_subjects(tokens, recon.subjects_share, inputs.seed)
    network = Encoder(encoder, store.tokenizer.codebook.vectors, store.grid[0])
    heads, partners, texts = make_heads(network.output, tokens, inputs, align, report_encoder, record_encoder)
    network.about, network.attention = about_training("joint", store, tokens) | texts, inputs.attention
    objective = JointObjective(network.train(), heads, align, recon, joint, probes)
    masked, pairs = MaskedSessions(tokens, recon, inputs.seed), Pairs(tokens, partners, align, inputs.seed)
    network.start_from(masked.code_shares(len(network.codes)))
    return objective, JointSamples(masked, pairs)
