"""clef.crossfit: no fold's model sees its people, stopping and starting again goes on, and the score is held out."""

import json
import signal

import polars as pl
import pytest

from benchmark import run as benchmark_run
from benchmark.build import make_tasks
from clef.embeddings import subject_hash
from clef.fold_embeddings import read_fold_embeddings
from clef.folds import read_folds
from clef.tasks import write_tasks
from tests.helpers import TINY, must, run, snapshot, start, wait_until
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore
from tokenizer.vqgan import VQGAN

FREE = ("threads", "workers", "device")
SMALL = {"folds": 2, "tokenizer": "[steps=2]", "recon": "[steps=2]"} | {name: TINY[name] for name in FREE}
SMALL |= {"settings": "[" + ",".join(f"{k}={v}" for k, v in TINY.items() if k not in FREE) + "]"}


@pytest.fixture(scope="module")
def crossfitted(tiny_cohort, tmp_path_factory):
    """A finished folder; SIGTERM stopped it while the second fold was trained."""
    base = tmp_path_factory.mktemp("crossfit")
    settings = {"cohort": tiny_cohort, "out": base / "out"} | SMALL
    running = start(base / "first", "clef.crossfit", **settings | {"workers": 1})  # they have to end, too
    assert wait_until(lambda: (base / "out" / "fold1" / "tokenizer" / "run.json").is_file(), running)
    running.kill(signal.SIGTERM)
    stopped = running.wait()
    assert stopped.code == 0 and "Traceback" not in stopped.err, stopped.err
    assert not (base / "out" / "clef" / "fold1.parquet").exists()
    before = snapshot(base / "out" / "fold0")
    done = must(run(base / "second", "clef.crossfit", **settings))
    assert snapshot(base / "out" / "fold0") == before and "fold 1 of 2" not in done.err
    return base / "out", stopped.err, done.err


@pytest.mark.slow
def test_no_folds_models_have_seen_its_people(crossfitted, tiny_cohort):
    out, _, _ = crossfitted
    table, about = read_folds(out)
    assert about["folds"] == 2 and set(table["subject_id"]) == set(read_sessions(tiny_cohort)["subject_id"])
    for fold in range(2):
        people = {subject_hash(s) for s in table.filter(pl.col("fold") == fold)["subject_id"]}
        tokenizer = VQGAN.from_pretrained(str(out / f"fold{fold}" / "tokenizer" / "model" / "tokenizer"))
        for name in ("clef", "untrained", "codes"):
            store = read_fold_embeddings(out / name).folds[f"fold{fold}"]
            for seen in (store.trained_on, tokenizer.about["trained_on"]):
                assert people.isdisjoint(set().union(*seen.values())) and seen["train"] and seen["val"]
        assert sorted(store.session_id) == sorted(TokenStore(out / f"fold{fold}" / "tokens.zarr").session_id)


@pytest.mark.slow
def test_what_is_to_be_done_is_foretold_and_followed(crossfitted):
    _, first, second = crossfitted
    assert "24 subjects, 36 sessions of 0.6 min (median); 2 folds of 12 to 12 subjects" in first
    assert " in all; each fold: tokenizer " in first and "fold 1 of 2, tokenizer; about " in first
    assert "fold 2 of 2, tokenizer; about " in second and "fold 2 of 2, embed codes" in second
    assert "next: python -m benchmark.build" in second and "in all; each fold" not in second


@pytest.mark.slow
def test_a_finished_folder_changes_nothing_and_other_settings_are_refused(crossfitted, tiny_cohort, tmp_path):
    out, _, _ = crossfitted
    before = snapshot(out / "clef") | snapshot(out / "fold1" / "recon")
    settings = {"cohort": tiny_cohort, "out": out} | SMALL
    must(run(tmp_path / "again", "clef.crossfit", **settings))
    assert snapshot(out / "clef") | snapshot(out / "fold1" / "recon") == before
    done = run(tmp_path / "other", "clef.crossfit", **settings | {"seed": 3, "recon": "[steps=9]"})
    assert done.code == 1 and done.one_line and "started with another recon, seed;" in done.err


@pytest.fixture(scope="module")
def tasks(crossfitted, tiny_cohort):
    """Two tasks in the folds of the models."""
    out, _, _ = crossfitted
    made = make_tasks(tiny_cohort, "demo", match_on=["sex"], min_cases=6, crossfit=str(out))
    return made.filter(pl.col("task").is_in(made["task"].unique().sort().head(2).implode()))


def score(tasks, embeddings, folder):
    """Run benchmark.run on a table of tasks."""
    write_tasks(folder / "tasks.parquet", tasks, {"suite": "demo", "protocol": {}})
    benchmark_run.main(
        benchmark_run.RunConfig(str(folder / "tasks.parquet"), str(folder / "scores"), [str(embeddings)])
    )


@pytest.mark.slow
def test_each_folds_people_are_scored_with_its_own_embeddings(crossfitted, tasks, tmp_path):
    out, _, _ = crossfitted
    of = {s: f"fold{f}" for s, f in read_folds(out)[0].iter_rows()}
    assert len(tasks) and all(of[s] == split for s, split in tasks.select("subject_id", "split").iter_rows())
    score(tasks, out, tmp_path)
    scores = pl.read_parquet(tmp_path / "scores" / "scores.parquet")
    assert set(scores["embedding"]) == {"clef", "untrained", "codes"} and set(scores["overlap"]) == {0}
    about = json.loads(pl.read_parquet_metadata(tmp_path / "scores" / "scores.parquet")["clef.scores"])
    assert about["embeddings"]["clef"]["config"]["crossfit"] == 2


OTHERS = [
    ({"fold0": "fold1", "fold1": "fold0"}, "was trained or selected on .* in their own fold"),
    ({"fold0": "train", "fold1": "test"}, "build them in its folds"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("splits", "reason"), OTHERS)
def test_tasks_in_other_folds_are_refused(crossfitted, tasks, tmp_path, splits, reason):
    with pytest.raises(ValueError, match=reason):
        score(tasks.with_columns(split=pl.col("split").replace_strict(splits)), crossfitted[0] / "clef", tmp_path)
    assert not (tmp_path / "scores").exists()


def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(tiny_cohort, tmp_path):
    done = run(tmp_path / "said", "clef.crossfit", cohort=tiny_cohort, out=tmp_path / "out", dry_run=True, **SMALL)
    assert done.code == 0 and " in all; each fold: tokenizer " in done.err, done.err
    assert [p.name for p in tmp_path.iterdir()] == ["said"]


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        ({"folds": 1}, 2, "folds=1: give 2 or more"),
        ({"machine": "abacus"}, 2, "machine=abacus: there is no such preset"),
        ({"recon": "[stpes=2]"}, 2, "did you mean steps?"),
        ({"stages": "[recon]"}, 2, "expected tokenizer,recon"),
        ({"cohort": "nowhere"}, 1, "no sessions.parquet"),
        ({"folds": 13}, 1, "24 subjects are too few for 13 folds"),
    ],
)
def test_mistakes_give_one_line_and_write_nothing(wrong, code, reason, tiny_cohort, tmp_path):
    done = run(tmp_path / "said", "clef.crossfit", **{"cohort": tiny_cohort, "out": tmp_path / "out"} | SMALL | wrong)
    assert done.code == code and done.one_line and reason in done.err, done.err
    assert not (tmp_path / "out").exists()
