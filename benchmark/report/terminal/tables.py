"""Tables and lines of text for the terminal."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import polars as pl

from benchmark.report.verdict.whole import Run, cases_text
from benchmark.scores.comparing import Difference, Mean, differences, label_table, mean_scores, per_task
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored

MOST_SETS = 1_000_000  # more than anybody has: as good as never


def text_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Aligned columns, the first to the left and the others to the right, with a rule under the header."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def title_line(results: Results) -> str:
    """What was scored, on what, in a line; says so where the data are synthetic."""
    scores, about = results.scored.scores, results.about
    data = "SYNTHETIC DATA, not patients" if results.synthetic else str(about.get("cohort", {}).get("name", "cohort"))
    how = "matched controls" if about.get("protocol", {}).get("matched", True) else "UNMATCHED controls"
    seeds = scores["seed"].n_unique()
    return (
        f"AUROC, suite {about.get('suite', '?')}, {len(results.scored.tasks)} tasks, {how}, scored on "
        f"{scores['scored_on'][0]}{f', {seeds} seeds' if seeds > 1 else ''}: {data}"
    )


def mean_table(results: Results) -> str:
    """Title and a row per embedding: mean AUROC with interval, at fewer labels, per family; what stands apart last.

    Apart stand rows without matching, references (the planted causes) and the planted ceiling.
    """
    means, fewer = mean_scores(results.scored), _fewer(results.scored)
    same = label_table(results.scored)["tasks"].max()
    families, role = list(means[0].families), Run(results).role
    apart = [m for m in means if role(m.embedding) == "reference"]
    table = partial(_mean_row, families=families, fewer=fewer)
    rows = [table(results.scored, m, m.embedding + mark(m.overlap)) for m in means if m not in apart]
    if results.unmatched:
        rows += [
            table(results.unmatched, m, f"{m.embedding}, unmatched controls") for m in mean_scores(results.unmatched)
        ]
    rows += [table(results.scored, m, f"{m.embedding}, same labels") for m in apart]
    if ceilings := [results.about["ceilings"][t] for t in results.scored.tasks if t in results.about["ceilings"]]:
        mean = f"{sum(ceilings) / len(ceilings):.3f}"
        rows.append(["planted ceiling", mean, *[""] * (1 + len(fewer) + len(families)), len(ceilings)])
    header = [
        "embedding",
        cases_text(results.scored.main) if fewer else "mean",
        "95 % interval",
        *(cases_text(budget) if budget != results.scored.main else f"{budget}, {same} tasks" for budget in fewer),
        *families,
        "tasks",
    ]
    lines = [title_line(results), "", text_table(header, rows)]
    if any(m.overlap for m in means):
        lines.append("† its model has seen scored subjects: not a held-out score")
    if any(m.overlap is None for m in means):
        lines.append("‡ training subjects unknown: whether its model has seen scored subjects cannot be told")
    return "\n".join(lines)


def mark(overlap: int | None) -> str:
    """What stands behind an embedding's name: † has seen scored subjects, ‡ nobody knows."""
    return " ‡" if overlap is None else " †" if overlap else ""


def _fewer(scored: Scored) -> list[str]:
    """Label budgets below the largest, the larger first; before them the largest, if not all tasks have them all."""
    table = label_table(scored)
    budgets = table["labels"].unique(maintain_order=True).to_list()[::-1]
    return budgets if len(budgets) > 1 and table["tasks"].max() < len(scored.tasks) else budgets[1:]


def _mean_row(scored: Scored, mean: Mean, name: str, *, families: list[str], fewer: list[str]) -> list[Any]:
    few = label_table(scored).filter(pl.col("embedding") == mean.embedding)
    budgets = dict(few.select("labels", "auroc").iter_rows())
    each = [f"{budgets[b]:.3f}" if b in budgets else "" for b in fewer]
    each += [f"{mean.families[f]:.3f}" if f in mean.families else "" for f in families]
    return [name, f"{mean.auroc:.3f}", f"{mean.low:.3f}–{mean.high:.3f}", *each, mean.tasks]


def difference_lines(results: Results, most: int = 21) -> list[str]:
    """Paired differences in words, all pairs from the best embedding down, at most `most`; no references."""
    role = Run(results).role
    pairs = [d for d in differences(results.scored) if "reference" not in (role(d.better), role(d.worse))]
    lines = [difference_text(d) for d in pairs[:most]]
    if len(pairs) > most:
        lines.append(f"… and {len(pairs) - most} more pairs")
    if lines:
        lines.append("won/level/lost: tasks, at a false discovery rate of 5 %; sets: matched sets per task, 80 % power")
    return lines


def difference_text(d: Difference) -> str:
    """One difference as a sentence."""
    outcome = f"{d.better} > {d.worse}: +{d.by:.3f} [{d.low:+.3f}, {d.high:+.3f}], {d.wins}/{d.ties}/{d.losses}"
    draws = "" if d.every_draw else ", not in every draw"
    if d.holds:
        return f"{outcome}: holds{draws}"
    needed = f" (needs {d.sets_needed:,} sets)" if d.sets_needed and d.sets_needed < MOST_SETS else ""
    return f"{outcome}: does not hold{needed}"


def per_task_table(results: Results) -> str:
    """AUROC per task and embedding; scored cases; the planted ceiling where there is one."""
    scored, ceilings = results.scored, results.about["ceilings"]
    values, cases = per_task(scored), dict(scored.scores.select("task", "cases").unique("task").iter_rows())
    rows = []
    for task, row in zip(scored.tasks, values, strict=True):
        ceiling = [f"{ceilings[task]:.2f}" if task in ceilings else ""] if ceilings else []
        rows.append([results.words(task), cases[task], *(f"{v:.2f}" for v in row), *ceiling])
    return text_table(["task", "cases", *scored.embeddings, *(["ceiling"] if ceilings else [])], rows)
