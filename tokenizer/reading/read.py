"""A recording file -> one session: 19 electrodes, 200 Hz, µV, filtered, at most 1,280 s, and what of it is real.

C = 19 channels · S = 256,000 samples · a session shorter than 1,280 s is padded, a gap stays at its place: both are
zero in `signal` and marked in `valid`. A missing or flat electrode is zero and marked in `channel_ok`. What cannot be
used is refused with one line saying why; nothing is filled silently.
"""

import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice, pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS, Montage, match, showable
from tokenizer.filters import BATCH, RATE, Cleaner, Hum, Mains, find_hum, left_out
from tokenizer.reading.formats import open_source
from tokenizer.reading.gate import ChannelRanges, refusal, remarks, typical_span
from tokenizer.reading.units import unit_advice
from tokenizer.recording import MICROVOLTS, SECONDS, Raw, RecordingError, Segment, Session, Source, Unit

if TYPE_CHECKING:
    import mne
    import polars as pl  # a reading worker does without

MIN_RATE, MAX_RATE = 64, 100_000
"""Sampling rates in Hz that can be read."""
MOST_PIECES = 1000
"""Pieces with gaps or joins between them in a session: shorter ones, on average, do not fill the spectrogram's windows
of 4 s, and each costs as much as a minute of signal, by which its ends are continued."""
Item = TypeVar("Item")


@dataclasses.dataclass
class ReadingConfig:
    """How a recording becomes a session, and what its file does not say."""

    crop: Literal["start", "middle"] = "start"
    """Which 1,280 s of a longer recording are used."""
    mains: Mains = "auto"
    """Mains frequency to notch out, in Hz; auto decides per recording."""
    min_channels: int = 8
    """A recording with fewer of the 19 electrodes is refused."""
    min_seconds: float = 10.0
    """A recording with fewer real seconds is refused."""
    most_seconds: float | None = None
    """Use so many seconds of a session and no more, so that recordings of unlike length can be compared."""
    rate: float | None = None
    """Sampling rate in Hz of files that do not say it (tables)."""
    unit: Unit | None = None
    """Unit of the numbers in files that do not say it, or say it wrongly."""
    check_unit: bool = True
    """Refuse amplitudes that cannot be microvolts of scalp EEG."""

    def to_json(self) -> dict[str, Any]:
        """The settings as stores state them: those that the oldest stores do not know only where they are set."""
        young = {"most_seconds": None, "rate": None, "unit": None, "check_unit": True}
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in young or v != young[k]}


def read(source: "str | Path | mne.io.BaseRaw", config: ReadingConfig | None = None, **changes: Any) -> Session:
    """Read one session: the first 1,280 s of a recording, or the middle ones, or all of a shorter one.

    `config` says how; `changes` are fields of `ReadingConfig` that are to differ from it, as in
    `read("recording.csv", rate=128, unit="uV")`. Raises RecordingError with one line (what came, what was expected,
    what to do) if the recording cannot be used.
    """
    return read_with_raw(source, _changed(config, changes))[0]


def read_all(
    source: "str | Path | mne.io.BaseRaw", config: ReadingConfig | None = None, **changes: Any
) -> list[Session]:
    """Read a whole recording as sessions of 1,280 s, one after the other; a remainder too short is left out.

    Arguments and errors as in `read`; `crop` does not count.
    """
    return [session for session, _ in _sessions(source, _changed(config, changes), every=True)]


def read_with_raw(source: "str | Path | mne.io.BaseRaw", config: ReadingConfig) -> tuple[Session, Raw]:
    """As `read`, and the samples as recorded beside it."""
    return next(_sessions(source, config))


def _changed(config: ReadingConfig | None, changes: dict[str, Any]) -> ReadingConfig:
    config = dataclasses.replace(config or ReadingConfig(), **changes)
    if config.crop not in ("start", "middle"):
        raise ValueError(f"crop={config.crop!r}: expected start or middle; read_all gives every session of a recording")
    if config.most_seconds is not None and config.most_seconds < config.min_seconds:
        raise ValueError(f"most_seconds={config.most_seconds:g}: expected min_seconds={config.min_seconds:g} or more")
    return config


