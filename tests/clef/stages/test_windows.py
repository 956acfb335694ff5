"""stage=windows: whose windows it sees, what its loss is made of, and that a run is embedded like any rival."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from clef.cohort import Cohort
from clef.embeddings import read_embeddings, seen_subjects
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.network.waveform.encoder import WaveformConfig, WaveformEncoder
from clef.stages import windows
from clef.stages.align import AlignConfig
from clef.stages.inputs import Inputs
from clef.stages.windows import WindowsConfig, build
from clef.waveform.kept import FOLDER
from tests.helpers import must, pretrain, run

SMALL = WindowsConfig(seconds=5, hidden=8, per_session=3)
TEXT, RECORD = TextConfig(width=32, layers=1, heads=2, output=16), RecordConfig(width=32, layers=1, heads=2, output=16)


def make(cohort, align=None, windows=SMALL, writes=True):
    align = align or AlignConfig(multiple_instance=True, loss="instances")
    return build(Inputs(str(cohort), seed=3, writes=writes), align, TEXT, RECORD, windows)


@pytest.fixture(scope="module")
def cohort(tiny_cohort, tmp_path_factory):
    """A copy, since windows are kept beside it."""
    return Path(shutil.copytree(tiny_cohort, tmp_path_factory.mktemp("windows") / "cohort"))


@pytest.fixture(scope="module")
def whole(cohort):
    return make(cohort)


def test_nobody_of_split_test_is_cut_or_named(whole, cohort):
    objective, samples = whole
    sessions = Cohort(cohort).sessions
    known = dict(zip(sessions["session_id"], sessions["split"], strict=True))
    assert {known[name] for name in samples.kept.session_id} == {"train", "val"}
    assert set(samples.kept.split[samples.train]) == {"train"}
    people = {split: set(sessions.filter(pl.col("split") == split)["subject_id"]) for split in ("train", "val", "test")}
    seen = seen_subjects(objective.encoder.about["trained_on"], set().union(*people.values()))
    assert seen == {"train": people["train"], "val": people["val"]}


def test_a_session_is_the_mean_of_its_windows_and_padding_is_never_seen(whole):
    objective, samples = whole
    batch = samples.batch(range(4))
    first = dict(batch)
    first["window_ok"] = batch["window_ok"].clone()
    first["window_ok"][0, 1:] = False  # as a session of one window
    keep = torch.ones(len(batch["windows"]), dtype=torch.bool)
    keep[1:3] = False
    first["windows"] = batch["windows"][keep]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        session, each, ok = objective._embed(first)
        torch.manual_seed(0)
        alone = objective.encoder(first["windows"])
    torch.testing.assert_close(session[0], alone[0])
    torch.testing.assert_close(session[1], alone[1:4].mean(0))
    assert torch.equal(ok, first["window_ok"]) and (each[0, 1:] == 0).all()


def test_batches_follow_from_their_number(whole):
    _, samples = whole
    one, two, other = samples.batch([5, 6]), samples.batch([5, 6]), samples.batch([7, 8])
    assert torch.equal(one["windows"], two["windows"]) and not torch.equal(one["windows"], other["windows"])
    assert len(one["windows"]) == 6 and one["counts"]["report"] <= 2


def test_the_loss_has_a_gradient_everywhere(whole):
    objective, samples = whole
    batch = samples.batch(range(6))
    out = objective(batch, batch["counts"], 1.0)
    out["loss"].backward()
    assert {"loss_report", "loss_record", "first_report"} <= out.keys()
    lost = [name for name, p in objective.encoder.named_parameters() if p.grad is None or not p.grad.any()]
    # what stands before a batch norm may add anything
    assert not [name for name in lost if not name.endswith("bias")]
    objective.zero_grad()
    assert len(objective.groups()) == 1


def test_dropout_follows_from_the_samples(cohort):
    windows = WindowsConfig("eegclip", seconds=12, hidden=8, layers=2, per_session=1)
    objective, samples = make(cohort, AlignConfig(loss="dot", temperature=0.376), windows)
    batch = samples.batch(range(4))
    before = torch.random.get_rng_state()
    losses = [float(objective(batch, batch["counts"], 1.0)["loss"].detach()) for _ in range(2)]
    assert losses[0] == losses[1] and torch.equal(torch.random.get_rng_state(), before)
    batch["draw"] = batch["draw"] + 1
    assert float(objective(batch, batch["counts"], 1.0)["loss"].detach()) != losses[0]


def test_a_dry_run_keeps_nothing(cohort):
    folder = cohort / FOLDER
    before = set(folder.iterdir()) if folder.is_dir() else set()
    make(cohort, windows=dataclasses.replace(SMALL, seconds=6), writes=False)
    assert (set(folder.iterdir()) if folder.is_dir() else set()) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": 0.001}, "windows.seconds=0.001: expected"),
        ({"seconds": 1.0}, "windows.seconds=1: elm takes"),
        ({"seconds": 300.0}, "no 300 s without a gap"),
        ({"per_session": 0}, "windows.per_session=0: expected"),
        ({"layers": 17}, "windows.layers=17: expected"),
        ({"seconds": 5.001}, "no whole number of samples"),
    ],
)
def test_settings_that_cannot_be_are_one_line(changes, said, cohort):
    with pytest.raises(ValueError, match=said) as caught:
        make(cohort, windows=dataclasses.replace(SMALL, **changes))
    assert "\n" not in str(caught.value)


def test_a_run_is_embedded_in_its_own_units_and_says_whom_it_saw(cohort, tmp_path):
    settings = {"cohort": cohort, "windows.seconds": 5, "windows.per_session": 2, "ema": 0, "steps": 3}
    done = must(pretrain(tmp_path, "windows", out=tmp_path / "run", **settings))
    assert f"benchmark.encode encoder=elm weights={tmp_path / 'run'}" in done.err
    encode = {"encoder": "elm", "weights": tmp_path / "run", "cohort": cohort, "workers": 0}
    said = must(run(tmp_path, "benchmark.encode", **encode, out=tmp_path / "e.parquet")).err
    assert "tensors matched" in said
    store = read_embeddings(tmp_path / "e.parquet")
    encoder = WaveformEncoder.from_pretrained(str(tmp_path / "run/model/waveform"))
    assert store.config["scale"] == encoder.scale > 0 and store.config["standard"] == "fixed"
    assert store.trained_on == encoder.about["trained_on"] and store.vectors.shape[1] == encoder.network.width == 96
    wrong = run(tmp_path, "benchmark.encode", **encode | {"encoder": "eegclip"}, out=tmp_path / "f.parquet")
    assert wrong.code and "its network is elm; give encoder=elm" in wrong.err


def test_a_network_is_saved_whole_and_refused_where_it_is_not(tmp_path):
    torch.manual_seed(0)
    one = WaveformEncoder(WaveformConfig("elm", 5, 8, 2), 0.5, 2.0).eval()
    one.save_pretrained(tmp_path / "w")
    two = WaveformEncoder.from_pretrained(str(tmp_path / "w"))
    windows = torch.randn(2, 20, 500)
    with torch.inference_mode():
        assert torch.equal(one(windows), two(windows))
    assert two.preparation == one.preparation and np.isclose(two.preparation.scale, 2.0)
    text = (tmp_path / "w/config.json").read_text()
    (tmp_path / "w/config.json").write_text(
        text.replace('"scale": 2.0', '"scale": 0.0').replace('"digests"', '"other"')
    )
    with pytest.raises(ValueError, match="damaged model folder") as caught:
        WaveformEncoder.from_pretrained(str(tmp_path / "w"))
    assert "\n" not in str(caught.value)


def test_validation_in_parts_is_validation_at_once(whole, monkeypatch):
    objective, samples = whole
    batch = samples.validation()[0]
    objective.eval()
    with torch.inference_mode():
        together = objective(batch, batch["counts"], 1.0)["loss"]
        monkeypatch.setattr(windows, "AT_ONCE", 2)
        torch.testing.assert_close(objective(batch, batch["counts"], 1.0)["loss"], together)
    objective.train()
