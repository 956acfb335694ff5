"""Masked reconstruction over random tokens: what a session costs, and micro-batches that can be timed.

Random tokens cost what real ones cost, so nothing has to be encoded before a size is chosen.

Shapes: B sessions · R x W token grid.
"""

import dataclasses

import numpy as np
import torch

from clef.network import costs
from clef.network.attention import Kernel
from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.recon import MaskedSessions, ReconConfig, ReconObjective
from clef.stages.stage import Batch
from tokenizer.channels import CHANNELS
from tokenizer.store import Tokens
from tokenizer.vqgan import BINS, VQGANConfig


@dataclasses.dataclass
class ReconWorkload:
    """stage=recon of one size, as `clef.stages.stage.Workload` asks for it."""

    size: costs.Size
    recon: ReconConfig

    @property
    def need(self) -> costs.Need:
        """The mean work of a session of the longest length that training shows."""
        return mean_need(self.size.rows * self.recon.columns, self.recon)

    @property
    def parameters(self) -> int:
        return costs.parameters(self.size)

    @property
    def tokens(self) -> int:
        return self.need.tokens

    def describe(self) -> str:
        need = self.need
        entering = f"{need.seen:,} enter the encoder, {need.hidden:,.0f} are predicted (mean)"
        return f"a session: {need.tokens:,} tokens; {entering}"

    def flops(self, sessions: int) -> float:
        return costs.training_flops(self.size, self.need, sessions)

    def session_bytes(self, half: bool) -> float:
        return costs.session_bytes(self.size, self.need, half) + costs.passing_bytes(self.size, self.need, half)

    def make(self, sessions: int, attention: Kernel) -> tuple[ReconObjective, Batch, float]:
        batch = random_batch(sessions, self.recon.columns, self.size, self.recon)
        objective = make_objective(self.size, self.recon)
        objective.encoder.attention = attention
        return objective, batch, costs.training_flops(self.size, need_of(batch), sessions)


def size_of(encoder: EncoderConfig, vqgan: VQGANConfig) -> costs.Size:
    """The encoder's size over the tokens that the settings of the tokenizer would give."""
    return costs.Size(encoder, vqgan.codes, vqgan.vector_length, BINS // vqgan.bins_per_token)


def make_objective(size: costs.Size, recon: ReconConfig) -> ReconObjective:
    """stage=recon over a fresh encoder with random code vectors."""
    codes = torch.nn.functional.normalize(torch.randn(size.codes, size.dimensions), dim=-1)
    return ReconObjective(Encoder(size.config, codes, size.rows), recon).train()


def random_batch(sessions: int, columns: int, size: costs.Size, recon: ReconConfig, seed: int = 0) -> Batch:
    """A micro-batch of stage=recon over whole sessions of random tokens, `columns` long."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, size.codes, (sessions, size.rows, columns)).astype(np.uint16)
    names = np.array([f"random-{i}" for i in range(sessions)])
    valid, split = np.ones((sessions, columns), bool), np.array(["train"] * sessions)
    level, channel_ok = np.zeros(sessions, np.float32), np.ones((sessions, len(CHANNELS)), bool)
    source = Tokens(tokens, valid, names, np.arange(sessions), split, level, channel_ok)
    return MaskedSessions(source, recon, seed).batch(range(sessions))


def mean_need(tokens: int, recon: ReconConfig) -> costs.Need:
    """The work that a session of `tokens` valid tokens makes on average, masked as `recon` says."""
    return costs.Need.of(tokens, recon.mask_mean, recon.mask_sd, recon.mask_least)


def need_of(batch: Batch) -> costs.Need:
    """The work in a batch of sessions of equal length, per session."""
    sessions = len(batch["tokens"])
    seen, hidden = (batch[k].sum().item() / sessions for k in ("kept_ok", "hidden"))
    return costs.Need(batch["tokens"][0].numel(), int(seen), hidden)