def _sessions(
    source: "str | Path | mne.io.BaseRaw", config: ReadingConfig, every: bool = False
) -> Iterator[tuple[Session, Raw]]:
    """The session that `config.crop` asks for, or `every` one."""
    file = open_source(source, config.rate, config.unit)
    montage, hz, notes = _electrodes(file, config.min_channels)
    segments, starts = _window_starts(file, hz, "all" if every else config.crop, config.min_seconds)
    notes = file.notes + montage.notes + notes
    for start in starts:
        parts = _cut(segments, hz, start, config.most_seconds)
        session, amplitude = _session(file, montage, hz, parts, start, config.mains, notes)
        advice = functools.partial(_unit_advice, source, config, file, montage, parts, hz)
        if reason := refusal(session, config.min_channels, config.check_unit, amplitude, advice):
            raise RecordingError(file.name, reason)
        session.notes += remarks(session)
        yield session, Raw(file, montage.picks, hz, parts)


# ---- recordings of a cohort
@dataclasses.dataclass(frozen=True)
class Job:
    """A recording to be read, and how."""

    source: "str | Path | mne.io.BaseRaw"
    config: ReadingConfig

    @property
    def name(self) -> str:
        """File name without its folder, for messages."""
        return Path(self.source).name if isinstance(self.source, str | Path) else "recording"


def row_job(cohort: str | Path, row: Mapping[str, Any], config: ReadingConfig) -> Job:
    """The recording of one row of a session table; what its `reading` column says of the file goes before `config`."""
    return Job(Path(cohort) / row["path"], dataclasses.replace(config, **json.loads(row.get("reading") or "{}")))


def row_jobs(cohort: str | Path, sessions: "pl.DataFrame", config: ReadingConfig) -> list[Job]:
    """The recordings of a session table, in its order."""
    return [row_job(cohort, row, config) for row in sessions.select("path", "reading").iter_rows(named=True)]


def read_row(cohort: str | Path, row: Mapping[str, Any], config: ReadingConfig | None = None) -> Session:
    """Read the recording of one row of a session table."""
    job = row_job(cohort, row, config or ReadingConfig())
    return read(job.source, job.config)


def check_file(source: str | Path, config: ReadingConfig | None = None) -> float:
    """The sampling rate in Hz; raises RecordingError if the header alone shows that `read` would refuse this file."""
    config = config or ReadingConfig()
    file = open_source(source, config.rate, config.unit)
    _, hz, _ = _electrodes(file, config.min_channels)
    _window_starts(file, hz, "start", config.min_seconds)
    return hz


def _electrodes(file: Source, min_channels: int) -> tuple[Montage, float, list[str]]:
    """The electrodes of a file that share its most common rate, that rate (Hz), and notes."""
    montage = match(file.channels)
    rates = [file.rates[channel] for channel in montage.picks.values()]
    hz = max(rates, key=lambda r: (rates.count(r), r), default=0.0)
    picks = {e: c for e, c in montage.picks.items() if file.rates[c] == hz}
    if len(picks) < min_channels:
        reason = montage.refusal or (
            f"{len(picks)} of the 19 ten-twenty electrodes{f' at {hz:g} Hz' if len(picks) < len(rates) else ''} among "
            f"{len(file.channels)} channels ({_some(file.channels)}); expected at least {min_channels}; "
            f"rename the channels, or give min_channels= to accept fewer"
        )
        raise RecordingError(file.name, reason)
    if not MIN_RATE <= hz <= MAX_RATE:
        raise RecordingError(
            file.name, f"sampled at {hz:g} Hz; expected {MIN_RATE} to {MAX_RATE} Hz: the spectrogram goes up to 32 Hz"
        )
    other = sorted({f"{file.rates[c]:g}" for e, c in montage.picks.items() if e not in picks})
    notes = [f"{len(rates) - len(picks)} electrodes at {', '.join(other)} Hz, not {hz:g}: left out"] if other else []
    return Montage(picks, montage.notes), hz, notes


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _some(names: Sequence[str], most: int = 4) -> str:
    shown = showable(names)
    if not shown:
        return "none has a usual channel name"
    return ", ".join(shown[:most]) + (", …" if len(names) > min(most, len(shown)) else "")


