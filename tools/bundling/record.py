"""The training record of a bundle, record.json: whose EEG, how long trained, on what, and what it scores.

People and hours are counted, not declared: those whose hashes the weights name (`about.trained_on`), found again in the
cohorts they came from, and the valid columns of their tokens.
"""

import json
import math
from collections import defaultdict
from typing import Any

import numpy as np

import clef
from clef.bundle import NAME
from clef.cohort import Cohort
from clef.embeddings import seen_subjects
from clef.importers.merging import SYNTHETIC
from clef.model import Model
from clef.training.run import finished_model
from tokenizer.base.values import read_yaml
from tokenizer.store import TokenStore

FORMAT = 1
COLUMN_SECONDS = 10


def make_record(
    model: Model, runs: list[str], cohorts: list[str], stores: list[str], facts: dict[str, Any], precision: str
) -> dict[str, Any]:
    """All that is known of a model, as plain values; None or an empty list where nobody measured.

    Raises ValueError with one line if the cohorts lack some of the people whom the weights name.
    """
    counts = {part: sum(t.numel() for t in each.parameters()) for part, each in parts_of(model).items()}
    return {
        "format": FORMAT,
        "name": NAME,
        "clef_version": clef.__version__,
        "model": model.fingerprint,
        "precision": precision,
        "parameters": counts,
        "data": count_data(model.encoder.about.get("trained_on", {}), cohorts, stores, facts.get("data", {})),
        "training": [trained(run) for run in runs],
        "hardware": facts.get("hardware"),
        "command": facts.get("command"),
        "scores": facts.get("scores", []) if facts.get("model") == model.fingerprint else [],
    }


def parts_of(model: Model) -> dict[str, Any]:
    """The networks of a model by the names of their folders."""
    parts = {"tokenizer": model.vqgan, "encoder": model.encoder, "align": model.heads}
    return {name: part for name, part in parts.items() if part is not None}


# ---- whose EEG
def count_data(
    trained_on: dict[str, list[str]], cohorts: list[str], stores: list[str], about: dict[str, Any]
) -> list[dict[str, Any]]:
    """One entry per data set: people of each split, their sessions and hours, with what `about` says of its origin."""
    seconds = _seconds(stores)
    people: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    sessions: dict[str, list[str]] = defaultdict(list)
    for cohort in map(Cohort, cohorts):
        table = cohort.sessions
        seen = seen_subjects(trained_on, table["subject_id"].to_list())
        split_of = {subject: split for split, subjects in seen.items() for subject in subjects}
        for name, subject, site in table.select("session_id", "subject_id", "site").iter_rows():
            if subject in split_of:
                data = SYNTHETIC if cohort.is_synthetic or str(site).startswith(SYNTHETIC) else str(site)
                people[data][split_of[subject]].add(subject)
                sessions[data].append(name)
    _check_complete(trained_on, people)
    return [
        {
            "name": data,
            **about.get(data, {}),
            "people": {split: len(people[data][split]) for split in sorted(trained_on)},
            "sessions": len(set(sessions[data])),
            "hours": _hours(set(sessions[data]), seconds),
        }
        for data in sorted(people)
    ]


def _check_complete(trained_on: dict[str, list[str]], people: dict[str, dict[str, set[int]]]) -> None:
    for split, hashes in trained_on.items():
        known = set().union(*(of_data[split] for of_data in people.values()))
        if len(known) < len(set(hashes)):
            raise ValueError(
                f"cohorts=: the weights name {len(set(hashes))} people of split {split}, and these cohorts hold "
                f"{len(known)} of them; give every cohort that any stage was trained on"
            )


def _seconds(stores: list[str]) -> dict[str, float]:
    """Valid seconds of every session of some token stores."""
    loaded = [TokenStore(store).load() for store in stores]
    return {
        name: float(s)
        for tokens in loaded
        for name, s in zip(tokens.session_id.tolist(), tokens.valid.sum(1) * COLUMN_SECONDS, strict=True)
    }


def _hours(names: set[str], seconds: dict[str, float]) -> float | None:
    """Hours of the sessions that were encoded; None if none was."""
    known = [seconds[name] for name in names if name in seconds]
    return round(float(np.sum(known)) / 3600, 1) if known else None


# ---- what it cost
def trained(run: str) -> dict[str, Any]:
    """Stage, size and cost of a finished run: hours are those of its training steps, without validation and reading."""
    folder = finished_model(run).parent
    config = read_yaml(folder / "config.yaml")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    seconds = {line["step"]: line["seconds"] for line in lines if "seconds" in line}  # by step: a resumed run repeats
    steps = sorted(seconds)
    took = sum(seconds[step] * (step - before) for before, step in zip([0, *steps], steps, strict=False))
    judged = [line["val_loss"] for line in lines if "val_loss" in line and math.isfinite(line["val_loss"])]
    return {
        "stage": config["stage"],
        **{key: config[key] for key in ("model", "steps", "batch", "lr", "seed")},
        "hours": round(took / 3600, 2),
        "val_loss": round(judged[-1], 3) if judged else None,
    }


# ---- whether it may ship
def lacking(record: dict[str, Any]) -> list[str]:
    """What a bundle's record does not say and has to, each in a few words; nothing if it may ship."""
    data = record.get("data") or []
    wants = {
        "data: whom it was trained on": data,
        "training: its runs": record.get("training"),
        "hardware: what trained it": record.get("hardware"),
        "command: what made it": record.get("command"),
        f"scores of model {record.get('model')}": record.get("scores"),
    }
    lacks = [what for what, value in wants.items() if not value]
    for entry in data:
        needed = {"hours": entry.get("hours"), "people of train": entry.get("people", {}).get("train")}
        if entry["name"] != SYNTHETIC:
            needed |= {key: entry.get(key) for key in ("licence", "source")}
        lacks += [f"data {entry['name']}: {key}" for key, value in needed.items() if not value]
    return lacks + [f"training {one['stage']}: steps" for one in record.get("training") or [] if not one.get("steps")]
