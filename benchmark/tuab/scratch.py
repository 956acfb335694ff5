"""Networks trained from scratch on one question's labels: what pretraining has to beat where labels are many.

The network of a rival (`elm`, `eegclip`) with one output, fitted to windows of the people of train: AdamW, cosine, in
every step as many windows of cases as of others, the weights of the step with the least loss on windows of val. As
EEG-CLIP compares itself with Deep4 trained on the question alone (arXiv 2503.16531); with few labels the same is fitted
to the people that were drawn.
"""

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmark.tuab.asking import Vectors
from benchmark.tuab.probes import ProbeOutput, ProbeRows, usable
from clef.cohort import Cohort
from clef.network.waveform.encoder import NETWORKS
from clef.waveform.cutting import Cutting
from clef.waveform.kept import KeptWindows, keep_windows
from clef.waveform.preparation import PUBLISHED
from clef.waveform.standard import standardised

BATCH, RATE, DECAY = 64, 1e-3, 1e-2
LOOKS = 10
"""How often the loss of val is looked at."""
AT_ONCE = 64
"""Windows that are scored together."""


@dataclasses.dataclass
class NetworkProbe:
    """A fresh network for each question; its rows are numbers of windows, x (n, 1), in `kept`."""

    kept: KeptWindows
    make: Callable[[], nn.Module]
    steps: int
    device: torch.device

    def __call__(self, rows: ProbeRows, seed: int) -> ProbeOutput:
        """Fit to train, choose the step on val where it has both groups, and score every row."""
        number = rows.x[:, 0].astype(np.int64)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.make().to(self.device)
            step = self._fit(network, number, rows, seed)
        score = self._scores(network, number)
        return ProbeOutput(score, 1 / (1 + np.exp(-score)), {"seed": seed, "step": step})

    def _fit(self, network: nn.Module, number: np.ndarray, rows: ProbeRows, seed: int) -> int:
        """Train in place; the step whose weights are kept."""
        chooses = usable(rows.y[rows.train | rows.val], rows.val[rows.train | rows.val])
        fitted = rows.train if chooses else rows.train | rows.val
        sides = [np.flatnonzero(fitted & (rows.y == group)) for group in (True, False)]
        label = torch.arange(BATCH, device=self.device).lt(BATCH // 2).float()
        adam = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.steps)
        generator, best = np.random.default_rng((seed, 7)), (np.inf, self.steps, network.state_dict())
        for step in range(1, self.steps + 1):
            chosen = np.concatenate([generator.choice(side, BATCH // 2) for side in sides])
            loss = F.binary_cross_entropy_with_logits(network.train()(self._windows(number[chosen]))[:, 0], label)
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
            if chooses and (step == self.steps or step % max(1, self.steps // LOOKS) == 0):
                held_out = self._loss(network, number, rows)
                if held_out < best[0]:
                    best = held_out, step, copy.deepcopy(network.state_dict())
        network.load_state_dict(best[2])
        return best[1]

    def _loss(self, network: nn.Module, number: np.ndarray, rows: ProbeRows) -> float:
        """Cross-entropy of the windows of val, its two groups of equal weight."""
        score, y = self._scores(network, number[rows.val]), rows.y[rows.val]
        each = np.logaddexp(0, np.where(y, -score, score))
        return float((each[y].mean() + each[~y].mean()) / 2)

    @torch.inference_mode()
    def _scores(self, network: nn.Module, number: np.ndarray) -> np.ndarray:
        """Log-odds (n,) of windows."""
        network.eval()
        parts = [number[i : i + AT_ONCE] for i in range(0, len(number), AT_ONCE)]
        return np.concatenate([network(self._windows(part))[:, 0].double().cpu().numpy() for part in parts])

    def _windows(self, number: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(self.kept.signal[number].astype(np.float32)).to(self.device)


def from_scratch(
    name: str, cohort: Cohort, place: Path, windows: int, steps: int, device: torch.device, workers: int
) -> Vectors:
    """A row of the table whose probe is the network `name` itself, on up to `windows` windows of each session.

    place: folder in which the windows are kept. Raises ValueError in one line if no session can be cut.
    """
    made = PUBLISHED[name]
    cut = standardised(cohort.path, cohort.sessions, Cutting.of(made), made, workers)
    kept = keep_windows(cohort.path, cohort.sessions, cut, place, workers)
    chosen = [
        first + np.unique(np.linspace(0, count - 1, min(windows, count)).round().astype(np.int64))
        for first, count in zip(kept.first, kept.count, strict=True)
    ]

    def make() -> nn.Module:
        network = NETWORKS[name](len(made.channels), made.window)
        return nn.Sequential(network, nn.Linear(network.width, 1))

    session = np.repeat(kept.session_id, [len(each) for each in chosen])
    probe = NetworkProbe(kept, make, steps, device)
    return Vectors(f"{name}, from scratch", np.concatenate(chosen)[:, None], session, windows=True, probe=probe)
