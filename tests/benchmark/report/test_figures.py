"""Pictures: colours, and that they are whole and hold nobody's text."""

import base64

import numpy as np
import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.facts import Facts
from benchmark.report.figures import COLOURS, LONGEST, colours, forest_figure, means_figure, session_figure, short
from tests.benchmark.report.made import made_up


@pytest.fixture(scope="module")
def facts():
    results = made_up({"_ours $x$ <b>--": 1.0, "metadata": 0.2, "theirs": 0.8}, tasks=4)
    results.encoders = {"metadata": ENCODERS["metadata"], "theirs": ENCODERS["codes"]}
    results.unmatched = results.scored
    return Facts(results)


def test_an_encoder_has_its_colour_and_the_others_the_next(facts):
    own = ENCODERS["metadata"].colour
    assert colours(facts.results) == {"_ours $x$ <b>--": COLOURS[0], "metadata": own, "theirs": COLOURS[1]}


def test_figures_are_svg_and_the_same_every_time(facts):
    for draw in (means_figure, lambda f: forest_figure(f, f.scored.tasks)):
        once = draw(facts)
        assert once.startswith("<svg") and once.rstrip().endswith("</svg>")
        assert once == draw(facts)


def test_names_are_shapes_and_no_text_of_the_picture(facts):
    for text in (means_figure(facts), forest_figure(facts, facts.scored.tasks)):
        assert "ours" not in text and "<!--" not in text and "<b>" not in text


def test_a_name_in_a_script_that_the_font_lacks_is_no_warning(recwarn):
    means_figure(Facts(made_up({"脳波": 1.0, "theirs": 0.5}, tasks=2)))
    assert [str(w.message) for w in recwarn if "Glyph" in str(w.message)] == []


def test_long_names_are_cut():
    assert short("x" * LONGEST) == "x" * LONGEST and len(short("x" * 500)) == LONGEST


def test_a_session_is_a_png():
    spec = np.random.default_rng(0).standard_normal((128, 40))
    uri = session_figure(spec, spec, np.arange(64).reshape(16, 4), np.arange(40) < 30, "O1")
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,"))[:4] == b"\x89PNG"
