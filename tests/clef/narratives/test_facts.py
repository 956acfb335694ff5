"""The facts of written examples: each point, denial, silence, lists, and which word is said of which band."""

import pytest

from clef.narratives.facts import read_facts


def facts(text, point):
    return {(what, value) for p, what, value in read_facts(text) if p == point}


@pytest.mark.parametrize(
    ("text", "dominant", "trend", "others"),
    [
        (
            "Alpha power is dominant and increasing, with reduced theta.",
            {"alpha"},
            {("alpha", "up")},
            {("theta", "down")},
        ),
        (
            "The dominant band is delta; delta decreases against the preceding segments, beta is stable.",
            {"delta"},
            {("delta", "down")},
            {("beta", "same")},
        ),
        ("Theta is reduced and beta increased.", set(), set(), {("theta", "down"), ("beta", "up")}),
        ("Increased theta is seen, and beta is reduced.", set(), set(), {("theta", "up"), ("beta", "down")}),
        ("Theta and beta power are low.", set(), set(), {("theta", "down"), ("beta", "down")}),
        (
            "The EEG is dominated by theta activity. There is a decrease of relative alpha power.",
            {"theta"},
            set(),
            {("alpha", "down")},
        ),
        (
            "Highest power in the alpha band, unchanged, while high-gamma rises.",
            {"alpha"},
            {("alpha", "same")},
            {("high gamma", "up")},
        ),
        ("Alpha does not increase.", set(), set(), {("alpha", "not up")}),
        ("There is no beta activity, delta is absent.", set(), set(), {("beta", "absent"), ("delta", "absent")}),
        ("Theta is not dominant.", {"not theta"}, set(), set()),
        ("There is no clear dominant frequency.", {"none"}, set(), set()),
        ("A posterior dominant rhythm of 9 Hz.", set(), set(), set()),
        ("Alpha shows no change.", set(), set(), {("alpha", "same")}),
        ("The recording is of good quality.", set(), set(), set()),
    ],
)
def test_bands(text, dominant, trend, others):
    assert {value for _, value in facts(text, "dominant band")} == dominant
    assert facts(text, "trend") == trend
    assert facts(text, "other bands") == others


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("Generalized spike-and-wave discharges; no seizures.", {("spikes", "present"), ("seizure", "not present")}),
        ("Possible left temporal spikes.", {("spikes", "possible")}),
        ("Resting state, eyes closed, without muscle artifacts.",
         {("rest", "present"), ("eyes_closed", "present"), ("artefact", "not present")}),
        ("Frontal theta power is reduced.", set()),
        ("Diffuse beta activity is increased.", set()),
        ("Burst suppression.", {("burst_suppression", "present")}),
        ("Non-REM sleep of stage N3.", {("n3", "present")}),
        ("Slow-wave sleep.", {("n3", "present")}),
        ("The patient is comatose.", {("coma", "present")}),
        ("No REM sleep.", {("rem", "not present")}),
        ("Generalised rhythmic delta activity.", {("grda", "present")}),
        ("", set()),
    ],
)  # fmt: skip
def test_events(text, events):
    assert facts(text, "event") == events


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Energy is highest over the left frontal and temporal regions.",
         {"frontal", "left frontal", "temporal", "left temporal"}),
        ("Highest at O1, O2 and Pz.", {"occipital", "left occipital", "right occipital", "parietal"}),
        ("Right frontotemporal slowing.", {"frontal", "right frontal", "temporal", "right temporal"}),
        ("Not over the occipital region.", set()),
        ("Power is high in the posterior regions, but not in the frontal ones.", {"posterior"}),
        ("Diffuse slowing.", {"everywhere"}),
        ("Left is higher than right.", set()),
    ],
)  # fmt: skip
def test_places(text, places):
    assert {what for what, _ in facts(text, "place")} == places


def test_british_and_american_words_are_the_same_facts():
    assert read_facts("Generalized slowing, artifacts.") == read_facts("Generalised slowing, artefacts.")
