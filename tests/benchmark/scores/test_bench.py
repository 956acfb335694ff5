"""One task on the bench."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.scores.bench import Bench
from benchmark.scores.scoring import put_in_folds
from clef.embeddings import Embeddings
from clef.fold_embeddings import FoldEmbeddings
from tests.benchmark.examples import make_embeddings, make_tasks


def score(stores, part, resamples=10, seeds=(0,), **options):
    return Bench(stores, part, resamples, **options).score_task(part, list(seeds))


def test_the_row_is_what_its_predictions_give():
    part = make_tasks(1)
    result = score({"e": make_embeddings(part, 1.0)}, part, 100)
    row, predicted = result.rows[0], result.predictions
    assert row["auroc"] == pytest.approx(roc_auc_score(predicted.label, predicted.scores[0]), abs=1e-12)
    assert row["auprc"] == pytest.approx(average_precision_score(predicted.label, predicted.scores[0]), abs=1e-12)
    assert row["brier"] == pytest.approx(((predicted.probability[0] - predicted.label) ** 2).mean())
    assert row["low"] < row["auroc"] < row["high"] and 0.6 < row["balanced_accuracy"] <= 1 and row["ece"] < 0.25
    assert result.replicates.shape == (1, 1, 100)
    counts = {k: row[k] for k in ("cases", "controls", "train_cases", "scored_on", "labels", "components")}
    assert counts == {
        **{"cases": 60, "controls": 60, "train_cases": 60, "scored_on": "test", "labels": "all"},
        "components": row["components"],
    }
    test = part.filter(pl.col("split") == "test")
    assert predicted.session_id.tolist() == test["session_id"].to_list()
    assert predicted.subject_id.tolist() == test["subject_id"].to_list()
    assert predicted.matched_set.max() == 59 and set(predicted.fold) == {0} and set(predicted.weight) == {1.0}


def test_out_of_fold_no_row_scores_itself():
    """300 columns of noise tell any rows apart that a probe was fitted on, and no others."""
    part = put_in_folds(make_tasks(1), 4, 0)
    result = score({"e": make_embeddings(part, 0.0, width=300)}, part)
    row = result.rows[0]
    assert abs(row["auroc"] - 0.5) < 0.12 and row["scored_on"] == "4 folds" and row["cases"] == 120
    assert row["train_cases"] == 90 and sorted(np.bincount(result.predictions.fold)) == [60, 60, 60, 60]


def test_each_fold_is_scored_in_the_space_of_its_own_model():
    part = put_in_folds(make_tasks(1), 2, 0)
    good, noise = make_embeddings(part, 2.0), make_embeddings(part, 0.0, seed=9)
    turned = Embeddings(good.session_id, -2 * good.vectors[:, ::-1], "e")  # another space, the same knowledge
    folds = {"same": (good, good), "turned": (good, turned), "half": (good, noise)}
    stores = {name: FoldEmbeddings({"fold0": a, "fold1": b}) for name, (a, b) in folds.items()}
    result = score({"one": good, **stores}, part, 20)
    auroc = {row["embedding"]: row["auroc"] for row in result.rows}
    assert auroc["same"] == auroc["one"] > 0.85 and auroc["turned"] == pytest.approx(auroc["one"], abs=0.01)
    assert 0.55 < auroc["half"] < auroc["one"] - 0.05


def test_embeddings_share_resamples_and_label_draws():
    part = make_tasks(1)
    store = make_embeddings(part, 1.0)
    result = score({"a": store, "b": store}, part, 50, (0, 1), budgets=("10", "all"))
    first, second = result.replicates[0]
    assert (first == second).all() and first.std() > 0
    rows = pl.DataFrame(result.rows).pivot("embedding", index=["seed", "labels"], values="auroc")
    assert rows["a"].to_list() == rows["b"].to_list() and len(rows) == 4


def test_the_order_of_rows_does_not_matter():
    part = make_tasks(1)
    store = make_embeddings(part, 1.0)
    mixed = part.sample(fraction=1, shuffle=True, seed=3)
    one, other = (score({"e": store}, p, budgets=("10",)).rows[0]["auroc"] for p in (part, mixed))
    assert one == pytest.approx(other, abs=1e-6)
    assert isinstance(mixed, pl.DataFrame) and not mixed.equals(part)


def test_embeddings_in_turns_score_as_embeddings_side_by_side(monkeypatch):
    part = make_tasks(1)
    stores = {name: make_embeddings(part, 1.0, seed=i) for i, name in enumerate("abc")}
    together = score(stores, part, budgets=("10", "all"), seeds=(0, 1)).rows
    monkeypatch.setattr("benchmark.scores.bench.MOST_VALUES", 1)
    alone = score(stores, part, budgets=("10", "all"), seeds=(0, 1)).rows
    for one, other in zip(together, alone, strict=True):
        assert one["embedding"] == other["embedding"] and one["auroc"] == pytest.approx(other["auroc"], abs=1e-3)
