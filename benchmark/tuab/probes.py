"""The probes others use on TUAB: fitted on its train part, chosen on people held out of it, a score for each row.

| probe | who | what |
|---|---|---|
| `logistic` | ours | L2 logistic regression, space and strength chosen on held-out people, calibrated there |
| `perceptron` | EEG-CLIP | layers of 64, 16 and 1 with ReLU, AdamW 5e-3, decay 5e-4, 10 epochs of 64 rows, cosine |
| `people` | ELM | the logistic probe on the mean of each person's vectors; one answer for each person |
"""

import dataclasses

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmark.scores.probing.budgets import inner_folds
from benchmark.scores.probing.choice import fit_probes
from benchmark.scores.probing.stacks import Draw
from benchmark.scores.probing.whitening import draw_rows, fit_whitening

PROBES = ("logistic", "perceptron", "people")
HIDDEN = (64, 16)
RATE, DECAY, EPOCHS, BATCH = 5e-3, 5e-4, 10, 64
MIN_HELD_OUT = 15
"""Cases and controls that val has to hold to choose by; with fewer, inner folds of people do."""


@dataclasses.dataclass
class ProbeRows:
    """What a probe reads: vectors x (n, D), labels y (n,) bool, whose they are (n,) int, and train, val (n,) bool."""

    x: np.ndarray
    y: np.ndarray
    subject: np.ndarray
    train: np.ndarray
    val: np.ndarray


@dataclasses.dataclass
class ProbeOutput:
    """What a probe makes of all rows: log-odds and probability (n,) of being a case, and what was chosen for it.

    The order of rows is that of the log-odds: a calibration that finds them upside down on held-out people makes every
    probability one half.
    """

    score: np.ndarray
    probability: np.ndarray
    chosen: dict[str, object]


def run_probe(rows: ProbeRows, probe: str, seed: int = 0) -> ProbeOutput:
    """Fit a probe on train and val, and read every row with it.

    Raises ValueError in one line unless train has both groups.
    """
    known = rows.y[rows.train | rows.val]
    if known.all() or not known.any():
        raise ValueError("train has one of the two groups alone")
    if probe == "perceptron":
        return perceptron(rows, seed)
    return logistic(rows, seed)


def logistic(rows: ProbeRows, seed: int) -> ProbeOutput:
    """The benchmark's own probe with every row of equal weight within its group."""
    fit = np.flatnonzero(rows.train | rows.val)
    val = rows.val[fit]
    if min((rows.y[fit] & val).sum(), (~rows.y[fit] & val).sum()) >= MIN_HELD_OUT:
        draw = Draw(fit, [val], "val", seed)
    else:
        both = [mask for mask in inner_folds(rows.subject[fit], seed) if usable(rows.y[fit], mask)]
        draw = Draw(fit, both, f"{len(both)} inner folds of people" if both else "the middle of the grid", seed)
    spaces = fit_whitening(rows.x[fit[draw_rows(len(fit))]]).spaces(rows.x)
    fitted = fit_probes([spaces], rows.y, np.ones(len(rows.y)), [draw])[0][0]
    chosen = {"c": fitted.c, "components": fitted.components, "chosen_on": fitted.chosen_on}
    return ProbeOutput(fitted.scores, fitted.probability, chosen)


def usable(y: np.ndarray, held_out: np.ndarray) -> bool:
    """Whether both groups are on either side of a fold."""
    return all(0 < y[side].sum() < side.sum() for side in (held_out, ~held_out))


def perceptron(rows: ProbeRows, seed: int) -> ProbeOutput:
    """EEG-CLIP's readout, on standardised columns and groups of equal weight."""
    fit = np.flatnonzero(rows.train | rows.val)
    mean, sd = rows.x[fit].mean(0), rows.x[fit].std(0)
    z = torch.from_numpy(((rows.x - mean) / np.where(sd > 1e-9, sd, 1.0)).astype(np.float32))
    y, share = torch.from_numpy(rows.y.astype(np.float32)), float(rows.y[fit].mean())
    weight = torch.where(y > 0, 0.5 / share, 0.5 / (1 - share))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = (z.shape[1], *HIDDEN)
        layers = [part for a, b in zip(widths, HIDDEN, strict=False) for part in (nn.Linear(a, b), nn.ReLU())]
        network = nn.Sequential(*layers, nn.Linear(HIDDEN[-1], 1))
        adam = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, EPOCHS * -(-len(fit) // BATCH))
        for _ in range(EPOCHS):
            for some in torch.from_numpy(fit)[torch.randperm(len(fit))].split(BATCH):
                loss = F.binary_cross_entropy_with_logits(network(z[some])[:, 0], y[some], weight[some])
                adam.zero_grad()
                loss.backward()
                adam.step()
                schedule.step()
        with torch.no_grad():
            score = network(z)[:, 0].double()
    return ProbeOutput(score.numpy(), score.sigmoid().numpy(), {"seed": seed})
