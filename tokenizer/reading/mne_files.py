"""Recordings that MNE reads, from a file or from memory, each as a `Source`.

MNE gives volts in one array. Here that becomes µV piece by piece, with the breaks of time that the format knows of
(tokenizer/reading/mne_gaps.py). MNE's own words stay out of messages: they hold paths, and may hold names.
"""

import io
import os
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
from tokenizer.reading import brainvision, gdf
from tokenizer.reading.breaks import Breaks
from tokenizer.reading.mne_gaps import find_breaks
from tokenizer.reading.paths import check_parts, part_beside
from tokenizer.reading.sizes import check_sizes
from tokenizer.recording import MICROVOLTS, RecordingError, Source

if TYPE_CHECKING:
    import mne

COMPANIONS = {".eeg": (".vhdr",), ".vmrk": (".vhdr",), ".fdt": (".set",), ".dat": (".lay", ".vhdr")}
"""Files that can be a part of a recording -> the one beside them that is opened."""
KEPT_BYTES = 64 * 2**20
"""Bytes of µV that are kept in memory of a file whose reader cannot read one channel alone."""


def open_raw(raw: "mne.io.BaseRaw", rate: float | None, unit: str | None) -> Source:
    """A recording in memory; see `tokenizer.reading.formats.open_source`."""
    _check_rate("recording", raw, rate)
    return _source(raw, "recording", _scales(raw, None, unit), find_breaks(raw, None))


def open_with_mne(path: Path, rate: float | None, unit: str | None) -> Source:
    """Open a file of any format that MNE knows; see `tokenizer.reading.formats.open_source`."""
    import mne

    try:
        with _quietly():
            check_parts(path)
            check_sizes(path)
            raw = mne.io.read_raw(path, preload=False, verbose="error")
            if path.suffix.lower() == ".set":  # it names its .fdt within what MNE alone reads, and has not opened yet
                part_beside(path, os.path.relpath(raw.filenames[0], path.parent))
            _check_rate(path.name, raw, rate)
            breaks = find_breaks(raw, path)
            return _source(raw, path.name, _scales(raw, path, unit), breaks)
    except RecordingError:
        raise
    except Exception as error:  # any of MNE's readers may fail in any way on a damaged file
        raise RecordingError(path.name, _reason(error, path)) from None


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


def _reason(error: Exception, path: Path) -> str:
    """One line for what a reader of MNE raised, without its own words."""
    text = str(error)
    if package := re.search(r"the module ([\w.-]{1,40}) is needed", text):
        return f"MNE needs the Python package {package[1]} for it; pip install {package[1]}"
    if isinstance(error, NotImplementedError) and "v7.3" in text:
        return "an EEGLAB file in MATLAB 7.3 form; pip install pymatreader, or save it again in EEGLAB without 7.3"
    if isinstance(error, FileNotFoundError):
        return "a file that belongs to it is missing; put them side by side under their first names"
    if isinstance(error, TypeError) and "number of trials" in text:
        return "holds epochs; expected a continuous recording; export it again without epochs"
    possible = COMPANIONS.get(path.suffix.lower(), ())
    if whole := [suffix for suffix in possible if path.with_suffix(suffix).exists()]:
        return f"is a part of a recording; give the {whole[0]} file beside it"
    return (
        f"MNE cannot read this as EEG ({type(error).__name__}); expected EDF, BDF, CSV or a format that MNE knows; "
        f"mne.io.read_raw says more"
    )


def _scales(raw: "mne.io.BaseRaw", path: Path | None, unit: str | None) -> list[float | None]:
    """µV for each volt that MNE gives, per channel; None for numbers whose unit is not one of voltage."""
    name = path.name.lower() if path else ""
    if path and name.endswith(".gdf"):
        return gdf.scales(path, unit)
    if name.endswith(brainvision.SUFFIXES):
        return brainvision.scales(raw, unit)
    # MNE divides by a million what it takes for µV; a stated unit is that of the number before
    number_of_a_volt = 1.0 if path is None or name.endswith((".fif", ".fif.gz")) else 1e6
    return [MICROVOLTS[unit] * number_of_a_volt if unit else 1e6] * len(raw.ch_names)


def _source(raw: "mne.io.BaseRaw", name: str, scales: Sequence[float | None], breaks: Breaks) -> Source:
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


def _loader(
    raw: "mne.io.BaseRaw", name: str, channels: list[int], scales: Sequence[float | None]
) -> Callable[[int, int, int], NDArray[np.float32]]:
    """Reads the given channels together, since MNE reads all of a file's for any, and keeps the last pieces."""
    factors = np.array([scales[c] or 1.0 for c in channels], np.float64)[:, None]
    kept: list[tuple[int, int, NDArray[np.float32]]] = []  # first row, first sample, µV

    def load(channel: int, first: int, samples: int) -> NDArray[np.float32]:
        row = channels.index(channel)
        for top, start, piece in kept:
            if top <= row < top + len(piece) and start <= first and first + samples <= start + piece.shape[1]:
                return piece[row - top, first - start :][:samples]
        # callers go through the channels of one stretch: read as many of them as fit into what may be kept
        together = max(1, KEPT_BYTES // (4 * samples))
        top = row // together * together
        rows = slice(top, top + together)
        piece = _read(raw, name, channels[rows], factors[rows], first, samples)
        while kept and piece.nbytes + sum(old.nbytes for *_, old in kept) > KEPT_BYTES:
            del kept[0]
        kept.append((top, first, piece))
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
    except Exception as error:  # as when it is opened: in any way
        kind = type(error).__name__
        raise RecordingError(name, f"its samples cannot be read ({kind}); copy the file again") from None
    if not np.isfinite(data).all():
        raise RecordingError(
            name, "holds samples that are not numbers (NaN); mark those stretches BAD_ACQ_SKIP, or cut them out"
        )
    data.flags.writeable = False  # callers get views of what is kept
    return data
