"""A made-up run with everything that a report may show: budgets, predictions, balance, checks, groups."""

import numpy as np
import polars as pl

from benchmark.encoders.registry import ENCODERS
from benchmark.scores.identity import Identity
from benchmark.scores.predictions import Predictions
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored
from benchmark.scores.statistics.auroc import auroc, set_weights, subject_draws

HOSTILE = "</script><script>document.title='taken'</script><b>&\"'$x$"
COVARIATES = ("age", "sex", "site", "codes on record")
BUDGETS = ("10", "25", "all")


def scored(effects: dict[str, float], tasks: list[str], cases: int = 20, resamples: int = 40) -> Scored:
    """`tasks` tasks on pairs; a task's effect on each embedding is spread around that embedding's own."""
    rng, rows, replicates, kept = np.random.default_rng(0), [], [], {}
    for t, task in enumerate(tasks):
        label, sets = np.tile([True, False], cases), np.repeat(np.arange(cases), 2)
        subject = rng.permutation(6 * cases)[: 2 * cases]
        shared, ease = rng.standard_normal(2 * cases), rng.uniform(0.3, 1.7)
        weights = set_weights(subject_draws(6 * cases, 0, resamples), subject, sets)
        x = np.array([0.6 * shared + 0.8 * rng.standard_normal(2 * cases) + e * ease * label for e in effects.values()])
        kept[task] = Predictions(
            np.array([f"secret-session-{i}" for i in subject]), subject, label, np.ones(2 * cases), sets,
            np.zeros(2 * cases, np.int64), x, 1 / (1 + np.exp(0.5 * ease - x)),
        )  # fmt: skip
        replicates.append([auroc(label, each, weights=weights) for each in x])
        for name, each in zip(effects, x, strict=True):
            rows += _rows(task, t, name, float(auroc(label, each)[0]), cases)
    table = pl.DataFrame(rows, infer_schema_length=None)
    return Scored(table, tasks, list(effects), np.array(replicates), [], 6 * cases, "all", kept)


def _rows(task: str, t: int, name: str, value: float, cases: int) -> list[dict]:
    """Rows of the table of scores: every label budget and two seeds."""
    flags = ["small-n"] * (t % 5 == 0) + ["unbalanced"] * (t % 7 == 0)
    of_task = {"task": task, "family": ("phenotype", "medication", "finding")[t % 3], "group": f"G{t % 4} chapter"}
    of_task |= {"cases": cases, "controls": cases, "left_out": 0, "c": 0.01}
    of_task |= {"chosen_on": "val", "scored_on": "test", "unit": "session, one per subject", "probe": "logistic"}
    of_task |= {"protocol": "logistic regression, L2", "width": 64, "model": "m", "split_hash": "abc123", "overlap": 0}
    of_task |= {"smd": 0.02 * (t % 9), "flags": ", ".join(flags), "components": (0, 32, 128)[t % 3]}
    rows = []
    for i, labels in enumerate(BUDGETS):
        for seed in range(2):
            at = 0.5 + (value - 0.5) * (0.5, 0.75, 1.0)[i] + 0.005 * seed * (i < 2)
            known = dict.fromkeys(("train_cases", "train_controls"), (10, 25, 60)[i])
            known |= {"auroc": at, "low": max(0.0, at - 0.1), "high": min(1.0, at + 0.1)}
            known |= {"auprc": at, "balanced_accuracy": at, "brier": 0.2, "ece": 0.05}
            rows.append(of_task | {"embedding": name, "labels": labels, "seed": seed} | known)
    return rows


def made_up(effects: dict[str, float] | None = None, tasks: int = 12, hostile: bool = False, **more) -> Results:
    """A whole run; with `hostile`, a task, a group and an embedding have markup for a name."""
    effects = effects or {"ours": 1.4, "theirs": 0.8, "untrained": 0.7, "bandpower": 0.5}
    names = [f"ICD10CM//G{40 + i}" for i in range(tasks)]
    if hostile:
        effects, names[0] = {HOSTILE: 2.0} | effects, HOSTILE
    result = scored(effects, names, **more)
    if hostile:
        groups = pl.when(pl.col("task") == HOSTILE).then(pl.lit(HOSTILE)).otherwise(pl.col("group"))
        result.scores = result.scores.with_columns(group=groups)
    balance = {t: {"test": {c: [0.5 + 0.01 * i, 0.03 * (i % 5)] for c in COVARIATES}} for i, t in enumerate(names)}
    null = scored(dict.fromkeys(effects, 0.0), names[:3])
    levels = [("age", "18 to 40", 0.8), ("age", "over 60", 0.61), ("sex", "F", 0.7), ("sex", "M", 0.72)]
    groups = [
        {"embedding": e, "by": by, "level": level, "auroc": a, "low": a - 0.05, "high": a + 0.05}
        | {"everybody": 0.7, "tasks": 9, "people": 40}
        for e in effects
        for by, level, a in levels
    ]  # fmt: skip
    definition = {"family": "phenotype", "codes": ["ICD10CM//G40"], "window": "ever", "window_days": None}
    about = {
        "suite": "clinical",
        "cohort": {"name": "archive", "fingerprint": "f00"},
        "protocol": {
            "matched": True, "match": "exact", "match_on": ["age", "sex", "site"], "controls": 1,
            "matching": "sex, site equal, age within 5 years; optimal assignment",
            "definitions": {t: definition | {"exclude": ["ICD10CM//G40"]} for t in names},
        },
        "balance": balance,
        "names": {"ICD10CM//G41": "Status epilepticus"},
        "counts": {t: {"kept": True} for t in names},
    }  # fmt: skip
    encoders = {name: ENCODERS[name] for name in effects if name in ENCODERS}
    identity = [Identity("ours", 0.93, 0.4, 60, 30)]
    checks = {"permuted": null, "controls": null, "identity": identity, "subgroups": pl.DataFrame(groups)}
    return Results(result, about, encoders=encoders, **checks)
