"""Where time breaks in a recording that MNE reads: gaps that keep their place, and joins where time was cut out.

MNE gives one array without interruption. What is missing in it, formats say in ways of their own: annotations
BAD_ACQ_SKIP (samples that were never recorded), EEGLAB's `boundary` events (duration: samples removed),
BrainVision's `New Segment` markers (with a time stamp), Persyst's [SampleTimes], GDF's event 0x7ffe, MNE's own `BAD
boundary`. A join whose length is known moves what follows to its true time; at any join the signal is filtered apart.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from tokenizer.edf.records import JITTER, LONGEST
from tokenizer.reading import brainvision
from tokenizer.recording import Segment

_GLUED = re.compile(r"(?:BAD |EDGE )?boundary", re.IGNORECASE)
_GLUED_BY = {
    "RawEEGLAB": re.compile(r"boundary|-99(?:\.0)?", re.IGNORECASE),
    "RawBrainVision": re.compile(r"New Segment/.*"),
    "RawGDF": re.compile(str(0x7FFE)),
}
_SAMPLE_TIME = re.compile(r"^(\d+)=(\d+(?:\.\d*)?)\s*$", re.MULTILINE)
DAY = 86_400


@dataclass(frozen=True)
class Breaks:
    """Where the array of a recording is not one stretch of time; samples are counted in that array."""

    skips: list[tuple[int, int]] = field(default_factory=list)
    """(first, stop): samples in the array that were never recorded."""
    joins: dict[int, float | None] = field(default_factory=dict)
    """First sample after a join -> seconds missing before it, None if nobody knows."""
    notes: list[str] = field(default_factory=list)

    def segments(self, samples: int, rate: float) -> list[Segment]:
        """The stretches without a break of a recording of `samples` at `rate` Hz, each at its true time."""
        edges = [0, samples, *self.joins, *(edge for skip in self.skips for edge in skip)]
        points = np.unique(np.clip(edges, 0, samples))
        recorded = np.ones(len(points), bool)
        for first, stop in self.skips:
            recorded[np.searchsorted(points, max(0, first)) : np.searchsorted(points, min(stop, samples))] = False
        missing = np.cumsum([self.joins.get(int(point)) or 0.0 for point in points])
        return [
            Segment(int(a), int(b - a), float(a / rate + lost))
            for a, b, lost, real in zip(points, points[1:], missing, recorded, strict=False)
            if real
        ]


def find_breaks(raw: Any, path: Path | None, annotations: Callable[[], Any] | None = None) -> Breaks:
    """The breaks of an `mne.io.Raw`; `path` is its file, `annotations()` those in it, which MNE cuts at its end."""
    rate, first_time = raw.info["sfreq"], raw.first_time
    kind = path.suffix.lower() if path else ""
    glued = _GLUED_BY.get(type(raw).__name__, _GLUED)
    skips, joins = [], {}
    for onset, duration, text in _rows(raw.annotations):
        first = (onset - first_time) * rate
        if text.upper().startswith("BAD_ACQ_SKIP"):
            skips.append((round(first), round(first + duration * rate)))
        elif glued.fullmatch(text):
            joins[ceil(first - 0.1)] = None  # half samples (EEGLAB) and rounded microseconds both end up right
    if kind == ".set" and joins and annotations:
        joins |= _removed(annotations(), rate, glued)
    marks, notes = [], []
    if kind in brainvision.KINDS and path:
        marks, notes = brainvision.segment_starts(path)
        notes += brainvision.check_length(path, raw.n_times)
    elif kind == ".lay" and path:
        marks, notes = _persyst(path, raw.n_times)
    joins |= {at: lost for at, lost in _late(marks, rate).items() if lost != 0 or kind != ".lay"}  # lists every minute
    joins = {at: lost if lost is None or lost < LONGEST else None for at, lost in joins.items() if 0 < at < raw.n_times}
    if path is None and _is_discontinuous_edf(raw):
        notes.append("MNE joined the records of a discontinuous file (EDF+D): its gaps are lost; read it by its path")
    if unknown := sum(lost is None for lost in joins.values()):
        notes.append(f"{unknown} joins where an unknown time is missing: what follows may be later than it seems")
    return Breaks(skips, joins, notes)


def _is_discontinuous_edf(raw: Any) -> bool:
    if type(raw).__name__ not in ("RawEDF", "RawBDF") or not Path(raw.filenames[0] or "").is_file():
        return False
    with Path(raw.filenames[0]).open("rb") as file:
        return b"+D" in file.read(256)[192:197]


def _rows(annotations: Any) -> Iterable[tuple[float, float, str]]:
    return zip(annotations.onset, np.nan_to_num(annotations.duration), map(str, annotations.description), strict=True)


def _removed(annotations: Any, rate: float, glued: re.Pattern[str]) -> dict[int, float | None]:
    """EEGLAB's boundaries as its file has them: the duration is that of the samples removed there."""
    joins: dict[int, float | None] = {}
    for onset, gone, text in _rows(annotations):
        if glued.fullmatch(text):
            first = ceil(onset * rate - 0.1)
            joins[first] = ((joins.get(first) or 0.0) + gone) or None
    return joins


def _persyst(layout: Path, samples: int) -> tuple[list[tuple[int, float | None]], list[str]]:
    """Persyst's list of (sample, time in s), which MNE does not use, and notes."""
    section = re.search(r"^\[SampleTimes\]\s*$(.*?)(?=^\[|\Z)", layout.read_text("latin-1"), re.M | re.S | re.I)
    marks = [(int(at), float(second)) for at, second in _SAMPLE_TIME.findall(section[1] if section else "")]
    if any(at >= samples for at, _ in marks):
        return [], ["its sample times do not fit its samples: breaks in time, if there are any, are not known"]
    for i in range(1, len(marks)):
        while marks[i][1] < marks[i - 1][1] - DAY / 2:  # past midnight
            marks[i] = (marks[i][0], marks[i][1] + DAY)
    return marks, []


def _late(marks: list[tuple[int, float | None]], rate: float) -> dict[int, float | None]:
    """(sample, its time in s) -> joins: how much later each is than its predecessor says; None if it cannot be told."""
    joins: dict[int, float | None] = {}
    for (before, then), (at, now) in pairwise(marks):
        lost = None if then is None or now is None else (now - then) - (at - before) / rate
        joins[at] = None if lost is None or lost < -JITTER else lost if lost > JITTER else 0.0
    return joins
