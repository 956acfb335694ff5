"""The time from a recording to its spectrogram, beside the usual MNE chain, in one run on one thread.

    python -m tools.time_reading                         # a synthetic 20-minute EDF, 19 channels at 256 Hz
    python -m tools.time_reading recording=FILE.edf

Both chains read the same file and estimate the same windows: MNE's is `read_raw_edf(preload=True)`, `filter(0.1, 75)`,
`notch_filter`, `resample(200)` and `psd_array_multitaper` of every 4-s window; ours is `tokenizer.read` and
`session_spectrogram`. Both have malloc's settings of a reading worker and take turns; figures are medians. Then both
estimates of one and the same signal: their times, and how far apart they are; the throughput of two processes against
one; and the peak memory of a worker of the encoder's loader (Linux). Run it on an idle machine.
"""

import logging
import multiprocessing
import os
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokenizer.base.cli import program
from tokenizer.base.workers import settle_memory

log = logging.getLogger(__name__)

SPAWN = multiprocessing.get_context("spawn")
Laps = dict[str, list[float]]
"""Name of a step -> its times in s."""


@dataclass
class TimeReading:
    recording: Path | None = None
    """An EDF file; without it a synthetic one is made."""
    minutes: float = 20.0
    """Length of the synthetic recording."""
    repeats: int = 5
    """How often each chain runs; figures are medians."""
    sessions: int = 12
    """Sessions that each process reads for the throughput."""
    seed: int = 0
    """Seed of the synthetic recording."""


def main(config: TimeReading) -> int:
    """Time, and print the table."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"  # of the processes started below
    with tempfile.TemporaryDirectory() as folder:
        path = config.recording or make_recording(Path(folder) / "synthetic.edf", config)
        say_chains(*time_chains(path, config.repeats))
        say_multitaper(*time_multitaper(path, config.repeats))
        one, two = throughput(path, config.sessions, config.repeats)
        log.info("throughput: %.1f sessions/s in one process, %.1f in two: %.2f x", one, two, two / one)
        log.info("peak memory of a reading worker: %.0f MB", worker_memory(path))
    return 0


def make_recording(path: Path, config: TimeReading) -> Path:
    """Pink noise of 20 µV with drifts and mains on 19 channels at 256 Hz: the content does not change the cost."""
    from clef.importers.synthetic.edf import Amplifier, write_recording

    rate, random = 256, np.random.default_rng(config.seed)
    samples = round(config.minutes * 60) * rate
    shape = 1 / np.maximum(np.fft.rfftfreq(samples, 1 / rate), 0.1) ** 0.5
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal((19, samples))) * shape, samples)
    eeg = 20 * noise / noise.std() + 5 * np.sin(2 * np.pi * 50 * np.arange(samples) / rate)
    amplifier = Amplifier(rate, 50, 0.1, 0.1, ())
    digital = np.rint(eeg / amplifier.step).astype(np.int16)
    write_recording(path, digital, amplifier, np.datetime64("2020-01-01T10:00:00"))
    return path


def time_chains(path: Path, repeats: int) -> tuple[Laps, Laps]:
    """Times of each step of both chains, taking turns; the first turn warms up and is not counted."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    settle_memory()
    ours, theirs = defaultdict(list), defaultdict(list)
    with threadpool_limits(1):
        for turn in range(repeats + 1):
            for chain, laps in ((our_chain, ours), (mne_chain, theirs)):
                chain(path, laps if turn else defaultdict(list))
    return ours, theirs


def our_chain(path: Path, laps: Laps) -> np.ndarray:
    """Recording -> (19, 128, T) dB by CLEF."""
    from tokenizer.multitaper import session_spectrogram
    from tokenizer.reading.read import read

    with lap(laps, "read, filter, resample"):
        session = read(path)
    with lap(laps, "multitaper"):
        return session_spectrogram(session)[0].numpy()


def mne_chain(path: Path, laps: Laps) -> np.ndarray:
    """Recording -> (C, 128, T) dB by MNE's own functions, with their defaults."""
    import mne

    mne.set_log_level("error")
    with lap(laps, "read"):
        raw = mne.io.read_raw_edf(path, preload=True)
    with lap(laps, "filter"):
        raw.filter(0.1, 75)
    with lap(laps, "notch"):
        raw.notch_filter(50)
    with lap(laps, "resample"):
        raw.resample(200)
    with lap(laps, "multitaper"):
        return mne_multitaper(windows_of(raw.get_data() * 1e6))


