"""A recording file -> one session: 19 electrodes, 200 Hz, µV, filtered, at most 1,280 s, and what of it is real.

C = 19 channels · S = 256,000 samples · a session shorter than 1,280 s is padded, a gap stays at its place: both are
zero in `signal` and marked in `valid`. A missing or flat electrode is zero and marked in `channel_ok`. What cannot be
used is refused with one line saying why; nothing is filled silently.
"""

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
from tokenizer.reading.gate import RawRange, refusal, remarks
from tokenizer.recording import SECONDS, Raw, RecordingError, Segment, Session, Source, Unit

if TYPE_CHECKING:
    import mne

MIN_RATE, MAX_RATE = 64, 100_000
"""Sampling rates in Hz that can be read."""
Item = TypeVar("Item")
Crop = Literal["start", "middle", "all"]


def read(source: "str | Path | mne.io.BaseRaw", crop: Crop = "start", **options: Any) -> Session:
    """Read one session: the first (`crop="start"`) or middle 1,280 s of a recording, or all of a shorter one.

    Options, as in `read_all`: min_channels=8, min_seconds=10, mains="auto", rate=None (Hz), unit=None,
    check_unit=True. Raises RecordingError with one line (what came, what was expected, what to do) if the recording
    cannot be used.
    """
    return read_with_raw(source, crop, **options)[0]


def read_all(
    source: "str | Path | mne.io.BaseRaw",
    crop: Crop = "all",
    *,
    min_channels: int = 8,
    min_seconds: float = 10,
    mains: Mains = "auto",
    rate: float | None = None,
    unit: Unit | None = None,
    check_unit: bool = True,
) -> list[Session]:
    """Read a recording as sessions of 1,280 s, one after the other (`crop="all"`; a remainder too short is left out).

    A session needs `min_channels` of the 19 electrodes and `min_seconds` real seconds. `mains` is the frequency of the
    notch, "auto" finds it in the recording. `rate` and `unit` ("uV", "0.1uV", "mV", "V") say what a file does not.
    `check_unit=False` accepts amplitudes that cannot be microvolts of scalp EEG.
    """
    return [session for session, _ in _read(source, crop, min_channels, min_seconds, mains, rate, unit, check_unit)]


def read_with_raw(source: "str | Path | mne.io.BaseRaw", crop: Crop = "start", **options: Any) -> tuple[Session, Raw]:
    """As `read`, and the samples as recorded beside it."""
    if crop == "all":
        raise ValueError('crop="all" gives several sessions: use tokenizer.reading.read.read_all')
    defaults = {"min_channels": 8, "min_seconds": 10, "mains": "auto", "rate": None, "unit": None, "check_unit": True}
    return next(_read(source, crop, **(defaults | options)))


def _read(
    source: "str | Path | mne.io.BaseRaw",
    crop: Crop,
    min_channels: int,
    min_seconds: float,
    mains: Mains,
    rate: float | None,
    unit: Unit | None,
    check_unit: bool,
) -> Iterator[tuple[Session, Raw]]:
    file = open_source(source, rate, unit)
    montage, hz, notes = _electrodes(file, min_channels)
    segments, starts = _window_starts(file, hz, crop, min_seconds)
    notes = file.notes + montage.notes + notes
    for at in starts:
        here = _cut(segments, hz, at)
        session = _session(file, montage, hz, here, at, mains, notes)
        if reason := refusal(session, min_channels, check_unit):
            raise RecordingError(file.name, reason)
        session.notes += remarks(session)
        yield session, Raw(file, montage.picks, hz, here)


def read_row(cohort: str | Path, row: Mapping[str, Any], **options: Any) -> Session:
    """Read the session of one row of a session table, as its `reading` column says; `options` overrule it."""
    path, reading = row_source(cohort, row)
    return read(path, **(reading | options))


