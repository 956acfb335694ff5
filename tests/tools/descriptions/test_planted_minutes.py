"""What is planted in a minute, in words: the facts that are read of each wording are those that are planted."""

import itertools

import numpy as np
import polars as pl
import pytest

from clef.importers.synthetic.course import N3, Course, W
from clef.narratives.facts import Fact, read_facts
from clef.narratives.texts import texts_of
from tools.descriptions import planted_minutes
from tools.descriptions.planted_minutes import MinuteTruth, direction, words
from tools.descriptions.planted_powers import NAMES, band_levels
from tools.planted_narratives import PlantedNarratives, main

STATE = {"W": "awake", "N1": "n1", "N2": "n2", "N3": "n3", "REM": "rem", "coma": "coma"}


class Choosing:
    """Draws wording number k of every list."""

    def __init__(self, k):
        self.k = k

    def integers(self, n):
        return self.k % n


def facts_of(truth: MinuteTruth) -> set[Fact]:
    facts = {Fact("event", STATE[truth.state], "present"), Fact("dominant band", "band", truth.dominant)}
    facts |= {Fact("event", name, "present") for name in (*truth.events, *truth.placed)}
    for place in truth.placed.values():
        facts |= {Fact("place", place, "named"), Fact("place", place.split()[1], "named")}
    if {"generalised_slowing", "gpd"} & set(truth.events):
        facts.add(Fact("place", "everywhere", "named"))
    facts |= {Fact("trend", truth.dominant, truth.trend)} if truth.trend else set()
    return facts | {Fact("other bands", band, value) for band, value in truth.others.items()}


@pytest.mark.parametrize("k", range(6))
def test_the_facts_of_every_wording_are_what_is_planted(k):
    events = (["pdr"], ["generalised_slowing", "gpd"], ["burst_suppression"], [])
    places = ({}, {"focal_slowing": "left temporal"}, {"seizure": "right frontal", "lpd": "right parietal"})
    trends = ((None, {}), ("up", {"theta": "down", "beta": "up"}), ("down", {"alpha": "up"}), ("same", {}))
    for state, some, placed, (trend, others) in itertools.product(STATE, events, places, trends):
        truth = MinuteTruth(state, "delta", some, placed, trend, others)
        text = words(truth, Choosing(k))
        assert read_facts(text) == facts_of(truth), text


Z = {
    **{"alpha_hz": 10.0, "alpha_uv": 20.0, "asymmetry": 0.0, "frontal_alpha_uv": 0.0, "beta_hz": 18.0, "beta_uv": 3.0},
    **{
        "theta_uv": 3.0,
        "voltage": 1.0,
        "slowing": 0.0,
        "focal": 0.0,
        "focal_side": 0,
        "focal_lobe": "",
        "focal_hz": 0.0,
    },
    **{"spike_rate": 0.0, "spike_side": 1, "spike_lobe": "temporal", "wave_rate": 0.0, "gpd_hz": 0.0, "lpd_hz": 0.0},
    **{"grda_share": 0.0, "seizures": 0, "suppression": 0.0, "spindle_rate": 0.0, "coma": False, "in_icu": False},
}


def course(*stages, fit=None):
    n = len(stages)
    half, none = np.full(n, 0.5), np.zeros(n)
    return Course(60, np.array(stages), half, np.ones(n), np.array(fit or [0] * n), half, none, none)


def test_slow_waves_raise_delta_and_lose_alpha():
    levels = band_levels(Z, course(W, N3))
    change = dict(zip(NAMES, levels[:, 1] - levels[:, 0], strict=True))
    assert change["delta"] > 6 and change["alpha"] < -3
    assert NAMES[levels[:, 1].argmax()] == "delta"
    loud = band_levels(Z | {"alpha_uv": 40.0}, course(W))
    assert NAMES[loud[:, 0].argmax()] == "alpha"


def test_a_seizure_is_in_its_minute_alone():
    levels = band_levels(Z, course(W, W, fit=[0, 1]))
    assert (levels[:3, 1] > levels[:3, 0] + 1).all()


def test_each_minute_is_compared_with_the_one_before():
    first, second = planted_minutes.minutes(Z | {"course_seed": 1}, course(W, N3))
    assert first.trend is None and first.others == {} and first.events == ["pdr"]
    assert (second.state, second.dominant, second.trend, second.others["alpha"]) == ("N3", "delta", "up", "down")
    assert [direction(x, 1.5) for x in (-2, -1, 1, 2)] == ["down", "same", "same", "up"]


def test_wordings_are_drawn_by_seed():
    z = Z | {"course_seed": 3, "drowsy_share": 0.2, "order_sleep_early": True, "order_sleep_broken": False}
    z |= {"order_rem_late": True, "order_after_waking": True, "order_upward": True, "order_spread_back": True}
    texts = [planted_minutes.minute_texts(z, 420, seed) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2] and len(texts[0]) == 7
    assert [read_facts(a) for a in texts[0]] == [read_facts(b) for b in texts[2]]
    assert planted_minutes.minute_texts(z, 60, 0) == [], "units of 12 s are no minutes"


def test_the_program_writes_a_table_of_references_or_says_what_it_needs(tmp_path):
    (tmp_path / "truth").mkdir()
    config = PlantedNarratives(str(tmp_path), str(tmp_path / "out.parquet"))
    with pytest.raises(ValueError, match="only a synthetic cohort has a planted truth"):
        main(config)
    pl.DataFrame([Z | {"session_id": "a"}]).write_parquet(tmp_path / "truth" / "latents.parquet")
    with pytest.raises(ValueError, match="its sessions have no course"):
        main(config)
    order = dict.fromkeys(("sleep_early", "sleep_broken", "rem_late", "after_waking", "upward", "spread_back"), True)
    z = Z | {"session_id": "a", "course_seed": 3, "drowsy_share": 0.2} | {f"order_{k}": v for k, v in order.items()}
    pl.DataFrame([z]).write_parquet(tmp_path / "truth" / "latents.parquet")
    main(config)
    texts = texts_of(tmp_path / "out.parquet", "minute")
    assert list(texts) == [("a", n) for n in range(7)] and list(texts.values()) == planted_minutes.minute_texts(
        z, 420, 0
    )