def windows_of(signal: np.ndarray) -> np.ndarray:
    """Signal (C, S) -> its 4-s windows every second, without their mean (C, T, 800)."""
    padded = np.pad(signal, ((0, 0), (400, 400)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 800, axis=1)[:, ::200][:, : signal.shape[1] // 200]
    return windows - windows.mean(-1, keepdims=True)


def mne_multitaper(windows: np.ndarray) -> np.ndarray:
    """MNE's estimate of windows (C, T, 800) in µV: (C, 128, T) dB."""
    from mne.time_frequency import psd_array_multitaper

    density, _ = psd_array_multitaper(
        windows, 200, fmin=0, fmax=31.75, bandwidth=1, low_bias=True, normalization="full", verbose="error"
    )
    return 10 * np.log10(density + 1e-10).swapaxes(1, 2)


def time_multitaper(path: Path, repeats: int) -> tuple[Laps, np.ndarray]:
    """Times of both estimates of one signal, taking turns, and by how many dB they differ; one thread.

    MNE is given the windows ready made, in float64; ours makes them from the signal, in float32.
    """
    import torch
    from threadpoolctl import threadpool_limits

    from tokenizer.multitaper import spectrogram
    from tokenizer.reading.read import read

    torch.set_num_threads(1)
    session = read(path)
    signal = session.signal[session.channel_ok, : 200 * int(session.seconds)]
    windows, laps = windows_of(signal.astype(float)), defaultdict(list)
    with threadpool_limits(1):
        for turn in range(repeats + 1):
            into = laps if turn else defaultdict(list)
            with lap(into, "CLEF"):
                ours = spectrogram(signal).numpy()
            with lap(into, "MNE"):
                theirs = mne_multitaper(windows)
    return laps, np.abs(ours - theirs.clip(-40, 40))


@contextmanager
def lap(laps: Laps, name: str):
    begin = time.perf_counter()
    yield
    laps[name].append(time.perf_counter() - begin)


def say_chains(ours: Laps, theirs: Laps) -> None:
    """The steps of both chains in ms, and the ratio of the whole: the median over turns."""
    for name, laps in (("MNE", theirs), ("CLEF", ours)):
        steps = ", ".join(f"{step} {1e3 * np.median(times):.0f}" for step, times in laps.items())
        log.info("%-5s %5.0f ms  (%s)", name, 1e3 * np.median(_totals(laps)), steps)
    ratios = _totals(ours) / _totals(theirs)
    log.info("CLEF takes 1/%.1f of MNE's time (%d turns: 1/%.1f to 1/%.1f)", 1 / np.median(ratios), len(ratios),
             1 / ratios.max(), 1 / ratios.min())  # fmt: skip


def say_multitaper(laps: Laps, apart: np.ndarray) -> None:
    """Times of both estimates, their ratio (the median over turns), and the differences."""
    ours, theirs = np.array(laps["CLEF"]), np.array(laps["MNE"])
    log.info(
        "multitaper alone: CLEF %.0f ms, psd_array_multitaper %.0f ms: 1/%.1f; apart: median %.1e dB, most %.1e dB",
        *(1e3 * np.median(ours), 1e3 * np.median(theirs), np.median(theirs / ours), np.median(apart), apart.max()),
    )


def _totals(laps: Laps) -> np.ndarray:
    return np.sum(list(laps.values()), axis=0)


def throughput(path: Path, sessions: int, repeats: int) -> tuple[float, float]:
    """Sessions per second of one process and of two at once; the two counts take turns."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for processes, into in rates.items():
            into.append(_rate(path, sessions, processes))
    return float(np.median(rates[1])), float(np.median(rates[2]))


def _rate(path: Path, sessions: int, processes: int) -> float:
    ready = SPAWN.Barrier(processes + 1)
    workers = [SPAWN.Process(target=_read_often, args=(path, sessions, ready)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    ready.wait()  # all have started up and warmed up
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise ValueError("a reading process failed; its message is above")
    return processes * sessions / (time.perf_counter() - begin)


def _read_often(path: Path, sessions: int, ready) -> None:
    import torch

    torch.set_num_threads(1)
    settle_memory()
    our_chain(path, defaultdict(list))
    ready.wait()
    for _ in range(sessions):
        our_chain(path, defaultdict(list))


def worker_memory(path: Path) -> float:
    """MB of a worker of the encoder's loader at its highest, while it reads the recording six times."""
    from tokenizer.reading.many import read_many
    from tokenizer.reading.read import Job, ReadingConfig
    from tokenizer.readings import reading_of

    peak = 0.0
    for _ in read_many([Job(path.resolve(), ReadingConfig())] * 6, reading_of, workers=1):
        (worker,) = multiprocessing.active_children()
        status = Path(f"/proc/{worker.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1e3
    return peak


if __name__ == "__main__":
    program(TimeReading, main, "tools.time_reading")