def _window_starts(file: Source, hz: float, crop: str, min_seconds: float) -> tuple[list[Segment], list[float]]:
    """The segments of a file, and where its sessions start: windows of 1,280 s with at least `min_seconds` of signal.

    Raises RecordingError if there is none. Starts are in s of the recording.
    """
    segments = file.segments(hz)
    begin = segments[0].onset if segments else 0.0
    end = segments[-1].onset + segments[-1].samples / hz if segments else 0.0
    if crop == "middle":
        starts = [max(0.0, (end - begin - SECONDS) / 2)]
    else:
        starts = [SECONDS * i for i in (_windows(segments, begin, hz) if crop == "all" else [0])]
    starts = [begin + ceil(start * hz - 1e-6) / hz for start in starts]  # at a sample
    parts = [_cut(segments, hz, at) for at in starts]
    if (most := max(map(len, parts), default=0)) > MOST_PIECES:
        raise RecordingError(
            file.name,
            f"is in {most:,} pieces within {SECONDS:,} s; expected at most {MOST_PIECES:,}; export it without its gaps",
        )
    real = [sum(segment.samples for segment in each) / hz for each in parts]
    if not real or max(real) < min_seconds:
        raise RecordingError(
            file.name,
            f"{max(real, default=0):.1f} s of signal; expected at least {min_seconds:g} s; "
            f"give min_seconds= to accept less",
        )
    return segments, [at for at, seconds in zip(starts, real, strict=True) if seconds >= min_seconds]


