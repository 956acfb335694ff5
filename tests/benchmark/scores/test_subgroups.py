"""AUROC by subgroup, on predictions whose truth is known."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.scores.predictions import Predictions
from benchmark.scores.subgroups import SUBGROUPS, levels_of, subgroup_scores, worst_levels
from tokenizer.sessions import SCHEMA


def people(n, **columns):
    known = {"session_id": [f"s{i}" for i in range(n)], "subject_id": np.arange(n), "path": ["a.edf"] * n}
    return pl.DataFrame({c: (known | columns).get(c, [None] * n) for c in SCHEMA}, SCHEMA)


def predicted(sets, shift, seed=0, controls=1, first=0, folds=1):
    """`sets` sets of a case and its controls; shift (embeddings, sets): how far a case's score lies above."""
    rng, size = np.random.default_rng(seed), 1 + controls
    label = np.tile([True, *[False] * controls], sets)
    scores = rng.standard_normal((len(shift), sets * size)) + label * np.repeat(shift, size, axis=1)
    who = first + np.arange(sets * size)
    return Predictions(
        np.array([f"s{i}" for i in who]), who, label, np.where(label, 1.0, 1.0 / controls),
        np.repeat(np.arange(sets), size), np.repeat(np.arange(sets) % folds, size), scores, np.full_like(scores, 0.5),
    )  # fmt: skip


def test_a_level_that_a_model_is_blind_for_is_named():
    """Sighted in men, blind in women: half of the sets each."""
    sex = np.repeat(np.tile(["F", "M"], 200), 2)
    shift = np.stack([np.tile([0.0, 2.0], 200), np.full(400, 1.0)])
    rows = subgroup_scores({"t": predicted(400, shift)}, ["blind", "fair"], people(800, sex=sex))
    assert rows.schema == pl.Schema(SUBGROUPS)
    blind = {r["level"]: r for r in rows.filter(by="sex", embedding="blind").iter_rows(named=True)}
    assert blind["F"]["low"] < 0.5 < blind["F"]["high"] and blind["M"]["auroc"] == pytest.approx(0.92, abs=0.03)
    assert blind["F"]["auroc"] < blind["F"]["everybody"] < blind["M"]["auroc"]
    assert blind["F"]["people"] == 400 and blind["F"]["tasks"] == 1
    worst = worst_levels(rows.filter(by="sex"))
    assert worst.filter(embedding="blind")["level"].item() == "F" and set(worst["embedding"]) == {"blind", "fair"}


def test_it_is_the_mean_over_tasks_of_the_sets_whose_case_belongs():
    """The case's level decides; controls weigh 1/k; only scores of one fold are compared."""
    sessions = people(900, age=np.random.default_rng(2).uniform(5, 95, 900), site=["A", "B", "C"] * 300)
    tasks = {f"t{i}": predicted(100, np.ones((1, 100)), i, 2, 300 * i, folds=2) for i in range(3)}
    rows = subgroup_scores(tasks, ["e"], sessions)
    level, values = levels_of(sessions)["age"], []
    for one in tasks.values():
        case = dict(zip(one.matched_set[one.label], one.session_id[one.label], strict=True))
        inside = np.array([level[case[s]] == "65+" for s in one.matched_set])
        won, pairs = 0.0, 0
        for fold in (0, 1):
            mine = inside & (one.fold == fold)
            cases = one.label[mine].sum()
            won += roc_auc_score(one.label[mine], one.scores[0][mine]) * cases**2
            pairs += cases**2
        values.append(won / pairs)
    assert rows.filter(by="age", level="65+")["auroc"].item() == pytest.approx(np.mean(values), abs=1e-9)
    assert rows.filter(by="age")["level"].to_list() == ["<18", "18–39", "40–64", "65+"]


def test_few_sets_are_no_level_and_the_unknown_is_one():
    sites = np.repeat(["A"] * 9 + [None] * 11, 2)
    rows = subgroup_scores({"t": predicted(20, np.ones((1, 20)))}, ["e"], people(40, site=sites))
    assert rows.filter(by="site")["level"].to_list() == ["unknown"]
    assert subgroup_scores({}, ["e"], people(4)).is_empty()
    alike = subgroup_scores({"t": predicted(20, np.ones((1, 20)))}, ["e"], people(40, site=["A"] * 40))
    assert alike.is_empty(), "all of one site, and nothing else known: no subgroup"


def test_intervals_hold_what_they_promise():
    """80 draws of 60 women's sets with AUROC 0.76: the interval covers it about 95 times of 100."""
    covered = []
    sessions = people(200, sex=["F"] * 120 + ["M"] * 80)
    for seed in range(40):
        rows = subgroup_scores({"t": predicted(100, np.ones((2, 100)), seed)}, ["a", "b"], sessions)
        covered += rows.filter(level="F").select(pl.lit(0.7602).is_between("low", "high")).to_series().to_list()
    assert 0.90 <= np.mean(covered) <= 0.99
