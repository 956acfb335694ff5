"""What people write down of a bundle: data sets with their licences, hardware, scores; a YAML or JSON file, checked.

    hardware: 2 cores of a cloud machine, no GPU      # what trained it
    command: make open DATA=DIR                        # what made it
    data:                                              # by the site of the cohort; all synthetic people are `synthetic`
      eegmat: {title: …, licence: …, source: …, held: …}
    model: 0b326d738613f85b                            # the fingerprint of the weights that the scores belong to
    scores:
      - {question: …, data: eegmat, people: 14, seen: false, metric: AUROC, value: 0.8, low: 0.7, high: 0.9, …}

Only what was measured belongs here: a field that is absent stands in the card as "not measured".
"""

from pathlib import Path
from typing import Any

from tokenizer.base.limits import unknown_key
from tokenizer.base.values import read_yaml

TOP = ("hardware", "command", "data", "model", "scores")
OF_DATA = ("title", "licence", "source", "held")
REQUIRED = ("question", "data", "people", "seen", "metric", "value")
OF_SCORE = (*REQUIRED, "low", "high", "bandpower", "untrained", "codes", "nuisance", "protocol")
"""`seen`: whether people of this data set were among those it was trained on; the others are rows of the same table."""


def read_facts(path: str | Path | None) -> dict[str, Any]:
    """The facts in a file, every field of them known; nothing for None. Raises ValueError with one line."""
    facts: Any = {} if path is None else read_yaml(path)
    name = f"facts={path}"
    _check_keys(facts, TOP, name)
    for key, kind in (("data", dict), ("scores", list), ("hardware", str), ("command", str), ("model", str)):
        if not isinstance(facts.get(key, kind()), kind):
            raise ValueError(f"{name}: {key} is {facts[key]!r}; expected {kind.__name__}")
    if facts.get("scores") and "model" not in facts:
        raise ValueError(f"{name}: scores without model, the fingerprint of the weights they were measured on")
    for site, entry in facts.get("data", {}).items():
        _check_keys(entry, OF_DATA, f"{name}: data.{site}")
    for number, row in enumerate(facts.get("scores", []), 1):
        _check_score(row, f"{name}: score {number}")
    return facts


def _check_keys(value: Any, known: tuple[str, ...], name: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name}: {value!r}; expected fields: {', '.join(known)}")
    if key := unknown_key(value, known):
        raise ValueError(f"{name}: there is no field {key!r}; there are: {', '.join(known)}")


def _check_score(row: Any, name: str) -> None:
    _check_keys(row, OF_SCORE, name)
    if lacking := [key for key in REQUIRED if key not in row]:
        raise ValueError(f"{name}: no {lacking[0]}; every score says {', '.join(REQUIRED)}")
    for key in ("value", "low", "high", "bandpower", "untrained", "codes", "nuisance"):
        if not isinstance(row.get(key, 0), int | float):
            raise ValueError(f"{name}: {key} is {row[key]!r}; expected a number, or leave the field out")
    if not isinstance(row["seen"], bool):
        raise ValueError(f"{name}: seen is {row['seen']!r}; expected true or false")
