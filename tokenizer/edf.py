"""EDF, EDF+ and BDF files: integers scaled once, gaps between records kept at their place in time.

edfio reads the samples (lazily, as integers). We read the fixed header ourselves, for one clear line per damage, and
the onset of every record of a file marked discontinuous: readers glue such records together, and the mark alone
proves nothing, since files without any gap carry it too. Format: https://www.edfplus.info/specs/edfplus.html
"""

import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import match
from tokenizer.sources import MICROVOLTS, RecordingError, Segment, Source

_DIMENSIONS = {"uv": 1.0, "µv": 1.0, "μv": 1.0, "microv": 1.0, "nv": 1e-3, "mv": 1e3, "v": 1e6}
_DIMENSIONS["âµv"] = 1.0  # UTF-8 in a Latin-1 field
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[^\x14]*)?\x14")
JITTER = 0.010
"""Seconds by which a record may miss its place before it counts as a gap: two samples at 200 Hz."""
HUGE = 1e20
"""Physical values from which on a header is damaged."""
OVERLAP = 0.1
"""Seconds by which records may overlap before the file is refused: clocks drift."""


@dataclass(frozen=True)
class _Header:
    bdf: bool
    reserved: str
    declared: int
    """Data records the header promises; -1 for unknown."""
    record_seconds: float
    labels: list[str]
    samples: list[int]
    """Samples per record of each signal, annotations among them."""
    data_at: int
    records: int
    """Whole data records in the file."""

    @property
    def annotations(self) -> list[int]:
        return [i for i, label in enumerate(self.labels) if label in ("EDF Annotations", "BDF Annotations")]


def open_edf(path: Path, unit: str | None) -> Source:
    """Open an EDF or BDF file; see `tokenizer.formats.open_source`."""
    header = _read_header(path)
    file = _open(path, header)
    kept = [i for i in range(len(header.labels)) if i not in header.annotations]
    signals, notes = list(file.signals), _record_notes(header)
    electrodes = match([s.label for s in signals]).picks.values()
    if unit is None and any(_scale(signals[i], None) is None for i in electrodes):
        notes.append("electrodes without a unit of voltage: taken as µV")
    scaling = {i: _scaling(path.name, signals[i], unit) for i in electrodes}
    blocks = _blocks(path, header)

    def segments(rate: float) -> list[Segment]:
        size = rate * header.record_seconds
        return [Segment(round(a * size), round(n * size), onset - blocks[0][2]) for a, n, onset in blocks]

    return Source(
        path.name,
        [s.label for s in signals],
        [header.samples[i] / header.record_seconds for i in kept],
        lambda c, first, n: _load(signals[c], first, n, *scaling[c]),
        segments,
        _start(file),
        notes,
    )


def _read_header(path: Path) -> _Header:
    with path.open("rb") as file:
        fixed = file.read(256)
        fail = lambda reason: RecordingError(path.name, reason)
        bdf = fixed[:8] == b"\xffBIOSEMI"
        if len(fixed) < 256:
            raise fail(f"holds {len(fixed)} bytes, an EDF header alone has 256; copy or export the file again")
        if not bdf and fixed[:8].strip() != b"0":
            came = "only zeros" if not any(fixed) else f"{fixed[:8]!r}"
            raise fail(f"begins with {came}, not with the version of an EDF or BDF file; copy or export the file again")
        try:
            data_at, declared, count = (int(fixed[a:b]) for a, b in ((184, 192), (236, 244), (252, 256)))
            seconds = float(fixed[244:252])
            each = file.read(256 * count)
            labels = [each[16 * i : 16 * i + 16].decode("latin-1").strip() for i in range(count)]
            samples = [int(each[216 * count + 8 * i : 216 * count + 8 * i + 8]) for i in range(count)]
            if not np.isfinite(seconds):
                raise ValueError
        except ValueError:  # the bytes themselves stay out of the message: they may be a name
            raise fail(_damaged("letters stand where a number belongs")) from None
    if count < 1 or min(samples) < 0 or data_at != 256 * (count + 1):
        raise fail(_damaged(f"{count} signals, {data_at} bytes of header"))
    record = sum(samples) * (3 if bdf else 2)
    records = max(0, path.stat().st_size - data_at) // record if record else 0
    header = _Header(bdf, fixed[192:236].decode("latin-1"), declared, seconds, labels, samples, data_at, records)
    if len(header.annotations) == count:
        raise fail("holds annotations only, no signal; expected a recording with EEG channels")
    if seconds <= 0:
        raise fail(f"says its records last {seconds:g} s; expected more than 0; export the file again")
    if not records:
        raise fail(f"ends after its header: no whole data record (header promises {declared}); copy the file again")
    return header


