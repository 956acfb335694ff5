"""Targets: the numbers that are explained, each a differentiable function of a session's pooled states.

    prompt_target(model, "beta activity")     cosine of the session and a text in the space of reports
    probe_target(model, probe)                log-odds of a linear probe (clef.explanations.probes)

A target knows what a usual session is, since what is left out of a session is taken for usual: for a probe on pooled
states the mean of the sessions it was fitted on, else a session that is the tokenizer's training mean throughout.

Shapes: B variants of a session · P pooled states · R rows · D width.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from clef.explanations.path import Encoded, pooled_with_usual, states, token_embeddings, usual_session
from clef.explanations.probes import Probe
from clef.model import Model
from clef.readout import Kind, Readout, parts_of

EXPLAINED = ("rows", "rows+sd", "mean")
"""Poolings through which a number can be given back to its tokens."""


@dataclass(frozen=True)
class Target:
    """A number of a session.

    score: pooled states (B, P) -> (B,) · spread: whether standard deviations are among them
    usual (2, R, D): mean and standard deviation of a usual session's states
    """

    name: str
    unit: str
    score: Callable[[Tensor], Tensor]
    usual: Tensor
    spread: bool = False
    kind: Kind = "trained"

    def of_states(self, states: Tensor, kept: Tensor, columns: Tensor) -> Tensor:
        """The number (B,) of states (B, R, W, D) with what is not `kept` (B, R, W) taken for usual."""
        return self.score(pooled_with_usual(states, kept, columns, self.usual, self.spread))

    def at_usual(self) -> float:
        """The number of the usual session."""
        parts = self.usual if self.spread else self.usual[:1]
        with torch.no_grad():
            return float(self.score(parts.flatten(1).flatten()[None].float()))


def prompt_target(model: Model, prompt: str) -> Target:
    """Cosine of a session with a text. Raises ValueError if the model was not aligned with reports."""
    heads = model.aligned()
    if heads.to_report is None:
        raise ValueError("this model was aligned without reports: it cannot compare sessions with text")
    text = torch.from_numpy(model.text([prompt]))[0].to(heads.to_report.weight.device)
    mean = model.encoder.config.pool == "mean"

    def score(pooled: Tensor) -> Tensor:
        return F.normalize(heads.to_report(_over_rows(pooled, model) if mean else pooled), dim=-1) @ text

    return Target(prompt, "cosine", score, usual_session(model))


def probe_target(model: Model, probe: Probe) -> Target:
    """Log-odds of a probe. Raises ValueError if it was fitted on another model, or on what cannot be explained."""
    how = check_probe(model, probe)
    device = model.encoder.codes.device
    weights = torch.tensor(probe.weights / probe.scale, dtype=torch.float32, device=device)
    offset = probe.bias - float((probe.weights / probe.scale) @ probe.mean)

    def score(pooled: Tensor) -> Tensor:
        return _read(model, pooled, how) @ weights + offset

    usual = usual_session(model, probe.kind)
    spread = how.pool == "rows+sd" and how.head == "none"
    if how.head == "none" and how.norm == "none" and how.pool != "mean":
        mean = torch.tensor(probe.mean, dtype=torch.float32, device=device).view(-1, *usual.shape[1:])
        usual = torch.cat([mean, usual[len(mean) :]])
    return Target(probe.name, "log-odds", score, usual, spread, probe.kind)


def check_probe(model: Model, probe: Probe) -> Readout:
    """How the probe's embeddings were read; ValueError with one line unless this model gives such."""
    if probe.model and probe.model != model.fingerprint:
        raise ValueError(f"probe {probe.name}: fitted on model {probe.model}, and this one is {model.fingerprint}; "
                         f"fit it on embeddings of this model")  # fmt: skip
    if probe.kind == "untrained":
        raise ValueError(f"probe {probe.name}: fitted on kind=untrained; explained are trained and codes")
    how = model.readout(probe.kind, probe.readout)
    if how.pool not in EXPLAINED or how.layer != "encoder" or how.shuffle != "none" or how.level:
        raise ValueError(f"probe {probe.name}: fitted on pool={how.pool} layer={how.layer} shuffle={how.shuffle} "
                         f"level={str(how.level).lower()}; explained are pool={'|'.join(EXPLAINED)} of layer=encoder, "
                         f"without level")  # fmt: skip
    if (width := model.width(probe.kind, how)) != len(probe.weights):
        raise ValueError(f"probe {probe.name}: {len(probe.weights)} weights, and embeddings have {width} numbers; "
                         f"fit it on embeddings of this model")  # fmt: skip
    return how


def _read(model: Model, pooled: Tensor, how: Readout) -> Tensor:
    """Pooled states (B, P) as embeddings (B, ·), differentiable."""
    mean = how.pool == "mean" or (how.head != "none" and model.encoder.config.pool == "mean")
    vectors = _over_rows(pooled, model) if mean else pooled
    if how.head != "none":
        spaces = [getattr(model.heads, f"to_{name}")(vectors) for name in parts_of(how.head)]
        vectors = torch.cat([F.normalize(space, dim=-1) for space in spaces], -1)
    return F.normalize(vectors, dim=-1) if how.norm == "unit" else vectors


def _over_rows(pooled: Tensor, model: Model) -> Tensor:
    """Means of rows (B, R·D) -> their mean (B, D)."""
    return pooled.unflatten(1, (model.encoder.rows, -1)).mean(1)


@torch.no_grad()
def values(model: Model, target: Target, one: Encoded, kept: Tensor, batch: int = 16) -> Tensor:
    """The target (B,) of a session of which only the tokens `kept` (B, R, W) are there, all of them valid ones."""
    seen = token_embeddings(model, one.tokens, target.kind)
    parts = []
    for some in kept.split(batch):
        there = states(model, seen.expand(len(some), -1, -1, -1), some, target.kind)
        parts.append(target.of_states(there, some, one.columns))
    return torch.cat(parts)


def everything(one: Encoded) -> Tensor:
    """All tokens that count: (1, R, W) bool."""
    return one.columns[:, None].expand(-1, one.grid[0], -1)


def value(model: Model, target: Target, one: Encoded) -> float:
    """The target of the whole session."""
    return float(values(model, target, one, everything(one)))
