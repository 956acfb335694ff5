"""Views: a gain in the spectrogram is a gain of the recording, and vectors that are there are not made again."""

import numpy as np
import pytest
import torch

from benchmark.models.asked import ask
from benchmark.models.views import KINDS, View, make_vectors, read_view, scaled
from benchmark.open.datasets import DATA_SETS, import_data_set
from clef.cohort import Cohort
from tests.benchmark.open.folder import write_open_data
from tests.helpers import snapshot
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read
from tokenizer.readings import reading_of


@pytest.mark.parametrize("gain", (0.25, 4))
def test_a_gain_in_the_spectrogram_is_a_gain_of_the_recording(gain, tmp_path):
    signal = eeg(20)
    signal[3] = 0
    one, other = (reading_of(read(write_edf(tmp_path / f"{g}.edf", g * signal))) for g in (1, gain))
    again = scaled(one, gain)
    at = (torch.minimum(one.spec, again.spec) > -15) & (again.spec < 39)  # below, the file's steps of 0.1 µV tell
    at[:, :, :2] = at[:, :, -2:] = False
    assert torch.allclose(again.spec[at], other.spec[at], atol=0.3)
    assert torch.equal(again.spec[~one.channel_ok], one.spec[~one.channel_ok])
    assert torch.equal(scaled(one, 1).spec, one.spec)


def test_what_is_there_is_not_made_again(tiny_recon, tmp_path):
    data = write_open_data(tmp_path / "data")
    dataset = DATA_SETS["ds004504"]
    cohorts = []
    for seconds in (10, 12):
        import_data_set(data, dataset, tmp_path / f"cohort{seconds}", "test", most_seconds=seconds)
        cohorts.append(Cohort(tmp_path / f"cohort{seconds}"))
    one, keep, views = ask("tiny", tiny_recon, dataset, {1}, False), tmp_path / "kept", [View(), View(2.0, 0.5)]
    make_vectors(cohorts[0], [one], views, keep, False, 0)
    before = snapshot(keep)
    make_vectors(cohorts[0], [one], views, keep, False, 0)
    assert snapshot(keep) == before and len(before) == len(views) * len(KINDS)
    first, blanked = (read_view(cohorts[0], one, view, keep, "codes") for view in views)
    assert len(first.session_id) == 3 and not np.allclose(first.vectors, blanked.vectors)
    assert first.config["pool"] == "rows+sd" and first.config["kind"] == "codes"
    assert read_view(cohorts[1], one, views[0], keep, "codes") is None, "cut to another length"
