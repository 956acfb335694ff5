"""Checks on a planted world: what its maker knows is scored as anyone's embeddings are, and held against the truth."""

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.build import BuildConfig, build_tasks
from benchmark.scores.scoring import Scored, score_tasks
from benchmark.tasksets.permuting import permute_labels
from clef.embeddings import Embeddings
from clef.importers.synthetic.ceilings import ceilings
from tools.benchmark_checks.judging import FEW, Check, judge, judge_mean
from tools.benchmark_checks.world import World

log = logging.getLogger(__name__)
RESAMPLES = 200  # for the size of an AUROC's error; no interval of these tasks is judged
ENOUGH_TO_LEARN = 1_000
"""Cases: half of what a ceiling's regression has learned from."""
SMALLEST_CEILING, LARGEST_CEILING = 24_000, 200_000  # people
MOST_CASES = 20_000  # of a ceiling, half of them to learn from
MOST_ERRORS = 5.0  # that one task of fifty may be away from 0.5
UNEVEN = 0.1  # standardised mean difference that has to be flagged
COVARIATES = ("age", "sex", "site", "setting")


def planted_checks(world: World, subjects: int, seed: int) -> Iterator[Check]:
    """All of them; the last ones need other tasks."""
    tasks, about = make(world, world.concepts, seed)
    scored = score(tasks, {name: world.stores[name] for name in ("latents", "metadata")})
    log.info("ceilings of the planted concepts …")
    planted = ceilings(seed + 1, int(np.clip(2 * subjects, SMALLEST_CEILING, LARGEST_CEILING)), MOST_CASES)
    # all cases: a draw of them before matching asks of the cases' population, ceilings of the sets that can be matched
    everybody, _ = make(world, world.concepts, seed, max_cases=0)
    of_all = score(everybody, {"latents": world.stores["latents"]})
    yield from check_ceilings(of_all, dict(planted.select("code", "ceiling").iter_rows()))
    yield check_chance("matched metadata, mean AUROC", scored, "metadata", 0.02)
    permuted = score(permute_labels(tasks, seed), {"latents": world.stores["latents"]})
    yield check_chance("permuted labels, mean AUROC of the latents", permuted, "latents", 0.02)
    yield check_balance(tasks, world.sessions, about)
    independent, _ = make(world, world.controls, seed)
    controls = score(independent, {"latents": world.stores["latents"]})
    yield check_chance("suite of independent codes, mean AUROC of the latents", controls, "latents", 0.03)
    four, _ = make(world, world.concepts, seed, controls=4)
    ages = score(four, {"age": world.stores["age"]})
    yield check_chance("controls=4, mean AUROC of age alone", ages, "age", 0.02)


