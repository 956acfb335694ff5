"""Curves of the report: calibration, label efficiency, and the balance of covariates before and after matching."""

import matplotlib.pyplot as plt
import numpy as np
from markupsafe import Markup

from benchmark.report.checks import Imbalance, by_covariate
from benchmark.report.facts import Facts
from benchmark.report.figures import STYLE, as_svg, colours, short
from benchmark.tasksets.balance import UNBALANCED

BINS = 10
MOST = 20
"""Covariates in the figure of balance."""


def calibration_points(probability: np.ndarray, label: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean probability and share of cases in `BINS` bins of equal weight: (bins, 2), both within 0 … 1."""
    order = np.argsort(probability, kind="stable")
    p, y, w = probability[order], label[order].astype(np.float64), weight[order]
    bins = np.minimum((np.cumsum(w) - w / 2) / w.sum() * BINS, BINS - 1).astype(np.int64)
    total = np.bincount(bins, w, BINS)
    means = np.stack([np.bincount(bins, w * p, BINS), np.bincount(bins, w * y, BINS)], axis=1)
    return means[total > 0] / total[total > 0, None]


def calibration_figure(facts: Facts) -> Markup | None:
    """Share of cases against the probe's probability, all tasks together; None if no probabilities were kept."""
    kept = list(facts.scored.predictions.values())
    if not kept:
        return None
    label = np.concatenate([p.label for p in kept])
    weight = np.concatenate([p.weight for p in kept])
    colour = colours(facts.results)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 4.2))
        axes.plot([0, 1], [0, 1], color="#bbbbbb", lw=1, ls=(0, (3, 3)), zorder=0)
        for name in facts.shown:
            i = facts.names.index(name)
            points = calibration_points(np.concatenate([p.probability[i] for p in kept]), label, weight)
            axes.plot(*points.T, "-o", color=colour[name], ms=4, lw=1.4)
        axes.set(
            xlim=(0, 1), ylim=(0, 1), xlabel="probability given by the probe", ylabel="share of cases", aspect="equal"
        )
        _key(axes, facts.shown, colour)
        return as_svg(figure)


def labels_figure(facts: Facts) -> Markup | None:
    """Mean AUROC against the number of training cases, with the range over draws; None with a single label budget."""
    if len(facts.budgets) < 2:
        return None
    budgets, colour = facts.budgets[::-1], colours(facts.results)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 4.2))
        for name in facts.shown:
            rows = {r["labels"]: r for r in facts.by_labels.iter_rows(named=True) if r["embedding"] == name}
            at = [i for i, labels in enumerate(budgets) if labels in rows]
            values = np.array([[rows[budgets[i]][k] for k in ("auroc", "lowest", "highest")] for i in at]).T
            axes.fill_between(at, values[1], values[2], color=colour[name], alpha=0.15, lw=0)
            axes.plot(at, values[0], "-o", color=colour[name], ms=4, lw=1.4)
        axes.axhline(0.5, color="#bbbbbb", lw=1, ls=(0, (3, 3)), zorder=0)
        axes.set_xticks(range(len(budgets)), budgets)
        axes.set(xlabel="training cases", ylabel="mean AUROC", xlim=(-0.2, len(budgets) - 0.8))
        _key(axes, facts.shown, colour)
        return as_svg(figure)


def _key(axes: plt.Axes, names: list[str], colour: dict[str, str]) -> None:
    lines = [plt.Line2D([], [], color=colour[n], marker="o", ms=4) for n in names]
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 2, "frameon": False, "fontsize": 8}
    axes.legend(lines, [short(n) for n in names], **place)


def balance_figure(rows: list[Imbalance]) -> Markup | None:
    """|SMD| of the worst covariates, a dot per task and split, before (open) and after matching (filled)."""
    names = [row["covariate"] for row in by_covariate(rows)[:MOST]]
    if not names:
        return None
    draw = np.random.default_rng(0)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.5 * len(names) + 0.9))
        for y, name in enumerate(names):
            mine = [row for row in rows if row.covariate == name]
            for values, at, look in (
                ([r.before for r in mine], y - 0.18, {"mfc": "none", "mec": "#999999"}),
                ([r.after for r in mine], y + 0.18, {"mfc": "#0072B2", "mec": "#0072B2"}),
            ):
                known = np.abs([v for v in values if v is not None])
                axes.plot(known, at + draw.uniform(-0.12, 0.12, len(known)), "o", ms=3, mew=0.7, alpha=0.7, **look)
        axes.axvline(UNBALANCED, color="#c8351a", lw=1, ls=(0, (3, 3)), zorder=0)
        axes.set_yticks(range(len(names)), [short(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel("|standardised mean difference|: open before matching, filled after; red line 0.1")
        axes.set_xlim(left=0)
        axes.tick_params(length=0)
        return as_svg(figure)
