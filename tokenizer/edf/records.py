"""The times of the data records of an EDF or BDF file: runs of records without a gap, and where they begin.

Many readers put the records of a file side by side as if there were no gaps; EDF+ writes in each one's first annotation
when it starts. A file marked discontinuous (EDF+D) is read record by record. Of any other with annotations only as many
onsets are read as it takes to see that there is no gap, which is two where there is none: the mark proves nothing in
either case. Records whose place in time nobody knows are left out, with a note.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.edf.header import Header
from tokenizer.recording import RecordingError

_ONSET = re.compile(rb"([+-]\d{1,15}(?:\.\d*)?)(?:\x15[^\x14]*)?\x14")
JITTER = 0.010
"""Seconds by which a record of a file marked discontinuous may miss its place: two samples at 200 Hz."""
OVERLAP = 0.1
"""Seconds by which records may overlap (clocks drift), and by which those of a continuous file may miss their place."""
LONGEST = 366 * 86_400
"""Seconds from the beginning, beyond which an onset is damaged."""
NO_ONSETS = "its records do not say when they start: taken as one after another"
MOST_RECORDS, MOST_RUNS, MOST_LOOKED_AT = 2_000_000, 100_000, 100_000
"""Records of a file marked discontinuous (four weeks of 1 s), runs of any file (a day in pieces of 0.9 s), and onsets
that are read of one not marked: only damage or malice has more, and they would keep the reader for minutes."""
ONSET_READ, LONGEST_ONSET, AT_ONCE = 256, 4096, 4096
"""Bytes in which an onset and its duration stand as a rule, and at most; records whose onsets are read together."""
FEW = 3
"""Records at the end of a continuous file that need not say when they start."""


class RecordRun(NamedTuple):
    """Data records that follow each other without a gap."""

    first: int
    records: int
    onset: float
    """Start of the first one in s."""


class TimedRecord(NamedTuple):
    """A data record, and when it says that it starts, in s."""

    record: int
    onset: float


def record_runs(data: NDArray[np.uint8], header: Header) -> tuple[list[RecordRun], list[str]]:
    """Runs of records without a gap, in order of time, and notes; `data` (records, bytes of a record) uint8.

    Raises RecordingError if a file with gaps does not say when its records start, or contradicts itself.
    """
    marked = "+D" in header.reserved[:5]
    signal = _with_onsets(data, header, header.annotations)
    if signal is None:
        if marked:
            raise RecordingError(
                header.name, "is marked discontinuous (EDF+D), but does not say when its records start; export it again"
            )
        plus = bool(header.annotations) or header.reserved[:4] in ("EDF+", "BDF+")
        return [RecordRun(0, header.records, 0.0)], [NO_ONSETS] * plus
    return (_marked if marked else _unmarked)(_Starts(data, header, signal))


def name_annotations(data: NDArray[np.uint8], header: Header) -> Header:
    """The header of an EDF+ file, its annotations called so even if the label is damaged."""
    if header.annotations or header.reserved[:4] not in ("EDF+", "BDF+"):
        return header
    if (signal := _with_onsets(data, header, range(len(header.labels)))) is None:
        return header
    return dataclasses.replace(
        header, labels=["EDF Annotations" if i == signal else label for i, label in enumerate(header.labels)]
    )


def _with_onsets(data: NDArray[np.uint8], header: Header, signals: Iterable[int]) -> int | None:
    """The first of some signals in which a record at least says when it starts; the first and a middle one are read."""
    for signal in signals:
        starts = _Starts(data, header, signal)
        if any(starts.of(record) is not None for record in (0, header.records // 2)):
            return signal
    return None


class _Starts:
    """The onsets that stand in a signal."""

    def __init__(self, data: NDArray[np.uint8], header: Header, signal: int) -> None:
        span = header.spans[signal]
        self.span = slice(span.start, min(span.stop, span.start + LONGEST_ONSET))
        self.data, self.header, self.looked_at = data, header, 0

    def of(self, record: int) -> float | None:
        """Start of a record in s, from its first entry; None if none stands there, or an impossible one.

        Raises RecordingError after very many: each takes some microseconds.
        """
        self.looked_at += 1
        if self.looked_at > MOST_LOOKED_AT:
            raise RecordingError(
                self.header.name,
                "the starts of its records are apart in too many places, or in disorder; export it again",
            )
        return _seconds(_ONSET.match(self.data[record, self.span].tobytes()))

    def all(self) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
        """The records that say when they start, and when, in s. Raises RecordingError after too many gaps."""
        onsets, gaps = np.full(self.header.records, np.nan), 0
        for first in range(0, self.header.records, AT_ONCE):
            some = self._onsets(first)
            onsets[first : first + len(some)] = some
            steps = np.diff(onsets[max(0, first - 1) : first + len(some)])
            gaps += np.count_nonzero(np.abs(steps - self.header.seconds) > JITTER)
            if gaps > MOST_RUNS:  # the rest need not be read to know it
                raise _too_many_runs(self.header)
        (records,) = np.nonzero(~np.isnan(onsets))
        return records, onsets[records]

    def _onsets(self, first: int) -> list[float]:
        """Starts of some records in s, NaN for those that do not say."""
        width = min(ONSET_READ, self.span.stop - self.span.start)
        block = self.data[first : first + AT_ONCE, self.span.start : self.span.start + width]
        text = block.tobytes()  # all at once: a conversion for each record takes longer than to look for its onset
        onsets = [_seconds(_ONSET.match(text, at, at + width)) for at in range(0, len(text), width)]
        for i in (i for i, onset in enumerate(onsets) if onset is None and text[i * width] in b"+-"):
            onsets[i] = self.of(first + i)  # it may be longer than what was read
        return [np.nan if onset is None else onset for onset in onsets]

    def nearest(self, wanted: int, after: int, before: int) -> TimedRecord | None:
        """The record nearest to `wanted`, after one record and before another, that has an onset."""
        for away in range(max(wanted - after, before - wanted)):
            for record in {wanted - away, wanted + away}:
                if after < record < before and (onset := self.of(record)) is not None:
                    return TimedRecord(record, onset)
        return None

    def late(self, a: TimedRecord, b: TimedRecord) -> float:
        """Seconds by which `b` starts later than it would if the records from `a` on followed each other."""
        return b.onset - a.onset - (b.record - a.record) * self.header.seconds


def _marked(starts: _Starts) -> tuple[list[RecordRun], list[str]]:
    """The runs of a file that is marked discontinuous: every onset counts, and one out of order refuses the file."""
    header = starts.header
    if header.records > MOST_RECORDS:
        raise RecordingError(
            header.name,
            f"is marked discontinuous (EDF+D) and has {header.records:,} records; expected at most {MOST_RECORDS:,}; "
            f"export it with longer records",
        )
    records, onsets = starts.all()
    if 2 * len(records) < header.records:
        raise RecordingError(
            header.name,
            f"{header.records - len(records)} of {header.records} records of a discontinuous file (EDF+D) do not say "
            f"when they start; copy or export it again",
        )
    early = np.flatnonzero(np.diff(onsets) - np.diff(records) * header.seconds < -OVERLAP)
    if early.size:
        a, b = records[early[0]] + 1, records[early[0] + 1] + 1
        raise RecordingError(header.name, f"data record {b} starts before record {a} ends; expected order of time")
    return _assemble(starts, map(TimedRecord, _numbers(records), _numbers(onsets)), marked=True)


def _numbers(values: NDArray[Any]) -> Iterator[Any]:
    """The values as Python numbers, which take ten times the room of an array, not all at once."""
    for first in range(0, len(values), AT_ONCE):
        yield from values[first : first + AT_ONCE].tolist()


def _seconds(entry: re.Match[bytes] | None) -> float | None:
    return onset if entry and 0 <= (onset := float(entry[1])) < LONGEST else None


def _unmarked(starts: _Starts) -> tuple[list[RecordRun], list[str]]:
    """As for a marked file, but onsets that cannot be right are not used: the mark says that there are no gaps."""
    records = starts.header.records
    whole = [RecordRun(0, records, 0.0)]
    first, last = starts.nearest(0, -1, records), starts.nearest(records - 1, -1, records)
    if first is None or last is None or (first == last and records > FEW):
        return whole, [NO_ONSETS]
    # records of another length than the header's would look like a gap, or an overlap, behind every one of them
    if abs(starts.late(first, last)) > OVERLAP:
        _check_length(starts)
    points = list(_fitting(starts, first, last))
    settled = _without_strays(starts, points)
    # what is still late is a gap, what is early cannot be: both in one file mean that no onset can be relied on
    possible = [late > 0 for a, b in pairwise(settled) if abs(late := starts.late(a, b)) > OVERLAP]
    if any(possible) and not all(possible):
        raise RecordingError(
            starts.header.name, "the starts of its records contradict each other; expected order of time"
        )
    if not all(possible):
        return whole, ["the starts of its records contradict their order: taken as one after another"]
    runs, notes = _assemble(starts, settled, marked=False)
    if len(runs) > 1:
        notes.append("not marked discontinuous, but its records start apart: the gaps are kept")
    return runs, notes


def _check_length(starts: _Starts) -> None:
    """Raise RecordingError if records that follow each other agree on another length than the header's."""
    records, seconds = starts.header.records, starts.header.seconds
    places = sorted(set(np.linspace(0, records - 2, 9).astype(int).tolist())) if records > 1 else []
    neighbours = [(starts.of(i), starts.of(i + 1)) for i in places]
    steps = [b - a for a, b in neighbours if a is not None and b is not None]
    step = float(np.median(steps)) if len(steps) > 2 else seconds
    agree = [abs(each - step) < JITTER for each in steps]
    if step > 0 and abs(step - seconds) > min(OVERLAP, seconds / 4) and sum(agree) > 0.7 * len(steps):
        raise RecordingError(
            starts.header.name, f"says its records last {seconds:g} s, but they start every {step:g} s; export it again"
        )


