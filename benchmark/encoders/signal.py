"""What a score means nothing without: `bandpower` and `nuisance`, as embedding stores.

    python -m benchmark.encoders.baselines cohort=COHORT out=DIR [blank_below=2] [workers=2]

bandpower: mean and sd over valid frames of the level (dB) in six bands, per channel: what a plain spectrum knows.
nuisance: what is known without looking at the EEG's content: age, sex, site, setting, year, duration, channel count,
sampling rate, number of codes on record, and the acquisition fingerprint of amplifier and filters (level at 0.25–1 Hz
minus 2–4 Hz, noise floor, mains). An embedding that is no better than this row may have learned the hospital.

Recordings are read once, in `workers` processes; what was measured is kept in DIR/signal.parquet, and the same
command goes on from there.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import logging
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.cohort import cohort_fingerprint, read_events
from clef.embeddings import Embeddings, write_embeddings
from tokenizer.base.cli import program
from tokenizer.base.files import fingerprint, table_metadata, write_table
from tokenizer.base.progress import track
from tokenizer.sessions import read_sessions

log = logging.getLogger(__name__)

BANDS = {"low delta": (0.5, 2), "delta": (2, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 20), "high": (20, 32)}
SAVE_EVERY = 64
MEASURED = {
    "session_id": pl.String,
    "refused": pl.String,  # why the recording could not be read, else null
    "level": pl.List(pl.Float32),  # (bands x 19) mean over valid frames, dB; NaN where the channel is missing
    "sd": pl.List(pl.Float32),
    "slow": pl.Float64,  # 0.25–1 Hz minus 2–4 Hz, dB: the high-pass filter
    "floor": pl.Float64,  # level at 62–72 Hz in the quietest twentieth of seconds, dB: the amplifier's noise
    "mains": pl.Float64,
    "seconds": pl.Float64,
    "channels": pl.Int64,
    "rate": pl.Float64,
}
VERSION = "1"  # of what is measured: another one reads the recordings again
ACQUISITION = ("slow", "floor", "mains", "seconds", "channels", "rate")


@dataclasses.dataclass
class BaselinesConfig:
    cohort: str = "???"
    """Cohort folder."""
    out: str = "???"
    """Folder to write bandpower.parquet and nuisance.parquet into."""
    blank_below: float = 0.0
    """Leave bins below so many Hz out of bandpower; 2 removes most of what a high-pass filter does to it."""
    workers: int = 2
    """Processes that read recordings; 0 reads in this one."""


def write_baselines(config: BaselinesConfig) -> dict[str, Path]:
    """Measure the cohort's recordings (or go on from what is there) and write both stores; name -> file."""
    sessions, out = read_sessions(config.cohort), Path(config.out)
    measured = measure(config, sessions, out / "signal.parquet")
    about = {"cohort": cohort_fingerprint(config.cohort)}
    stores = bandpower(measured, about, config.blank_below), nuisance(config.cohort, sessions, measured, about)
    for store in stores:
        write_embeddings(out / f"{store.config['kind']}.parquet", store)
    if refused := measured["refused"].count():
        first = measured.filter(pl.col("refused").is_not_null())["refused"][0]
        log.info("%d of %d recordings could not be read (first: %s)", refused, len(measured), first)
    return {store.name: out / f"{store.config['kind']}.parquet" for store in stores}


