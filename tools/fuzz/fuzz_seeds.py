"""Good recordings for the fuzzer to damage: small, of every format, each with what is known about its bytes.

Synthetic ones come from `tokenizer.edf.writer` and `tools.fuzz.format_files`; real ones are copies of their first two
minutes. A seed knows which byte holds which second, so that a mutation can say what it has damaged.
"""

import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.edf.header import Header, read_header
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import write_brainvision, write_eeglab, write_gdf

CROP = 120
"""Seconds kept of a real EDF or BDF file."""


@dataclass(frozen=True)
class Seed:
    """A good recording, in memory."""

    name: str
    format: str
    files: dict[str, bytes]
    """File name -> content; the first is the one that is opened."""
    data: str
    """Name of the file with the samples."""
    when: Callable[[int], float]
    """Byte of `data` -> second of the session it belongs to; negative in a header, infinity after the last sample."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of `tokenizer.read`."""
    header: Header | None = None
    """Of an EDF or BDF file."""
    onsets: tuple[float, ...] = ()
    """Start of each of its data records in s of the session."""
    real: bool = False
    """Whether it comes from a folder of recordings, not all of which can be read."""

    @property
    def main(self) -> str:
        return next(iter(self.files))

    def write(self, folder: Path) -> Path:
        """Write its files; the path of the one to open."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder / self.main


def seeds(recordings: Path | None, rate: float | None, unit: str | None) -> Iterator[tuple[Seed, float]]:
    """Seeds, and how often each is to be used in comparison; `recordings` a folder of real ones."""
    with tempfile.TemporaryDirectory() as folder:
        for make, weight in ((_edfs, 6.0), (_others, 1.5)):
            for seed in make(Path(folder)):
                yield seed, weight
    for path in sorted(recordings.rglob("*")) if recordings else []:
        if seed := _real(path, rate, unit):
            yield replace(seed, format=f"real {seed.format}", real=True), 1.0


def signal(seconds: float, rate: int, channels: int = 19, mains: float = 0, seed: int = 0) -> NDArray[np.float64]:
    """(C, n) µV: something like EEG, a slow drift of ±40 µV, and mains of `mains` µV at 50 Hz."""
    t = np.arange(round(seconds * rate)) / rate
    phase = np.random.default_rng(seed).uniform(0, 6, (channels, 1))
    return eeg(seconds, rate, channels, seed) + 40 * np.sin(t / 7 + phase) + mains * np.sin(2 * np.pi * 50 * t + phase)


def edf_seed(name: str, kind: str, path: Path, onsets: list[float] | None = None, **options: Any) -> Seed:
    """An EDF or BDF file as a seed; without `onsets` its records follow each other."""
    header = read_header(path)
    starts = np.array(onsets if onsets is not None else np.arange(header.records) * header.seconds)
    starts = tuple(float(t) for t in starts - starts[0])
    return Seed(name, kind, {path.name: path.read_bytes()}, path.name, partial(_record_time, header, starts), options,
                header, starts)  # fmt: skip


def _record_time(header: Header, onsets: tuple[float, ...], byte: int) -> float:
    record = (byte - header.size) // header.record_bytes
    return -1.0 if record < 0 else onsets[record] if record < len(onsets) else float("inf")


def _edfs(folder: Path) -> Iterator[Seed]:
    make = lambda *args, **settings: write_edf(folder / "recording.edf", *args, **settings)
    yield edf_seed("200 Hz", "EDF", make(signal(120, 200, mains=15)))
    slow = [np.full(150, 97.0), np.linspace(60, 90, 150)]
    mixed = [*signal(150, 256, 21), *slow]
    names = [*LABELS, "ECG", "EOG", "SaO2", "Pulse"]
    yield edf_seed("mixed rates", "EDF", make(mixed, [256] * 21 + [1, 1], names, declared=-1))
    yield edf_seed("128 Hz", "EDF", make(signal(140, 128, mains=5), 128, seconds=2.0))
    few = signal(100, 500, 12)
    few[3] = 17.0
    yield edf_seed("millivolts, one flat", "EDF", make(few / 1e3, 500, list(CHANNELS[:12]), unit="mV", limit=8.0))
    onsets = [0.25 + t for t in range(130)]
    yield edf_seed("late by 0.25 s", "EDF+C", make(signal(130, 250, mains=8), 250, onsets=onsets), onsets)
    onsets = [float(t) for t in (*range(50), *range(60, 130))]
    yield edf_seed("unmarked gap", "EDF+C", make(signal(120, 200), onsets=onsets), onsets)
    onsets = [*range(45), *(t + 12.5 for t in range(45, 110)), *(t + 13.0 for t in range(110, 150))]
    yield edf_seed("two gaps", "EDF+D", make(signal(150, 200), onsets=onsets, kind="EDF+D"), onsets)
    onsets = [1.5 * t for t in range(90)]
    yield edf_seed("gaps everywhere", "EDF+D", make(signal(90, 200), onsets=onsets, kind="EDF+D"), onsets)
    make = lambda *args, **settings: write_edf(folder / "recording.bdf", *args, **settings)
    offset = np.linspace(-20_000, 30_000, 19)[:, None]
    yield edf_seed("with offsets", "BDF", make(signal(120, 256) + offset, 256, bits=24, limit=262143.0))
    onsets = [0.5 * t for t in range(240)]
    made = make(signal(120, 256, mains=10), 256, bits=24, limit=200_000.0, onsets=onsets, seconds=0.5)
    yield edf_seed("half-second records", "BDF+C", made, onsets)
    onsets = [*(0.5 * t for t in range(110)), *(0.5 * t + 20 for t in range(110, 250))]
    made = make(signal(125, 200), bits=24, limit=40_000.0, onsets=onsets, kind="BDF+D", seconds=0.5)
    yield edf_seed("one gap", "BDF+D", made, onsets)


def _others(folder: Path) -> Iterator[Seed]:
    rate, data = 200, signal(110, 200, mains=10)
    lines = [",".join(CHANNELS), *(",".join(f"{value:.2f}" for value in row) for row in data.T)]
    yield _table("comma", "\n".join([*lines, ""]).encode(), rate, "uV")
    made = write_brainvision(folder / "recording.vhdr", data, rate)
    files = {p.name: p.read_bytes() for p in (made, made.with_suffix(".eeg"), made.with_suffix(".vmrk"))}
    yield Seed("16 bit", "BrainVision", files, "recording.eeg", partial(_linear, 0, 38 * rate, 110))
    made = write_eeglab(folder / "recording.set", data, rate, form="fdt")
    files = {p.name: p.read_bytes() for p in (made, made.with_suffix(".fdt"))}
    yield Seed("two files", "EEGLAB", files, "recording.fdt", partial(_linear, 0, 76 * rate, 110))
    made = write_eeglab(folder / "recording.set", data, rate)
    at = made.read_bytes().index(data[:, 0].astype("<f4").tobytes())
    yield Seed("one file", "EEGLAB", {made.name: made.read_bytes()}, made.name, partial(_linear, at, 76 * rate, 110))
    yield _fif(folder / "recording_raw.fif", data, rate)
    made = write_gdf(folder / "recording.gdf", data, rate)
    yield Seed("2.20", "GDF", {made.name: made.read_bytes()}, made.name, partial(_linear, 256 * 20, 38 * rate, 110))


def _linear(at: int, bytes_per_second: float, seconds: float, byte: int) -> float:
    second = (byte - at) / bytes_per_second
    return -1.0 if second < 0 else second if second < seconds else float("inf")


def _table(name: str, content: bytes, rate: float, unit: str) -> Seed:
    ends = np.cumsum([len(line) for line in content.splitlines(keepends=True)]).tolist()
    when = lambda byte: -1.0 if byte < ends[0] else (bisect_right(ends, byte) - 1) / rate
    return Seed(name, "CSV", {"recording.csv": content}, "recording.csv", when, {"rate": rate, "unit": unit})


def _fif(path: Path, data: NDArray[np.float64], rate: int) -> Seed:
    import mne

    raw = mne.io.RawArray(data * 1e-6, mne.create_info(list(CHANNELS), rate, "eeg"), verbose="error")
    raw.save(path, fmt="single", verbose="error")
    content = path.read_bytes()
    find = lambda c: content.index((data[:, c] * 1e-6).astype(">f4").tobytes()[:40])
    first, last = find(0), find(-1) + 4 * len(data)
    when = partial(_linear, first, (last - first) * rate / data.shape[1], data.shape[1] / rate)
    return Seed("single", "FIF", {path.name: content}, path.name, when)


def _real(path: Path, rate: float | None, unit: str | None) -> Seed | None:
    """The beginning of a real recording; None if its format is not cut here."""
    name = f"from {path.parent.name}"
    if path.suffix.lower() == ".csv" and rate and unit:
        lines = path.read_bytes().splitlines(keepends=True)
        return _table(name, b"".join(lines[: round(CROP * rate) + 1]), rate, unit)
    try:
        header = read_header(path) if path.suffix.lower() in (".edf", ".bdf") else None
    except RecordingError:
        header = None
    if not header or "+D" in header.reserved:
        return None
    records = min(header.records, round(CROP / header.seconds))
    content = bytearray(path.read_bytes()[: header.size + records * header.record_bytes])
    content[236:244] = str(records).ljust(8).encode()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"recording{path.suffix.lower()}"
        copy.write_bytes(content)
        return edf_seed(name, "EDF" if header.width == 2 else "BDF", copy)