def row_source(cohort: str | Path, row: Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The file of one row of a session table, and the options of `read` in its `reading` column."""
    return Path(cohort) / row["path"], json.loads(row.get("reading") or "{}")


def check_file(
    source: str | Path,
    min_channels: int = 8,
    min_seconds: float = 10,
    rate: float | None = None,
    unit: Unit | None = None,
) -> float:
    """The sampling rate in Hz; raises RecordingError if the header alone shows that `read` would refuse this file."""
    file = open_source(source, rate, unit)
    _, hz, _ = _electrodes(file, min_channels)
    _window_starts(file, hz, "start", min_seconds)
    return hz


def _electrodes(file: Source, min_channels: int) -> tuple[Montage, float, list[str]]:
    """The electrodes of a file that share its most common rate, that rate (Hz), and notes."""
    montage = match(file.channels)
    rates = [file.rates[channel] for channel in montage.picks.values()]
    hz = max(rates, key=lambda r: (rates.count(r), r), default=0.0)
    picks = {e: c for e, c in montage.picks.items() if file.rates[c] == hz}
    if len(picks) < min_channels:
        came = montage.refusal or (
            f"{len(picks)} of the 19 ten-twenty electrodes{f' at {hz:g} Hz' if len(picks) < len(rates) else ''} among "
            f"{len(file.channels)} channels ({_some(file.channels)}); expected at least {min_channels}; "
            f"rename the channels, or give min_channels= to accept fewer"
        )
        raise RecordingError(file.name, came)
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


def _window_starts(file: Source, hz: float, crop: Crop, min_seconds: float) -> tuple[list[Segment], list[float]]:
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
    real = [sum(s.samples for s in _cut(segments, hz, at)) / hz for at in starts]
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


def _cut(segments: list[Segment], hz: float, at: float) -> list[Segment]:
    """The parts of `segments` between `at` and `at` + 1,280 s, their onsets counted from `at`."""
    parts = []
    for segment in segments:
        skip = max(0, ceil((at - segment.onset) * hz - 1e-6))
        stop = min(segment.samples, ceil((at + SECONDS - segment.onset) * hz - 1e-6))
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
) -> Session:
    hum = find_hum(_sample(file, montage, segments, hz), hz)
    line = hum.hz if mains == "auto" else 0 if mains == "none" else int(mains)
    signal = np.zeros((len(CHANNELS), SECONDS * RATE), np.float32)
    seen = _fill(signal, file, montage.picks, segments, hz, line)
    real = _real_samples(segments, hz)
    gaps = sum(b.onset - a.onset > (a.samples + 0.5) / hz for a, b in pairwise(segments))
    return Session(
        signal=signal,
        valid=real.reshape(SECONDS, RATE).mean(1, dtype=np.float32),
        channel_ok=seen.moving,
        start=file.start + timedelta(seconds=at) if file.start else None,
        notes=notes + _lines(montage, seen, hz, hum, line, mains, gaps),
        rate=hz,
        seconds=float(real.sum()) / RATE,
        channels_in_file=len(file.channels),
        mains_hz=line,
        mains_level=hum.level,
    )


def _sample(file: Source, montage: Montage, segments: list[Segment], hz: float) -> NDArray[np.float32]:
    """Up to a minute of up to eight channels, from the middle of the longest segment: enough to see the mains."""
    longest = max(segments, key=lambda s: s.samples)
    samples = min(longest.samples, round(60 * hz))
    first = longest.first + (longest.samples - samples) // 2
    return np.stack([file.load(channel, first, samples) for channel in list(montage.picks.values())[:8]])


def _fill(
    signal: NDArray[np.float32], file: Source, picks: dict[int, int], segments: list[Segment], hz: float, line: int
) -> RawRange:
    """Filter the electrodes of `picks` into their rows of `signal` (19, S); returns the range of the raw samples.

    `segments` have their onsets in s of the session.
    """
    seen = RawRange(len(signal))
    for segment in segments:
        first, late = _place(segment)
        cleaner = Cleaner(segment.samples, hz, line, late)
        for some in batched(sorted(picks.items()), BATCH):
            rows = [electrode for electrode, _ in some]
            for raw, (_, channel) in zip(cleaner.inlet, some, strict=False):
                raw[:] = file.load(channel, segment.first, segment.samples)
            seen.add(rows, cleaner.inlet)
            cleaned = cleaner.run(len(some))[:, : signal.shape[1] - first]
            signal[rows, first : first + cleaned.shape[1]] = cleaned
    signal[~seen.moving] = 0
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


def _lines(montage: Montage, seen: RawRange, hz: float, hum: Hum, line: int, mains: Mains, gaps: int) -> list[str]:
    """Notes on what a session lacks and what was done to it."""
    absent = [name for i, name in enumerate(CHANNELS) if i not in montage.picks]
    flat = [CHANNELS[i] for i in montage.picks if not seen.moving[i]]
    notes = [f"not recorded: {', '.join(absent)}"] if absent else []
    notes += [f"flat, left out: {', '.join(flat)}"] if flat else []
    notes += seen.remarks()
    notes += [f"{gaps} gaps between stretches of signal"] if gaps else []
    notes += [f"mains {line} Hz found ({hum.level:.0f} dB)"] if mains == "auto" and line else []
    return notes + left_out(hz, line)
