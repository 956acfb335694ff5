"""The micro-batches of this process, step by step, made here or read ahead by worker processes."""

from collections.abc import Iterator

import torch

from clef.stage import Batch, Samples
from tokenizer import ranks
from tokenizer.workers import read_ahead


def load(
    samples: Samples, steps: range, batch: int, accumulate: int, workers: int
) -> Iterator[tuple[int, list[Batch]]]:
    """The micro-batches of this process, step by step; read ahead by worker processes if there are any."""
    parts = ranks.WORLD * accumulate
    if parts < 1 or batch < 1 or batch % parts:
        raise ValueError(
            f"batch={batch}, accumulate={accumulate}: batch must be a multiple of processes x accumulate = {parts}"
        )
    loader = read_ahead(Batches(samples), Plan(steps, batch, accumulate), workers, ahead=4)
    for step in steps:
        yield step, [next(loader) for _ in range(accumulate)]


class Plan(torch.utils.data.Sampler):
    """The sample numbers of each micro-batch of this process, step by step."""

    def __init__(self, steps: range, batch: int, accumulate: int):
        self.steps, self.batch, self.accumulate = steps, batch, accumulate

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // (ranks.WORLD * self.accumulate)
        for step in self.steps:
            mine = step * self.batch + ranks.RANK * self.accumulate * share
            for micro in range(self.accumulate):
                yield list(range(mine + micro * share, mine + (micro + 1) * share))


class Batches(torch.utils.data.Dataset):
    """Samples as a dataset whose index is a list of sample numbers."""

    def __init__(self, samples: Samples):
        self.samples = samples

    def __getitem__(self, numbers: list[int]) -> Batch:
        return self.samples.batch(numbers)
