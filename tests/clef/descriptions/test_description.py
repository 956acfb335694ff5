"""Descriptions of signals whose content is known, and of the same signals disturbed."""

import re

import numpy as np
import pytest

from clef.descriptions.description import describe
from clef.descriptions.statements import KINDS
from tests.clef.descriptions.signals import at, awake, pink, rhythm, session, whole
from tokenizer.channels import CHANNELS


@pytest.fixture(scope="module")
def healthy() -> dict:
    return whole(awake())


@pytest.fixture(scope="module")
def focal() -> np.ndarray:
    """Slow activity below 3 Hz over the left temporal region."""
    field = at({"T3": 1, "F7": 0.5, "C3": 0.5, "T5": 0.5})
    return awake() + field * rhythm(60, 2.2, 18.0, 0.6, seed=9)


def test_a_healthy_background_has_its_rhythm_and_nothing_else(healthy):
    alpha = healthy["posterior rhythm"]
    assert alpha.present and alpha.lobe == "occipital" and alpha.number("frequency") == pytest.approx(10, abs=0.2)
    assert alpha.number("amplitude") == pytest.approx(12, rel=0.3)  # of its better quarter
    for kind in ("alpha asymmetry", "voltage asymmetry", "generalised slowing", "focal slowing", "suppression",
                 "bursts", "fast activity", "anterior rhythm"):  # fmt: skip
        assert healthy[kind].present is False, kind
    assert healthy["reactivity"].present is None and "eyes" in healthy["reactivity"].forbidden


def test_focal_slowing_has_its_lobe_and_side(focal):
    slowing = whole(focal)["focal slowing"]
    assert (slowing.present, slowing.lobe, slowing.side) == (True, "temporal", "left")
    assert slowing.number("delta at T3") > 3 * slowing.number("delta at T4")
    assert slowing.number("share of segments") > 0.8


def pops(**rates: float) -> list[dict]:
    """Rows of the quality measures with so many pops a minute, and no flags."""
    return [{"channel": name, "flags": [], "pops_per_minute": rates.get(name, 0.0)} for name in CHANNELS]


def test_a_focus_is_not_stated_at_an_electrode_that_pops():
    """Its slow activity may be the electrode's own; the pops of another change nothing."""
    narrow = awake() + at({"T3": 1, "T5": 0.4}) * rhythm(60, 2.2, 8.0, 0.6, seed=9)
    assert whole(narrow, pops(T3=1.0, F4=9.0))["focal slowing"].present
    slowing = whole(narrow, pops(T3=3.0))["focal slowing"]
    assert slowing.present is None and slowing.forbidden == "it would be at T3, which pops 3.0 times a minute"
    minutes = describe(session(narrow), pops(T3=3.0)).of("minute")
    assert minutes and not any(s.kind == "focal slowing" for s in minutes)


def test_a_focus_that_its_neighbours_show_is_stated_at_one_of_them(focal):
    slowing = whole(focal, pops(T3=3.0))["focal slowing"]
    assert slowing.present and slowing.side == "left" and "delta at T3" not in dict(n[:2] for n in slowing.numbers)


def test_one_loose_electrode_is_no_focus():
    assert whole(awake() + at({"T3": 1}) * rhythm(60, 2.2, 18.0, 0.6))["focal slowing"].present is False


def test_generalised_slowing():
    slow = sum(at(dict.fromkeys(CHANNELS[i::4], 1.0)) * rhythm(60, 4.0, 25.0, 1.5, seed=i) for i in range(4))
    assert whole(pink(60) + slow)["generalised slowing"].present


def test_suppression_and_bursts():
    signal = pink(60)
    seconds = np.arange(signal.shape[1]) // 200
    signal *= np.where(seconds % 5 < 2, 1.0, 0.04)
    stated = whole(signal.astype(np.float32))
    assert stated["suppression"].number("share") == pytest.approx(0.6, abs=0.1)
    assert stated["bursts"].number("rate") == pytest.approx(12, abs=1)
    assert stated["bursts"].number("length") == pytest.approx(2, abs=0.5)


