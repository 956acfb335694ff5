"""Breaks of time in a recording that comes as one array: samples never recorded, and joins where time was cut out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np

from tokenizer.edf.records import JITTER
from tokenizer.recording import Segment

Mark = tuple[int, float | None]
"""A sample, and the time in s that the file gives for it; None if it gives none."""
Joins = dict[int, float | None]
"""First sample after a join -> seconds missing before it, None if nobody knows."""


@dataclass(frozen=True)
class Breaks:
    """Where the array of a recording is not one stretch of time; samples are counted in that array."""

    skips: list[tuple[int, int]] = field(default_factory=list)
    """(first, stop): samples in the array that were never recorded."""
    joins: Joins = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def segments(self, samples: int, rate: float) -> list[Segment]:
        """The stretches without a break of a recording of `samples` at `rate` Hz, each at its true time."""
        edges = [0, samples, *self.joins, *(edge for skip in self.skips for edge in skip)]
        points = np.unique(np.clip(edges, 0, samples))
        recorded = np.ones(len(points), bool)
        for first, stop in self.skips:
            recorded[np.searchsorted(points, max(0, first)) : np.searchsorted(points, min(stop, samples))] = False
        # a skip is in the array and keeps the time; a join is not, so all that follows is later by what was cut out
        missing = np.cumsum([self.joins.get(int(point)) or 0.0 for point in points])
        return [
            Segment(int(a), int(b - a), float(a / rate + lost))
            for a, b, lost, real in zip(points, points[1:], missing, recorded, strict=False)
            if real
        ]


def annotation_rows(annotations: Any) -> Iterable[tuple[float, float, str]]:
    """(onset in s, duration in s, text) of each of an `mne.Annotations`; a duration that is no number counts as 0."""
    return zip(annotations.onset, np.nan_to_num(annotations.duration), map(str, annotations.description), strict=True)


def first_sample(onset: float, rate: float) -> int:
    """The first sample at or after `onset` s.

    EEGLAB puts a boundary half a sample before, other formats round to microseconds: a tenth of a sample less, rounded
    up, is right for both.
    """
    return ceil(onset * rate - 0.1)


def joins_at(raw: Any, text: re.Pattern[str]) -> Joins:
    """A join of unknown length at every annotation of an `mne.io.Raw` whose text is `text` from end to end."""
    return {
        first_sample(onset - raw.first_time, raw.info["sfreq"]): None
        for onset, _, words in annotation_rows(raw.annotations)
        if text.fullmatch(words)
    }


def joins_between(marks: list[Mark], rate: float) -> Joins:
    """A join at every mark but the first: how much later it is than the samples since the one before it last.

    Up to the jitter of the clocks it is 0; unknown if a time is missing, or if it is earlier than it can be.
    """
    joins: Joins = {}
    for (before, then), (at, now) in pairwise(marks):
        lost = None if then is None or now is None else (now - then) - (at - before) / rate
        joins[at] = None if lost is None or lost < -JITTER else lost if lost > JITTER else 0.0
    return joins
