"""Checks on simulated tasks whose true AUROC is known: what intervals cover, and how often a difference is invented.

    score of a member of matched set s:  shift·label + √ρ·u_s + √(1−ρ)·noise        u_s, noise ~ N(0, 1)

so that cases and controls of different sets have the AUROC Φ(shift/√2), whatever ρ. The embedding is the score itself,
one number wide: the probe, fitted on people of its own, can only turn or stretch it, and the truth stays. With
`uneven` the sets of u_s above 0.5 have a single control, as happens where controls are rare: then the truth is that of
sets that count equally, and controls that count one by one give another.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtri

from benchmark.scores.comparing import task_differences
from benchmark.scores.scoring import Scored, score_tasks
from clef.embeddings import Embeddings
from tokenizer.base.progress import track
from tools.benchmark_checks.judging import Check, judge_share
from tools.benchmark_checks.world import known_to_nobody

SHARED = 0.3  # ρ
TRAIN_SETS = 80
"""So many that a probe does not turn the score round, and the truth with it, once in 10,000 tasks."""
RESAMPLES = 400  # moves the coverage of 1,000 by less than 0.1 %
SMALL = 30  # cases below which an interval promises nothing
FAMILY = 10  # tasks over which false discoveries are counted together
ONE_CONTROL_ABOVE = 0.5


@dataclass(frozen=True)
class Design:
    """Tasks of `sets` scored matched sets, up to `controls` each, with a true AUROC of `auroc`."""

    sets: int
    auroc: float
    controls: int = 1
    uneven: bool = False

    def __str__(self) -> str:
        ratio = f"1:{self.controls}" + (", some 1:1" if self.uneven else "")
        return f"{self.sets} cases, {ratio}, AUROC {self.auroc:g}"


DESIGNS = [Design(10, auroc) for auroc in (0.75, 0.9)]
DESIGNS += [Design(sets, auroc) for sets in (30, 100) for auroc in (0.65, 0.75, 0.9)]
DESIGNS += [Design(30, 0.75, 4), Design(30, 0.75, 4, uneven=True), Design(100, 0.75, 4, uneven=True)]


def coverage_checks(repetitions: int, seed: int) -> Iterator[Check]:
    """How often the 95 % interval of a task's AUROC holds the truth, design by design."""
    for number, design in enumerate(track(DESIGNS, "coverage")):
        tasks, (store,) = simulate(design, repetitions, 1, np.random.default_rng((seed, number)))
        yield check_coverage(score_tasks(tasks, {"score": store}, resamples=RESAMPLES), design)


def check_coverage(scored: Scored, design: Design) -> Check:
    """Whether the intervals of many repetitions of one design hold its AUROC 93 to 97 times in 100."""
    rows = scored.scores
    inside = (rows["low"] <= design.auroc) & (rows["high"] >= design.auroc)
    mean = float(rows["auroc"].mean())
    check = judge_share(f"interval holds: {design}", int(inside.sum()), len(rows), 0.93, 0.97, f"mean {mean:.3f}")
    if design.sets >= SMALL:
        return check
    flagged = rows["flags"].str.contains("small-n").all()
    return Check(check.name, check.measured, "flagged small-n", "passed" if flagged else "FAILED", check.remark)


def discovery_checks(repetitions: int, seed: int) -> Iterator[Check]:
    """How often a difference is claimed between two embeddings that are equally good on every task."""
    design = Design(SMALL, 0.75)
    tasks, stores = simulate(design, 2 * repetitions, 2, np.random.default_rng((seed, 99)))
    named = dict(zip(("one", "other"), stores, strict=True))
    yield from check_discoveries(score_tasks(tasks, named, resamples=20))  # DeLong needs none


def check_discoveries(scored: Scored) -> Iterator[Check]:
    """Paired DeLong at 5 % per task; and after Benjamini–Hochberg, families of tasks in which any task is claimed.

    Where nothing differs every discovery is a false one: the share of families with any is the false discovery rate.
    """
    name = "false discoveries, two embeddings of equal truth"
    families = [scored.tasks[i : i + FAMILY] for i in range(0, len(scored.tasks), FAMILY)]
    tables = [task_differences(only(scored, tasks), "one", "other") for tasks in families]
    significant = sum(int((table["p"] < 0.05).sum()) for table in tables)
    claimed = sum(bool((table["outcome"] != "tie").any()) for table in tables)
    yield judge_share(f"{name}: p < 0.05", significant, len(scored.tasks), 0.03, 0.07)
    enough = 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(tables))
    outcome = "passed" if claimed / len(tables) <= enough else "FAILED"
    measured, bound = f"{100 * claimed / len(tables):.1f} %", f"5 %, at most {100 * enough:.1f} % by chance"
    yield Check(f"{name}: after Benjamini–Hochberg", measured, bound, outcome, f"{len(tables)} families of {FAMILY}")


def only(scored: Scored, tasks: list[str]) -> Scored:
    """The same scores of some of the tasks."""
    keep = [scored.tasks.index(task) for task in tasks]
    rows = scored.scores.filter(pl.col("task").is_in(tasks))
    predictions = {task: scored.predictions[task] for task in tasks}
    return dataclasses.replace(
        scored, scores=rows, tasks=tasks, replicates=scored.replicates[keep], predictions=predictions
    )


def simulate(
    design: Design, repetitions: int, embeddings: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, list[Embeddings]]:
    """A task per repetition, and embeddings of the same truth whose noise is half their own.

    The people have the same numbers in each repetition, and sessions of their own: tasks are independent of each other.
    """
    sets, members = TRAIN_SETS + design.sets, 1 + design.controls
    shape = (repetitions, sets, members)
    u = rng.standard_normal((*shape[:2], 1))
    label = np.broadcast_to(np.arange(members) == 0, shape)
    kept = ~(design.uneven & (u > ONE_CONTROL_ABOVE) & (np.arange(members) > 1)) & np.ones(shape, bool)
    common = np.sqrt(SHARED) * u + np.sqrt(2) * ndtri(design.auroc) * label
    noise = rng.standard_normal(shape)
    repetition, matched_set, member = (index[kept] for index in np.indices(shape))
    names = [f"{r}-{s}-{m}" for r, s, m in zip(repetition, matched_set, member, strict=True)]
    stores = []
    for i in range(embeddings):
        mixed = noise if embeddings == 1 else (noise + rng.standard_normal(shape)) / np.sqrt(2)
        score = common + np.sqrt(1 - SHARED) * mixed
        stores.append(known_to_nobody(f"score {i}", names, score[kept][:, None]))
    return _table(names, repetition, matched_set, member, members), stores


def _table(names: list[str], repetition: np.ndarray, matched_set: np.ndarray, member: np.ndarray, members: int):
    """The rows of `tasks.parquet`."""
    return pl.DataFrame({
        "task": [f"repetition {r:05d}" for r in repetition], "family": "label", "session_id": names,
        "subject_id": matched_set * members + member, "label": member == 0,
        "split": np.where(matched_set < TRAIN_SETS, "train", "test"), "match_id": matched_set.astype(str),
    })  # fmt: skip
