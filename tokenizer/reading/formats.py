"""Opening a recording: EDF and BDF, text tables, and whatever MNE reads, each as a `Source`.

MNE gives volts in one array. Here that becomes µV piece by piece, with the breaks of time that the format knows of
(tokenizer/reading/mne_gaps.py). MNE's own words stay out of messages: they hold paths, and may hold names.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS, match
from tokenizer.edf.reader import open_edf
from tokenizer.reading import brainvision, gdf
from tokenizer.reading import csv_files as tables
from tokenizer.reading.mne_gaps import Breaks, find_breaks
from tokenizer.reading.sizes import check_sizes
from tokenizer.recording import MICROVOLTS, RecordingError, Source

if TYPE_CHECKING:
    import mne

EDFS = (".edf", ".bdf", ".rec")
PACKED = (".gz", ".zip", ".xz", ".bz2", ".7z", ".zst", ".rar")
COMPANIONS = {".eeg": (".vhdr",), ".vmrk": (".vhdr",), ".fdt": (".set",), ".dat": (".lay", ".vhdr")}
"""Files that can be a part of a recording -> the one beside them that is opened."""
BLOCK = 64 * 2**20
"""Bytes of µV that are kept in memory of a file whose reader cannot read one channel alone."""
Load = Callable[[int, int, int], NDArray[np.float32]]


def open_source(source: "str | Path | mne.io.BaseRaw", rate: float | None, unit: str | None) -> Source:
    """Open a recording: a path, or an `mne.io.Raw`.

    `rate` (Hz) and `unit` (uV, 0.1uV, mV, V) say what the file does not: tables need both; elsewhere `unit` overrules
    the file (the numbers of an `mne.io.Raw` or a FIF file are V, else µV unless the header says otherwise). Raises
    RecordingError if the file is missing, damaged or of no known kind.
    """
    if unit is not None and unit not in MICROVOLTS:
        raise ValueError(f"unit={unit}: expected one of {', '.join(MICROVOLTS)}")
    if rate is not None and not rate > 0:
        raise ValueError(f"rate={rate}: expected a sampling rate in Hz, above 0")
    if not isinstance(source, str | Path):
        _check_rate("recording", source, rate)
        return _from_raw(source, "recording", _scales(source, None, unit), find_breaks(source, None))
    path = Path(source)
    if not path.exists():
        raise RecordingError(path.name, "there is no such file; check the path")
    try:
        return _open_path(path, rate, unit)
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise RecordingError(path.name, f"cannot be opened ({said}); check the file") from None


def _open_path(path: Path, rate: float | None, unit: str | None) -> Source:
    kind = path.suffix.lower()
    if kind in EDFS:
        return open_edf(path, rate, unit)
    if path.name.lower().endswith(tables.KINDS):
        return tables.open_table(path, rate, unit)
    if kind in PACKED and not path.name.lower().endswith(".fif.gz"):
        raise RecordingError(path.name, f"is packed ({kind}); unpack it first")
    return _open_with_mne(path, rate, unit)


def _open_with_mne(path: Path, rate: float | None, unit: str | None) -> Source:
    import mne

    try:
        with _quietly():
            check_sizes(path)
            raw = mne.io.read_raw(path, preload=False, verbose="error")
            _check_rate(path.name, raw, rate)
            breaks = find_breaks(raw, path, lambda: mne.read_annotations(path))
            return _from_raw(raw, path.name, _scales(raw, path, unit), breaks)
    except RecordingError:
        raise
    except Exception as error:  # any of MNE's readers may fail in any way on a damaged file
        raise RecordingError(path.name, _why(error, path)) from None


def _check_rate(name: str, raw: "mne.io.BaseRaw", stated: float | None) -> None:
    rate = raw.info["sfreq"]
    if stated is not None and abs(stated - rate) > 1e-6 * rate:
        raise RecordingError(
            name, f"is sampled at {rate:g} Hz, rate= says {stated:g}; leave rate= away, it is for tables"
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Neither warnings nor prints: MNE's readers put paths, event names and even birth dates into them."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _why(error: Exception, path: Path) -> str:
    """One line for what a reader of MNE raised, without its own words."""
    said, kind = str(error), path.suffix.lower()
    if found := re.search(r"the module ([\w.-]{1,40}) is needed", said):
        return f"MNE needs the Python package {found[1]} for it; pip install {found[1]}"
    if isinstance(error, NotImplementedError) and "v7.3" in said:
        return "an EEGLAB file in MATLAB 7.3 form; pip install pymatreader, or save it again in EEGLAB without 7.3"
    if isinstance(error, FileNotFoundError):
        return "a file that belongs to it is missing; put them side by side under their first names"
    if isinstance(error, TypeError) and "number of trials" in said:
        return "holds epochs; expected a continuous recording; export it again without epochs"
    if whole := [suffix for suffix in COMPANIONS.get(kind, ()) if path.with_suffix(suffix).exists()]:
        return f"is a part of a recording; give the {whole[0]} file beside it"
    return (
        f"MNE cannot read this as EEG ({type(error).__name__}); expected EDF, BDF, CSV or a format that MNE knows; "
        f"mne.io.read_raw says more"
    )


def _scales(raw: "mne.io.BaseRaw", path: Path | None, unit: str | None) -> list[float | None]:
    """µV for each volt that MNE gives, per channel; None for numbers whose unit is not one of voltage."""
    kind = path.name.lower() if path else ".fif"
    if kind.endswith(".gdf") and path:
        return gdf.scales(path, unit)
    per_volt = [1.0 if kind.endswith((".fif", ".fif.gz")) else 1e6] * len(raw.ch_names)  # the file's number for 1 V
    known = [True] * len(per_volt)
    if kind.endswith(brainvision.KINDS):
        per_volt = [1 / channel["range"] for channel in raw.info["chs"]]
        known = [raw._orig_units.get(name) != "n/a" for name in raw.ch_names]
    if unit:
        return [MICROVOLTS[unit] * each for each in per_volt]
    return [1e6 if sure else None for sure in known]


def _from_raw(raw: "mne.io.BaseRaw", name: str, scales: Sequence[float | None], breaks: Breaks) -> Source:
    """An MNE recording as a source of µV."""
    rate, channels = float(raw.info["sfreq"]), list(raw.ch_names)
    picks = match(channels).picks
    segments = breaks.segments(raw.n_times, rate)
    start = raw.info["meas_date"]
    return Source(
        name,
        channels,
        [rate] * len(channels),
        _loader(raw, name, [channel for _, channel in sorted(picks.items())], scales),
        lambda _: segments,
        start.replace(tzinfo=None) + timedelta(seconds=raw.first_time) if start else None,
        _notes(raw, picks, scales) + breaks.notes,
    )


def _notes(raw: "mne.io.BaseRaw", picks: dict[int, int], scales: Sequence[float | None]) -> list[str]:
    bad = [CHANNELS[electrode] for electrode, channel in picks.items() if raw.ch_names[channel] in raw.info["bads"]]
    notes = [f"marked bad in MNE, read all the same: {', '.join(bad)}"] if bad else []
    if any(scales[channel] is None for channel in picks.values()):
        notes.append("electrodes without a unit of voltage: taken as µV")
    return notes


def _loader(raw: "mne.io.BaseRaw", name: str, channels: list[int], scales: Sequence[float | None]) -> Load:
    """Reads the given channels together, since MNE reads all of a file's for any, and keeps the last pieces."""
    factors = np.array([scales[c] or 1.0 for c in channels], np.float64)[:, None]
    pieces: list[tuple[int, int, NDArray[np.float32]]] = []  # first row, first sample, µV

    def load(channel: int, first: int, samples: int) -> NDArray[np.float32]:
        row = channels.index(channel)
        for top, at, data in pieces:
            if top <= row < top + len(data) and at <= first and first + samples <= at + data.shape[1]:
                return data[row - top, first - at :][:samples]
        together = max(1, BLOCK // (4 * samples))
        top = row // together * together
        rows = slice(top, top + together)
        piece = _read(raw, name, channels[rows], factors[rows], first, samples)
        while pieces and piece.nbytes + sum(data.nbytes for *_, data in pieces) > BLOCK:
            del pieces[0]
        pieces.append((top, first, piece))
        return piece[row - top]

    return load


def _read(
    raw: "mne.io.BaseRaw", name: str, channels: list[int], factors: NDArray[Any], first: int, samples: int
) -> NDArray[np.float32]:
    """(C, samples) µV, read a megabyte or so at a time: MNE's numbers are twice as wide."""
    data = np.empty((len(channels), samples), np.float32)
    step = max(1, 2**20 // len(channels))
    try:
        with _quietly():
            for at in range(0, samples, step):
                stop = min(at + step, samples)
                data[:, at:stop] = raw.get_data(channels, first + at, first + stop, verbose="error") * factors
    except Exception as error:  # as above
        said = type(error).__name__
        raise RecordingError(name, f"its samples cannot be read ({said}); copy the file again") from None
    if not np.isfinite(data).all():
        raise RecordingError(
            name, "holds samples that are not numbers (NaN); mark those stretches BAD_ACQ_SKIP, or cut them out"
        )
    data.flags.writeable = False  # it is kept
    return data
