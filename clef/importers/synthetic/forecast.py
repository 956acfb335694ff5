"""What a synthetic cohort will cost: time from sessions drawn here and now, disk from what files of its kind take."""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from clef.importers.synthetic.drawing import draw_recording
from clef.importers.synthetic.edf import AMPLIFIERS
from clef.importers.synthetic.encoding import Encoding, Job

log = logging.getLogger(__name__)
TRIED = 3
"""Sessions that are drawn to time them, after one that warms up."""
STORE_BYTES_A_SECOND = 2.6
"""Of a token store, a second of a session: 1.6 tokens, compressed (measured, 1,024 codes)."""
ROW_BYTES = 1100
"""Of the tables and of what a store keeps of each session beside its tokens."""


def say_forecast(visits: dict[str, np.ndarray], job: Callable[[int], Job], tokenizer: str, workers: int) -> int:
    """Say how long it takes and how much is kept: tokens with a `tokenizer`, recordings without. Nothing is written."""
    seconds, count = visits["seconds"], len(visits["seconds"])
    cost = seconds.sum() * _seconds_of_work(job, tokenizer, count)
    processes = max(1, min(workers, os.cpu_count() or 1))
    size = _bytes_of_tokens(seconds) if tokenizer else _bytes_of_recordings(visits)
    log.info(
        "%d sessions of %.1f minutes (the longest %.1f): about %.2f GB of %s and %.0f minutes, %.1f sessions a second "
        "with %d processes; nothing was written",
        *(count, seconds.mean() / 60, seconds.max() / 60, size / 1e9, "tokens" if tokenizer else "EDF"),
        *(cost / processes / 60, processes * count / cost, processes),
    )
    return 0


def _seconds_of_work(job: Callable[[int], Job], tokenizer: str, count: int) -> float:
    """Seconds of one process for a second of recording."""
    jobs = [job(i % count) for i in range(TRIED + 1)]
    begin = 0.0
    with tempfile.TemporaryDirectory() as folder:
        encoding = Encoding(tokenizer, Path(folder))
        for i, one in enumerate(jobs):
            begin = time.perf_counter() if i == 1 else begin
            if tokenizer:
                encoding(one)
            else:
                draw_recording(Path(folder) / "session.edf", *one)
    return (time.perf_counter() - begin) / sum(visit["seconds"] for _, visit, _ in jobs[1:])


def _bytes_of_recordings(visits: dict[str, np.ndarray]) -> float:
    """Two bytes a sample, and the tables."""
    amplifiers = [AMPLIFIERS[site] for site in visits["site"]]
    a_second = np.array([2 * amplifier.rate * len(amplifier.labels()) for amplifier in amplifiers])
    return float((a_second * visits["seconds"]).sum() + ROW_BYTES * len(amplifiers))


def _bytes_of_tokens(seconds: np.ndarray) -> float:
    return float(STORE_BYTES_A_SECOND * seconds.sum() + ROW_BYTES * len(seconds))
