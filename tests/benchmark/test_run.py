"""The program benchmark.run, from files to report."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import polars as pl
import pytest

from benchmark import build, run
from benchmark.build import BuildConfig
from clef.cohort import read_events
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.tasks import check_tasks, write_tasks
from tests.benchmark.examples import make_embeddings, make_tasks
from tests.helpers import calls_of
from tokenizer.sessions import read_sessions


@pytest.fixture
def files(tmp_path):
    tasks = make_tasks(3)
    write_tasks(tmp_path / "tasks.parquet", tasks, {"suite": "demo", "cohort": {"name": "c"}, "protocol": {}})
    for name, effect in (("ours", 2.0), ("noise", 0.0)):
        store = make_embeddings(tasks, effect)
        write_embeddings(tmp_path / f"{name}.parquet", Embeddings(store.session_id, store.vectors, name))
    return tmp_path


def test_run_writes_scores_and_a_page_of_its_own(files, capsys):
    out = files / "out"
    run.main(
        run.RunConfig(str(files / "tasks.parquet"), str(out), [str(files / f"{n}.parquet") for n in ("noise", "ours")])
    )
    said = capsys.readouterr().out
    assert "ours > noise" in said and ": holds" in said
    scores = pl.read_parquet(out / "scores.parquet")
    assert len(scores) == 6 * 3 * 3 and scores["auroc"].is_between(0, 1).all()
    assert set(scores["labels"]) == {"10", "25", "all"} and set(scores["seed"]) == {0, 1, 2}
    about = json.loads(pl.read_parquet_metadata(out / "scores.parquet")["clef.scores"])
    assert about["tasks"]["split_hash"] == scores["split_hash"][0] and about["resamples"] == 1000
    assert said.index("holds") < said.index("\nverdict\n") < said.index("no control beside it")
    rules = [(line["rule"], line["embedding"]) for line in json.loads((out / "verdict.json").read_text())["lines"]]
    assert rules[0] == ("alone", "ours") and ("no-baseline", None) in rules
    page = (out / "report.html").read_text()
    assert '<th scope="row">ours</th><td class="text">noise</td>' in page
    assert (out / "scores.csv").is_file() and (out / "report.md").is_file()
    assert "Synthetic data" not in page
    for loading in ("<script src", "<link", 'src="http', "@import", "url(http"):
        assert loading not in page


def test_permuted_labels_and_control_tasks_are_scored_beside_and_written(files, capsys):
    controls = make_tasks(2, seed=9).with_columns(task=pl.format("control {}", "task"))
    write_tasks(files / "controls.parquet", controls, {"suite": "controls", "protocol": {}})
    paths = [str(files / "tasks.parquet"), str(files / "out"), [str(files / f"{n}.parquet") for n in ("noise", "ours")]]
    once = {"train_cases": ["all"], "seeds": 1}
    run.main(run.RunConfig(*paths, control_tasks=str(files / "controls.parquet"), **once))
    assert "permuted labels" in (block := capsys.readouterr().out) and "control tasks" in block
    written = json.loads((files / "out" / "controls.json").read_text())
    for part in ("permuted", "controls"):
        assert all(0.4 < mean[0] < 0.6 for mean in written[part]["means"].values()), "ours has 0.9 on the tasks"
    assert {row["task"] for row in written["controls"]["tasks"]} == {"control t0", "control t1"}
    run.main(run.RunConfig(*paths, permuted=False, **once))
    assert "none were made" in capsys.readouterr().out
    assert json.loads((files / "out" / "controls.json").read_text())["permuted"] is None


def test_the_scored_tasks_are_no_controls(files):
    tasks = str(files / "tasks.parquet")
    with pytest.raises(ValueError, match=r"'t0' is among those scored; .* suite=controls"):
        run.main(run.RunConfig(tasks, str(files / "out"), [str(files / "ours.parquet")], control_tasks=tasks))
    assert not (files / "out" / "scores.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tasks=none.parquet", "cohort=c"], 1, "there is no such task file"),
        (["tasks={}/tasks.parquet"], 2, "embeddings or cohort must be given"),
        (["tasks={}/tasks.parquet", "embeddings=e", "train_cases=[2]"], 2, "train_cases=2: expected a number"),
        (["tasks={}/tasks.parquet", "embeddings=none.parquet"], 1, "there is no such embedding file"),
        (["tasks={}/tasks.parquet", "embeddings={}/ours.parquet,{}/ours.parquet"], 1, "file is given twice"),
        (["tasks={}/tasks.parquet", "embeddings={}/ours.parquet", "cohort={}/nowhere"], 1, "no sessions.parquet"),
    ],
)
def test_mistakes_give_one_line(files, arguments, code, said):
    arguments = [a.replace("{}", str(files)) for a in arguments] + [f"out={files / 'out'}"]
    done = subprocess.run([sys.executable, "-m", "benchmark.run", *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


def test_what_the_tasks_file_says_of_a_task_stands_beside_its_scores(files):
    about = {"suite": "demo", "cohort": {"name": "c"}, "protocol": {"definitions": {"t0": {"codes": [], "group": "G"}}}}
    about["balance"] = {"t0": {"train": {"age": [0.5, 0.4]}, "test": {"age": [0.5, -0.2], "sex": [0.1, None]}}}
    write_tasks(files / "tasks.parquet", make_tasks(2), about)
    paths = [str(files / name) for name in ("tasks.parquet", "out", "ours.parquet")]
    run.main(run.RunConfig(*paths[:2], paths[2:], train_cases=["50%"], seeds=1, probe="ridge"))
    rows = pl.read_parquet(files / "out" / "scores.parquet").sort("task")
    assert rows["smd"].to_list() == [0.2, None] and rows["group"].to_list() == ["G", ""]
    assert rows["labels"].to_list() == ["50%"] * 2 and rows["probe"].to_list() == ["ridge"] * 2
    assert "unbalanced" in rows["flags"][0] and "unbalanced" not in rows["flags"][1]


def test_a_task_of_an_unknown_session_is_refused(files, recorded):
    with pytest.raises(ValueError, match="are not in cohort="):
        run.main(run.RunConfig(str(files / "tasks.parquet"), str(files / "out"), [], str(recorded)))


@pytest.mark.slow
def test_the_cohort_is_read_and_each_table_of_tasks_checked_once(tiny_cohort, tiny_store, tmp_path):
    for name, matched in (("tasks", True), ("unmatched", False)):
        out = str(tmp_path / f"{name}.parquet")
        settings = BuildConfig(str(tiny_cohort), out, "demo", matched, match_on=["sex"], folds=2, min_cases=4)
        counts = calls_of((read_sessions, read_events, check_tasks), partial(build.main, settings))
        assert counts == {"read_sessions": 1, "read_events": 1, "check_tasks": 1}
    config = run.RunConfig(
        str(tmp_path / "tasks.parquet"),
        str(tmp_path / "out"),
        cohort=str(tiny_cohort),
        unmatched_tasks=str(tmp_path / "unmatched.parquet"),
        tokens=str(tiny_store),
        workers=0,
    )
    counts = calls_of((read_sessions, read_events, check_tasks), lambda: run.main(config))
    assert counts == {"read_sessions": 1, "read_events": 1, "check_tasks": 2}, "two tables of tasks"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Synthetic data" in page and "data:image/png" in page and "metadata, unmatched controls" in page
    names = ["bandpower", "metadata", "acquisition", "truth"]
    assert [read_embeddings(tmp_path / "out" / f"{name}.parquet").name for name in names] == names


def test_matched_tasks_are_no_unmatched_ones(files, recorded):
    tasks = make_tasks(3)
    store = make_embeddings(tasks, 0.0)
    known = Embeddings(store.session_id, store.vectors, "known", config={"kind": "metadata"})
    write_embeddings(files / "known.parquet", known)
    paths = [str(files / name) for name in ("tasks.parquet", "out")]
    with pytest.raises(ValueError, match="these tasks are matched"):
        run.main(run.RunConfig(*paths, [str(files / "known.parquet")], unmatched_tasks=paths[0]))


def test_embeddings_of_one_name_are_told_apart_by_their_files_and_not_by_where_they_lie(tmp_path):
    """Files of one model say the same name; a path in a report would tell its readers of somebody's folders."""
    files = [tmp_path / name for name in ("a.parquet", "b.parquet", "other/b.parquet")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        write_embeddings(file, Embeddings(["s"], np.ones((1, 2), np.float32), "clef", "0" * 16, {}, {}))
    assert list(run._embeddings([str(file) for file in files])) == ["clef", "b", "other/b"]
    with pytest.raises(ValueError, match="this file is given twice"):
        run._embeddings([str(files[0]), f"{tmp_path}/other/../a.parquet"])
