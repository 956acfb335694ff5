"""The reader of EDF, EDF+ and BDF files: integers scaled once, gaps between records kept at their place in time.

The samples are read straight from the file's records, so that a session costs what it holds and not what the file
holds. Nothing is believed that can be checked: `tokenizer.edf.header` holds the header against the file's size,
`tokenizer.edf.records` the order of the records against their onsets, `tokenizer.edf.seams` the layout against the
signals themselves.
Format: https://www.edfplus.info/specs/edfplus.html
"""

import dataclasses
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS, match, split_name
from tokenizer.edf.header import Header, damaged, read_header
from tokenizer.edf.records import RecordRun, name_annotations, record_runs
from tokenizer.edf.seams import SEAMS, SIGNALS, check_seams
from tokenizer.recording import MICROVOLTS, RecordingError, Segment, Source

_DIMENSIONS = {"uv": 1.0, "µv": 1.0, "μv": 1.0, "microv": 1.0, "nv": 1e-3, "mv": 1e3, "v": 1e6}
_DIMENSIONS["âµv"] = 1.0  # UTF-8 in a Latin-1 field
HUGE = 1e20
"""Physical values from which on a header is damaged."""
MOST_SAMPLES = 2**22
"""Samples that are looked at together to check the seams: 16 MB."""
UNLIKE = 500.0
"""How much larger or smaller than the usual one an electrode's digital step may be in µV (mV for µV: 1,000 times)."""


