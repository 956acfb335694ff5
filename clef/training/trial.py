"""A trial of a training: a few steps on its own samples, timed; and what some recordings of its archive are like.

Nothing is written, and nothing is learned: there is no optimiser's step.
"""

import contextlib
import dataclasses
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl
import torch

from clef.stages.stage import Batch, Objective, Samples
from clef.training.loop import make_autocast, to_device
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Spectrograms

SECONDS = 20.0  # of measuring; a step that was begun is ended
LAPS = 9
LOOK = 6  # recordings that are read to see what an archive is like


# ---- the clock
def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Time of `work`, in s, until the device is done with it; on one CPU thread without what other processes take."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    began = clock()
    work()
    wait()
    return clock() - began


def micro_step(objective: torch.nn.Module, batch: Batch, autocast: contextlib.AbstractContextManager) -> None:
    """Forward and backward of one micro-batch; the gradient is dropped."""
    with autocast:
        loss = objective(batch, batch["counts"], 1.0)["loss"]  # at the end, when every term of the loss counts
    loss.backward()
    objective.zero_grad(set_to_none=True)


def step_seconds(objective: Objective, batch: Batch, precision: str, device: torch.device) -> float:
    """Median time of a micro-step, in s: of nine or as many as fit into the time there is; a GPU warms up first."""
    autocast, batch = make_autocast(precision, device), to_device(batch, device)
    step, laps, began = lambda: micro_step(objective, batch, autocast), [], time.monotonic()
    if device.type == "cuda":
        step()  # loads kernels; on a CPU there is less to warm up, and a step of model=base takes half a minute
    while not laps or (len(laps) < LAPS and time.monotonic() - began + laps[-1] < SECONDS):
        laps.append(seconds_of(step, device))
    return statistics.median(laps)


# ---- the steps of a stage
@dataclasses.dataclass
class Trial:
    """What micro-steps of a few samples cost.

    samples: in one · seconds, bytes: each sample · base: bytes before the first step, of the process or on the GPU
    """

    samples: int
    seconds: float
    bytes: float
    base: float

    def memory(self, samples: int) -> float:
        """Bytes with `samples` in a micro-batch."""
        return self.base + samples * self.bytes


def try_steps(objective: Objective, samples: Samples, most: int, precision: str, device: torch.device) -> Trial:
    """Time and memory of micro-steps of up to `most` samples, four on a CPU: its time grows with their number."""
    count = max(1, most if device.type == "cuda" else min(most, 4))
    batch, base = samples.batch(range(count)), peak_bytes(device)
    seconds = step_seconds(objective.to(device).train(), batch, precision, device)
    return Trial(count, seconds / count, max(0.0, peak_bytes(device) - base) / count, base)


def peak_bytes(device: torch.device) -> float:
    """The most memory that was used so far: on the GPU, or by this process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


# ---- the archive
@dataclasses.dataclass
class Look:
    """Some recordings of an archive: their length (n,) in s as training sees them, and s to read one."""

    lengths: np.ndarray
    reading: float


def look_at(cohort: str, sessions: pl.DataFrame, reading: ReadingConfig) -> Look:
    """Read a few recordings, evenly spaced in the table. Raises ValueError if none of them can be read."""
    rows = sessions[np.unique(np.linspace(0, len(sessions) - 1, LOOK).astype(int))] if len(sessions) else sessions
    source, lengths, seconds = Spectrograms(cohort, rows, reading), [], []
    for i in range(len(source)):
        began = time.perf_counter()
        session = source[i]
        if not session.reason:
            seconds.append(time.perf_counter() - began)
            lengths.append(int(session.valid.sum()))
    if not lengths:
        raise ValueError(f"cohort={cohort}: none of {len(rows)} recordings that were tried can be read")
    return Look(np.array(lengths), statistics.median(seconds))
