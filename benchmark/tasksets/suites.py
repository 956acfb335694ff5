"""Suites: lists of tasks as YAML files in configs/benchmark/suite/. A task is a row, not a class.

A suite either lists its tasks (`clinical`) or states the rule that makes them from a cohort's own codes:
`concepts` (every concept with enough cases) or `labels` (every value of every labelled column).

A new suite is one YAML file in that folder, or anywhere (`suite=mine.yaml`), and nothing else: names are the files'
names. A new rule is a function from the cohort's codes to rows of such a file, and one line in `RULES`.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.tasksets.suite_files import NAMESPACES, check_window, read_suite_file
from clef.codes import block, chapter
from tokenizer.base.cli import ConfigError, preset_root

MEDICATION_WINDOW = ("around", 90.0)
HEALTHY = {"healthy", "control", "controls", "hc", "normal", "none", "no", "negative", "neg", "false", "absent", "0"}


@dataclasses.dataclass(frozen=True)
class Definition:
    """One task: a concept made a yes/no question.

    codes: an event that has one of them makes a case; a prefix for phenotype and medication, whole otherwise
    window: where an event has to be in time: ever, before (the session's start) or around (it); None for findings and
        labels, which belong to their session
    window_days: how far from the session's start an event may be (None: as far as it likes)
    exclude: prefixes of codes whose carriers are no controls, and cases only by a code of the task
    group: what the task is counted with: a chapter of ICD-10, an anatomical group of ATC, findings, labels
    known_by: prefix of the events, one of which makes a session without the codes a candidate control
    """

    task: str
    family: str
    codes: tuple[str, ...]
    window: str | None
    window_days: float | None
    exclude: tuple[str, ...]
    group: str
    known_by: str


def suite_names() -> list[str]:
    """The suites there are."""
    return sorted(p.stem for p in (preset_root() / "benchmark" / "suite").glob("*.yaml"))


def read_suite(
    suite: str, codes: Iterable[str], window: str = "ever", window_days: float | None = None
) -> list[Definition]:
    """The tasks of a suite, for a cohort that holds `codes`; a rule is applied to them, a list is taken as it is.

    `suite` is a name or the path of a YAML file of one's own; `window` and `window_days` hold for phenotypes that name
    none. Raises ConfigError for an unknown suite, for a file that breaks the form in `benchmark.tasksets.suite_files`,
    and for a window that is none.
    """
    check_window(window, window_days, "window")
    default = (window, window_days)
    path = Path(suite) if suite.endswith((".yaml", ".yml")) else preset_root() / f"benchmark/suite/{suite}.yaml"
    if not path.is_file():
        raise ConfigError(f"suite={suite}: there is no such suite; there are: {', '.join(suite_names())}")
    tree = read_suite_file(path, RULES)
    rows = tree["tasks"] if "tasks" in tree else RULES[tree["rule"]](sorted(set(codes)))
    return [_define(row, default) for row in rows]


def _define(row: dict[str, Any], default: tuple[str, float | None]) -> Definition:
    """A task from its row in a suite file; what the row does not say follows from its family and codes."""
    family, codes = row["family"], tuple(row["codes"])
    known = codes[0].rpartition("//")[0] + "//" if family == "label" else NAMESPACES[family]
    window, days = _window(row, default)
    return Definition(
        task=row["task"],
        family=family,
        codes=codes,
        window=window,
        window_days=days,
        exclude=tuple(row["exclude"] if "exclude" in row else _blocks(family, codes)),
        group=row.get("group") or chapter(codes[0]) or f"{family}s",
        known_by=known,
    )


def _window(row: dict[str, Any], default: tuple[str, float | None]) -> tuple[str | None, float | None]:
    """Window and days of a row. One with `window_days` alone was written before there was `window`."""
    if row["family"] in ("finding", "label"):
        return None, None
    if "window" in row:
        return row["window"], row.get("window_days")
    if "window_days" in row:
        return ("ever", None) if row["window_days"] is None else ("around", row["window_days"])
    return MEDICATION_WINDOW if row["family"] == "medication" else default


def _blocks(family: str, codes: tuple[str, ...]) -> list[str]:
    """The blocks of a task's codes, whose carriers are no controls; findings and labels have none."""
    return sorted({block(code) for code in codes}) if family in ("phenotype", "medication") else []


def _concepts(codes: list[str]) -> list[dict[str, Any]]:
    """Every concept of the cohort: ICD-10 at three characters, ATC at seven, findings as they are.

    ATC codes of five characters stay as they are: some archives name the chemical subgroup alone. Wider classes are
    no drug, and a denied finding (`FINDING//seizure//absent`) is no concept.
    """
    concepts = {}
    for family, width in (("phenotype", 3), ("medication", 7), ("finding", None)):
        space = NAMESPACES[family]
        for code in (c for c in codes if c.startswith(space) and not c.endswith("//absent")):
            concept = space + code.removeprefix(space)[:width]
            if family != "medication" or len(concept) - len(space) in (5, 7):
                concepts[concept] = {"task": concept, "family": family, "codes": [concept]}
    return list(concepts.values())


def _labels(codes: list[str]) -> list[dict[str, Any]]:
    """Every value against the rest of its column at its site; a column of two values gives one task."""
    columns = defaultdict(list)
    for code in codes:
        parts = code.split("//", 3)
        if parts[0] == "LABEL" and len(parts) == 4:
            columns["//".join(parts[:3]) + "//"].append(parts[3])
    return [
        {"task": column + value, "family": "label", "codes": [column + value]}
        for column, values in columns.items()
        for value in _positives(values)
    ]


def _positives(values: list[str]) -> list[str]:
    """Which values of a column become cases: all of three or more; of two, the one that is not the healthy one."""
    if len(values) != 2:
        return values if len(values) > 2 else []
    return [max(values, key=lambda v: (v.strip().lower().removesuffix(".0") not in HEALTHY, v))]


RULES = {"concepts": _concepts, "labels": _labels}
