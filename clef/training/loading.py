"""The micro-batches of this process, step by step, made ahead of time: by a thread, or by worker processes before it.

Tokens lie in memory and a thread of this process is enough for them; processes would each hold a copy. Order and
content follow from the step alone, so that reading ahead changes neither.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from torch import Tensor

from clef.stages.stage import Batch, Samples
from tokenizer.base import ranks
from tokenizer.base.progress import timed
from tokenizer.base.workers import WorkerDiedError, work_ahead

AHEAD = 2  # steps whose batches are there or in the making


def load(
    samples: Samples, steps: range, batch: int, accumulate: int, workers: int, pinned: bool = False
) -> Iterator[tuple[int, list[Batch]]]:
    """The micro-batches of this process, step by step; `pinned`: in memory that a GPU copies from by itself.

    Close the iterator to stop the thread. What making a batch raises is raised here, at its step.
    """
    parts = ranks.WORLD * accumulate
    if parts < 1 or batch < 1 or batch % parts:
        raise ValueError(
            f"batch={batch}, accumulate={accumulate}: batch must be a multiple of processes x accumulate = {parts}"
        )
    loader = work_ahead(samples.batch, Plan(steps, batch, accumulate), workers, ahead=4)

    def make() -> list[Batch]:
        batches = [_whole(next(loader)) for _ in range(accumulate)]
        return [_pin(b) for b in batches] if pinned else batches

    thread, coming = ThreadPoolExecutor(1, thread_name_prefix="batches"), deque()
    try:
        for number in range(len(steps) + AHEAD):
            if number >= AHEAD:
                yield steps[number - AHEAD], coming.popleft().result()
            if number < len(steps):
                coming.append(thread.submit(make))
    finally:
        thread.shutdown(wait=True, cancel_futures=True)
        loader.close()


def _whole(batch: Batch | WorkerDiedError) -> Batch:
    """A batch, if the process that made it lived; without it the run would not be the one that was asked for."""
    if isinstance(batch, WorkerDiedError):
        raise ValueError(f"reading recordings: {batch}; give fewer workers=, the same command goes on from here")
    return batch


def _pin(batch: Batch) -> Batch:
    return {k: v.pin_memory() if isinstance(v, Tensor) else v for k, v in batch.items()}


class StepClock:
    """Where the time of the steps goes, since it was last asked."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what was; called after what is no step."""
        self.began, self.steps, self.waited = time.monotonic(), 0, 0.0

    def timed(self, items: Iterable) -> Iterator:
        """The items, with the time each one was waited for."""
        for seconds, item in timed(items):
            self.steps, self.waited = self.steps + 1, self.waited + seconds
            yield item

    def lap(self) -> dict[str, float]:
        """Seconds per step, and the share of them spent waiting for data; starts anew."""
        spent = max(time.monotonic() - self.began, 1e-9)
        lap = {"seconds": spent / max(1, self.steps), "wait_share": min(1.0, self.waited / spent)}
        self.restart()
        return lap


class Plan:
    """The sample numbers of each micro-batch of this process, step by step.

    A step's samples are dealt out micro-batch by micro-batch: gathered over processes they stand in order.
    """

    def __init__(self, steps: range, batch: int, accumulate: int):
        self.steps, self.batch, self.accumulate = steps, batch, accumulate

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // (ranks.WORLD * self.accumulate)
        for step in self.steps:
            for micro in range(self.accumulate):
                first = step * self.batch + (micro * ranks.WORLD + ranks.RANK) * share
                yield list(range(first, first + share))
