"""Summaries: sums that lose nothing, and a table of them."""

import numpy as np
import pytest

from clef.explanations import summaries
from clef.explanations.explanation import ExplainingConfig, explain
from clef.explanations.targets import probe_target
from tests.clef.explanations.small import random_probe, small_model, small_session
from tokenizer.cells import BANDS


def test_curve_course_and_maps_are_sums_of_the_cells():
    cells = np.random.default_rng(0).normal(size=(19, 128, 25))
    assert np.allclose(summaries.frequency_curve(cells), cells.sum((0, 2)))
    assert np.allclose(
        summaries.time_course(cells, 10), [cells[..., a:b].sum() for a, b in ((0, 10), (10, 20), (20, 25))]
    )
    maps = summaries.scalp_maps(cells)
    assert maps.shape == (19, 4) and maps[3, 2] == pytest.approx(cells[3, 32:52].sum())  # alpha: 8 to 13 Hz
    shares = summaries.band_shares(summaries.frequency_curve(cells))
    assert np.allclose(list(shares.values()), maps.sum(0)) and list(shares) == list(BANDS)


def test_an_explanation_has_both_methods_a_table_and_plain_numbers():
    model = small_model()
    target, one = probe_target(model, random_probe(model, pool="rows+sd")), small_session(model)
    one.channel_ok[0, 4] = False
    made = explain(model, target, one, ExplainingConfig(steps=2, block=4, draws=2))
    assert [method.name for method in made.methods] == ["gradients", "occlusion"]
    gradient, occluded = made.methods
    assert gradient.curve.sum() == pytest.approx(gradient.course.sum()) == pytest.approx(np.nansum(gradient.grid))
    assert np.isnan(gradient.maps[4]).all() and np.isnan(occluded.maps[4]).all() and np.isfinite(occluded.maps[5]).all()
    table = made.table()
    assert set(table["method"]) == {"gradients", "occlusion"} and set(table["unit"]) == {"log-odds"}
    of_time = table.filter((table["of"] == "time") & (table["method"] == "occlusion"))
    assert of_time["stop"].to_list()[:2] == [10.0, 20.0] and len(of_time) == one.grid[1]
    assert made.numbers()["methods"]["gradients"]["area"] == gradient.deletion.area


@pytest.mark.parametrize("settings", ({"steps": 0}, {"block": 129}, {"draws": 0}))
def test_settings_out_of_their_limits_are_one_line(settings):
    model = small_model()
    target, one = probe_target(model, random_probe(model)), small_session(model)
    with pytest.raises(ValueError, match="explaining") as caught:
        explain(model, target, one, ExplainingConfig(**settings))
    assert "\n" not in str(caught.value)
