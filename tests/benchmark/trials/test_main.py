"""benchmark.trials on planted trials: far above chance, each number as computed by hand, and what it refuses."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from benchmark.texts.bertscore import bertscore
from benchmark.trials.__main__ import TrialsConfig, main
from clef.network.language_model import open_model
from clef.network.trials.model import TrialModel
from tests.clef.network.language_models import write_bert
from tests.clef.trials.made import PICTURES, SMALL, write_run, write_trials
from tests.helpers import must, run
from tokenizer.base.cli import ConfigError
from tokenizer.base.tables import read_table


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trials with so much noise that not all is right, and a run on them."""
    folder = tmp_path_factory.mktemp("trained")
    write_trials(folder / "data", noise=0.6)
    settings = SMALL | {"trials.root": folder / "data", "out": folder / "run"}
    must(run(folder / "said", "clef.pretrain", stage="trials", **settings))
    return folder


@pytest.fixture(scope="module")
def scored(trained):
    """The tables of that run, with BERTScore."""
    bert = write_bert(trained / "bert")
    settings = {"data": trained / "data", "model": trained / "run", "out": trained / "out", "device": "cpu"}
    done = must(run(trained / "said", "benchmark.trials", **settings, bertscore=bert))
    return trained, json.loads((trained / "out/trials.json").read_text()), done


def config(folder, **changes):
    given = {"data": str(folder / "data"), "model": str(folder / "run"), "out": folder / "other", "device": "cpu"}
    return TrialsConfig(**given | changes)


def test_the_link_is_found_in_the_sessions_that_were_held_out(scored):
    _, plain, done = scored
    named, fresh, blind = plain["rows"]
    assert [row["name"] for row in plain["rows"]] == ["the run", "untrained", "without EEG"]
    assert named["accuracy"]["low"] > 0.6 > 0.45 > fresh["accuracy"]["share"] and plain["accuracy_chance"] == 0.25
    assert blind["accuracy"]["share"] == 0.25 and set(named["accuracy_by_subject"]) == {"sub-01", "sub-02"}
    own, other = named["retrieval"], blind["retrieval"]
    assert own["caption"]["r_at_1"] > 0.4 > 0.2 > other["caption"]["r_at_1"] and own["caption"]["pool"] == 8
    assert own["class"]["map"] > 0.6 > 0.5 > other["class"]["map"] and own["scores"]["auroc"] > 0.75
    assert abs(other["scores"]["auroc"] - 0.5) < 0.05
    assert plain["notes"][0].startswith("2 subjects, split by session: 240 trials of train, 80 of val, 80 of test; 0")
    assert "8 pictures in the test sessions, 8 of them also shown in training" in plain["notes"][1]
    assert done.err.strip().splitlines()[-1].endswith("trials.json, predictions.parquet and captions.parquet")
    assert done.err.strip().splitlines()[-1].startswith("wrote ")


def test_every_number_follows_from_the_stored_predictions(scored):
    """By loops over questions and candidates."""
    folder, plain, _ = scored
    row, out = plain["rows"][0], folder / "out"
    table, captions = read_table(out / "predictions.parquet"), read_table(out / "captions.parquet")
    logits, vectors = (np.array(table[name].to_list(), np.float32) for name in ("logits", "vector"))
    candidates = np.array(captions["vector"].to_list(), np.float32)
    names = json.loads(pl.read_parquet_metadata(out / "predictions.parquet")["clef.categories"])
    right = [names[int(np.argmax(some))] == true for some, true in zip(logits, table["category"], strict=True)]
    assert row["accuracy"]["right"] == sum(right) and np.mean(right) > 0.5 and len(right) == 80
    for subject, share in row["accuracy_by_subject"].items():
        mine = [r for r, of in zip(right, table["subject"], strict=True) if of == subject]
        assert (share["right"], share["trials"]) == (sum(mine), len(mine))
    assert table["predicted"].to_list() == [names[int(np.argmax(some))] for some in logits]
    views = {
        "caption": (table["caption"].to_list(), captions["caption"].to_list()),
        "class": (table["category"].to_list(), captions["category"].to_list()),
    }
    for view, (asks, answers) in views.items():
        firsts, precisions = by_hand(vectors, asks, candidates, answers)
        for k in (1, 3, 5):
            assert abs(row["retrieval"][view][f"r_at_{k}"] - np.mean([first <= k for first in firsts])) < 1e-12
        assert abs(row["retrieval"][view]["map"] - np.mean(precisions)) < 1e-12
        assert abs(row["retrieval"][view]["mean_rank"] - np.mean(firsts)) < 1e-12
        if view == "class":
            for name, value in row["retrieval"]["map_per_class"].items():
                mine = [p for p, asked in zip(precisions, asks, strict=True) if asked == name]
                assert abs(value - np.mean(mine)) < 1e-12
    assert row["r_at_1_caption"]["right"] == round(80 * row["retrieval"]["caption"]["r_at_1"])
    matched = [float(v @ c) for v, t in zip(vectors, table["caption"], strict=True)
               for c, u in zip(candidates, captions["caption"], strict=True) if t == u]  # fmt: skip
    assert abs(row["retrieval"]["scores"]["matched"][0] - np.mean(matched)) < 1e-5


