"""Two small towers on top of the Gaussian match, trained with the sigmoid loss.

    tokens' code vectors and rebuilt map ─▶ perceptron ─▶ + the match's vector ─┐
                                                                               inner product · scale + bias
                                     map ─▶ perceptron ─▶ + the match's vector ─┘

Zhai et al., "Sigmoid loss for language image pre-training" (2023): every pair of a batch is a question of its own, own
or not; segments of one person are each other's negatives. The perceptrons end in zero, so that training starts as the
match. Trained on segments of train; the step with the best mean average precision on val, both ways, is kept, which may
be the first.

Shapes: n segments · M numbers of a map · X numbers of the EEG's side · V = M + 2 of a vector.
"""

import copy
import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmark.protocols.ranking import rank_items
from clef.stages.contrastive import pairwise_sigmoid
from tokenizer.base.progress import track

Array = NDArray[np.floating]
BATCH = 512
CHECK = 50
"""Steps between looks at val."""
MOST_ASKED = 2000
"""Segments of val that are asked at most."""


@dataclasses.dataclass
class TowersConfig:
    """The head's size and training."""

    width: int = 128
    """Hidden units of a tower."""
    dropout: float = 0.3
    """Share of inputs and hidden units that are dropped while training."""
    steps: int = 400
    """Batches of 512 segments."""
    lr: float = 1e-3
    """Learning rate, falling to 0 in a straight line."""
    weight_decay: float = 0.05
    """Of the perceptrons."""


class Towers(nn.Module):
    """The two perceptrons, and the scale and bias of the loss."""

    def __init__(self, eeg: int, maps: int, config: TowersConfig) -> None:
        super().__init__()
        self.eeg, self.map = (_perceptron(inputs, maps + 2, config) for inputs in (eeg, maps))
        self.log_scale = nn.Parameter(torch.tensor(-1.0))
        self.bias = nn.Parameter(torch.tensor(-3.0))

    def forward(self, side: "Side") -> tuple[Tensor, Tensor]:
        """Vectors (n, V) of the EEG and of the maps."""
        return side.eeg_base + self.eeg(side.eeg), side.map_base + self.map(side.maps)


@dataclasses.dataclass(frozen=True)
class Side:
    """Segments as the towers take them: inputs eeg (n, X), maps (n, M), and the match's vectors (n, V) of both."""

    eeg: Tensor
    maps: Tensor
    eeg_base: Tensor
    map_base: Tensor

    def where(self, rows: Array) -> "Side":
        """Some of the segments."""
        return Side(*(getattr(self, field.name)[torch.as_tensor(rows)] for field in dataclasses.fields(self)))


def make_side(eeg: Array, maps: Array, eeg_base: Array, map_base: Array) -> Side:
    """Arrays as float32 tensors."""
    return Side(*(torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in (eeg, maps, eeg_base, map_base)))


def train_towers(side: Side, is_train: NDArray, is_val: NDArray, config: TowersConfig, seed: int) -> tuple[Towers, int]:
    """The towers at the best step on val, and that step. ValueError if train or val has less than two segments."""
    for name, mask in (("train", is_train), ("val", is_val)):
        if mask.sum() < 2:
            raise ValueError(f"{int(mask.sum())} segments of split {name}; the head needs two at least, or head=false")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    towers = Towers(side.eeg.shape[1], side.maps.shape[1], config)
    val = np.flatnonzero(is_val)
    asked = side.where(np.sort(rng.permutation(val)[:MOST_ASKED]))
    rows, optimiser = np.flatnonzero(is_train), _optimiser(towers, config)
    best, kept, at = value_of(towers, asked), copy.deepcopy(towers.state_dict()), 0
    for step in track(range(config.steps), "head"):
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * (1 - step / config.steps)
        _step(towers, optimiser, side.where(rng.permutation(rows)[:BATCH]))
        if (step + 1) % CHECK == 0 and (value := value_of(towers, asked)) > best:
            best, kept, at = value, copy.deepcopy(towers.state_dict()), step + 1
    towers.load_state_dict(kept)
    return towers.eval(), at


def value_of(towers: Towers, side: Side) -> float:
    """Mean average precision, the mean of both ways."""
    eeg, maps = vectors_of(towers, side)
    keys = np.arange(len(eeg))
    ways = ((eeg, maps), (maps, eeg))
    return float(np.mean([rank_items(a, keys, b, keys).mean_average_precision for a, b in ways]))


@torch.no_grad()
def vectors_of(towers: Towers, side: Side) -> tuple[Array, Array]:
    """Vectors (n, V) of the EEG and of the maps."""
    eeg, maps = towers.eval()(side)
    return eeg.numpy(), maps.numpy()


def _step(towers: Towers, optimiser: torch.optim.Optimizer, side: Side) -> None:
    eeg, maps = towers.train()(side)
    everyone, segment = torch.ones(len(eeg), dtype=torch.bool), torch.arange(len(eeg))
    scale = towers.log_scale.exp()
    loss = pairwise_sigmoid(eeg, maps, everyone, segment, 1 / scale, towers.bias, unit=False)
    optimiser.zero_grad()
    (loss["sum"] / loss["count"]).backward()
    optimiser.step()


def _optimiser(towers: Towers, config: TowersConfig) -> torch.optim.Optimizer:
    learned = [towers.log_scale, towers.bias]
    networks = [*towers.eeg.parameters(), *towers.map.parameters()]
    groups = [
        {"params": networks, "weight_decay": config.weight_decay, "lr": config.lr, "initial_lr": config.lr},
        {"params": learned, "weight_decay": 0.0, "lr": 10 * config.lr, "initial_lr": 10 * config.lr},
    ]
    return torch.optim.AdamW(groups)


def _perceptron(inputs: int, outputs: int, config: TowersConfig) -> nn.Sequential:
    last = nn.Linear(config.width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    drop = nn.Dropout(config.dropout)
    return nn.Sequential(drop, nn.Linear(inputs, config.width), nn.GELU(), drop, last)
