"""Findings with their evidence: the seconds and electrodes that a sentence rests on, and what a click marks."""

import numpy as np
import pytest

from clef.descriptions.description import Description, describe
from clef.descriptions.sentences import sentence
from clef.descriptions.statements import Statement
from clef.pages.findings import Finding, electrodes_of, findings, mean_spectrogram, stretches
from clef.pages.view import About, page, parts
from tests.browser import Browser, chromium
from tests.clef.descriptions.signals import at, awake, rhythm
from tokenizer.edf.writer import LABELS, write_edf
from tokenizer.reading.read import ReadingConfig, read_with_raw

FOCUS = {"lobe": "temporal", "side": "left", "band": "delta"}
NUMBERS = (("delta at T3", 80.0, "µV²"), ("delta at T4", 9.0, "µV²"), ("beyond the hemisphere", 6.0, "dB"))


def focal(scope: str, start: float, stop: float, **more) -> Statement:
    return Statement(scope, start, stop, "focal slowing", True, **FOCUS | more, numbers=NUMBERS)


def test_a_focus_rests_on_the_segments_of_its_own_place_and_its_own_electrode():
    segments = [focal("segment", s, s + 10) for s in (20, 30, 60)]
    segments += [focal("segment", 40, 50, side="right"), Statement("segment", 80, 90, "suppression", True)]
    whole = focal("session", 0, 100)
    assert stretches(whole, segments) == [(20, 40), (60, 70)]
    assert electrodes_of(whole) == ["T3"]
    (made,) = findings(Description([*segments, whole]))
    assert made.state == "seen" and made.words == "in 30 s, marked; at T3" and made.text == sentence(whole)


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    (
        ("posterior rhythm", {"lobe": "occipital", "side": "right"}, ["O2"]),
        ("posterior rhythm", {"lobe": "occipital"}, ["O1", "O2"]),
        ("voltage asymmetry", {"side": "left"}, ["Fp1", "F7", "F3", "T3", "T5", "C3", "P3", "O1"]),
        ("region", {"lobe": "temporal", "side": "left"}, ["T3", "T5"]),
        ("energy", {"numbers": (("highest tier", 3.0, "dB"), ("Cz", 4.0, "dB"), ("Pz", 4.0, "dB"))}, ["Cz", "Pz"]),
        ("artefact", {"numbers": (("pops at O1", 2.0, "1/min"),)}, ["O1"]),
        ("generalised slowing", {}, []),
    ),
)
def test_electrodes_of_a_statement(kind, more, expected):
    assert sorted(electrodes_of(Statement("session", 0, 100, kind, True, **more))) == sorted(expected)


def test_what_is_not_seen_has_no_evidence_and_comes_after_what_is():
    absent, unknown = (Statement("session", 0, 50, "focal slowing", False),
                       Statement("session", 0, 50, "suppression", None, forbidden="too few"))  # fmt: skip
    made = findings(Description([unknown, absent, focal("session", 0, 50), focal("segment", 0, 10)]))
    assert [one.state for one in made] == ["seen", "not seen", "not measured"]
    assert made[1].seconds == [] and made[1].electrodes == [] and made[2].seconds == []


def test_dominant_band_is_marked_where_that_band_dominates():
    segments = [
        Statement("segment", s, s + 10, "dominant band", True, band=b) for s, b in ((0, "delta"), (10, "alpha"))
    ]
    assert stretches(Statement("session", 0, 20, "dominant band", True, band="alpha"), segments) == [(10, 20)]


def test_the_mean_spectrogram_is_a_picture_even_of_nothing():
    spec = np.zeros((19, 128, 20), np.float32)
    for valid, ok in ((np.ones(20, bool), np.ones(19, bool)), (np.zeros(20, bool), np.zeros(19, bool))):
        assert mean_spectrogram(spec, valid, ok).startswith("data:image/webp;base64,")


# ---- on the page
@pytest.fixture(scope="module")
def slowed(tmp_path_factory):
    """A page of 90 s in which the left temporal region is slow from second 20 to second 80, and 10 Hz at the back."""
    field = at({"T3": 1, "F7": 0.5, "C3": 0.5, "T5": 0.5})
    slow = (np.arange(90 * 200) // 200 >= 20) & (np.arange(90 * 200) // 200 < 80)
    samples = awake(90) + slow * field * rhythm(90, 2.2, 24.0, 0.6, seed=9)
    file = tmp_path_factory.mktemp("findings") / "a.edf"
    write_edf(file, samples, 200, list(LABELS), limit=900)
    session, raw = read_with_raw(file, ReadingConfig())
    made = parts(session, raw, 8)
    return made, describe(session), page(made, About("EEG session"))


def test_planted_slowing_is_marked_at_its_seconds_and_electrodes_by_a_click(slowed, tmp_path):
    chromium()
    made, _, text = slowed
    seen = [one for one in made.findings if one.state == "seen"]
    (number,) = [i for i, one in enumerate(seen, 1) if "slowing over the left temporal region (delta at T3" in one.text]
    marked = seen[number - 1].seconds
    inside = sum(max(0, min(stop, 80) - max(start, 20)) for start, stop in marked)
    assert inside >= 40 and inside >= 0.8 * sum(stop - start for start, stop in marked)
    (tmp_path / "page.html").write_text(text)
    with Browser() as browser:
        browser.open(tmp_path / "page.html")
        assert browser.complaints == [] and browser.requests == []
        shown = f"getComputedStyle(document.querySelector('.time .finding{number}')).display"
        assert browser.run(shown) == "none"
        browser.run(f"document.querySelector('label[for=finding{number}]').scrollIntoView({{block: 'center'}})")
        label = f"document.querySelector('label[for=finding{number}]').getBoundingClientRect()"
        box = browser.run(f"(b => [b.left + 9, b.top + b.height / 2])({label})")
        browser.click(*box)
        browser.until(f"{shown} === 'inline'")
        others = f"[...document.querySelectorAll('.mark:not(.finding{number})')]"
        assert browser.run(f"{others}.every(m => getComputedStyle(m).display === 'none')") is True
        # where the marks are on the screen, as seconds of the picture behind them
        seconds = browser.run(
            "(() => { const svg = document.querySelector('.time').getBoundingClientRect();"
            f" return [...document.querySelectorAll('.time .finding{number} rect')].map(r => r.getBoundingClientRect())"
            f".map(r => [r.left, r.right].map(x => (x - svg.left) / svg.width * {made.seconds})); }})()"
        )
        assert np.allclose(seconds, marked, atol=1)
        names = f"[...document.querySelectorAll('.head .finding{number} title')].map(t => t.textContent)"
        assert browser.run(names) == seen[number - 1].electrodes == ["T3"]
        assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
        browser.picture(tmp_path / "page.png", whole=True)


def test_the_page_says_research_only_and_loads_nothing(slowed):
    text = slowed[2]
    assert "Research only" in text and "<script" not in text and "no sentence is a diagnosis" in text


def test_sentences_are_text(slowed):
    made, _, _ = slowed
    made.findings.append(Finding("<script>alert(1)</script>", "seen", [(0, 5)], ["Cz"]))
    text = page(made, About("x"))
    made.findings.pop()
    assert "<script" not in text and "&lt;script&gt;" in text
