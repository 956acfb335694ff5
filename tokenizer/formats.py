"""Opening a recording: EDF and BDF, CSV, and whatever MNE reads, each as a `Source`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokenizer.edf import open_edf
from tokenizer.sources import MICROVOLTS, RecordingError, Segment, Source

if TYPE_CHECKING:
    import mne

TABLES = (".csv", ".tsv", ".txt")
EDFS = (".edf", ".bdf", ".rec")


def open_source(source: "str | Path | mne.io.BaseRaw", rate: float | None, unit: str | None) -> Source:
    """Open a recording: a path, or an `mne.io.Raw`.

    `rate` (Hz) and `unit` (uV, 0.1uV, mV, V) say what the file does not: tables need both, `unit` overrules an
    EDF header, what MNE reads needs neither (a note says so). Raises RecordingError if the file is missing, damaged or
    of no known kind.
    """
    if unit is not None and unit not in MICROVOLTS:
        raise ValueError(f"unit={unit}: expected one of {', '.join(MICROVOLTS)}")
    if rate is not None and not rate > 0:
        raise ValueError(f"rate={rate}: expected a sampling rate in Hz, above 0")
    if not isinstance(source, str | Path):
        return _from_raw(source, "recording", unit)
    path = Path(source)
    if not path.exists():
        raise RecordingError(path.name, "there is no such file; check the path")
    try:
        return _open_path(path, rate, unit)
    except OSError as error:
        raise RecordingError(path.name, f"cannot be opened ({error.strerror}); check the file") from None


def _open_path(path: Path, rate: float | None, unit: str | None) -> Source:
    kind = path.suffix.lower()
    if kind in EDFS:
        return open_edf(path, unit)
    return _open_table(path, rate, unit) if kind in TABLES else _open_with_mne(path, unit)


def _open_table(path: Path, rate: float | None, unit: str | None) -> Source:
    """A text table: a header line with channel names, one line per sample."""
    if rate is None or unit is None:
        raise RecordingError(
            path.name,
            f"a {path.suffix[1:].upper()} file does not say its {'sampling rate' if rate is None else 'unit'}; give "
            f"rate= in Hz and unit= as one of {', '.join(MICROVOLTS)}",
        )
    import polars as pl

    try:
        separator = "," if path.suffix.lower() == ".csv" else "\t"
        table = pl.read_csv(path, separator=separator, infer_schema_length=None, truncate_ragged_lines=True)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0]
        raise RecordingError(
            path.name, f"not a table of numbers under a line of channel names ({said}); check the file"
        ) from None
    numbers = table.select(pl.selectors.numeric())
    if not numbers.width or not numbers.height:
        raise RecordingError(path.name, "holds no column of numbers; expected a line of channel names, then numbers")
    return _from_array(path.name, numbers.columns, numbers.to_numpy().T * MICROVOLTS[unit], rate)


def _from_array(name: str, channels: list[str], data: NDArray[np.floating], rate: float) -> Source:
    """`data` (C, n) in µV; samples at which any channel is not a number are a gap."""
    real = np.isfinite(data).all(0)
    edges = np.flatnonzero(np.diff(np.r_[False, real, False]))
    segments = [Segment(int(a), int(b - a), a / rate) for a, b in edges.reshape(-1, 2)]
    notes = [f"{int((~real).sum())} of {real.size} samples are not numbers: left as gaps"] if not real.all() else []
    load = lambda c, first, n: np.asarray(data[c, first : first + n], np.float32)
    return Source(name, channels, [rate] * len(channels), load, lambda _: segments, None, notes)


def _open_with_mne(path: Path, unit: str | None) -> Source:
    import mne

    try:
        raw = mne.io.read_raw(path, preload=False, verbose="error")
    except Exception as error:  # any of MNE's readers may fail in any way on a damaged file
        said = " ".join(str(error).replace(str(path), "it").replace(path.name, "it").split())[:120]
        raise RecordingError(
            path.name, f"MNE cannot read this as EEG ({said}); expected EDF, BDF, CSV or a format that MNE knows"
        ) from None
    return _from_raw(raw, path.name, unit)


def _from_raw(raw: "mne.io.BaseRaw", name: str, unit: str | None) -> Source:
    """An MNE recording; volts become µV, stretches annotated BAD_ACQ_SKIP are gaps."""
    rate = float(raw.info["sfreq"])
    load = lambda c, first, n: (raw.get_data([c], first, first + n)[0] * 1e6).astype(np.float32)
    start = raw.info["meas_date"]
    start = start.replace(tzinfo=None) if start is not None else None
    channels = list(raw.ch_names)
    notes = ["unit= is not used: MNE gives volts"] if unit else []
    return Source(name, channels, [rate] * len(channels), load, lambda _: _raw_segments(raw, rate), start, notes)


def _raw_segments(raw: "mne.io.BaseRaw", rate: float) -> list[Segment]:
    real = np.ones(raw.n_times, bool)
    for onset, duration, text in zip(
        raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
    ):
        if text.upper().startswith("BAD_ACQ_SKIP"):
            first = max(0, round((onset - raw.first_time) * rate))
            real[first : first + round(duration * rate)] = False
    edges = np.flatnonzero(np.diff(np.r_[False, real, False])).reshape(-1, 2)
    return [Segment(int(a), int(b - a), a / rate) for a, b in edges]
