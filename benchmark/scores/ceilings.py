"""Ceilings of the tasks of a synthetic cohort: the AUROC that its planted truth allows."""

from pathlib import Path
from typing import Any

from tokenizer.base.tables import read_table


def planted_ceilings(cohort: Path, about: dict[str, Any]) -> dict[str, float]:
    """Task -> ceiling, for tasks that ask for exactly one planted concept; empty for a cohort of real people.

    `about` is what the task file says of itself (clef.tasks). A category of diseases has an entry of its own beside
    those of its diseases, and the entry of the very code wins; else a task has to hold one concept alone: two of them
    have no common ceiling.
    """
    path = cohort / "truth" / "ceilings.parquet"
    if not path.is_file():
        return {}
    planted = {_plain(code): v for code, v in read_table(path).select("code", "ceiling").drop_nulls().iter_rows()}
    definitions = about.get("protocol", {}).get("definitions", {})
    ceilings = {task: _ceiling(planted, [_plain(c) for c in d["codes"]]) for task, d in definitions.items()}
    return {task: ceiling for task, ceiling in ceilings.items() if ceiling is not None and ceiling == ceiling}


def _ceiling(planted: dict[str, float], codes: list[str]) -> float | None:
    if len(codes) == 1 and codes[0] in planted:
        return planted[codes[0]]
    held = [code for code in planted if code.startswith(tuple(codes))]
    return planted[held[0]] if len(held) == 1 else None


def _plain(code: str) -> str:
    return code.replace(".", "")
