"""What a suite's tasks found in a cohort, as a table of counts."""

from typing import Any

from benchmark.report.terminal.tables import text_table
from tokenizer.sessions import SPLITS


def counts_table(counts: dict[str, dict[str, Any]], most: int = 60) -> str:
    """What was made, as text: a row per task, or per family where there are more than `most`."""
    kept = {task: c for task, c in counts.items() if c["kept"]}
    if len(kept) > most:
        kept = {
            f"{family} tasks": _summed(kept.values(), family) for family in sorted({c["family"] for c in kept.values()})
        }
    splits = sorted({s for c in kept.values() for s in c["splits"]}, key=lambda s: ((*SPLITS, s).index(s), s))
    rows = [[task, c["cases"], c["dropped"], *(c["splits"].get(s, 0) for s in splits)] for task, c in kept.items()]
    return text_table(["task", "cases on record", "without control", *(f"cases in {s}" for s in splits)], rows)


def _summed(counts: Any, family: str) -> dict[str, Any]:
    mine = [c for c in counts if c["family"] == family]
    splits = {s for c in mine for s in c["splits"]}
    return {k: sum(c[k] for c in mine) for k in ("cases", "dropped")} | {
        "splits": {s: sum(c["splits"].get(s, 0) for c in mine) for s in splits}
    }
