"""Networks trained from scratch: they learn what labels say, never read those of eval, and are scored like any row."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.tuab import scratch
from benchmark.tuab.asking import OWN, Vectors, ask_all, ask_few
from benchmark.tuab.probes import ProbeRows
from benchmark.tuab.questions import QUESTIONS
from benchmark.tuab.scratch import NetworkProbe, from_scratch
from clef.cohort import Cohort
from clef.waveform.kept import KeptWindows

SEX = next(question for question in QUESTIONS if question.name == "sex")


class Power(nn.Module):
    """Mean power of each channel, and a line through it."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 1)

    def forward(self, windows):
        return self.line(windows.square().mean(2))


@pytest.fixture
def planted():
    """120 windows of as many people; those of cases are five times as loud in the first channel."""
    generator = np.random.default_rng(0)
    y = generator.random(120) < 0.5
    signal = generator.normal(size=(120, 2, 50)).astype(np.float16)
    signal[y, 0] *= 5
    numbers = np.arange(120)
    kept = KeptWindows(signal, numbers.astype(str), numbers, np.full(120, "train"), numbers, np.ones(120, np.int64))
    part = numbers % 5
    return kept, ProbeRows(numbers[:, None], y, numbers, part < 3, part == 3)


def test_a_network_learns_what_the_labels_say_and_never_reads_those_of_eval(planted):
    kept, rows = planted
    probe = NetworkProbe(kept, Power, 200, torch.device("cpu"))
    test = ~(rows.train | rows.val)
    out = probe(rows, seed=0)
    assert out.score[test & rows.y].min() > out.score[test & ~rows.y].max()
    assert np.allclose(out.probability, 1 / (1 + np.exp(-out.score))) and 1 <= out.chosen["step"] <= 200
    turned = dataclasses.replace(rows, y=np.where(test, ~rows.y, rows.y))
    assert np.array_equal(probe(turned, seed=0).score, out.score)
    assert not np.array_equal(probe(rows, seed=1).score, out.score)


def test_without_a_group_in_val_the_last_step_is_kept_and_val_is_learned_from(planted):
    kept, rows = planted
    one_sided = dataclasses.replace(rows, val=rows.val & rows.y)
    out = NetworkProbe(kept, Power, 30, torch.device("cpu"))(one_sided, seed=0)
    assert out.chosen["step"] == 30


def test_a_network_of_a_rival_stands_among_the_rows(tiny_cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "BATCH", 8)
    cohort = Cohort(tiny_cohort)
    row = from_scratch("eegclip", cohort, tmp_path / "windows", 1, 1, torch.device("cpu"), 0)
    assert row.x.shape == (len(row.session_id), 1) and len(set(row.session_id)) == len(row.session_id)
    (asked,) = ask_all([SEX], [row], cohort)
    assert (asked.row, asked.probe) == ("eegclip, from scratch", OWN)
    assert {score.level for score in asked.scores} == {"window", "session", "person"}


def test_few_labels_are_asked_of_networks_but_of_no_single_windows(tiny_cohort):
    cohort = Cohort(tiny_cohort)
    sessions = cohort.sessions["session_id"].to_numpy()
    numbers, signal = np.arange(len(sessions)), np.random.default_rng(0).normal(size=(len(sessions), 2, 50))
    kept = KeptWindows(signal, sessions, numbers, cohort.sessions["split"].to_numpy(), numbers, np.ones_like(numbers))
    plain = Vectors("plain", numbers[:, None], sessions, windows=True)
    row = dataclasses.replace(plain, name="own", probe=NetworkProbe(kept, Power, 3, torch.device("cpu")))
    (whole,) = ask_all([SEX], [row], cohort)
    (few,) = ask_few([SEX], [plain, row], cohort, [1.0], 1)
    assert (few.row, few.share) == ("own", 1.0) and few.scores == whole.scores, "all labels are a share, too"
