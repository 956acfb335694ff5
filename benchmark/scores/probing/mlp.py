"""A perceptron of two layers, trained as the paper trains its readouts: Adam at 1e-4, 5 epochs, 10 % of it warm-up.

Nothing is regularised but by how little it is trained: 50 rows are ten steps, so on few labels it stays near its
start. That is the protocol, and the reason why the logistic probe is the default. Many problems are trained at once,
each with its own start and order of rows, drawn from its seed.

Shapes as in benchmark.scores.probing.logistic.
"""

import numpy as np
import torch

from benchmark.scores.probing.logistic import Decide

HIDDEN = 256
RATE = 1e-4
EPOCHS = 5
WARM_UP = 0.1
BATCH = 32


def fit(z: np.ndarray, y: np.ndarray, weights: np.ndarray, seeds: np.ndarray) -> Decide:
    """Train a model per weighting: z (S, n, r), y (S, n) bool, weights (S, K, n), seeds (S, K) int."""
    (sets, kinds, n), width = weights.shape, z.shape[2]
    generators = [np.random.default_rng(int(seed)) for seed in seeds.ravel()]
    rows = torch.from_numpy(z.astype(np.float32)).repeat_interleave(kinds, 0)
    sign = torch.from_numpy(np.where(y, 1.0, -1.0).astype(np.float32)).repeat_interleave(kinds, 0)
    share = weights / np.maximum(weights.mean(2, keepdims=True), 1e-12)
    share = torch.from_numpy(share.reshape(-1, n).astype(np.float32))
    layers = [_start(generators, width, HIDDEN), _start(generators, HIDDEN, 1)]
    parameters = [tensor.requires_grad_() for layer in layers for tensor in layer]
    adam = torch.optim.Adam(parameters, RATE)
    steps = EPOCHS * -(-n // BATCH)
    warm = max(1, round(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: min(1.0, (step + 1) / warm))
    for _ in range(EPOCHS):
        order = torch.from_numpy(np.stack([g.permutation(n) for g in generators]))
        for some in order.split(BATCH, 1):
            part = rows.gather(1, some[..., None].expand(-1, -1, width))
            margin = sign.gather(1, some) * _forward(layers, part)
            loss = share.gather(1, some) * torch.nn.functional.softplus(-margin)
            adam.zero_grad()
            loss.mean(1).sum().backward()  # the problems share no parameter, so their sum trains each alone
            adam.step()
            schedule.step()

    @torch.no_grad()
    def decide(other: np.ndarray) -> np.ndarray:
        part = torch.from_numpy(other.astype(np.float32)).repeat_interleave(kinds, 0)
        return _forward(layers, part).double().numpy().reshape(sets, kinds, -1)

    return decide


def _start(generators: list[np.random.Generator], before: int, after: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (B, before, after) and offsets (B, 1, after), uniform within 1/√before as torch's linear layers."""
    bound = 1 / np.sqrt(max(before, 1))
    drawn = [(g.uniform(-bound, bound, (before, after)), g.uniform(-bound, bound, (1, after))) for g in generators]
    weight, offset = (np.stack(part).astype(np.float32) for part in zip(*drawn, strict=True))
    return torch.from_numpy(weight), torch.from_numpy(offset)


def _forward(layers: list[tuple[torch.Tensor, torch.Tensor]], rows: torch.Tensor) -> torch.Tensor:
    (first, a), (second, b) = layers
    return (torch.relu(rows @ first + a) @ second + b)[..., 0]
