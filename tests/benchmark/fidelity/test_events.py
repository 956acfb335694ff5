"""Planted events: each kind's number rises with its event, and a row says where it was lost."""

import numpy as np
import pytest
import torch

from benchmark.fidelity.events import CENTRE, FRONT, KINDS, _row, events, unquantised
from benchmark.fidelity.table import event_table
from benchmark.fidelity.truth import Redraws
from tests.helpers import spectrogram
from tokenizer.channels import CHANNELS
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig

T7 = CHANNELS.index("T3")
PLANT = {
    "grda": (FRONT, slice(4, 12), slice(0, 40)),
    "spikes": ([T7], slice(16, 64), slice(0, 120, 20)),
    "spindles": (CENTRE, slice(44, 60), slice(0, 120, 10)),
    "seizures": ([T7], slice(8, 32), slice(30, 55)),
    "bursts": (list(range(19)), slice(4, 80), slice(0, 120, 3)),
    "focal slowing": ([T7], slice(4, 16), slice(None)),
    "alpha": ([0, 1], slice(32, 52), slice(None)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_a_kind_rises_with_its_event_and_not_with_a_gain(kind):
    quiet = np.random.default_rng(0).standard_normal((19, 128, 120)).astype(np.float32)
    planted = quiet.copy()
    channels, bins, seconds = PLANT[kind]
    for channel in channels:
        planted[channel, bins, seconds] += 10
    score = KINDS[kind][1]
    assert score(planted) > score(quiet) + 2 and score(quiet + 6) == pytest.approx(score(quiet), abs=1e-4)


def test_a_row_says_what_is_kept_and_none_is_made_of_too_few():
    scores = np.array([[4.0, 2.0, 1.0]] * 3 + [[0.0, 0.0, 1.0]] * 4)
    truth = [{"seizures": 1}] * 3 + [{"seizures": 0}] * 4
    row = _row("seizures", scores, truth)
    assert (row["with"], row["without"], row["original"], row["unquantised"], row["rebuilt"]) == (3, 4, 1.0, 1.0, 0.5)
    assert row["kept_unquantised"] == 0.5 and row["kept_rebuilt"] == 0
    assert event_table([row])[1] == [["seizures", "3, 4", "1.00", "1.00", "0.50", "0.50, 0.00"]]
    assert _row("seizures", scores[1:], truth[1:]) is None


def test_before_the_quantiser_is_what_training_without_codes_gives():
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=32, code_dimension=4)).eval()
    spec = spectrogram(1, 40)
    valid, ok = torch.ones(1, 40).bool(), torch.ones(1, 19).bool()
    rebuilt = unquantised(vqgan, Reading(spec[0], valid[0], ok[0]))
    planes = vqgan(spec, valid, ok, quantise=False)["planes"]
    expected = vqgan.join(planes) + vqgan.level(spec, valid, ok)[:, None, None, None]
    np.testing.assert_allclose(rebuilt, expected[0].detach().numpy(), atol=1e-4)


def test_sessions_of_a_cohort_make_rows_of_the_kinds_that_enough_of_them_have(tiny_cohort):
    sessions = read_sessions(tiny_cohort).head(12)
    vqgan = VQGAN(VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=32, code_dimension=4))
    rows = events(str(tiny_cohort), sessions, ReadingConfig(), vqgan, Redraws(tiny_cohort, {}))
    assert "alpha" in {row["kind"] for row in rows}
    assert all(0 <= row[way] <= 1 for row in rows for way in ("original", "unquantised", "rebuilt"))
