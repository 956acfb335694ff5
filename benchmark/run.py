"""Score embeddings on tasks: a table and a verdict on the terminal, scores.parquet, verdict.json, controls.json
and report.html.

    python -m benchmark.run tasks=tasks.parquet embeddings=a.parquet,b.parquet out=DIR cohort=COHORT

With cohort= the baselines of benchmark.encoders are made (recordings are read once and kept) and shown beside every
embedding. Embeddings of a model that has seen a scored subject are refused, or flagged with allow_overlap=true.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any, Literal

import polars as pl

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import encoders_of, with_role
from benchmark.encoders.truth import has_truth
from benchmark.report.page import write_report
from benchmark.report.terminal.controls import control_table, controls_as_table
from benchmark.report.terminal.tables import difference_lines, mean_table, per_task_table
from benchmark.report.verdict.sentences import as_table, verdict
from benchmark.scores.ceilings import planted_ceilings
from benchmark.scores.controls import (
    known_people,
    read_controls,
    read_unmatched,
    score_once,
    score_permuted,
    score_unmatched,
    subgroups_of,
)
from benchmark.scores.identity import NOBODY_TWICE, Identity
from benchmark.scores.probing.budgets import ALL, check_budgets
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored, score_tasks
from benchmark.scores.stored import write_scores
from benchmark.tasksets.balance import largest
from clef.cohort import Cohort
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.fold_embeddings import Store, fold_folders, read_fold_embeddings
from clef.tasks import read_tasks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_json

log = logging.getLogger(__name__)


@dataclasses.dataclass
class RunConfig:
    tasks: str = "???"
    """Task file of benchmark.build."""
    out: str = "???"
    """Folder to write scores.parquet, verdict.json, report.html and the baselines into."""
    embeddings: list[str] = dataclasses.field(default_factory=list)
    """Embedding files, a.parquet,b.parquet; of a folder of clef.crossfit each fold is scored with its own files."""
    cohort: str | None = None
    """Cohort folder; adds the baselines, what is known without a model."""
    unmatched_tasks: str | None = None
    """The same tasks built with matched=false: shows what matching takes from the metadata row."""
    control_tasks: str | None = None
    """Tasks built with suite=controls, of what an EEG should not show: every row has to get 0.5 on them."""
    permuted: bool = True
    """Score every row once more with permuted labels, which has to give 0.5; costs one more draw of the probes."""
    tokens: str | None = None
    """Token store; adds a picture of one session, its reconstruction and its tokens to the report."""
    folds: int = 0
    """Score out of fold: put whole matched sets into so many folds, whatever their split."""
    probe: Literal["logistic", "ridge", "mlp"] = "logistic"
    """What reads the embeddings; mlp is a perceptron of two layers, trained 5 epochs."""
    train_cases: list[str] = dataclasses.field(default_factory=lambda: ["10", "25", ALL])
    """Label budgets: training cases a probe is given, with their matched sets: numbers, shares such as 5%, or all."""
    seeds: int = 3
    """Repetitions with other labelled people and inner folds (and other folds, with folds=)."""
    allow_overlap: bool = False
    """Score embeddings whose model has seen scored subjects, and flag them, instead of refusing."""
    blank_below: float = 0.0
    """Leave bins below so many Hz out of bandpower."""
    workers: int = 2
    """Processes that read recordings for the baselines."""


def main(config: RunConfig) -> None:
    """Score, print, write."""
    _check(config)
    check_out(config.out, "folder")
    tasks, about = read_tasks(config.tasks)
    unmatched, controls = read_unmatched(config.unmatched_tasks, tasks), read_controls(config.control_tasks, tasks)
    cohort = Cohort(config.cohort) if config.cohort else None
    about["ceilings"] = planted_ceilings(cohort.path, about) if cohort else {}
    stores = _embeddings(config.embeddings)
    if cohort:
        _check_cohort(cohort, tasks if controls is None else pl.concat([tasks, controls[0]]))
        stores |= _baselines(cohort, config, _definitions(about) | (_definitions(controls[1]) if controls else {}))
    options = _options(config)
    smd = {task: largest(about, task, "test") for task in tasks["task"].unique()}
    scored = score_tasks(tasks, stores, **options, smd=smd, groups=_groups(about))
    results = Results(
        scored,
        about,
        synthetic=bool(cohort) and cohort.is_synthetic,
        unmatched=score_unmatched(unmatched, stores, scored, options),
        permuted=_permuted(config, tasks, stores, scored, options),
        controls=score_once(controls[0], stores, options, scored.main) if controls else None,
        identity=_identity(config, cohort, tasks, stores, scored) if cohort else [],
        subgroups=subgroups_of(cohort, scored),
        encoders=encoders_of(stores),
        stores=stores,
    )
    write_scores(Path(config.out) / "scores.parquet", results, stores)
    write_json(Path(config.out) / "verdict.json", as_table(results))
    write_json(Path(config.out) / "controls.json", controls_as_table(results))
    print(mean_table(results))
    print("\n".join(["", *difference_lines(results)]))
    if len(scored.tasks) <= 60:
        print("\n" + per_task_table(results))
    print("\n" + control_table(results))
    for line in scored.notes:
        log.info(line)
    report = write_report(Path(config.out), results, cohort, config.tokens)
    print("\n".join(["", "verdict", *(f"  {line}" for line in verdict(results))]), flush=True)
    log.info("wrote %s and, beside it, scores.parquet, verdict.json and controls.json; next: open the report", report)


def _check(config: RunConfig) -> None:
    if not config.embeddings and not config.cohort:
        raise ConfigError(
            "embeddings or cohort must be given: embeddings=a.parquet,b.parquet, or cohort= for the baselines"
        )
    if config.seeds < 1 or config.folds < 0 or config.folds == 1:
        raise ConfigError("seeds must be 1 or more, and folds 0 or 2 and more")
    try:
        check_budgets(config.train_cases)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if config.tokens and not config.cohort:
        raise ConfigError("tokens= draws a session of the cohort; give cohort= too")


def _options(config: RunConfig) -> dict[str, Any]:
    """How everything of this run is scored."""
    return {name: getattr(config, name) for name in ("folds", "seeds", "probe", "train_cases", "allow_overlap")}


def _groups(about: dict[str, Any]) -> dict[str, str]:
    """The group of each task that its suite gives one."""
    definitions = about.get("protocol", {}).get("definitions", {})
    return {task: definition["group"] for task, definition in definitions.items() if definition.get("group")}


def _embeddings(given: list[str]) -> dict[str, Store]:
    """Stores by the name tables call them; those of the same name are told apart by their files' names."""
    stores: dict[str, Store] = {}
    seen: set[Path] = set()
    for path in [file for name in given for file in (fold_folders(Path(name)) if Path(name).is_dir() else [name])]:
        store = read_fold_embeddings(path) if isinstance(path, Path) else read_embeddings(path)
        file = Path(path)
        if file.resolve() in seen:
            raise ValueError(f"embeddings={path}: this file is given twice")
        seen.add(file.resolve())
        # a whole path would stand in a report that is shown to others, so it is the last resort
        names = (store.name, file.stem, f"{file.parent.name}/{file.stem}", str(path))
        stores[next(name for name in names if name and name not in stores)] = store
    return stores


