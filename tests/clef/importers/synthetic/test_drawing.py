"""The drawing of one session: the same bytes from the same streams, and nothing left of one that failed."""

import numpy as np
import pytest

from clef.importers.synthetic.drawing import draw_recording
from clef.importers.synthetic.waves import Streams


@pytest.fixture
def latents(population):
    return {name: column[0].item() for name, column in population[1].items()}


VISIT = {"site": "B", "seconds": 20, "start": np.datetime64("2019-03-04T10:11:12", "us")}


def test_the_streams_decide_the_bytes(tmp_path, latents):
    files = [tmp_path / name for name in ("one.edf", "two.edf", "redrawn.edf", "other.edf")]
    keys = [(1, 0), (1, 0), (1, 0, 1), (1, 1)]
    for file, key in zip(files, keys, strict=True):
        draw_recording(file, latents, VISIT, Streams.of_session(*key))
    one, two, redrawn, other = (file.read_bytes() for file in files)
    assert one == two and len({one, redrawn, other}) == 3
    assert len({len(data) for data in (one, redrawn, other)}) == 1


def test_a_drawing_that_fails_leaves_no_file(tmp_path, latents):
    with pytest.raises(KeyError):
        draw_recording(tmp_path / "one.edf", latents, {"site": "B", "seconds": 20}, Streams.of_session(1, 0))
    assert not list(tmp_path.iterdir())
