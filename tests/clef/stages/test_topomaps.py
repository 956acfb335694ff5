"""stage=topomaps: whose segments it sees, that pairs never end, and that its network learns to find maps."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from clef.cohort import Cohort
from clef.embeddings import seen_subjects
from clef.network.waveform.encoder import WaveformEncoder
from clef.network.waveform.topomap import TopomapTowers
from clef.stages.inputs import Inputs
from clef.stages.topomaps import TopomapsConfig, build
from clef.stages.windows import WindowsConfig
from clef.waveform.kept import FOLDER
from clef.waveform.segments import MIDDLE, voltage_maps
from tests.helpers import must, pretrain

SMALL = TopomapsConfig(width=16, hidden=32, per_session=4)


def make(cohort, config=SMALL, network="elm", writes=True):
    return build(Inputs(str(cohort), seed=3, writes=writes), WindowsConfig(network), config)


@pytest.fixture(scope="module")
def cohort(tiny_cohort, tmp_path_factory):
    """A copy, since segments are kept beside it."""
    return Path(shutil.copytree(tiny_cohort, tmp_path_factory.mktemp("topomaps") / "cohort"))


@pytest.fixture(scope="module")
def whole(cohort):
    torch.manual_seed(0)
    return make(cohort)


def test_nobody_of_split_test_is_cut_or_named(whole, cohort):
    objective, samples = whole
    sessions = Cohort(cohort).sessions
    assert set(samples.kept.split) == {"train", "val"} and set(samples.kept.split[samples.train]) == {"train"}
    people = {split: set(sessions.filter(pl.col("split") == split)["subject_id"]) for split in ("train", "val", "test")}
    seen = seen_subjects(objective.encoder.about["trained_on"], set().union(*people.values()))
    assert seen == {"train": people["train"], "val": people["val"]}


def test_batches_follow_from_their_number_and_no_pair_comes_again(whole):
    _, samples = whole
    one, two = samples.batch([5, 6]), samples.batch([5, 6])
    assert all(torch.equal(one[key], two[key]) for key in ("windows", "maps", "segment", "present"))
    assert one["windows"].shape == (8, 20, 108) and one["maps"].shape == (8, 19) and one["counts"] == {"segments": 8}
    assert one["segment"].tolist() == list(range(20, 28))
    again = samples.batch([5 + len(samples.train) * n for n in range(20)])["maps"]
    assert len(torch.unique(again, dim=0)) == len(again) == 80, "the same few recordings, other samples of them"


def test_the_middle_of_a_window_is_the_sample_of_its_map(whole):
    _, samples = whole
    batch = samples.validation()[0]
    rows = [samples.kept.some(row, [i])[0] for row in samples.held_out for i in range(samples.kept.count[row])]
    np.testing.assert_array_equal(batch["maps"], voltage_maps(np.stack(rows), MIDDLE))
    around = samples.around
    pairs = batch["windows"][:, :, around.sample].numpy() * around.made.scale + around.made.shift
    direction = (batch["maps"].numpy() @ around.weights.T).astype(np.float64)
    cosine = (pairs * direction).sum(1) / np.linalg.norm(pairs, axis=1) / np.linalg.norm(direction, axis=1)
    np.testing.assert_allclose(cosine, 1, atol=1e-4)


def test_a_moment_without_voltage_is_no_pair(whole):
    objective, samples = whole
    segments = samples.kept.some(0, [0, 1])
    segments[1, :, 300] = 0.0
    batch = samples._pairs(segments, np.array([300, 300]), np.arange(2))
    assert batch["present"].tolist() == [True, False] and batch["counts"] == {"segments": 1.0}
    assert torch.isfinite(objective(batch, batch["counts"], 1.0)["loss"])


@pytest.mark.parametrize("network", ["elm", pytest.param("eegclip", marks=pytest.mark.slow)])
def test_the_loss_has_a_gradient_everywhere(network, cohort):
    objective, samples = make(cohort, network=network)
    batch = samples.batch(range(4))
    out = objective(batch, batch["counts"], 1.0)
    out["loss"].backward()
    assert {"loss", "first_map", "first_eeg"} == out.keys()
    lost = [name for name, p in objective.named_parameters() if p.grad is None or not p.grad.any()]
    assert not [name for name in lost if not name.endswith("bias")], lost
    assert [group.get("scale", 1.0) for group in objective.groups()] == [1.0, 10.0]


def test_a_dry_run_keeps_nothing(tiny_cohort, tmp_path):
    shutil.copytree(tiny_cohort, tmp_path / "cohort", ignore=shutil.ignore_patterns(FOLDER))
    make(tmp_path / "cohort", writes=False)
    assert not (tmp_path / "cohort" / FOLDER).exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": 0.5}, "topomaps.seconds=0.5: elm takes 1.08 s at least, or 0 for just that"),
        ({"seconds": 2.005}, "topomaps.seconds=2.005: window=2.005 s is no whole number of samples"),
        ({"seconds": 11.0}, "topomaps.seconds=11.0: expected a number from 0.0 to 10.0"),
        ({"per_session": 0}, "topomaps.per_session=0: expected"),
        ({"width": 0}, "topomaps.width=0: expected"),
    ],
)
def test_settings_that_cannot_be_are_one_line(changes, said, cohort):
    with pytest.raises(ValueError, match=said) as caught:
        make(cohort, dataclasses.replace(SMALL, **changes))
    assert "\n" not in str(caught.value)


def test_a_run_learns_to_find_and_says_whom_it_saw(cohort, tmp_path):
    settings = {"cohort": cohort, "steps": 12, "topomaps.per_session": 6, "ema": 0, "topomaps.width": 32}
    done = must(pretrain(tmp_path, "topomaps", out=tmp_path / "run", **settings))
    assert f"benchmark.topomaps cohort={cohort} encoder={tmp_path / 'run'}" in done.err
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    losses = [line["val_loss"] for line in lines if "val_loss" in line]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.8 * losses[0]
    encoder = WaveformEncoder.from_pretrained(str(tmp_path / "run/model/waveform"))
    towers = TopomapTowers.from_pretrained(str(tmp_path / "run/model/topomap"))
    assert encoder.about["stage"] == "topomaps" and encoder.about["trained_on"]["train"]
    assert towers.features == encoder.network.over_width == 384 and set(towers.about) == {"temperature", "bias"}
