"""The evaluator itself: parity with scikit-learn, planted truth, leakage, intervals."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import benchmark
from benchmark.scores.comparing import differences, mean_scores
from benchmark.scores.probes import GRID, balance, fit_path, probe_rows, reduce_rows
from benchmark.scores.scoring import score_tasks
from benchmark.scores.statistics import auroc, auroc_interval, set_weights, subject_draws
from clef.embeddings import Embeddings, subject_hash
from clef.tasks import SCHEMA


def make_tasks(n_tasks=4, sets=(40, 20, 60), seed=0):
    """Tasks over 400 people, (train, val, test) matched pairs each; session s17 is subject 17."""
    rng, rows = np.random.default_rng(seed), []
    pools = {"train": np.arange(200), "val": np.arange(200, 260), "test": np.arange(260, 400)}
    for task in range(n_tasks):
        for (split, pool), count in zip(pools.items(), sets, strict=True):
            drawn = rng.permutation(pool)[: 2 * count].reshape(-1, 2)
            for pair in drawn:
                for person, label in zip(pair, (True, False), strict=True):
                    rows.append((f"t{task}", "phenotype", f"s{person}", int(person), label, split, f"s{pair[0]}"))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def make_embeddings(tasks, effect, seed=0, width=64):
    """Noise, with the label of each task added to a coordinate of its own."""
    x = np.random.default_rng(seed).standard_normal((400, width))
    for i, task in enumerate(tasks["task"].unique().sort()):
        cases = tasks.filter((pl.col("task") == task) & pl.col("label"))["subject_id"].to_numpy()
        x[cases, i] += effect
    return Embeddings([f"s{i}" for i in range(400)], x.astype(np.float32), "e")


@pytest.mark.parametrize("levels", [3, 10_000])
def test_auroc_equals_sklearn_with_ties_weights_and_folds(levels):
    rng = np.random.default_rng(0)
    y, s = rng.random(200) < 0.3, rng.integers(0, levels, 200) / 7
    weights, fold = rng.integers(0, 4, (5, 200)).astype(float), rng.integers(0, 3, 200)
    assert auroc(y, s)[0] == pytest.approx(roc_auc_score(y, s))
    for row, value in zip(weights, auroc(y, s, None, weights), strict=True):
        assert value == pytest.approx(roc_auc_score(y, s, sample_weight=row))
    pairs = [(fold == f) & y for f in range(3)], [(fold == f) & ~y for f in range(3)]
    size = np.array([a.sum() * b.sum() for a, b in zip(*pairs, strict=True)])
    each = [roc_auc_score(y[fold == f], s[fold == f]) for f in range(3)]
    assert auroc(y, s, fold)[0] == pytest.approx((size * each).sum() / size.sum())
    with pytest.raises(ValueError, match="NaN"):
        auroc(y, np.full(200, np.nan))


@pytest.mark.parametrize(("n", "width"), [(120, 2000), (400, 30)])
def test_probe_equals_sklearn(n, width):
    rng = np.random.default_rng(1)
    common = rng.standard_normal((n, 6)) @ rng.standard_normal((6, width))  # correlated, as embeddings are
    x = common + 0.3 * rng.standard_normal((n, width)) + 5
    x[:, 3] = 2.0  # a dead unit
    y = common[:, 0] + rng.standard_normal(n) > 0.7
    fit = np.arange(n) < 0.7 * n
    probe = probe_rows(x, y, fit, np.zeros(n, bool), np.arange(n), 0)
    live = np.delete(x, 3, axis=1)
    standard = (live - live[fit].mean(0)) / live[fit].std(0)
    model = LogisticRegression(C=probe.c, class_weight="balanced", tol=1e-10, max_iter=50_000)
    theirs = model.fit(standard[fit], y[fit]).decision_function(standard)
    assert np.abs(theirs - probe.scores).max() < 1e-2 * np.abs(theirs).max()
    assert abs(roc_auc_score(y[~fit], theirs[~fit]) - roc_auc_score(y[~fit], probe.scores[~fit])) < 0.002


def test_probe_path_is_the_optimum_at_every_regularisation():
    rng = np.random.default_rng(2)
    z, y = rng.standard_normal((60, 50)), rng.random(60) < 0.4  # separable: the hard case for weak regularisation
    for c, (w,) in zip(GRID, fit_path(z, y, balance(y)[None], list(GRID), 1e-9), strict=True):
        p = 1 / (1 + np.exp(-(z @ w[:-1] + w[-1])))
        gradient = c * (balance(y) * (p - y)) @ z + w[:-1]
        assert np.abs(gradient).max() < 1e-3 * max(1, np.abs(w).max())


def test_reduction_keeps_inner_products_and_ignores_scored_rows():
    rng = np.random.default_rng(3)
    x, fit = rng.standard_normal((50, 300)), np.arange(50) < 30
    z, _ = reduce_rows(x, fit)
    standard = (x - x[fit].mean(0)) / x[fit].std(0)
    assert np.allclose(z @ z[fit].T, standard @ standard[fit].T)
    x[40] = 1e6
    assert np.allclose(reduce_rows(x, fit)[0][:40], z[:40])


def test_planted_feature_scores_high_and_noise_at_chance():
    tasks = make_tasks(8)
    scores = benchmark.score(tasks, {"ours": make_embeddings(tasks, 3.0), "noise": make_embeddings(tasks, 0.0)})
    mean = dict(scores.group_by("embedding").agg(pl.col("auroc").mean()).iter_rows())
    assert mean["ours"] > 0.9
    assert abs(mean["noise"] - 0.5) < 0.05
    assert set(scores["chosen_on"]) == {"val"}
    few = make_tasks(2, (40, 5, 40))
    assert set(benchmark.score(few, {"e": make_embeddings(few, 3.0)})["chosen_on"]) == {"5 inner folds"}


def test_permuted_labels_give_chance_also_out_of_fold():
    """A broken evaluator (folds that train on the test fold, statistics of test rows) would score above 0.5 here."""
    tasks = make_tasks(12)
    flip = pl.struct("task", "match_id").hash(seed=4) % 2 == 1
    shuffled = tasks.with_columns(label=pl.col("label") ^ flip)
    embeddings = {"e": make_embeddings(tasks, 3.0)}
    for folds in (0, 5):
        assert benchmark.score(tasks, embeddings, folds=folds)["auroc"].mean() > 0.9
        assert abs(benchmark.score(shuffled, embeddings, folds=folds)["auroc"].mean() - 0.5) < 0.06


def test_folds_score_everybody_once_and_seeds_redraw():
    tasks = make_tasks(2)
    scores = benchmark.score(tasks, {"e": make_embeddings(tasks, 1.0)}, folds=4, seeds=2)
    assert set(scores["scored_on"]) == {"4 folds"}
    assert set(scores["cases"]) == {120}
    assert scores["split_hash"].n_unique() == 2


def test_overlap_is_refused_or_flagged():
    tasks = make_tasks(1)
    embeddings = make_embeddings(tasks, 1.0)
    embeddings.trained_on = {"train": [subject_hash(i) for i in range(200)], "val": []}
    assert benchmark.score(tasks, {"e": embeddings})["overlap"].max() == 0
    with pytest.raises(ValueError, match="with folds all are"):
        benchmark.score(tasks, {"e": embeddings}, folds=5)
    embeddings.trained_on["val"] = [subject_hash(i) for i in tasks.filter(pl.col("split") == "test")["subject_id"][:3]]
    with pytest.raises(ValueError, match=r"trained or selected on 3 of the 120 subjects"):
        benchmark.score(tasks, {"e": embeddings})
    allowed = benchmark.score(tasks, {"e": embeddings}, allow_overlap=True)
    assert allowed["overlap"].to_list() == [3]
    assert "overlap" in allowed["flags"][0]


def test_missing_sessions_are_left_out_for_all_with_their_sets():
    tasks = make_tasks(2)
    whole, part = make_embeddings(tasks, 2.0), make_embeddings(tasks, 2.0)
    lost = tasks.filter((pl.col("split") == "test") & (pl.col("task") == "t0"))["session_id"][0]
    keep = [i for i, s in enumerate(part.session_id) if s != lost]
    part = Embeddings([part.session_id[i] for i in keep], part.vectors[keep], "part")
    scored = score_tasks(tasks, {"whole": whole, "part": part})
    first = scored.scores.filter(pl.col("task") == "t0")
    assert set(first["cases"]) == {59} and set(first["controls"]) == {59} and set(first["left_out"]) == {2}
    assert first["auroc"].n_unique() == 1
    assert any("lacks 1 of" in note for note in scored.notes)


def test_bad_embeddings_give_one_line():
    tasks = make_tasks(1)
    good = make_embeddings(tasks, 1.0)
    nan = good.vectors.copy()
    nan[3, 3] = np.nan
    for ids, vectors, said in (
        (good.session_id, nan, "NaN"),
        (["s1"] * 400, good.vectors, "more than one row"),
        ([f"other{i}" for i in range(400)], good.vectors, "none of the"),
        (good.session_id[:5], good.vectors, "for 5 sessions"),
    ):
        with pytest.raises(ValueError, match=said) as error:
            benchmark.score(tasks, {"e": (ids, vectors)})
        assert "\n" not in str(error.value)


def test_bootstrap_resamples_sets():
    """Weights are equal within a set and Poisson, and sets of different people are independent."""
    weights = set_weights(subject_draws(80, 1, 5000), np.arange(80), np.repeat(np.arange(40), 2))
    assert (weights[:, ::2] == weights[:, 1::2]).all()
    assert weights.mean() == pytest.approx(1, abs=0.02) and weights.var() == pytest.approx(1, abs=0.03)
    assert np.abs(np.corrcoef(weights[:, ::2].T) - np.eye(40)).max() < 0.08


@pytest.mark.parametrize(("sets", "effect"), [(10, 0.0), (10, 2.0), (40, 1.0)])
def test_intervals_cover(sets, effect):
    """1,000 simulated tasks: 95 % intervals hold the true AUROC in 93 to 99 % of them."""
    rng, truth = np.random.default_rng(5), norm.cdf(effect / np.sqrt(2))
    weights = set_weights(subject_draws(2 * sets, 1), np.arange(2 * sets), np.repeat(np.arange(sets), 2))
    y, hits = np.tile([True, False], sets), 0
    for _ in range(1000):
        s = rng.standard_normal(2 * sets) + effect * y
        low, high = auroc_interval(auroc(y, s)[0], auroc(y, s, None, weights), sets)
        hits += low <= truth <= high
    assert 930 < hits < 990


def test_means_over_tasks_of_the_same_people_are_not_more_certain():
    """Ten copies of a task say as much as one; ten tasks of other people say more."""
    one = make_tasks(1)
    copies = pl.concat([one.with_columns(task=pl.lit(f"t{i}")) for i in range(10)])
    embeddings = {"e": make_embeddings(one, 0.5, width=4)}
    single, ten = (mean_scores(score_tasks(t, embeddings))[0] for t in (one, copies))
    assert ten.high - ten.low == pytest.approx(single.high - single.low, rel=0.05)
    others = make_tasks(10, (40, 20, 20))
    apart = mean_scores(score_tasks(others, {"e": make_embeddings(others, 0.5, width=16)}))[0]
    assert apart.high - apart.low < 0.7 * (single.high - single.low) * np.sqrt(3)


def test_differences_are_paired():
    tasks = make_tasks(6)
    good, noise = make_embeddings(tasks, 2.0), make_embeddings(tasks, 0.0)
    scored = score_tasks(tasks, {"noise": noise, "same": make_embeddings(tasks, 2.0), "good": good})
    found = {(d.better, d.worse): d for d in differences(scored)}
    assert found["same", "noise"].holds and found["same", "noise"].wins == 6
    tie = found.get(("same", "good")) or found["good", "same"]
    assert tie.by == tie.low == tie.high == 0 and not tie.holds
