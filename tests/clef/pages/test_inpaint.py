"""The page of clef.inpaint: what it shows of a session, and that it can be drawn."""

import numpy as np
import pytest

from clef.pages.inpaint import Page, draw_page


def page(hidden: np.ndarray, frames: int) -> Page:
    rows, columns = hidden.shape
    random = np.random.default_rng(0)
    specs = [random.standard_normal((19, 128, columns * frames)) for _ in range(3)]
    tokens = random.integers(16, size=(rows, columns))
    which = np.flatnonzero(hidden.any(0))
    seconds = [int(which[0]) * frames, (int(which[-1]) + 1) * frames]
    report = {"words": ["a session: hidden", "more of it"], "protocol": {"seconds": seconds, "hertz": [0, 32]}}
    return Page("s", report, tokens, tokens[:, ::-1], np.ones(columns, bool), hidden, *specs, None, ["Cz", "O1"])


@pytest.mark.parametrize(("rows", "columns", "frames"), [(16, 128, 10), (8, 256, 5), (32, 64, 20)])
def test_it_shows_200_s_on_either_side_of_what_is_hidden(rows, columns, frames):
    hidden = np.zeros((rows, columns), bool)
    hidden[:, 500 // frames : 600 // frames] = True
    shown = page(hidden, frames)
    assert shown.extent == (300, 800, 0, 32) and shown.cut == slice(300, 800)
    assert shown.covered.shape == (128, 1280) and shown.covered[:, 500:600].all() and shown.covered.sum() == 12_800


def test_it_does_not_go_beyond_the_session():
    hidden = np.zeros((16, 30), bool)
    hidden[3, 1:29] = True
    assert page(hidden, 10).extent == (0, 300, 0, 32)


def test_the_page_is_drawn_with_and_without_the_recording(tmp_path):
    import matplotlib.image

    hidden = np.zeros((16, 30), bool)
    hidden[:, 10:12] = True
    shown = page(hidden, 10)
    draw_page(shown, tmp_path / "store.png")
    shown.spec = shown.original
    draw_page(shown, tmp_path / "recording.png")
    sizes = [matplotlib.image.imread(tmp_path / f"{name}.png").shape for name in ("store", "recording")]
    assert sizes[1][1] > sizes[0][1] and sizes[0][0] == sizes[1][0]  # one panel more
