"""Suites: lists of tasks as YAML files in configs/benchmark/suite/. A task is a row, not a class.

A suite either lists its tasks (`clinical`) or states the rule that makes them from a cohort's own codes:
`concepts` (every concept with enough cases) or `labels` (every value of every labelled column).

A new suite is one YAML file in that folder, or anywhere (`suite=mine.yaml`), and nothing else: names are the files'
names. A new rule is a function from the cohort's codes to definitions, and one line in `RULES`.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clef.tasks import FAMILIES
from tokenizer.base.cli import ConfigError, preset_root
from tokenizer.base.values import read_yaml

NAMESPACES = {"phenotype": "ICD10CM//", "medication": "ATC//", "finding": "FINDING//", "label": "LABEL//"}
WINDOW_DAYS = {"phenotype": None, "medication": 90.0, "finding": 1.0, "label": 1.0}
HEALTHY = {"healthy", "control", "controls", "hc", "normal", "none", "no", "negative", "neg", "false", "absent", "0"}


@dataclasses.dataclass(frozen=True)
class Definition:
    """One task: a concept made a yes/no question.

    codes: an event that has one of them makes a case; a prefix for phenotype and medication, whole otherwise
    window_days: how far from the session's start an event may be (None: anywhere in the record)
    known_by: prefix of the events, one of which makes a session without the codes a candidate control
    """

    task: str
    family: str
    codes: tuple[str, ...]
    window_days: float | None
    known_by: str


def suite_names() -> list[str]:
    """The suites there are."""
    return sorted(p.stem for p in (preset_root() / "benchmark" / "suite").glob("*.yaml"))


def read_suite(suite: str, codes: Iterable[str]) -> list[Definition]:
    """The tasks of a suite, for a cohort that holds `codes`; a rule is applied to them, a list is taken as it is.

    `suite` is a name or the path of a YAML file of one's own. Raises ConfigError for an unknown one.
    """
    path = Path(suite) if suite.endswith((".yaml", ".yml")) else preset_root() / f"benchmark/suite/{suite}.yaml"
    if not path.is_file():
        raise ConfigError(f"suite={suite}: there is no such suite; there are: {', '.join(suite_names())}")
    tree: Any = read_yaml(path)
    if "tasks" in tree:
        definitions = [_from_row(row, path.name) for row in tree["tasks"]]
    elif tree.get("rule") in RULES:
        definitions = RULES[tree["rule"]](sorted(set(codes)))
    else:
        raise ConfigError(f"{path.name}: a suite needs `tasks:` or `rule:`, one of {', '.join(RULES)}")
    names = [d.task for d in definitions]
    if len(twice := {n for n in names if names.count(n) > 1}):
        raise ConfigError(f"{path.name}: task {min(twice)!r} stands in it twice")
    return definitions


def _from_row(row: dict[str, Any], name: str) -> Definition:
    if not {"task", "family", "codes"} <= set(row) or row.get("family") not in FAMILIES or not row.get("codes"):
        raise ConfigError(
            f"{name}: {row} is not a task; expected task, codes, family ({', '.join(FAMILIES)}) and perhaps window_days"
        )
    family, codes = row["family"], tuple(map(str, row["codes"]))
    known = codes[0].rpartition("//")[0] + "//" if family == "label" else NAMESPACES[family]
    return Definition(row["task"], family, codes, row.get("window_days", WINDOW_DAYS[family]), known)


def _concepts(codes: list[str]) -> list[Definition]:
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
                concepts[concept] = Definition(concept, family, (concept,), WINDOW_DAYS[family], space)
    return list(concepts.values())


def _labels(codes: list[str]) -> list[Definition]:
    """Every value against the rest of its column at its site; a column of two values gives one task."""
    columns = defaultdict(list)
    for code in codes:
        parts = code.split("//", 3)
        if parts[0] == "LABEL" and len(parts) == 4:
            columns["//".join(parts[:3]) + "//"].append(parts[3])
    return [
        Definition(column + value, "label", (column + value,), WINDOW_DAYS["label"], column)
        for column, values in columns.items()
        for value in _positives(values)
    ]


def _positives(values: list[str]) -> list[str]:
    """Which values of a column become cases: all of three or more; of two, the one that is not the healthy one."""
    if len(values) != 2:
        return values if len(values) > 2 else []
    return [max(values, key=lambda v: (v.strip().lower().removesuffix(".0") not in HEALTHY, v))]


RULES = {"concepts": _concepts, "labels": _labels}
