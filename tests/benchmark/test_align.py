"""The program benchmark.align on tiny runs."""

import json

import polars as pl
import pytest

from benchmark.protocols.retrieval import AT
from clef.cohort import read_reports
from clef.tasks import SCHEMA, write_tasks
from tests.helpers import must, run
from tokenizer.sessions import read_sessions


@pytest.fixture(scope="module")
def tasks(tiny_cohort, tmp_path_factory):
    """One finding with alternating labels: what is scored, not how well, is the question here."""
    path, sessions = tmp_path_factory.mktemp("tasks") / "tasks.parquet", read_sessions(tiny_cohort)
    rows = []
    for split, part in sessions.unique("subject_id", keep="first", maintain_order=True).group_by("split"):
        some = part.head(len(part) // 2 * 2)
        for i, (session, subject) in enumerate(some.select("session_id", "subject_id").iter_rows()):
            rows.append(("FINDING//spikes", "finding", session, subject, i % 2 == 0, split[0], f"{split[0]}{i // 2}"))
    write_tasks(path, pl.DataFrame(rows, SCHEMA, orient="row"), {"suite": "demo"})
    return path


@pytest.fixture(scope="module")
def settings(tiny_recon, tiny_align, tiny_store, tiny_cohort, tasks):
    runs = {"runs": f"[recon={tiny_recon},both={tiny_align}]", "device": "cpu"}
    return runs | {"tokens": tiny_store, "cohort": tiny_cohort, "tasks": tasks}


@pytest.fixture(scope="module")
def done(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("align")
    return folder, must(run(folder / "said", "benchmark.align", out=folder / "out", **settings))


def test_it_writes_a_row_per_run_and_retrieval_for_each_head(done):
    folder, said = done
    plain = json.loads((folder / "out" / "align.json").read_text())
    assert plain["runs"] == ["recon", "both"] and plain["synthetic"] is True
    keys = {(row["run"], row["partner"], row["people"], row["way"]) for row in plain["retrieval"]}
    assert keys == {
        ("both", p, who, way) for p in ("report", "record") for who in ("seen", "unseen") for way in ("to", "from")
    }
    for row in plain["retrieval"]:
        assert all(row[f"chance_at_{k}"] == min(1, k / row["pool"]) for k in AT)
        assert 1 <= row["mean_rank"] <= row["pool"] and 0 < row["map"] <= 1
    assert [tuple(row[k] for k in ("run", "partner", "people", "way")) for row in plain["items"]] == [
        tuple(row[k] for k in ("run", "partner", "people", "way")) for row in plain["retrieval"]
    ]
    for row in plain["items"]:
        assert row["own"]["pool"] >= 2 and row["own"]["r_at_1"] <= row["alike"]["r_at_1"] <= row["alike"]["r_at_5"]
        assert row["own"]["unanswerable"] == 0 and 0 < row["own"]["map"] <= 1
    assert "alike MAP chance" in said.out
    assert plain["probes"]["embeddings"] == ["recon", "both", "both, heads"]
    assert plain["words"]["embeddings"] == [*plain["probes"]["embeddings"], "both, words"]
    assert "SYNTHETIC DATA" in said.out and "R@10 chance" in said.out
    assert f"wrote {folder / 'out' / 'align.md'}" in said.err


def test_the_page_has_the_tables_of_the_terminal_and_nobody_in_it(done, tiny_cohort):
    folder, said = done
    page, plain = ((folder / "out" / name).read_text() for name in ("align.md", "align.json"))
    assert "| recon |" in page and "| both |" in page and "summariser=rules" in page
    sessions, texts = read_sessions(tiny_cohort), read_reports(tiny_cohort)["text"]
    private = {*sessions["session_id"], *map(str, sessions["subject_id"]), *(text[:40] for text in texts)}
    assert not [word for word in private for text in (page, plain, said.out, said.err) if word in text]


def test_the_same_command_embeds_nothing_twice_and_says_the_same(done, settings):
    folder, said = done
    kept = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.parquet")}
    assert {path.stem for path in kept} == {"recon", "both"}
    again = must(run(folder / "again", "benchmark.align", out=folder / "out", **settings))
    assert again.out == said.out
    assert kept == {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.parquet")}


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"runs": "[]"}, 2, "runs must be given"),
        ({"people": -1}, 2, "people must be 0 (all) or more"),
        ({"tasks": None, "embeddings": "a.parquet"}, 2, "give tasks= too"),
        ({"runs": "[nowhere]"}, 1, "no finished run here"),
        ({"runs": "[a=x,a=y]"}, 1, "two are called 'a'"),
        ({"runs": "[../up=x]"}, 1, "is no name for a row"),
        ({"prompts": "nowhere.yaml"}, 1, "no such file of prompts"),
    ],
)
def test_mistakes_give_one_line_and_write_nothing(wrong, code, said, settings, tmp_path):
    given = {name: value for name, value in (settings | wrong).items() if value is not None}
    done = run(tmp_path / "s", "benchmark.align", out=tmp_path / "out", **given)
    assert done.code == code and done.one_line and said in done.err, done
    assert not (tmp_path / "out").exists()
