"""When the data records of an EDF or BDF file start.

Readers glue the records of a file together; EDF+ writes in each one's first annotation when it starts. A file marked
discontinuous (EDF+D) is read record by record. Of any other with annotations only as many onsets are read as it takes
to see that there is no gap, which is two where there is none: the mark proves nothing either way. Records whose place
in time nobody knows are left out, with a note.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokenizer.edf.header import Header
from tokenizer.recording import RecordingError

Block = tuple[int, int, float]
"""First record, records, onset in s: a run of records without a gap."""
Point = tuple[int, float]
"""A record, and when it says that it starts."""
_ONSET = re.compile(rb"([+-]\d{1,15}(?:\.\d*)?)(?:\x15[^\x14]*)?\x14")
JITTER = 0.010
"""Seconds by which a record of a file marked discontinuous may miss its place: two samples at 200 Hz."""
OVERLAP = 0.1
"""Seconds by which records may overlap (clocks drift), and by which those of a continuous file may miss their place."""
LONGEST = 366 * 86_400
"""Seconds from the beginning, beyond which an onset is damaged."""
UNSAID = "its records do not say when they start: taken as one after another"
FEW = 3
"""Records at the end of a continuous file that need not say when they start."""


def blocks(data: NDArray[np.uint8], header: Header) -> tuple[list[Block], list[str]]:
    """Runs of records without a gap, in order of time, and notes; `data` (records, bytes of a record).

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
        return [(0, header.records, 0.0)], [UNSAID] * plus
    return (_marked if marked else _unmarked)(_Starts(data, header, signal))