def _windows(segments: list[Segment], begin: float, hz: float) -> list[int]:
    """Which of the windows of 1,280 s after `begin` (s) hold signal: a gap may last for months."""
    ends = [(s.onset - begin, s.onset + s.samples / hz - begin - 1e-6) for s in segments]
    return sorted({i for start, stop in ends for i in range(int(start // SECONDS), int(stop // SECONDS) + 1)})


def _cut(segments: list[Segment], hz: float, at: float, most: float | None = None) -> list[Segment]:
    """The parts of `segments` between `at` and `at` + 1,280 s, or `most` of them; their onsets counted from `at`."""
    parts, length = [], min(SECONDS, most or SECONDS)
    for segment in segments:
        skip = max(0, ceil((at - segment.onset) * hz - 1e-6))
        stop = min(segment.samples, ceil((at + length - segment.onset) * hz - 1e-6))
        if stop > skip:
            parts.append(Segment(segment.first + skip, stop - skip, segment.onset + skip / hz - at))
    return parts


def _session(
    file: Source,
    montage: Montage,
    hz: float,
    segments: list[Segment],
    at: float,
    mains: Mains,
    notes: list[str],
) -> tuple[Session, float]:
    """A session, and `typical_span` of its channels before any was left out."""
    hum = find_hum(_sample(file, montage, segments, hz), hz)
    line = hum.hz if mains == "auto" else 0 if mains == "none" else int(mains)
    signal = np.zeros((len(CHANNELS), SECONDS * RATE), np.float32)
    seen = _fill(signal, file, montage.picks, segments, hz, line)
    real = _real_samples(segments, hz)
    valid = real.reshape(SECONDS, RATE).mean(1, dtype=np.float32)
    amplitude = typical_span(signal, valid, seen.moving)
    signal[~seen.ok] = 0
    gaps = sum(b.onset - a.onset > (a.samples + 0.5) / hz for a, b in pairwise(segments))
    session = Session(
        signal=signal,
        valid=valid,
        channel_ok=seen.ok,
        start=file.start + timedelta(seconds=at) if file.start else None,
        notes=notes + _lines(montage, seen, hz, hum, line, mains, gaps),
        rate=hz,
        seconds=float(real.sum()) / RATE,
        channels_in_file=len(file.channels),
        mains_hz=line,
        mains_level=hum.level,
    )
    return session, amplitude


def _unit_advice(
    source: "str | Path | mne.io.BaseRaw",
    config: ReadingConfig,
    file: Source,
    montage: Montage,
    segments: list[Segment],
    hz: float,
) -> str:
    """Which unit to state instead of the one that the file or `config` has."""
    numbers = _sample(file, montage, segments, hz)
    if config.unit:
        return unit_advice(numbers / MICROVOLTS[config.unit], numbers, hz)
    return unit_advice(_sample(open_source(source, config.rate, "uV"), montage, segments, hz), numbers, hz)


def _sample(file: Source, montage: Montage, segments: list[Segment], hz: float) -> NDArray[np.float32]:
    """Up to a minute of up to eight channels, from the middle of the longest segment: enough to see the mains."""
    longest = max(segments, key=lambda s: s.samples)
    samples = min(longest.samples, round(60 * hz))
    first = longest.first + (longest.samples - samples) // 2
    return np.stack([file.load(channel, first, samples) for channel in list(montage.picks.values())[:8]])


def _fill(
    signal: NDArray[np.float32], file: Source, picks: dict[int, int], segments: list[Segment], hz: float, line: int
) -> ChannelRanges:
    """Filter the electrodes of `picks` into their rows of `signal` (19, S); returns the ranges of all channels.

    `segments` have their onsets in s of the session.
    """
    seen = ChannelRanges(len(signal))
    for segment in segments:
        first, late = _place(segment)
        cleaner = Cleaner(segment.samples, hz, line, late)
        for some in batched(sorted(picks.items()), BATCH):
            rows = [electrode for electrode, _ in some]
            for raw, (_, channel) in zip(cleaner.inlet, some, strict=False):
                raw[:] = file.load(channel, segment.first, segment.samples)
            seen.add(rows, cleaner.inlet)
            cleaned = cleaner.run(len(some))[:, : signal.shape[1] - first]
            seen.clipped[rows] += cleaner.clipped[: len(rows)]
            signal[rows, first : first + cleaned.shape[1]] = cleaned
    seen.add_filtered(signal)
    return seen


def _real_samples(segments: list[Segment], hz: float) -> NDArray[np.bool_]:
    real = np.zeros(SECONDS * RATE, bool)
    for segment in segments:
        first, late = _place(segment)
        real[first : first + max(0, ceil((segment.samples / hz - late) * RATE - 1e-6))] = True
    return real


def _place(segment: Segment) -> tuple[int, float]:
    """Index of the first sample of a session at or after the segment's first one, and s that it is later."""
    first = ceil(segment.onset * RATE - 1e-4)
    late = first / RATE - segment.onset
    return first, late if late > 1e-6 else 0.0


def _lines(montage: Montage, seen: ChannelRanges, hz: float, hum: Hum, line: int, mains: Mains, gaps: int) -> list[str]:
    """Notes on what a session lacks and what was done to it."""
    absent = [name for i, name in enumerate(CHANNELS) if i not in montage.picks]
    flat = [CHANNELS[i] for i in montage.picks if seen.flat[i]]
    notes = [f"not recorded: {', '.join(absent)}"] if absent else []
    notes += [f"flat, left out: {', '.join(flat)}"] if flat else []
    notes += seen.remarks()
    notes += [f"{gaps} gaps between stretches of signal"] if gaps else []
    notes += [f"mains {line} Hz found ({hum.level:.0f} dB)"] if mains == "auto" and line else []
    return notes + left_out(hz, line)
