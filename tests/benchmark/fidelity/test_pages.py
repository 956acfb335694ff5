"""The page of sessions: what its panels say of a difference that is known."""

import numpy as np
import pytest
import torch

from benchmark.fidelity.cases import Case
from benchmark.fidelity.pages import AROUND, SHOWN, Panel, draw_page
from benchmark.fidelity.passes import Reconstruction
from tests.benchmark.fidelity.helpers import noisy
from tokenizer.cells import FRAMES_PER_CELL, HZ, channel_indices
from tokenizer.readings import Reading, ReadingConfig
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig

FRAMES = 600


def panel(case, spec, rebuilt):
    reading = Reading(torch.from_numpy(spec), torch.ones(FRAMES).bool(), torch.ones(19).bool())
    tokens = np.arange(16 * 60).reshape(16, 60)
    return Panel(case, reading, Reconstruction(rebuilt, tokens, np.arange(60) != 5), 10)


def test_a_lasting_difference_is_given_in_db_for_both():
    spec = noisy(0, FRAMES, level=0.0)
    left = channel_indices(("P3",))[0]
    spec[left, (HZ >= 8) & (HZ < 13)] = 6
    shown = panel(Case("asymmetric alpha", "", "x", ("P3", "P4"), "alpha"), spec, spec / 2)
    assert shown.heading == "P3 minus P4 at 8–13 Hz: +6.0 dB in the recording, +3.0 dB rebuilt"
    assert shown.mean.all() and shown.cut == slice(0, SHOWN)
    assert (shown.tokens[:, 5] == -1).all() and (np.delete(shown.tokens, 5, 1) >= 0).all()


@pytest.mark.parametrize(("column", "first"), [(2, 0), (30, 150), (58, 300)])
def test_a_passing_event_is_in_the_middle_as_far_as_the_recording_reaches(column, first):
    spec = noisy(0, FRAMES, level=0.0)
    spec[channel_indices(("T3",))[0], :, column * 10 : column * 10 + 10] = 9
    shown = panel(Case("artefact", "", "x"), spec, np.zeros_like(spec))
    assert shown.pair == ("T3", "T4") and f"at {10 * column} s: +9.0 dB in the recording, +0.0 dB" in shown.heading
    assert shown.cut == slice(first, first + SHOWN)
    near = np.abs(np.arange(60) - column) <= AROUND
    assert np.array_equal(shown.mean, np.repeat(near, FRAMES_PER_CELL))


def test_a_page_is_drawn_with_and_without_a_session(tmp_path, tiny_cohort):
    torch.manual_seed(0)
    vqgan, rows = VQGAN(VQGANConfig(width=8, codes=32)).eval(), read_sessions(tiny_cohort)
    cases = [Case("asymmetric alpha", "", rows["session_id"][0], ("O1", "O2"), "alpha"), Case("seizure", "none known")]
    sizes = []
    for shown in (cases, cases[1:]):
        draw_page(str(tiny_cohort), rows, shown, ReadingConfig(), vqgan, tmp_path / "page.png")
        data = (tmp_path / "page.png").read_bytes()
        assert data[:4] == b"\x89PNG"
        sizes.append(int.from_bytes(data[20:24], "big"))  # height in pixels
    assert sizes[0] > 2 * sizes[1]
