"""What is measured of a recording for the baselines: quantities of its spectrum, and how it was acquired.

Recordings are read once, in processes; what was measured is kept in a table, and the same command goes on from there.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.keeping import keep_rows
from benchmark.encoders.quantities import band_level, quantities
from tokenizer.base.files import fingerprint
from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.recording import Raw, RecordingError, Session
from tokenizer.reference import Reference, referenced

MEASURED = {
    "session_id": pl.String,
    "refused": pl.String,  # why the recording could not be read, else null
    "quantities": pl.List(pl.Float32),  # in the order of `quantities.feature_names`
    "slow": pl.Float64,  # 0.25–1 Hz minus 2–4 Hz, dB: the high-pass filter
    "floor": pl.Float64,  # level at 62–72 Hz in the quietest twentieth of seconds, dB: the amplifier's noise
    "mains": pl.Float64,
    "seconds": pl.Float64,
    "channels": pl.Int64,
    "rate": pl.Float64,
}
VERSION = "2"  # of what is measured: another one reads the recordings again


def measure(
    cohort: Path,
    sessions: pl.DataFrame,
    path: Path,
    blank_below: float,
    workers: int,
    reference: Reference = "recorded",
) -> pl.DataFrame:
    """`MEASURED` of all sessions, in their order; kept in `path` and taken from there as far as it fits."""
    rows = sessions.select("session_id", "path", "reading")
    key = {
        "version": VERSION,
        "sessions": fingerprint(rows.sort("session_id").write_csv()),
        "blank_below": str(blank_below),
    }
    make = functools.partial(_measure_each, cohort, blank_below=blank_below, workers=workers, reference=reference)
    return keep_rows(path, MEASURED, key, rows, make)


def _measure_each(
    cohort: Path, rows: pl.DataFrame, blank_below: float, workers: int, reference: Reference
) -> Iterator[dict[str, Any]]:
    """`MEASURED` of the recording of each row, in order, read by `workers` processes."""
    then = functools.partial(measure_session, blank_below=blank_below, reference=reference)
    results = read_many(row_jobs(cohort, rows, ReadingConfig()), then, workers)
    for session, result in zip(rows["session_id"], results, strict=True):
        row = {"refused": result.reason} if isinstance(result, RecordingError) else result
        yield {"session_id": session, **row}


def measure_session(
    session: Session, raw: Raw | None = None, blank_below: float = 0.0, reference: Reference = "recorded"
) -> dict[str, Any]:
    """`MEASURED` of one session, without its id; `raw`, which `read_many` hands over, is not needed.

    Quantities and slow drift are of the electrodes against `reference`.
    """
    spec, valid = session_spectrogram(referenced(session, reference))
    spec, ok = np.asarray(spec)[:, :, np.asarray(valid, bool)], np.asarray(session.channel_ok, bool)
    if spec.shape[2] < 2 or not ok.any():
        raise RecordingError("session", "no valid frames")
    return {
        "quantities": list(quantities(spec, ok, blank_below).values()),
        "slow": float((band_level(spec[ok], 0.25, 1.01) - band_level(spec[ok], 2, 4)).mean()),
        "floor": noise_floor(session),
        "mains": float(session.mains_level),
        "seconds": float(session.seconds),
        "channels": int(session.channels_in_file),
        "rate": float(session.rate),
    }


def noise_floor(session: Session) -> float:
    """dB µV²/Hz at 62–72 Hz in the quietest twentieth of whole seconds, the median channel's; NaN without any.

    Above the EEG and its rhythms, so that a low-voltage brain is not taken for a good amplifier, and in quiet
    seconds, so that muscle is not taken for a bad one. For slow recordings: the 10 Hz up to 0.45 of their rate.
    """
    whole = np.flatnonzero(session.valid >= 1)
    seconds = whole[:: max(1, len(whole) // 128)]
    if not len(seconds):
        return float("nan")
    rate = session.signal.shape[1] // len(session.valid)
    windows = session.signal.reshape(19, -1, rate)[np.ix_(session.channel_ok, seconds)] * np.hanning(rate)
    top = int(min(72, 0.45 * session.rate))
    power = np.abs(np.fft.rfft(windows)[..., top - 10 : top + 1]) ** 2  # bins of 1 Hz
    level = np.median(10 * np.log10(power * 2 / rate / (np.hanning(rate) ** 2).sum() + 1e-10), axis=2)
    return float(np.median(np.percentile(level, 5, axis=1)))
