"""Breaks of one array: skips keep the time, joins move what follows."""

import re

import pytest

from tests.tokenizer.reading.recordings import SIGNAL, raw_of
from tokenizer.reading.breaks import Breaks, annotation_rows, first_sample, joins_at, joins_between


def places(breaks: Breaks, samples: int = 1000, rate: float = 100) -> list[tuple[int, int, float]]:
    return [(s.first, s.samples, round(s.onset, 9)) for s in breaks.segments(samples, rate)]


def test_without_breaks_there_is_one_segment_and_without_samples_none():
    assert places(Breaks()) == [(0, 1000, 0)] and places(Breaks(), 0) == []


def test_a_skip_is_left_out_and_a_join_moves_what_follows():
    assert places(Breaks(skips=[(200, 300)])) == [(0, 200, 0), (300, 700, 3)]
    assert places(Breaks(joins={200: 5.0, 600: None})) == [(0, 200, 0), (200, 400, 7), (600, 400, 11)]
    both = Breaks(skips=[(200, 300)], joins={300: 1.5, 250: 2.0})
    assert places(both) == [(0, 200, 0), (300, 700, 6.5)]


def test_skips_over_the_ends_and_over_each_other():
    assert places(Breaks(skips=[(-50, 100), (900, 2000)])) == [(100, 800, 1)]
    assert places(Breaks(skips=[(200, 400), (300, 500), (250, 260)])) == [(0, 200, 0), (500, 500, 5)]
    assert places(Breaks(skips=[(0, 1000)])) == []


@pytest.mark.parametrize(("samples", "expected"), [(19.5, 20), (20.0, 20), (20.00005, 20), (19.9, 20), (20.2, 21)])
def test_a_boundary_half_a_sample_before_or_rounded_is_at_its_sample(samples, expected):
    assert first_sample(samples / 256, 256) == expected


def test_joins_between_marks():
    marks = [(0, 10.0), (100, 11.0), (200, 15.0), (300, None), (400, 17.0), (500, 17.5), (600, 18.505)]
    # 1 s on time, 4 s of which 3 are missing, unknown twice, 0.5 s too early, and late by less than clocks jitter
    assert joins_between(marks, 100) == {100: 0.0, 200: 3.0, 300: None, 400: None, 500: None, 600: 0.0}
    assert joins_between(marks[:1], 100) == joins_between([], 100) == {}


def test_joins_at_annotations_of_the_text_counted_in_the_array():
    import mne

    raw = raw_of(SIGNAL)
    raw.set_annotations(mne.Annotations([5, 12, 20], [0, 0, 0], ["boundary", "no boundary", "Boundary"]))
    boundary = re.compile("boundary", re.IGNORECASE)
    assert joins_at(raw, boundary) == {1000: None, 4000: None}
    assert joins_at(raw.copy().crop(10), boundary) == {2000: None}


def test_a_duration_that_is_no_number_is_none():
    import mne

    assert list(annotation_rows(mne.Annotations([1.0], [float("nan")], ["x"]))) == [(1.0, 0.0, "x")]