def test_a_halved_rhythm_is_an_asymmetry_of_that_side():
    signal = awake()
    left = at({"O1": 1, "P3": 1})
    signal -= left * 0.6 * (signal - pink(60))
    stated = whole(signal)
    assert (stated["alpha asymmetry"].present, stated["alpha asymmetry"].side) == (True, "left")


def test_reactivity_needs_to_be_told_of_the_eyes():
    signal, opened = awake(120), np.zeros(1280, int) - 1
    opened[:120] = np.arange(120) // 20 % 2
    rate = np.repeat(np.where(opened[:120] == 0, 0.2, 1.0), 200)
    signal = (signal - pink(120)) * rate + pink(120)
    made = describe(session(signal.astype(np.float32)), eyes=opened)
    (reaction,) = (s for s in made.of("session") if s.kind == "reactivity")
    assert reaction.present and reaction.number("loss with open eyes") > 6


@pytest.mark.parametrize("gain", (0.25, 4.0))
def test_gain_changes_no_statement_but_amplitudes(focal, gain):
    def claims(signal):
        parts = describe(session(signal)).statements
        return [(s.scope, s.start, s.kind, s.present, s.lobe, s.side, s.band, s.forbidden) for s in parts]

    assert claims(focal * np.float32(gain)) == claims(focal)


def test_what_is_missing_is_not_measured(focal):
    ok = ~np.isin(CHANNELS, ("O1", "O2", "P3", "P4", "Pz"))
    made = describe(session(focal, ok=ok, rate=128.0))
    gone = {(s.lobe, s.side): s.forbidden for s in made.of("session") if s.kind == "region"}
    assert set(gone) == {("occipital", None), ("parietal", None)} and "O1" in gone["occipital", None]
    stated = {s.kind: s for s in made.of("session")}
    assert stated["posterior rhythm"].present is None and stated["generalised slowing"].present is None
    bands = {s.band: s.forbidden for s in made.of("session") if s.kind == "power" and s.forbidden}
    assert bands == {"high gamma": "recorded at 128 Hz"}
    assert not any(name.startswith("high gamma") for s in made.statements for name, *_ in s.numbers)


def test_a_low_pass_forbids_the_bands_above_it():
    signal = awake()
    spectrum = np.fft.rfft(signal)
    spectrum[:, np.fft.rfftfreq(signal.shape[1], 1 / 200) > 20] *= 1e-3
    made = describe(session(np.fft.irfft(spectrum).astype(np.float32)))
    forbidden = {s.band: s.forbidden for s in made.of("session") if s.kind == "power" and s.forbidden}
    assert set(forbidden) == {"beta", "gamma", "high gamma"} and all("low-passed" in f for f in forbidden.values())
    assert next(s for s in made.of("session") if s.kind == "posterior rhythm").present


def test_a_session_shorter_than_a_segment_is_one_line():
    made = describe(session(awake(10)[:, : 9 * 200]))
    assert len(made.statements) == 1 and made.sentences() == [
        "Recording: not described (9.0 s of signal; expected a segment of 10 s or more)."
    ]


def test_every_kind_has_a_sentence_and_no_sentence_names_a_disease(focal):
    made = describe(session(focal))
    assert {s.kind for s in made.statements} <= set(KINDS)
    texts = made.sentences() + made.sentences("minute") + made.sentences("segment")
    assert all(text.endswith(".") and not re.search(r"\b(None|nan)\b", text) for text in texts)
    words = " ".join(texts).lower()
    assert not any(word in words for word in ("epilep", "dementia", "seizure", "encephalopath", "normal", "disease"))
    assert "slowing over the left temporal region" in words


def test_invalid_seconds_are_not_described():
    made = session(awake())
    made.signal[:, 20 * 200 : 30 * 200] = 0
    made.valid[20:30] = 0
    statements = describe(made).of("segment")
    assert [(s.kind, s.present) for s in statements if s.start == 20] == [("power", None)]
