"""What the page, the table and the text of a report show, gathered once from the results of a run.

Three kinds of rows: what is judged, the controls beside it, and references (the planted causes of a synthetic cohort),
which stand apart from both. Each judged embedding is held against one control on every task: the one with the highest
mean, because the best of several controls on each single task is partly the luckiest.
"""

from functools import cached_property
from typing import Any

import polars as pl

from benchmark.report.verdict.whole import Run
from benchmark.scores.comparing import Mean, label_table, mean_scores, of_all_budgets, task_differences
from benchmark.scores.results import Results

NOT_TESTED = dict.fromkeys(("by", "low", "high", "p", "q", "outcome"))


class Facts:
    """The results of a run with what follows from them; every part is worked out when it is first asked for."""

    def __init__(self, results: Results) -> None:
        self.results, self.scored, self.about, self.run = results, results.scored, results.about, Run(results)
        self.names = self.scored.embeddings

    @cached_property
    def means(self) -> list[Mean]:
        """Means over tasks, best first, without references."""
        return [m for m in self.run.means if self.run.role(m.embedding) != "reference"]

    @cached_property
    def references(self) -> list[Mean]:
        return [m for m in self.run.means if self.run.role(m.embedding) == "reference"]

    @cached_property
    def unmatched(self) -> list[Mean]:
        """Rows that are shown with controls drawn at random, too."""
        return mean_scores(self.results.unmatched) if self.results.unmatched else []

    @cached_property
    def judged(self) -> list[str]:
        """Embeddings that are judged, best first."""
        return [m.embedding for m in self.run.judged]

    @cached_property
    def control(self) -> str | None:
        """The control with the highest mean; None if none was scored."""
        return next((m.embedding for m in self.run.controls), None)

    @cached_property
    def best(self) -> Mean:
        """What the words on the page speak of: the best judged embedding, or the best of all."""
        return next((m for m in self.means if m.embedding in self.judged), (self.means or self.references)[0])

    @cached_property
    def shown(self) -> list[str]:
        """What fits into a figure of many tasks: the three best judged embeddings, and the two best controls."""
        controls = [m.embedding for m in self.run.controls]
        return self.judged[:3] + controls[: 2 if self.judged else 4]

    @cached_property
    def scores(self) -> pl.DataFrame:
        """Rows of `SCORES` at the largest label budget."""
        return self.scored.scores.filter(pl.col("labels") == self.scored.main)

    @cached_property
    def ceiling(self) -> tuple[float, int] | None:
        """Mean planted ceiling, and of how many tasks."""
        known = [c for t in self.scored.tasks if (c := self.about["ceilings"].get(t))]
        return (sum(known) / len(known), len(known)) if known else None

    @cached_property
    def budgets(self) -> list[str]:
        """Label budgets, the largest first."""
        return self.by_labels["labels"].unique(maintain_order=True).to_list()[::-1]

    @cached_property
    def tasks_of_all_budgets(self) -> list[str]:
        """Tasks with enough training cases for every label budget: on others a smaller budget has no score."""
        return of_all_budgets(self.scored)["task"].unique().sort().to_list()

    @cached_property
    def by_labels(self) -> pl.DataFrame:
        """[embedding, labels, auroc, lowest, highest], the largest label budget last; all of the same tasks."""
        return label_table(self.scored)

    @cached_property
    def at_budget(self) -> dict[tuple[str, str], float]:
        """Mean AUROC of (embedding, label budget)."""
        return {(e, n): v for e, n, v in self.by_labels.select("embedding", "labels", "auroc").iter_rows()}

    @cached_property
    def intervals(self) -> dict[tuple[str, str], tuple[float, float, float]]:
        """AUROC and its interval of (task, embedding), means over seeds."""
        mean = self.scores.group_by("task", "embedding").agg(pl.col("auroc", "low", "high").mean())
        return {(task, name): tuple(values) for task, name, *values in mean.iter_rows()}

    @cached_property
    def flags(self) -> dict[str, list[str]]:
        """What is to be known of a task: flags of any of its rows, the commonest first."""
        each = self.scores.select("task", pl.col("flags").str.split(", ")).explode("flags").filter(pl.col("flags") > "")
        counts = each.group_by("task", "flags").len().sort(["len", "flags"], descending=[True, False])
        return {task: part["flags"].to_list() for (task,), part in counts.group_by("task", maintain_order=True)}

    @cached_property
    def against(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Judged embedding -> task -> how it stands against the control: by, low, high, p, q, outcome."""
        if self.control is None:
            return {}
        tables = {name: task_differences(self.scored, name, self.control) for name in self.judged}
        return {name: {row["task"]: row for row in table.to_dicts()} for name, table in tables.items()}

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row per task, by family, group and title; `code` is the task as the stores call it."""
        constant = self.scores.unique("task", keep="first").sort("task").to_dicts()
        rows = [
            {
                "code": row["task"],
                "task": self.results.words(row["task"]),
                "family": row["family"],
                "group": row.get("group") or "",
                "cases": row["cases"],
                "controls": row["controls"],
                "scores": {name: self.intervals[row["task"], name] for name in self.names},
                "against": {name: self.against[name].get(row["task"], NOT_TESTED) for name in self.against},
                "flags": self.flags.get(row["task"], []),
                "smd": row.get("smd"),
                "ceiling": self.about["ceilings"].get(row["task"]),
            }
            for row in constant
        ]
        return sorted(rows, key=lambda row: (row["family"], row["group"], row["task"].casefold()))

    def outcomes(self, name: str, outcome: str) -> list[dict[str, Any]]:
        """Tasks that a judged embedding won ("win") or lost ("loss") against the control, the clearest first."""
        rows = [row | row["against"][name] | {"task": row["task"]} for row in self.rows]
        return sorted((r for r in rows if r["outcome"] == outcome), key=lambda r: -abs(r["by"]))