def by_hand(vectors, asks, candidates, answers):
    """Rank of the first right candidate and average precision of every question."""
    firsts, precisions = [], []
    for vector, asked in zip(vectors, asks, strict=True):
        scores = [float(score) for score in (vector[None] @ candidates.T)[0]]
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
        places = [place for place, i in enumerate(order, 1) if answers[i] == asked]
        firsts.append(places[0])
        precisions.append(sum((i + 1) / place for i, place in enumerate(places)) / len(places))
    return firsts, precisions


def test_bertscore_is_that_of_the_first_caption_against_the_true_one(scored):
    folder, plain, _ = scored
    table, captions = (read_table(folder / "out" / f"{name}.parquet") for name in ("predictions", "captions"))
    candidates = np.array(captions["vector"].to_list(), np.float32)
    first = [captions["caption"][int(np.argmax(candidates @ np.array(v, np.float32)))] for v in table["vector"]]
    model = open_model(str(folder / "bert"))
    scores = [bertscore(model, [true], [text])[0].f1 for true, text in zip(table["caption"], first, strict=True)]
    assert abs(plain["rows"][0]["bertscore"]["f1"] - np.mean(scores)) < 1e-5
    assert plain["rows"][0]["bertscore"]["share_above_0.7"] == np.mean([score > 0.7 for score in scores])
    assert plain["rows"][0]["bertscore"]["f1"] > plain["rows"][2]["bertscore"]["f1"]


def test_the_page_has_every_table_and_no_path(scored):
    folder, _, _ = scored
    text = (folder / "out/trials.md").read_text()
    for title in ("4 categories", "Captions: pool of 8", "Mean average precision by category", "Scores of matched"):
        assert f"## {title}" in text
    assert text.count("| chance |") == 2 and "BERTScore" in text and "left frontal" in text
    assert str(folder) not in text + (folder / "out/trials.json").read_text()


# ---- what is refused
def refused(settings, line):
    with pytest.raises(ValueError, match=line) as caught:
        main(settings)
    assert "\n" not in str(caught.value) and not (settings.out / "trials.md").exists()


def test_a_run_that_saw_a_test_session_is_refused_whatever_it_is_called(trained, tmp_path):
    """The fifth session becomes one to learn from where two more follow."""
    shutil.copytree(trained / "data", tmp_path / "data")
    for old, new in ((3, 8), (4, 6), (5, 7)):  # a session of training is now the last
        for subject in ("sub-01", "sub-02"):
            source = tmp_path / "data" / subject / f"ses-0{old}"
            for path in source.iterdir():
                path.rename(path.with_name(path.name.replace(f"ses-0{old}", f"ses-0{new}")))
            source.rename(source.with_name(f"ses-0{new}"))
    refused(
        config(trained, data=str(tmp_path / "data"), out=tmp_path / "out"), "selected on 2 of the 2 runs of the test"
    )


def test_a_subject_that_was_never_seen_has_no_head(trained, tmp_path):
    shutil.copytree(trained / "data", tmp_path / "data")
    for session in range(1, 6):
        signal = np.random.default_rng(session).standard_normal((8, 8, 100))
        write_run(tmp_path / "data", 3, session, 1, signal, list(PICTURES))
    refused(config(trained, data=str(tmp_path / "data"), out=tmp_path / "out"), "sub-03: this network has no head")


def test_other_trials_are_refused(trained, tmp_path):
    for name, sizes, line in (
        ("short", {"samples": 80}, r"8 electrodes x 80 samples, model=.* was trained on 8 x 100; cut them alike"),
        ("few", {"channels": 4}, r"4 electrodes x 100 samples"),
    ):
        write_trials(tmp_path / name, each=8, **sizes)
        refused(config(trained, data=str(tmp_path / name), out=tmp_path / "out"), line)
    write_trials(tmp_path / "new", each=8, seed=9)
    for path in (tmp_path / "new").rglob("*_1000Hz.json"):
        path.write_text(json.dumps({"ch_names": [f"F{i}" for i in range(8)]}))
    refused(config(trained, data=str(tmp_path / "new"), out=tmp_path / "out"), "electrodes are others")
    for path in (tmp_path / "new").rglob("*_1000Hz.json"):
        path.unlink()
    captions = tmp_path / "new/captions.txt"
    captions.write_text(captions.read_text().replace("left frontal\t", "cat\t"))
    refused(config(trained, data=str(tmp_path / "new"), out=tmp_path / "out"), r"1 categories .* unknown .*first: cat")


def test_settings_and_runs_that_cannot_be(trained, tmp_path):
    with pytest.raises(ConfigError, match="batch must be 1 or more"):
        main(config(trained, batch=0))
    refused(config(trained, out=tmp_path / "o", text=str(trained / "bert")), "learned its words itself")
    refused(config(trained, out=tmp_path / "o", model=str(tmp_path)), "there is no finished run here")
    model = TrialModel.from_pretrained(str(trained / "run/model/trials"))
    model.about = {"stage": "trials"}
    shutil.copytree(trained / "run/model", tmp_path / "m/model")
    model.save_pretrained(tmp_path / "m/model/trials")
    refused(config(trained, out=tmp_path / "o", model=str(tmp_path / "m")), "does not say which runs it was trained on")
