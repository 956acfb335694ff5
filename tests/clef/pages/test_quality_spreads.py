"""The histograms of the quality page: how much lies beyond a limit, and what lies outside the axis."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

from clef.pages.quality_spreads import BEYOND, _spread


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def caption(axes) -> str:
    return axes.texts[-1].get_text()


def test_values_beyond_the_limit_are_counted_and_red(axes):
    _spread(axes, pl.Series([0.1, 0.2, 0.6, 0.9, None]), "mains", "channels", (0, 1), 0.5)
    assert caption(axes) == "2 of 4 channels above 0.5"
    red = [bar.get_height() for bar in axes.patches if bar.get_facecolor() == plt.matplotlib.colors.to_rgba(BEYOND)]
    assert sum(red) == pytest.approx(50)  # per cent


def test_of_a_usable_share_less_is_worse(axes):
    _spread(axes, pl.Series([0.1, 0.95, 1.0]), "usable", "sessions", (0, 1), 0.9, less=True)
    assert caption(axes) == "1 of 3 sessions below 0.9"


def test_what_lies_outside_the_axis_stands_in_the_last_bar_and_nothing_is_said_so(axes):
    _spread(axes, pl.Series([1.0, 500.0]), "amplitude", "channels", (0, 200), None)
    assert np.sum([bar.get_height() for bar in axes.patches]) == pytest.approx(100) and caption(axes) == "of 2 channels"
    _spread(axes, pl.Series([None], dtype=pl.Float32), "amplitude", "channels", (0, 200), None)
    assert caption(axes) == "nothing measured"