def _fitting(starts: _Starts, first: TimedRecord, last: TimedRecord) -> Iterator[TimedRecord]:
    """Records in order, from `first` to `last`, by halving: between neighbours either all fits or none says more.

    Two records whose onsets fit are taken to have no gap between them: a file without a gap costs two reads, and each
    gap about as many more as the logarithm (base 2) of the number of records.
    """
    yield first
    spans = [(first, last)]
    while spans:
        a, b = spans.pop()
        fits = abs(starts.late(a, b)) <= OVERLAP
        middle = None if fits else starts.nearest((a.record + b.record) // 2, a.record, b.record)
        if middle:
            spans += [(middle, b), (a, middle)]
        elif a != b:
            yield b


def _without_strays(starts: _Starts, points: list[TimedRecord]) -> list[TimedRecord]:
    """Records without those that their neighbours contradict together: one damaged onset is no gap and no overlap."""
    fits = lambda a, b: abs(starts.late(a, b)) <= OVERLAP
    inner = [
        b for a, b, c in zip(points, points[1:], points[2:], strict=False) if fits(a, b) or fits(b, c) or not fits(a, c)
    ]
    return [points[0], *inner, *points[1:][-1:]]


def _assemble(starts: _Starts, points: Iterable[TimedRecord], marked: bool) -> tuple[list[RecordRun], list[str]]:
    """Runs from records between which all others fit, or their places are not known, and a note on these."""
    records, seconds, points = starts.header.records, starts.header.seconds, iter(points)
    earliest = next(points)
    head, begin = (0, earliest.onset) if marked else _back_to_zero(earliest, seconds)
    runs, first, stop = [], earliest.record - head, earliest.record + 1
    for record, onset in points:
        # measured from the start of the run, so that small deviations from record to record do not add up unseen
        if abs(onset - begin - (record - first) * seconds) > (JITTER if marked else OVERLAP):
            runs.append(RecordRun(first, stop - first, begin))
            first, begin = record, onset
            if len(runs) == MOST_RUNS:
                raise _too_many_runs(starts.header)
        stop = record + 1
    if not marked and records - stop < FEW:
        stop = records
    runs.append(RecordRun(first, stop - first, begin))
    lost = records - sum(run.records for run in runs)
    return runs, [f"{lost} data records do not say when they start: left out"] if lost else []


def _too_many_runs(header: Header) -> RecordingError:
    return RecordingError(
        header.name, f"is in more than {MOST_RUNS:,} pieces with gaps between them; expected fewer; export it again"
    )


def _back_to_zero(earliest: TimedRecord, seconds: float) -> tuple[int, float]:
    """How many records before the first that has an onset fit in before it, and the onset of the first of them."""
    fitting = min(earliest.record, int((earliest.onset + JITTER) / seconds))
    return fitting, earliest.onset - fitting * seconds
