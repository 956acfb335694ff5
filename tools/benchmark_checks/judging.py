"""Judgements: what was measured, the bound it has to keep, and whether there were people enough to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Outcome = Literal["passed", "FAILED", "too few people to check", "too few repetitions to check"]
FEW: Outcome = "too few people to check"


@dataclass(frozen=True)
class Check:
    """One row of the table."""

    name: str
    measured: str
    bound: str
    outcome: Outcome
    remark: str = ""


def judge_mean(name: str, values: Sequence[float], aim: float, bound: float) -> Check:
    """Whether the mean of `values`, one per task, is within `bound` of `aim`.

    A bound that is narrower than two standard errors of the mean would be kept or broken by chance: then nothing is
    passed, and only what lies more than two standard errors outside has failed.
    """
    values = np.asarray(values, float)
    mean, error = float(values.mean()), standard_error(values)
    low, high = values.min(), values.max()
    measured = f"{mean:.3f} ± {error:.3f}" if aim else f"{mean:+.4f} ± {error:.4f}"
    outcome = judge(abs(mean - aim), bound, 2 * error)
    wanted = f"{aim:.2f} ± {bound:g}" if aim else f"within ±{bound:g}"
    return Check(name, measured, wanted, outcome, f"{len(values)} tasks, {low:+.3f} to {high:+.3f}")


def judge(distance: float, bound: float, noise: float, few: Outcome = FEW) -> Outcome:
    """The outcome for a distance that chance alone moves by `noise`; `few` where that is more than the bound."""
    if noise > bound:
        return "FAILED" if distance - bound > noise else few
    return "passed" if distance <= bound else "FAILED"


def standard_error(values: np.ndarray) -> float:
    """Standard error of a mean over tasks; one task alone does not tell."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


def judge_share(name: str, hits: int, of: int, low: float, high: float, remark: str = "") -> Check:
    """Whether a share of `of` repetitions lies within `low` and `high`."""
    share, middle, half = hits / of, (low + high) / 2, (high - low) / 2
    noise = 2 * float(np.sqrt(middle * (1 - middle) / of))
    outcome = judge(abs(share - middle), half, noise, "too few repetitions to check")
    wanted = f"{100 * low:g} to {100 * high:g} %"
    return Check(name, f"{100 * share:.1f} %", wanted, outcome, f"{of:,} repetitions" + (remark and f"; {remark}"))


def markdown(checks: Sequence[Check]) -> str:
    """The table."""
    head = ["| check | measured | bound | outcome | remark |", "|---|---|---|---|---|"]
    return "\n".join(head + [f"| {c.name} | {c.measured} | {c.bound} | {c.outcome} | {c.remark} |" for c in checks])
