"""Our model on crops: the same tokens in pieces, and one piece as long as a session is the session."""

import dataclasses

import numpy as np
import pytest

from benchmark.encoders.crops import cropped
from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import ENCODERS
from clef.cohort import Cohort
from clef.model import load
from tests.helpers import random_tokens


def test_crops_are_the_columns_from_the_first_valid_one_on_and_empty_ones_are_left_out():
    source = random_tokens()
    columns = source.tokens.shape[2]
    valid = np.zeros((2, columns), bool)
    valid[0, 1:6], valid[1, [0, 7]] = True, True
    two = dataclasses.replace(source.where(np.arange(len(source)) < 2), valid=valid)
    crops, owner = cropped(two, 3)
    assert owner.tolist() == [0, 0, 1, 1] and crops.tokens.shape[2] == 3
    assert np.array_equal(crops.tokens[0], two.tokens[0, :, 1:4]) and np.array_equal(
        crops.tokens[1], two.tokens[0, :, 4:7]
    )
    assert crops.valid.tolist() == [[True] * 3, [True, True, False], [True, False, False], [False, True, False]]
    assert crops.session_id.tolist() == [two.session_id[0]] * 2 + [two.session_id[1]] * 2


def test_a_crop_as_long_as_the_session_is_the_session_and_shorter_ones_are_not(
    tiny_cohort, tiny_store, tiny_recon, tmp_path
):
    given = {"model": str(tiny_recon), "tokens": str(tiny_store), "device": "cpu"}
    whole = ENCODERS["clef"].embed(Inputs(Cohort(tiny_cohort), tmp_path, **given))
    one = ENCODERS["crops"].embed(Inputs(Cohort(tiny_cohort), tmp_path, window=1280.0, **given))
    assert one.session_id == whole.session_id and one.trained_on == whole.trained_on
    np.testing.assert_allclose(one.vectors, whole.vectors, atol=1e-4)
    short = ENCODERS["crops"].embed(Inputs(Cohort(tiny_cohort), tmp_path, windows="mean+sd", **given))
    assert short.vectors.shape == (len(whole.session_id), 2 * whole.vectors.shape[1])
    assert np.abs(short.vectors[:, : whole.vectors.shape[1]] - whole.vectors).max() > 1e-3
    assert short.config["window"] == 30 and load(str(tiny_recon)).fingerprint == short.model


def test_a_window_that_is_no_whole_number_of_columns_is_one_line(tiny_cohort, tiny_store, tiny_recon, tmp_path):
    given = {"model": str(tiny_recon), "tokens": str(tiny_store), "device": "cpu", "window": 25.0}
    with pytest.raises(ValueError, match="window=25: expected a multiple of 10 s"):
        ENCODERS["crops"].embed(Inputs(Cohort(tiny_cohort), tmp_path, **given))
