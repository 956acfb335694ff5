"""Maps of the voltage: a short training finds far more than chance; whom it saw, and what is left out, is said."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
import torch

from benchmark.protocols.ranking import rank_items
from benchmark.topomaps.__main__ import main
from benchmark.topomaps.settings import TopomapsConfig
from benchmark.topomaps.voltage import blurred, electrodes_seen, load, untrained
from clef.embeddings import hash_subjects
from clef.network.waveform.encoder import WaveformEncoder
from clef.waveform.kept import keep_windows
from clef.waveform.segments import Around, SegmentCut, voltage_maps
from tests.helpers import must, pretrain
from tokenizer.sessions import read_sessions


@pytest.fixture(scope="module")
def cohort(tiny_cohort, tmp_path_factory):
    """A copy, since segments are kept beside it."""
    return shutil.copytree(tiny_cohort, tmp_path_factory.mktemp("voltage") / "cohort")


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    """A short run on the people of train."""
    folder = tmp_path_factory.mktemp("trained")
    settings = {"cohort": cohort, "steps": 16, "topomaps.per_session": 5, "lr": 2e-3, "ema": 0, "validate_every": 100}
    must(pretrain(folder, "topomaps", out=folder / "run", **settings))
    return folder / "run"


def config(cohort, run, out, **changes):
    given = {"encoder": str(run), "workers": 0, "device": "cpu"}
    return TopomapsConfig(str(cohort), out, **given | changes)


def test_a_short_training_finds_far_more_than_chance(cohort, trained, tmp_path):
    main(config(cohort, trained, tmp_path / "out"))
    plain = json.loads((tmp_path / "out/topomaps.json").read_text())
    for pool in plain["pools"]:
        rows = {row["name"]: row for row in pool["rows"]}
        assert list(rows) == [
            *("the person", "the segment before", "untrained", "encoder", "10 ms before", "10 ms after"),
            *("the middle sample of 17 electrodes", "the middle sample"),
        ]
        ranks = {
            name: [row[way]["mean_rank"] for way in ("map_from_eeg", "eeg_from_map")] for name, row in rows.items()
        }
        assert ranks["the middle sample"] == [1, 1]
        chance = (pool["segments"] + 1) / 2
        assert max(ranks["encoder"]) < 0.6 * chance < min(ranks["untrained"]), (ranks, chance)
    text = (tmp_path / "out/topomaps.md").read_text()
    assert "# EEG and maps of the voltage at the middle sample" in text and "copying solves the task" in text
    names = pl.read_parquet(cohort / "sessions.parquet")["session_id"]
    assert not any(name in text + json.dumps(plain) for name in names)


def test_many_moments_of_people_of_test_are_found(cohort, trained, tmp_path):
    sessions = read_sessions(cohort).filter(pl.col("split") == "test")
    segments = np.repeat(keep_windows(cohort, sessions, SegmentCut((0.1, 49.0)), None).signal.astype(np.float32), 10, 0)
    recalls = []
    for model in (load(str(trained))[0], untrained(load(str(trained))[0], 0)):
        around = Around(model[0].preparation)
        middle = np.random.default_rng(0).integers(*around.room(1000), len(segments))
        with torch.inference_mode():
            features = model[0].network.over(torch.from_numpy(around(segments, middle)), around.sample)
            eeg, maps = model[1](features, torch.from_numpy(voltage_maps(segments, middle)))
        keys = np.arange(len(segments))
        unit = [torch.nn.functional.normalize(each).numpy() for each in (eeg, maps)]
        recalls.append(rank_items(unit[0], keys, unit[1], keys).recall(10))
    assert len(segments) > 100 and recalls[0] > 0.25 and recalls[1] < 0.1, recalls


def test_the_same_command_cuts_nothing_again(cohort, trained, tmp_path):
    given = config(cohort, trained, tmp_path / "out")
    main(given)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/segments").rglob("*.*")}
    text = (tmp_path / "out/topomaps.json").read_text()
    main(given)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out/segments").rglob("*.*")} == before
    assert before and (tmp_path / "out/topomaps.json").read_text() == text


def test_missing_electrodes_are_left_out_and_counted(recorded, trained, tmp_path):
    main(config(recorded, trained, tmp_path / "out"))
    text = (tmp_path / "out/topomaps.md").read_text()
    assert "pool of 2 segments of 1 people" in text and "left out: 2 recordings without a segment" in text


def test_an_encoder_that_saw_people_of_test_is_refused_or_marked(cohort, trained, tmp_path):
    people = read_sessions(cohort).filter(pl.col("split") == "test")["subject_id"].unique()
    shutil.copytree(trained / "model", tmp_path / "model")
    encoder = WaveformEncoder.from_pretrained(str(tmp_path / "model/waveform"))
    encoder.about["trained_on"] = hash_subjects({"train": people.to_numpy()[:2], "val": people.to_numpy()[:0]})
    encoder.save_pretrained(tmp_path / "model/waveform")
    given = config(cohort, tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match=f"saw 2 of the {len(people)} people of split test") as caught:
        main(given)
    assert "\n" not in str(caught.value) and not (tmp_path / "out/topomaps.md").exists()
    given.allow_overlap = True
    main(given)
    assert "**the encoder saw 2 people of test**" in (tmp_path / "out/topomaps.md").read_text()


def test_other_runs_are_one_line(cohort, trained, tmp_path):
    with pytest.raises(ValueError, match="there is no finished run here"):
        main(config(cohort, tmp_path, tmp_path / "out"))
    shutil.copytree(trained / "model", tmp_path / "model")
    shutil.rmtree(tmp_path / "model/topomap")
    with pytest.raises(ValueError, match="not a run of stage=topomaps"):
        main(config(cohort, tmp_path, tmp_path / "out"))


def test_untrained_is_the_same_network_with_other_weights(trained):
    model, _ = load(str(trained))
    fresh, again = untrained(model, 0), untrained(model, 0)
    for one, other, trained_part in zip(fresh, again, model, strict=True):
        states = [part.state_dict() for part in (one, other, trained_part)]
        assert states[0].keys() == states[2].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(fresh[0].network.first.convolutions[0].weight, model[0].network.first.convolutions[0].weight)


def test_electrodes_that_a_montage_lacks_have_the_mean_of_the_others(trained):
    (encoder, _), _ = load(str(trained))
    seen = electrodes_seen(encoder)
    assert seen.sum() == 17
    maps = np.arange(19.0)[None] ** 2
    made = blurred(maps, seen)
    assert np.array_equal(made[:, seen], maps[:, seen]) and np.allclose(made[:, ~seen], maps[:, seen].mean())
