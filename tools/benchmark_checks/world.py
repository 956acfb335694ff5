"""A planted world: a synthetic cohort folder without recordings, and what only its maker knows of every session.

    latents   all that an EEG would be drawn from, with the bends that a linear probe needs (`ceilings.basis`)
    metadata  age, sex, site, setting, year, duration and how many codes somebody has
    age       age alone

The tasks of planted concepts stand in one suite file. A second one asks for codes that are drawn here, for everybody
alike and independently of everything: nothing can answer those.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.encoder import TaskEmbeddings
from benchmark.encoders.metadata import CodeCounts, own_codes
from benchmark.tasksets.suites import Definition, read_suite
from clef.cohort import Cohort, write_cohort
from clef.embeddings import Embeddings
from clef.importers.synthetic.ceilings import basis, concept_labels
from clef.importers.synthetic.concepts import CONCEPTS
from clef.importers.synthetic.latents import Columns, draw_findings, draw_latents
from clef.importers.synthetic.records import (
    DEFAULT_MINUTES,
    Dice,
    descriptions,
    draw_people,
    draw_visits,
    record_events,
    session_table,
)
from tokenizer.base.files import write_text

PREVALENCE = 0.08  # of each condition of suite=controls


@dataclass
class World:
    """folder: the cohort · concepts, controls: suites · sessions: its table · stores: what its maker knows."""

    folder: Path
    concepts: str
    controls: str
    sessions: pl.DataFrame
    stores: dict[str, Embeddings]


def make_world(folder: Path, subjects: int, seed: int) -> World:
    """Draw it and write what `benchmark.build` reads."""
    people = draw_people(seed, subjects)
    visits = draw_visits(people, seed, DEFAULT_MINUTES)
    truth = draw_latents(visits, seed)
    findings = draw_findings(truth, seed)
    sessions, events = session_table(visits, seed), record_events(visits, findings, seed)
    concepts, controls = _concept_suite(folder, visits, findings), "controls"
    events = pl.concat([events, _independent_events(read_suite(controls, []), sessions, seed)], how="diagonal")
    write_cohort(folder / "cohort", "CLEF synthetic cohort", sessions, events, None, descriptions())
    ids = sessions["session_id"].to_list()
    vectors = {"latents": basis(truth), "age": visits["age"][:, None]}
    stores = {name: known_to_nobody(name, ids, x) for name, x in vectors.items()}
    plain = known_to_nobody("metadata", ids, covariates(visits))
    stores["metadata"] = TaskEmbeddings(**vars(plain), columns=_other_codes(folder / "cohort", concepts))
    return World(folder / "cohort", concepts, controls, sessions, stores)


def known_to_nobody(name: str, session_id: Sequence[str], vectors: np.ndarray) -> Embeddings:
    """Embeddings that no model had to be trained for."""
    return Embeddings(list(session_id), vectors.astype(np.float32), name, trained_on={"train": [], "val": []})


def covariates(visits: Columns) -> np.ndarray:
    """(n, width) what is known of a visit without its EEG and its codes, categories one-hot."""
    year = visits["start"].astype("datetime64[Y]").astype(int)
    numbers = [visits["age"], year, np.log(visits["seconds"])]
    levels = [visits[c] == level for c in ("sex", "site", "setting") for level in np.unique(visits[c])]
    return np.stack([*numbers, *levels], 1).astype(float)


def _other_codes(cohort: Path, suite: str) -> Callable[[str], np.ndarray]:
    """Task of the suite -> (n, 1), how many codes but its own are on record, as the benchmark's metadata row counts."""
    counts = CodeCounts(Cohort(cohort))
    definitions = {task.task: asdict(task) for task in read_suite(suite, [])}
    return lambda task: np.log1p(counts.without(own_codes(definitions[task])))[:, None].astype(np.float32)


def _concept_suite(folder: Path, visits: Columns, findings: Columns) -> str:
    """The tasks that suite=demo makes of planted concepts; of background codes it would make hundreds more."""
    codes = [*concept_labels(visits, findings), *(concept.code for concept in CONCEPTS)]
    return write_suite(folder / "concepts.yaml", read_suite("demo", codes))


def write_suite(path: Path, tasks: Sequence[Definition]) -> str:
    """A suite file that asks what `tasks` ask, as its families ask by default; returns its path."""
    return _write_rows(path, [{"task": t.task, "family": t.family, "codes": list(t.codes)} for t in tasks])


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> str:
    write_text(path, json.dumps({"tasks": rows}))  # JSON is YAML
    return str(path)


def _independent_events(tasks: Sequence[Definition], sessions: pl.DataFrame, seed: int) -> pl.DataFrame:
    """A code of every task for a few people, whoever they are: on record at each of their sessions."""
    people = sessions["subject_id"].unique(maintain_order=True)
    dice, parts = Dice(seed, len(people)), []
    for task in tasks:
        having = people.filter(pl.Series(dice.uniform(f"control {task.codes[0]}") < PREVALENCE))
        mine = sessions.filter(pl.col("subject_id").is_in(having.implode()))
        parts.append(mine.select("subject_id", pl.col("start_time").alias("time"), pl.lit(task.codes[0]).alias("code")))
    return pl.concat(parts)