class _Samples:
    """The data records of a file, and what is needed to have them in µV."""

    def __init__(self, path: Path, header: Header) -> None:
        shape = (header.records, header.record_bytes)
        self.data = np.asarray(np.memmap(path, np.uint8, "r", offset=header.size, shape=shape))
        self.header, self.seams_are_checked = name_annotations(self.data, header), False
        self.runs, self.notes = record_runs(self.data, self.header)
        self.scaling: dict[int, tuple[float, float]] = {}
        """Electrode's signal -> µV per digital step, µV at digital 0."""

    def load(self, signal: int, first: int, samples: int) -> NDArray[np.float32]:
        """(samples,) µV of one signal, records counted without their gaps."""
        if not self.seams_are_checked:  # on first use: importers read headers alone
            self.check_seams()
        size = self.header.samples[signal]
        record, skipped = divmod(first, size)
        digital = self.digital(signal, record, -(-(skipped + samples) // size)).reshape(-1)
        scaled = digital[skipped : skipped + samples].astype(np.float32)
        gain, offset = self.scaling.get(signal) or _calibration(self.header, signal, 1.0)
        scaled *= np.float32(gain)
        scaled += np.float32(offset)
        return scaled

    def digital(self, signal: int, first: int, records: int) -> NDArray[np.integer]:
        """(records, samples of one) integers of a signal."""
        stored = np.ascontiguousarray(self.data[first : first + records, self.header.spans[signal]])
        if self.header.width == 2:
            return stored.view("<i2")
        # no type has 24 bits: they become the upper three bytes of 32, so that shifting them down keeps the sign
        size = self.header.samples[signal]
        wide = np.zeros((len(stored), size, 4), np.uint8)
        wide[..., 1:] = stored.reshape(len(stored), size, 3)
        return wide.view("<i4")[..., 0] >> 8

    def check_seams(self) -> None:
        """Raise RecordingError if the signals break off between records; the longest run without a gap is looked at."""
        self.seams_are_checked = True
        first, records, _ = max(self.runs, key=lambda run: run.records)
        sizes = [self.header.samples[signal] for signal in self.scaling]
        usual = max(sizes, key=sizes.count, default=1)
        # one array needs signals of one rate: the usual one of the electrodes
        alike = [signal for signal in self.scaling if self.header.samples[signal] == usual]
        some = min(records, SEAMS + 1, MOST_SAMPLES // max(1, SIGNALS * usual))
        if some < 2 or not alike:  # records of twenty minutes: there is hardly a seam, and two are too much memory
            return
        for at in sorted({first, first + (records - some) // 2, first + records - some}):
            parts = [self.digital(signal, at, some).astype(np.float32) for signal in alike[:SIGNALS]]
            check_seams(self.header, np.stack(parts), at * self.header.seconds)


def open_edf(path: Path, rate: float | None, unit: str | None) -> Source:
    """Open an EDF or BDF file; see `tokenizer.reading.formats.open_source`."""
    samples = _Samples(path, read_header(path))
    header = samples.header
    kept = [i for i in range(len(header.labels)) if i not in header.annotations]
    rates = [header.samples[i] / header.seconds for i in kept]
    picks = match([header.labels[i] for i in kept]).picks
    electrodes = {kept[pick]: CHANNELS[electrode] for electrode, pick in picks.items()}
    _check_rate(header, rate, {header.samples[i] / header.seconds for i in electrodes})
    samples.scaling, notes = _scaling(header, electrodes, unit)
    if torn := _torn(samples, electrodes):
        samples.scaling |= dict.fromkeys(torn, (0.0, 0.0))
        notes.append(f"twice in the file, not the same, taken as flat: {_names(torn, electrodes)}")
    return Source(
        name=path.name,
        channels=[header.labels[i] for i in kept],
        rates=rates,
        load=lambda c, first, n: samples.load(kept[c], first, n),
        segments=lambda hz: _segments(samples.runs, round(hz * header.seconds)),
        start=_start(header.start, samples.runs[0].onset),
        notes=_record_notes(header) + samples.notes + notes,
    )


def _torn(samples: _Samples, electrodes: dict[int, str]) -> list[int]:
    """Electrodes of which another signal has the same name and reference: nobody knows which is the right one."""
    parts = [split_name(label) for label in samples.header.labels]
    spans, some = samples.header.spans, max(1, min(SEAMS, 2 * MOST_SAMPLES // samples.header.record_bytes))
    same = lambda a, b: np.array_equal(samples.data[:some, spans[a]], samples.data[:some, spans[b]])
    return [i for i in electrodes if any(parts[i] == part and not same(i, j) for j, part in enumerate(parts) if j != i)]


def _names(signals: list[int], electrodes: dict[int, str]) -> str:
    return ", ".join(sorted(electrodes[i] for i in signals))


def _check_rate(header: Header, stated: float | None, rates: set[float]) -> None:
    if stated is not None and rates and not any(abs(stated - rate) < 1e-6 * stated for rate in rates):
        own = ", ".join(f"{rate:g}" for rate in sorted(rates))
        raise RecordingError(
            header.name, f"its header says {own} Hz, rate= says {stated:g}; leave rate= away, it is for tables"
        )


def _record_notes(header: Header) -> list[str]:
    notes = [f"{header.rest} bytes after the last whole record: left out"] if header.rest else []
    if header.declared == header.records:
        return notes
    if header.declared < 0:
        return [f"the header gives no number of records; {header.records} whole ones found", *notes]
    if header.records < header.declared:
        return [f"cut short: {header.records} whole records of the {header.declared} that the header promises"]
    return [f"{header.records} records where the header promises {header.declared}: all are read", *notes]


def _segments(runs: list[RecordRun], size: int) -> list[Segment]:
    """The runs in samples of a signal that has `size` of them per record."""
    return [Segment(run.first * size, run.records * size, run.onset - runs[0].onset) for run in runs]


def _start(start: datetime | None, onset: float) -> datetime | None:
    """The header's start, to the second, and the fraction of a second that EDF+ keeps in the first annotation."""
    try:
        return start and start + timedelta(seconds=onset)
    except OverflowError:
        return None


def _scaling(
    header: Header, electrodes: dict[int, str], unit: str | None
) -> tuple[dict[int, tuple[float, float]], list[str]]:
    """µV per digital step and µV at digital 0 of each electrode {signal: name}, and notes. Without a range: flat."""
    factors = {i: MICROVOLTS[unit] if unit else _DIMENSIONS.get(header.units[i].lower()) for i in electrodes}
    notes = ["electrodes without a unit of voltage: taken as µV"] if None in factors.values() else []
    scaling = {i: _calibration(header, i, factor or 1.0) for i, factor in factors.items()}
    if odd := _odd(header, {i: abs(gain) for i, (gain, _) in scaling.items()}):
        scaling |= dict.fromkeys(odd, (0.0, 0.0))
        notes.append(f"no possible range of values, taken as flat: {_names(odd, electrodes)}")
    stated = {i: (header.ranges[i], header.units[i]) for i in scaling if i not in odd}
    usual, count = Counter(stated.values()).most_common(1)[0] if stated else (None, 0)
    if len(stated) > count >= 0.75 * len(stated):
        others = [i for i, each in stated.items() if each != usual]
        notes.append(f"stated with another range of values than the other electrodes: {_names(others, electrodes)}")
    if len({gain > 0 for gain, _ in scaling.values() if gain}) > 1:
        notes.append("by their ranges some electrodes have the other polarity")
    return scaling, notes


def _odd(header: Header, steps: dict[int, float]) -> list[int]:
    """Signals whose digital step in µV is none, or unlike the others', or whose digital range does not fit its bits."""
    # the median, since one or two wrong headers of electrodes among many must not move what is usual
    usual = np.median([step for step in steps.values() if step] or [0.0])
    unlike = {i for i, step in steps.items() if not step or not usual / UNLIKE <= step <= usual * UNLIKE}
    top = 2 ** (8 * header.width - 1)
    wide = {i for i in steps if max(abs(header.ranges[i].digital_min), abs(header.ranges[i].digital_max)) > top}
    return sorted(unlike | wide if 2 * len(wide) < len(steps) else unlike)  # a whole file may count without a sign


def _calibration(header: Header, signal: int, factor: float) -> tuple[float, float]:
    """µV per digital step (0 where the digital range is none) and µV at digital 0; `factor` µV per physical unit."""
    limits = header.ranges[signal]
    if not all(abs(value) < HUGE for value in dataclasses.astuple(limits)):
        raise RecordingError(header.name, damaged("an electrode has no numeric range"))
    span = limits.digital_max - limits.digital_min
    gain = factor * (limits.physical_max - limits.physical_min) / span if span > 0 else 0.0
    return gain, factor * limits.physical_min - gain * limits.digital_min