def _check_cohort(cohort: Cohort, tasks: pl.DataFrame) -> None:
    unknown = tasks.join(cohort.sessions, on="session_id", how="anti")
    if len(unknown):
        raise ValueError(
            f"{unknown['session_id'].n_unique()} sessions of the tasks are not in cohort={cohort.path} "
            f"(first: {unknown['session_id'][0]!r}); give the cohort the tasks were built from"
        )


def _baselines(cohort: Cohort, config: RunConfig, definitions: dict[str, Any]) -> dict[str, Embeddings]:
    """The encoders that need a cohort alone, by the name tables call them; each is written to `out`, too."""
    out = Path(config.out)
    inputs = Inputs(cohort, out, config.blank_below, config.workers, definitions=definitions)
    stores = {}
    for encoder in with_role("baseline") + (with_role("reference") if has_truth(cohort) else []):
        store = encoder.embed(inputs)
        write_embeddings(out / f"{encoder.name}.parquet", store)
        stores[store.name] = store
    return stores


def _permuted(
    config: RunConfig, tasks: pl.DataFrame, stores: dict[str, Store], scored: Scored, options: dict[str, Any]
) -> Scored | None:
    if not config.permuted:
        return None
    log.info("once more with permuted labels, which have to give 0.5 (permuted=false leaves it out)")
    return score_permuted(tasks, stores, scored, options)


def _identity(
    config: RunConfig, cohort: Cohort, tasks: pl.DataFrame, stores: dict[str, Store], scored: Scored
) -> list[Identity]:
    identity = known_people(cohort, tasks, stores, scored, config.folds)
    scored.notes += [] if identity else [NOBODY_TWICE]
    return identity


def _definitions(about: dict[str, Any]) -> dict[str, Any]:
    return about.get("protocol", {}).get("definitions", {})


if __name__ == "__main__":
    program(RunConfig, main, "benchmark.run")
