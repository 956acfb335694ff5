"""Tables and lines of text for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.scores.comparing import Difference, differences, mean_scores, per_task

if TYPE_CHECKING:
    from benchmark.scores.results import Results


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


def title_line(results: "Results") -> str:
    """What was scored, on what, in a line; says so where the data are synthetic."""
    scores, about = results.scored.scores, results.about
    data = "SYNTHETIC DATA, not patients" if results.synthetic else str(about.get("cohort", {}).get("name", "cohort"))
    how = "matched controls" if about.get("protocol", {}).get("matched", True) else "UNMATCHED controls"
    seeds = scores["seed"].n_unique()
    return (
        f"AUROC, suite {about.get('suite', '?')}, {len(results.scored.tasks)} tasks, {how}, scored on "
        f"{scores['scored_on'][0]}{f', {seeds} seeds' if seeds > 1 else ''}: {data}"
    )


def mean_table(results: "Results") -> str:
    """Title and one row per embedding: mean AUROC with interval, per family; rows without matching last."""
    means = mean_scores(results.scored)
    families = list(means[0].families)
    rows = [_mean_row(m, m.embedding + mark(m.overlap), families) for m in means]
    if results.unmatched:
        rows += [_mean_row(m, f"{m.embedding}, unmatched controls", families) for m in mean_scores(results.unmatched)]
    if ceilings := [results.about["ceilings"][t] for t in results.scored.tasks if t in results.about["ceilings"]]:
        mean = f"{sum(ceilings) / len(ceilings):.3f}"
        rows.append(["planted ceiling", mean, "", *[""] * len(families), len(ceilings)])
    lines = [title_line(results), "", text_table(["embedding", "mean", "95 % interval", *families, "tasks"], rows)]
    if any(m.overlap for m in means):
        lines.append("† its model has seen scored subjects: not a held-out score")
    if any(m.overlap is None for m in means):
        lines.append("‡ training subjects unknown: whether its model has seen scored subjects cannot be told")
    return "\n".join(lines)


def mark(overlap: int | None) -> str:
    """What stands behind an embedding's name: † has seen scored subjects, ‡ nobody knows."""
    return " ‡" if overlap is None else " †" if overlap else ""


def _mean_row(mean: Any, name: str, families: list[str]) -> list[Any]:
    each = [f"{mean.families[f]:.3f}" if f in mean.families else "" for f in families]
    return [name, f"{mean.auroc:.3f}", f"{mean.low:.3f}–{mean.high:.3f}", *each, mean.tasks]


def difference_lines(results: "Results", most: int = 21) -> list[str]:
    """Paired differences in words, all pairs from the best embedding down, at most `most`."""
    pairs = differences(results.scored)
    lines = [difference_text(d) for d in pairs[:most]]
    if len(pairs) > most:
        lines.append(f"… and {len(pairs) - most} more pairs")
    return lines


def difference_text(d: Difference) -> str:
    """One difference as a sentence."""
    verdict = "holds" if d.holds else "does not hold"
    return f"{d.better} > {d.worse}: +{d.by:.3f} [{d.low:+.3f}, {d.high:+.3f}], {d.wins} of {d.tasks} tasks: {verdict}"


def per_task_table(results: "Results") -> str:
    """AUROC per task and embedding; scored cases; the planted ceiling where there is one."""
    scored, ceilings = results.scored, results.about["ceilings"]
    values, cases = per_task(scored), dict(scored.scores.select("task", "cases").unique("task").iter_rows())
    rows = []
    for task, row in zip(scored.tasks, values, strict=True):
        ceiling = [f"{ceilings[task]:.2f}" if task in ceilings else ""] if ceilings else []
        rows.append([results.words(task), cases[task], *(f"{v:.2f}" for v in row), *ceiling])
    return text_table(["task", "cases", *scored.embeddings, *(["ceiling"] if ceilings else [])], rows)