def make(
    world: World, suite: str, seed: int, controls: int = 1, **settings: int
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Tasks of a suite, and what their file would say of them."""
    log.info("tasks of %s, %d control%s a case …", suite.rpartition("/")[2], controls, "s" * (controls > 1))
    return build_tasks(BuildConfig(str(world.folder), "", suite, controls=controls, seed=seed, **settings))


def score(tasks: pl.DataFrame, stores: Mapping[str, Embeddings], resamples: int = RESAMPLES) -> Scored:
    """Scores of stores on tasks, as `benchmark.run` makes them."""
    log.info("scoring %s on %d tasks …", " and ".join(stores), tasks["task"].n_unique())
    return score_tasks(tasks, stores, resamples=resamples)


def main_rows(scored: Scored, store: str) -> pl.DataFrame:
    """A row per task: the scores of one store with all training cases, means over seeds."""
    rows = scored.scores.filter(embedding=store, labels=scored.main)
    return rows.group_by("task", maintain_order=True).agg(
        pl.col("auroc").mean(), pl.col("train_cases", "cases", "controls").first()
    )


def check_chance(name: str, scored: Scored, store: str, bound: float) -> Check:
    """Whether a store that knows nothing of the labels has an AUROC of 0.5: on average, and on the worst task."""
    rows = main_rows(scored, store)
    error = ((1 / pl.col("cases") + 1 / pl.col("controls")) / 12).sqrt()  # of an AUROC whose truth is 0.5
    worst = rows.with_columns(apart=((pl.col("auroc") - 0.5) / error).abs()).sort("apart")[-1]
    check = judge_mean(name, rows["auroc"].to_list(), 0.5, bound)
    remark = f"{check.remark}; farthest {worst['task'][0]}, {worst['apart'][0]:.1f} standard errors from 0.5"
    alone = worst["apart"][0] > MOST_ERRORS  # a leak in one task of fifty hardly moves the mean
    return dataclasses.replace(check, remark=remark, outcome="FAILED" if alone else check.outcome)


def check_ceilings(scored: Scored, planted: Mapping[str, float]) -> Iterator[Check]:
    """Measured AUROC of the latents against the AUROC that the generative model allows, task by task."""
    ceiling = pl.col("task").replace_strict(planted, default=None, return_dtype=pl.Float64)
    rows = main_rows(scored, "latents").with_columns(ceiling=ceiling).filter(pl.col("ceiling").is_not_nan())
    rows = rows.with_columns(apart=pl.col("auroc") - pl.col("ceiling"))
    signed = judge_mean("latents against ceilings, mean signed", rows["apart"].to_list(), 0.0, 0.005)
    size, far = float(rows["apart"].abs().mean()), rows.sort(pl.col("apart").abs())[-1]
    remark = f"{len(rows)} of {len(scored.tasks)} tasks; most {far['apart'][0]:+.3f} ({far['task'][0]})"
    outcome = judge(size, 0.02, 0.0)
    absolute = Check("latents against ceilings, mean absolute", f"{size:.4f}", "below 0.02", outcome, remark)
    learned = float((rows["train_cases"] >= ENOUGH_TO_LEARN).mean())
    for check, explained in ((absolute, size < 4 * 0.02), (signed, abs(rows["apart"].mean()) < 4 * 0.005)):
        # probes that learned from few cases stay below their ceilings, and that is no fault of the benchmark's
        few = learned < 0.8 and explained
        remark = f"{check.remark}; {100 * learned:.0f} % learned from {ENOUGH_TO_LEARN:,} cases"
        yield dataclasses.replace(check, remark=remark, outcome=FEW if few else check.outcome)


def check_balance(tasks: pl.DataFrame, sessions: pl.DataFrame, about: Mapping[str, Any]) -> Check:
    """Every scored task is balanced in what was matched, or the file of the tasks says that it is not."""
    reported = reported_differences(about)
    apart = mean_differences(tasks.filter(split="test"), sessions)
    uneven = {task: smd for task, smd in apart.items() if smd >= UNEVEN}
    silent = [task for task in uneven if reported.get(task, 0.0) < UNEVEN]
    largest = max(apart, key=apart.__getitem__)
    remark = f"largest {apart[largest]:.3f} ({largest})" + (f"; not flagged: {', '.join(silent[:3])}" if silent else "")
    return Check(
        "standardised mean differences ≥ 0.1 that no flag tells",
        f"{len(silent)} of {len(apart)} tasks",
        "0",
        "FAILED" if silent else "passed",
        f"{len(uneven)} at 0.1 or more; {remark}",
    )


def reported_differences(about: Mapping[str, Any]) -> dict[str, float]:
    """Task -> the largest difference after matching that the file of the tasks gives for the scored split."""
    balance = about.get("balance", {})
    return {
        task: max((abs(after) for _, after in splits.get("test", {}).values() if after is not None), default=0.0)
        for task, splits in balance.items()
    }


def mean_differences(tasks: pl.DataFrame, sessions: pl.DataFrame) -> dict[str, float]:
    """Task -> largest |standardised mean difference| of a matched covariate, each matched set counting once."""
    size = (pl.len().over("task", "match_id") - 1).cast(pl.Float64)
    rows = tasks.with_columns(weight=pl.when("label").then(1.0).otherwise(1 / size))
    rows = rows.join(sessions.select("session_id", *COVARIATES), on="session_id")
    rows = pl.concat([rows.select("task", "label", "weight", "age"), rows.select(*COVARIATES[1:]).to_dummies()],
                     how="horizontal").drop_nulls("age")  # fmt: skip
    return {task: _largest(part.drop("task")) for (task,), part in rows.group_by("task", maintain_order=True)}


def _largest(rows: pl.DataFrame) -> float:
    x = rows.drop("label", "weight").to_numpy().astype(float)
    label, weight = rows["label"].to_numpy(), rows["weight"].to_numpy()
    (m1, v1), (m0, v0) = (_moments(x[part], weight[part]) for part in (label, ~label))
    spread = np.sqrt((v1 + v0) / 2)
    return float(np.divide(np.abs(m1 - m0), spread, out=np.zeros_like(spread), where=spread > 1e-9).max())


def _moments(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = weight @ x / weight.sum()
    return mean, weight @ (x - mean) ** 2 / weight.sum()
