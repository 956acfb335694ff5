"""One task on the bench."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.scores.bench import Bench
from benchmark.scores.probes import probe_rows
from benchmark.scores.scoring import put_in_folds
from clef.embeddings import Embeddings
from clef.fold_embeddings import FoldEmbeddings
from tests.benchmark.examples import make_embeddings, make_tasks


def rows_of(store, part):
    return store.vectors[[store.session_id.index(s) for s in part["session_id"]]]


def test_the_score_is_the_auroc_of_a_probe_on_the_test_rows():
    part = make_tasks(1)
    store = make_embeddings(part, 1.0)
    result = Bench({"e": store}, part, 100).score_task(part, 0)
    split, y = part["split"].to_numpy(), part["label"].to_numpy()
    group = np.unique(part["match_id"].to_numpy(), return_inverse=True)[1]
    probe = probe_rows(rows_of(store, part), y, split == "train", split == "val", group, 0)
    test = split == "test"
    assert result.rows[0]["auroc"] == pytest.approx(roc_auc_score(y[test], probe.scores[test]))
    assert result.rows[0]["low"] < result.rows[0]["auroc"] < result.rows[0]["high"]
    assert result.replicates.shape == (1, 100)
    counts = {k: result.rows[0][k] for k in ("cases", "controls", "train_cases", "scored_on")}
    assert counts == {"cases": 60, "controls": 60, "train_cases": 60, "scored_on": "test"}


def test_out_of_fold_no_row_scores_itself():
    """300 columns of noise tell any rows apart that a probe was fitted on, and no others."""
    part = put_in_folds(make_tasks(1), 4, 0)
    store = make_embeddings(part, 0.0, width=300)
    row = Bench({"e": store}, part, 10).score_task(part, 0).rows[0]
    assert abs(row["auroc"] - 0.5) < 0.12 and row["scored_on"] == "4 folds" and row["cases"] == 120


def test_each_fold_is_scored_in_the_space_of_its_own_model():
    part = put_in_folds(make_tasks(1), 2, 0)
    good, noise = make_embeddings(part, 2.0), make_embeddings(part, 0.0, seed=9)
    turned = Embeddings(good.session_id, -2 * good.vectors[:, ::-1], "e")  # another space, the same knowledge
    folds = {"same": (good, good), "turned": (good, turned), "half": (good, noise)}
    stores = {name: FoldEmbeddings({"fold0": a, "fold1": b}) for name, (a, b) in folds.items()}
    result = Bench({"one": good, **stores}, part, 20).score_task(part, 0)
    auroc = {row["embedding"]: row["auroc"] for row in result.rows}
    assert auroc["same"] == auroc["one"] > 0.85 and auroc["turned"] == pytest.approx(auroc["one"], abs=0.01)
    assert 0.55 < auroc["half"] < auroc["one"] - 0.05


def test_embeddings_share_resamples():
    part = make_tasks(1)
    store = make_embeddings(part, 1.0)
    first, second = Bench({"a": store, "b": store}, part, 50).score_task(part, 0).replicates
    assert (first == second).all() and first.std() > 0


def test_order_of_rows_does_not_matter():
    part = make_tasks(1)
    store = make_embeddings(part, 1.0)
    mixed = part.sample(fraction=1, shuffle=True, seed=3)
    one, other = (Bench({"e": store}, part, 10).score_task(p, 0).rows[0]["auroc"] for p in (part, mixed))
    assert one == pytest.approx(other, abs=1e-6)
    assert isinstance(mixed, pl.DataFrame) and not mixed.equals(part)