def _open(path: Path, header: _Header) -> Any:
    import edfio

    with warnings.catch_warnings():  # what edfio warns of (record counts) stands in our notes
        warnings.simplefilter("ignore")
        try:
            return (edfio.read_bdf if header.bdf else edfio.read_edf)(path, header_encoding="latin-1")
        except (ValueError, ArithmeticError, LookupError, OSError) as error:
            raise RecordingError(path.name, _damaged(f"edfio says {type(error).__name__}")) from None


def _damaged(what: str) -> str:
    return f"the EDF header is damaged ({what}); expected an EDF or BDF file; copy or export it again"


def _record_notes(header: _Header) -> list[str]:
    if header.declared == header.records:
        return []
    if header.declared < 0:
        return [f"the header gives no number of records; {header.records} whole ones found"]
    if header.records < header.declared:
        return [f"cut short: {header.records} whole records of the {header.declared} that the header promises"]
    return [f"{header.records} records where the header promises {header.declared}: all are read"]


def _blocks(path: Path, header: _Header) -> list[tuple[int, int, float]]:
    """Runs of records without a gap: (first record, records, onset in s)."""
    if "+D" not in header.reserved[:5] or not header.annotations:
        return [(0, header.records, 0.0)]
    onsets = _onsets(path, header)
    firsts = [0]
    for i, onset in enumerate(onsets):
        expected = onsets[firsts[-1]] + (i - firsts[-1]) * header.record_seconds
        if i and onset - onsets[i - 1] < header.record_seconds - OVERLAP:
            raise RecordingError(
                path.name, f"data record {i + 1} starts before record {i} ends; expected order of time"
            )
        if abs(onset - expected) > JITTER:
            firsts.append(i)
    return [(a, b - a, onsets[a]) for a, b in zip(firsts, [*firsts[1:], header.records], strict=True)]


def _onsets(path: Path, header: _Header) -> list[float]:
    """Start of every data record in s, from the first entry of its first annotation signal."""
    width = 3 if header.bdf else 2
    at = width * sum(header.samples[: header.annotations[0]])
    size = width * header.samples[header.annotations[0]]
    shape = (header.records, width * sum(header.samples))
    data = np.memmap(path, np.uint8, "r", offset=header.data_at, shape=shape)
    onsets: list[float] = []
    for i, text in enumerate(np.ascontiguousarray(data[:, at : at + size])):
        if not (found := _ONSET.match(text.tobytes())):
            raise RecordingError(
                path.name, f"data record {i + 1} of a discontinuous file (EDF+D) does not say when it starts"
            )
        onsets.append(float(found[1]))
    return onsets


def _load(signal: Any, first: int, samples: int, gain: float, offset: float) -> NDArray[np.float32]:
    """Samples of one signal in µV (float32), from its integers."""
    rate = signal.sampling_frequency
    digital = signal.get_digital_slice(first / rate, (first + samples) / rate)
    return digital.astype(np.float32) * np.float32(gain) + np.float32(offset)


def _scaling(name: str, signal: Any, unit: str | None) -> tuple[float, float]:
    """µV per digital step and µV at digital 0. A signal without a range is flat: gain 0."""
    try:
        digital, physical = signal.digital_range, signal.physical_range
        span = digital.max - digital.min
        gain = (physical.max - physical.min) / span if span else 0.0
        if not (abs(gain) < HUGE and abs(physical.min) < HUGE):
            raise ValueError
    except ValueError:
        raise RecordingError(name, _damaged(f"channel {signal.label[:16]!r} has no numeric range")) from None
    scale = _scale(signal, unit) or 1.0
    return gain * scale, (physical.min - gain * digital.min) * scale


def _scale(signal: Any, unit: str | None) -> float | None:
    """µV in one physical unit of a signal; None if its header names no unit of voltage."""
    return MICROVOLTS[unit] if unit else _DIMENSIONS.get(signal.physical_dimension.strip().lower())


def _start(file: Any) -> datetime | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return file.startdatetime
        except Exception:  # an anonymised or damaged date: there is none
            return None