def measure(config: BaselinesConfig, sessions: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Signal features (`MEASURED`) of all sessions, in their order; kept in `path` and taken from there if it fits."""
    rows = sessions.select("session_id", "path", "reading")
    key = {
        "version": VERSION,
        "sessions": fingerprint(rows.sort("session_id").write_csv()),
        "blank_below": str(config.blank_below),
    }
    done = pl.DataFrame(schema=MEASURED)
    if path.is_file() and key.items() <= table_metadata(path).items():
        done = pl.read_parquet(path)
    todo = rows.filter(~pl.col("session_id").is_in(done["session_id"].implode())).to_dicts()
    jobs = [(config.cohort, row, config.blank_below) for row in todo]
    found: list[dict[str, Any]] = []
    with _pool(config.workers if len(jobs) > 4 else 0) as pool:
        for i, row in enumerate(track((pool.map if pool else map)(_measure_job, jobs), "reading", len(jobs))):
            found.append(row)
            if len(found) == SAVE_EVERY or i + 1 == len(jobs):
                done, found = pl.concat([done, pl.DataFrame(found, schema=MEASURED)]), []
                write_table(path, done, key)
    return rows.select("session_id").join(done, on="session_id", how="left", maintain_order="left")


def _pool(workers: int):
    """A pool of fresh processes (forking with threads of polars and torch running can hang), or nothing."""
    if not workers:
        return contextlib.nullcontext()
    spawn = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=spawn, initializer=_one_thread)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _measure_job(job: tuple[str, dict[str, Any], float]) -> dict[str, Any]:
    cohort, row, blank_below = job
    from tokenizer.reading.read import read_row
    from tokenizer.recording import RecordingError

    try:
        return {"session_id": row["session_id"], **measure_session(read_row(cohort, row), blank_below)}
    except RecordingError as error:
        return {"session_id": row["session_id"], "refused": error.reason}


def measure_session(session: Any, blank_below: float = 0.0) -> dict[str, Any]:
    """`MEASURED` of one `tokenizer.reading.read.Session`, without its id."""
    from tokenizer.multitaper import session_spectrogram
    from tokenizer.recording import RecordingError

    spec, valid = session_spectrogram(session)
    spec, ok = np.asarray(spec)[:, :, np.asarray(valid, bool)], np.asarray(session.channel_ok, bool)
    if spec.shape[2] < 2 or not ok.any():
        raise RecordingError("session", "no valid frames")
    return {
        **band_statistics(spec, ok, blank_below),
        "slow": float((_band(spec[ok], 0.25, 1.01) - _band(spec[ok], 2, 4)).mean()),
        "floor": noise_floor(session),
        "mains": float(session.mains_level),
        "seconds": float(session.seconds),
        "channels": int(session.channels_in_file),
        "rate": float(session.rate),
    }


def band_statistics(spec: np.ndarray, ok: np.ndarray, blank_below: float = 0.0) -> dict[str, list[float]]:
    """`level` and `sd` of `MEASURED` from valid frames (19, 128, T) in dB; ok (19,) bool, the channels there are."""
    levels = [_band(spec, low, high) for low, high in used_bands(blank_below).values()]  # each (19, T)
    nan = np.where(ok, 0.0, np.nan)
    return {
        "level": np.concatenate([x.mean(1) + nan for x in levels]).tolist(),
        "sd": np.concatenate([x.std(1) + nan for x in levels]).tolist(),
    }


def noise_floor(session: Any) -> float:
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


def used_bands(blank_below: float) -> dict[str, tuple[float, float]]:
    """Bands (Hz) without what lies below `blank_below` Hz."""
    return {name: (max(low, blank_below), high) for name, (low, high) in BANDS.items() if high > blank_below}


def _band(spec: np.ndarray, low: float, high: float) -> np.ndarray:
    """Mean dB over the bins in [low, high) Hz: (C, 128, T) -> (C, T)."""
    hz = np.arange(spec.shape[1]) / 4
    return spec[:, (hz >= low) & (hz < high)].mean(1, dtype=np.float64)


def bandpower(measured: pl.DataFrame, about: dict[str, Any], blank_below: float = 0.0) -> Embeddings:
    """Mean and sd per band and channel, (n, 2 · bands · 19).

    A missing channel takes the mean of the session's own channels in that band: it adds nothing of other people.
    """
    read = measured.filter(pl.col("level").is_not_null())
    if not len(read):
        raise ValueError("no recording of the cohort could be read, so there is no bandpower")
    bands = len(used_bands(blank_below))
    parts = [_filled(np.array(read[c].to_list()).reshape(len(read), bands, 19)) for c in ("level", "sd")]
    config = about | {"kind": "bandpower", "blank_below": blank_below, "bands": list(used_bands(blank_below))}
    name = "bandpower" if blank_below <= 0 else f"bandpower above {blank_below:g} Hz"
    vectors = np.concatenate([p.reshape(len(read), -1) for p in parts], 1)
    return _store(read["session_id"].to_list(), vectors, name, config)


def _filled(levels: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(levels), np.nanmean(levels, axis=2, keepdims=True), levels)


def nuisance(cohort: str | Path, sessions: pl.DataFrame, measured: pl.DataFrame, about: dict[str, Any]) -> Embeddings:
    """Age, sex, site, setting, year, codes on record and how it was recorded, (n, width); see the module's docstring.

    A missing number takes the mean over train sessions and is marked in a column of its own.
    """
    codes = read_events(cohort).filter(pl.col("code").str.contains("^(ICD10CM|ATC)//"))
    counts = codes.group_by("subject_id").agg(codes=pl.col("code").n_unique())
    table = sessions.join(counts, on="subject_id", how="left", maintain_order="left").join(
        measured.select("session_id", *ACQUISITION), on="session_id", how="left", maintain_order="left"
    )
    numbers = table.select(
        pl.col("age"),
        pl.col("start_time").dt.year().alias("year"),
        pl.col("codes").fill_null(0).log1p(),
        pl.col("slow", "floor", "mains"),
        pl.col("seconds", "channels", "rate").log1p(),
    ).cast(pl.Float64)
    columns = {c: _numbers(numbers[c].to_numpy(), (table["split"] == "train").to_numpy()) for c in numbers.columns}
    kinds = {c: _one_hot(table[c]) for c in ("sex", "site", "setting")}
    vectors = np.concatenate([*columns.values(), *kinds.values()], axis=1)
    return _store(table["session_id"].to_list(), vectors, "nuisance", about | {"kind": "nuisance"})


def _numbers(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(n, 2): the value, or the train mean where it is missing; and whether it is."""
    missing = ~np.isfinite(values)
    mean = values[train & ~missing].mean() if (train & ~missing).any() else 0.0
    return np.stack([np.where(missing, mean, values), missing], axis=1)


def _one_hot(values: pl.Series) -> np.ndarray:
    """(n, kinds), a missing value being a kind."""
    return values.fill_null("?").to_frame().to_dummies().to_numpy().astype(np.float64)


def _store(session_id: list[str], vectors: np.ndarray, name: str, config: dict[str, Any]) -> Embeddings:
    model = fingerprint(name, json.dumps(config, sort_keys=True))
    return Embeddings(session_id, vectors.astype(np.float32), name, model, config)


def main(config: BaselinesConfig) -> None:
    for name, path in write_baselines(config).items():
        log.info("wrote %s: %s", path, name)
    log.info("next: python -m benchmark.run tasks=… embeddings=… cohort=%s out=%s", config.cohort, config.out)


if __name__ == "__main__":
    program(BaselinesConfig, main, "benchmark.encoders.baselines")
