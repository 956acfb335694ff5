"""How a fill is judged: simple guesses, cells that count, errors."""

import numpy as np
import pytest

from clef.inpainting.measures import (
    cell_error,
    cell_mask,
    cell_numbers,
    commonest_guess,
    median_guess,
    nearest_guess,
    share_right,
    token_numbers,
)


def test_guesses_come_from_what_is_visible():
    x = np.arange(24, dtype=float).reshape(1, 2, 12) ** 2
    visible = np.ones((2, 12), bool)
    visible[0, 3:8], visible[1] = False, False
    nearest, median = nearest_guess(x, visible), median_guess(x, visible)
    assert nearest[0, 0, 3:8].tolist() == [4, 4, 4, 64, 64]  # of two equally near the earlier
    assert median[0, 0, 5] == np.median(x[0, 0, [0, 1, 2, 8, 9, 10, 11]])
    assert np.isnan(nearest[0, 1]).all() and np.isnan(median[0, 1]).all()
    tokens = np.array([[5, 5, 7, 9], [1, 2, 2, 3]])
    assert commonest_guess(tokens, np.array([[1, 1, 1, 0], [0, 1, 0, 0]], bool))[:, 0].tolist() == [5, 2]


def test_errors_count_hidden_cells_of_channels_that_are_there():
    x, y = np.zeros((2, 16, 3)), np.zeros((2, 16, 3))
    where = np.zeros((16, 3), bool)
    where[4, 1] = where[5, 1] = True
    y[0, 4, 1], y[0, 9, 2], y[1] = 3.0, 50.0, 70.0  # a hidden cell, a visible one, a missing channel
    assert cell_error(x, y, where, np.array([True, False])) == 1.5
    y[0, 5, 1] = np.nan
    assert cell_error(x, y, where, np.array([True, False])) is None
    assert share_right(np.array([[1, 2, 3]]), np.array([[1, 5, 9]]), np.array([[True, True, False]])) == 0.5


@pytest.mark.parametrize("rows, bins, columns, frames", ((16, 8, 6, 10), (8, 16, 12, 5), (32, 4, 3, 20)))
def test_cells_of_every_grid_are_hidden_where_all_of_them_is(rows, bins, columns, frames):
    hidden = np.zeros((rows, columns), bool)
    hidden[(np.arange(rows) * bins >= 32) & (np.arange(rows) * bins < 64)] = True  # 8–16 Hz
    whole = cell_mask(hidden, bins, frames)
    assert whole.shape == (16, 6) and whole[4:8].all() and not whole[:4].any() and not whole[8:].any()


def test_a_perfect_fill_has_no_error_and_a_constant_recording_needs_no_model():
    rng = np.random.default_rng(0)
    spec = np.repeat(rng.normal(size=(19, 128, 1)), 60, 2).astype(np.float32)
    hidden, valid = np.zeros((16, 6), bool), np.ones(6, bool)
    hidden[:, 2:4] = True
    guesses = {"filled": spec, "likeliest": spec + 2}
    errors = cell_numbers(spec, guesses, np.zeros(128, np.float32), valid, hidden, np.ones(19, bool))
    assert errors["filled"] == 0 and errors["likeliest"] == pytest.approx(2)
    assert (
        errors["median"] == pytest.approx(0) and errors["nearest"] == pytest.approx(0) and errors["training mean"] > 0.1
    )


def test_tokens_guessed_right_are_counted_for_each_way_of_guessing():
    tokens = np.array([[1, 1, 2, 2, 1], [3, 3, 3, 3, 3]])
    hidden = np.zeros((2, 5), bool)
    hidden[:, 2:4] = True
    filled = np.array([[1, 1, 2, 0, 1], [3, 3, 0, 0, 3]])
    log_p = np.log(np.full((4, 4), 0.1) + 0.6 * np.eye(4)[[2, 2, 3, 0]])  # the last of the four is wrong
    numbers = token_numbers(tokens, filled, log_p, np.ones(5, bool), hidden)
    assert numbers["right"] == {"filled": 0.25, "likeliest": 0.75, "nearest": 0.5, "commonest": 0.5}
    assert numbers["cross_entropy_nats"] == pytest.approx(-(3 * np.log(0.7) + np.log(0.1)) / 4)
    assert numbers["uniform_nats"] == pytest.approx(np.log(4))
