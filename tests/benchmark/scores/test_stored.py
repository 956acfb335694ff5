"""The store of scores: what goes in comes out, and what is none is refused in one line."""

import polars as pl
import pytest

from benchmark.scores.results import Results
from benchmark.scores.scoring import SCORES, score_tasks
from benchmark.scores.stored import read_scores, write_scores
from tests.benchmark.examples import make_embeddings, make_tasks
from tokenizer.base.tables import table_metadata, write_table


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    tasks = make_tasks(1)
    stores = {"mine": make_embeddings(tasks, 1.0)}
    scored = score_tasks(tasks, stores, resamples=20)
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    write_scores(path, Results(scored, {"suite": "demo", "ceilings": {"t0": 0.9}}), stores)
    return path, scored


def test_scores_and_protocol_come_back(written):
    path, scored = written
    table, about = read_scores(path)
    assert table.select(*SCORES).equals(scored.scores) and table["ceiling"].to_list() == [0.9]
    assert about["tasks"]["suite"] == "demo" and about["means"][0]["overlap"] is None
    assert "training subjects unknown" in table["flags"][0] and "training subjects unknown" in about["notes"][0]


@pytest.mark.parametrize("change", (lambda t: t.drop("seed"), lambda t: t.with_columns(auroc=pl.lit("x"))))
def test_another_table_is_one_line(written, tmp_path, change):
    write_table(tmp_path / "s.parquet", change(pl.read_parquet(written[0])), table_metadata(written[0]))
    with pytest.raises(ValueError, match=r"s.parquet: column '(seed|auroc)' is .*benchmark.run") as caught:
        read_scores(tmp_path / "s.parquet")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"there is no such file; write it again \(`python -m benchmark.run`\)"):
        read_scores(tmp_path / "s.parquet")


def test_a_table_of_the_format_before_is_read_in_the_columns_of_today(written, tmp_path):
    added = ["group", "labels", "components", "auprc", "balanced_accuracy", "brier", "ece", "smd"]
    old = pl.read_parquet(written[0]).drop("probe", *added).rename({"protocol": "probe"})
    about = table_metadata(written[0])
    write_table(
        tmp_path / "s.parquet", old, about | {"clef.scores": about["clef.scores"].replace('"format": 3', '"format": 2')}
    )
    table, _ = read_scores(tmp_path / "s.parquet")
    assert table.columns == [*SCORES, "ceiling"] and table.select(*SCORES).schema == pl.Schema(SCORES)
    row = table.row(0, named=True)
    assert (row["probe"], row["labels"], row["components"], row["brier"]) == ("logistic", "all", 0, None)
    assert row["protocol"] == old["probe"][0] and row["auroc"] == written[1].scores["auroc"][0]