def name_annotations(data: NDArray[np.uint8], header: Header) -> Header:
    """The header of an EDF+ file, its annotations called so even if the label is damaged."""
    if header.annotations or header.reserved[:4] not in ("EDF+", "BDF+"):
        return header
    if (found := _with_onsets(data, header, range(len(header.labels)))) is None:
        return header
    return dataclasses.replace(
        header, labels=["EDF Annotations" if i == found else label for i, label in enumerate(header.labels)]
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
        self.data, self.header = data, header
        at = header.width * sum(header.samples[:signal])
        self.place = slice(at, at + header.width * header.samples[signal])

    def of(self, record: int) -> float | None:
        """Start of a record in s, from its first entry; None if none stands there, or an impossible one."""
        found = _ONSET.match(self.data[record, self.place].tobytes())
        return float(found[1]) if found and 0 <= float(found[1]) < LONGEST else None

    def all(self) -> list[Point]:
        return [(i, onset) for i in range(self.header.records) if (onset := self.of(i)) is not None]

    def nearest(self, wanted: int, after: int, before: int) -> Point | None:
        """The record nearest to `wanted`, after one record and before another, that says when it starts."""
        for away in range(max(wanted - after, before - wanted)):
            for record in {wanted - away, wanted + away}:
                if after < record < before and (onset := self.of(record)) is not None:
                    return record, onset
        return None

    def late(self, a: Point, b: Point) -> float:
        """Seconds by which `b` starts later than it would if the records from `a` on followed each other."""
        return b[1] - a[1] - (b[0] - a[0]) * self.header.seconds


def _marked(starts: _Starts) -> tuple[list[Block], list[str]]:
    header, points = starts.header, starts.all()
    if 2 * len(points) < header.records:
        raise RecordingError(
            header.name,
            f"{header.records - len(points)} of {header.records} records of a discontinuous file (EDF+D) do not say "
            f"when they start; copy or export it again",
        )
    for a, b in pairwise(points):
        if starts.late(a, b) < -OVERLAP:
            raise RecordingError(
                header.name, f"data record {b[0] + 1} starts before record {a[0] + 1} ends; expected order of time"
            )
    return _assemble(starts, points, marked=True)


def _unmarked(starts: _Starts) -> tuple[list[Block], list[str]]:
    """As for a marked file, but onsets that cannot be right are not used: the mark says that there are no gaps."""
    records = starts.header.records
    whole = [(0, records, 0.0)]
    first, last = starts.nearest(0, -1, records), starts.nearest(records - 1, -1, records)
    if first is None or last is None or (first == last and records > FEW):
        return whole, [UNSAID]
    if abs(starts.late(first, last)) > OVERLAP:
        _check_length(starts)
    points = list(_fitting(starts, first, last))
    settled = _without_strays(starts, points)
    possible = [late > 0 for a, b in pairwise(settled) if abs(late := starts.late(a, b)) > OVERLAP]
    if any(possible) and not all(possible):
        raise RecordingError(
            starts.header.name, "the starts of its records contradict each other; expected order of time"
        )
    if not all(possible):
        return whole, ["the starts of its records contradict their order: taken as one after another"]
    found, notes = _assemble(starts, settled, marked=False)
    if len(found) > 1:
        notes.append("not marked discontinuous, but its records start apart: the gaps are kept")
    return found, notes


def _check_length(starts: _Starts) -> None:
    """Raise RecordingError if records that follow each other agree on another length than the header's."""
    records, seconds = starts.header.records, starts.header.seconds
    places = sorted(set(np.linspace(0, records - 2, 9).astype(int).tolist())) if records > 1 else []
    found = [(starts.of(i), starts.of(i + 1)) for i in places]
    steps = [b - a for a, b in found if a is not None and b is not None]
    step = float(np.median(steps)) if len(steps) > 2 else seconds
    agree = [abs(each - step) < JITTER for each in steps]
    if step > 0 and abs(step - seconds) > min(OVERLAP, seconds / 4) and sum(agree) > 0.7 * len(steps):
        raise RecordingError(
            starts.header.name, f"says its records last {seconds:g} s, but they start every {step:g} s; export it again"
        )


def _fitting(starts: _Starts, first: Point, last: Point) -> Iterator[Point]:
    """Points in order, from `first` to `last`, by halving: between neighbours either all fits or none says more."""
    yield first
    spans = [(first, last)]
    while spans:
        a, b = spans.pop()
        fits = abs(starts.late(a, b)) <= OVERLAP
        middle = None if fits else starts.nearest((a[0] + b[0]) // 2, a[0], b[0])
        if middle:
            spans += [(middle, b), (a, middle)]
        elif a != b:
            yield b


def _without_strays(starts: _Starts, points: list[Point]) -> list[Point]:
    """Points without those that their neighbours contradict together."""
    fits = lambda a, b: abs(starts.late(a, b)) <= OVERLAP
    inner = [
        b for a, b, c in zip(points, points[1:], points[2:], strict=False) if fits(a, b) or fits(b, c) or not fits(a, c)
    ]
    return [points[0], *inner, *points[1:][-1:]]


def _assemble(starts: _Starts, points: list[Point], marked: bool) -> tuple[list[Block], list[str]]:
    """Blocks from points between which all records fit, or their places are not known, and a note on these."""
    records, seconds = starts.header.records, starts.header.seconds
    head, onset = (0, points[0][1]) if marked else _back_to_zero(points[0], seconds)
    found = [[points[0][0] - head, head + 1, onset]]
    for record, onset in points[1:]:
        first, _, begin = found[-1]
        if abs(onset - begin - (record - first) * seconds) <= (JITTER if marked else OVERLAP):
            found[-1][1] = record + 1 - first
        else:
            found.append([record, 1, onset])
    if not marked and records - points[-1][0] <= FEW:
        found[-1][1] = records - found[-1][0]
    lost = records - sum(count for _, count, _ in found)
    notes = [f"{lost} data records do not say when they start: left out"] if lost else []
    return [(first, count, onset) for first, count, onset in found], notes


def _back_to_zero(point: Point, seconds: float) -> tuple[int, float]:
    """How many records before the first that has an onset fit in before it, and the onset of the first of them."""
    fitting = min(point[0], int((point[1] + JITTER) / seconds))
    return fitting, point[1] - fitting * seconds
