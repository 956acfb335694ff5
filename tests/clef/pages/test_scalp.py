"""Scalp maps: where electrodes lie, what is between them, and what is left out."""

import matplotlib.pyplot as plt
import numpy as np

from clef.pages.scalp import GRID, draw_scalp, interpolate, positions
from tokenizer.channels import CHANNELS


def place(name: str) -> np.ndarray:
    return positions()[CHANNELS.index(name)]


def test_electrodes_lie_where_the_ten_twenty_system_has_them():
    assert np.allclose(place("Cz"), 0) and np.allclose(place("Fz"), (0, 0.4)) and np.allclose(place("T3"), (-0.8, 0))
    for left, right in (("Fp1", "Fp2"), ("F3", "F4"), ("T5", "T6"), ("O1", "O2")):
        assert np.allclose(place(left) * (-1, 1), place(right)) and place(left)[0] < 0
    for front, back in (("Fp1", "O1"), ("F7", "T5"), ("F4", "P4")):
        assert np.allclose(place(front) * (1, -1), place(back)) and place(front)[1] > 0
    assert 0.8 > np.hypot(*place("F3")) > 0.4


def at(level: np.ndarray, name: str) -> float:
    column, row = np.round((place(name) + 1) / 2 * (GRID - 1)).astype(int)
    return level[row, column]


def test_a_map_goes_through_its_electrodes_and_ends_at_the_rim():
    values = positions()[:, 0] * 10
    level = interpolate(values)
    assert abs(at(level, "T4") - 8) < 0.2 and abs(at(level, "C3") + 4) < 0.2
    assert np.isnan(level[0, 0]) and np.nanmax(level) <= values.max() and np.nanmin(level) >= values.min()


def test_what_is_unknown_or_bad_does_not_count():
    values, bad = np.zeros(19), np.zeros(19, bool)
    values[[2, 5]] = np.nan, 1000
    bad[5] = True
    figure, axis = plt.subplots()
    image = draw_scalp(axis, values, bad, (-2, 2), names=True)
    crosses = axis.collections[-2].get_offsets()
    assert np.abs(image.get_array()).max() < 1e-6
    assert np.allclose(crosses, positions()[2]) and np.allclose(axis.collections[-1].get_offsets(), positions()[5])
    plt.close(figure)


def test_three_electrodes_are_no_map():
    values = np.full(19, np.nan)
    values[:3] = 1
    figure, axis = plt.subplots()
    assert np.isnan(interpolate(values)).all() and draw_scalp(axis, values, values > 1, (0, 1), names=False) is None
    plt.close(figure)
