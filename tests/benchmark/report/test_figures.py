"""Pictures: colours, and that they are whole."""

import base64

import numpy as np
import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.figures import COLOURS, colours, forest_figure, means_figure, session_figure
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


@pytest.fixture(scope="module")
def results():
    tasks = make_tasks(2)
    stores = {name: make_embeddings(tasks, 1.0) for name in ("ours", "grey", "theirs")}
    scored = score_tasks(tasks, stores, resamples=20)
    return Results(scored, {}, unmatched=scored, encoders={"grey": ENCODERS["metadata"], "theirs": ENCODERS["codes"]})


def test_an_encoder_has_its_colour_and_the_others_the_next(results):
    assert colours(results) == {"ours": COLOURS[0], "grey": ENCODERS["metadata"].colour, "theirs": COLOURS[1]}


def test_figures_are_svg_and_the_same_every_time(results):
    for draw in (means_figure, lambda r: forest_figure(r, r.scored.tasks)):
        once = draw(results)
        assert once.startswith("<svg") and once.rstrip().endswith("</svg>")
        assert once == draw(results)


def test_a_session_is_a_png():
    spec = np.random.default_rng(0).standard_normal((128, 40))
    uri = session_figure(spec, spec, np.arange(64).reshape(16, 4), np.arange(40) < 30, "O1")
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,"))[:4] == b"\x89PNG"
