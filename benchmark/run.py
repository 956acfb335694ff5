"""Score embeddings on tasks: a table and a verdict on the terminal, scores.parquet, verdict.json and report.html.

    python -m benchmark.run tasks=tasks.parquet embeddings=a.parquet,b.parquet out=DIR cohort=COHORT

With cohort= the baselines of benchmark.encoders are made (recordings are read once and kept) and shown beside every
embedding. Embeddings of a model that has seen a scored subject are refused, or flagged with allow_overlap=true.
"""

import dataclasses
import logging
from pathlib import Path

import polars as pl

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import encoders_of, with_role
from benchmark.report.page import write_report
from benchmark.report.tables import difference_lines, mean_table, per_task_table
from benchmark.report.verdict import as_table, verdict
from benchmark.scores.ceilings import planted_ceilings
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored, score_tasks
from benchmark.scores.stored import write_scores
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
    """The same tasks built with matched=false: shows what matching takes from the nuisance row."""
    tokens: str | None = None
    """Token store; adds a picture of one session, its reconstruction and its tokens to the report."""
    folds: int = 0
    """Score out of fold: put whole matched sets into so many folds, whatever their split."""
    seeds: int = 1
    """Repetitions with other inner folds (and other folds, with folds=)."""
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
    cohort = Cohort(config.cohort) if config.cohort else None
    about["ceilings"] = planted_ceilings(cohort.path, about) if cohort else {}
    stores = _embeddings(config.embeddings)
    if cohort:
        _check_cohort(cohort, tasks)
        stores |= _baselines(cohort, config)
    options = {"folds": config.folds, "seeds": config.seeds, "allow_overlap": config.allow_overlap}
    scored = score_tasks(tasks, stores, **options)
    results = Results(
        scored,
        about,
        synthetic=bool(cohort) and cohort.is_synthetic,
        unmatched=_unmatched(config, stores, scored),
        encoders=encoders_of(stores),
        stores=stores,
    )
    write_scores(Path(config.out) / "scores.parquet", results, stores)
    write_json(Path(config.out) / "verdict.json", as_table(results))
    print(mean_table(results))
    print("\n".join(["", *difference_lines(results)]))
    if len(scored.tasks) <= 60:
        print("\n" + per_task_table(results))
    for line in scored.notes:
        log.info(line)
    report = write_report(Path(config.out), results, cohort, config.tokens)
    print("\n".join(["", "verdict", *(f"  {line}" for line in verdict(results))]), flush=True)
    log.info("wrote %s and, beside it, scores.parquet and verdict.json; next: open the report", report)


def _check(config: RunConfig) -> None:
    if not config.embeddings and not config.cohort:
        raise ConfigError(
            "embeddings or cohort must be given: embeddings=a.parquet,b.parquet, or cohort= for the baselines"
        )
    if config.seeds < 1 or config.folds < 0 or config.folds == 1:
        raise ConfigError("seeds must be 1 or more, and folds 0 or 2 and more")
    if config.tokens and not config.cohort:
        raise ConfigError("tokens= draws a session of the cohort; give cohort= too")


def _embeddings(given: list[str]) -> dict[str, Store]:
    """Stores by the name tables call them; files of the same name are told apart by their path."""
    stores: dict[str, Store] = {}
    for path in [file for name in given for file in (fold_folders(Path(name)) if Path(name).is_dir() else [name])]:
        store = read_fold_embeddings(path) if isinstance(path, Path) else read_embeddings(path)
        name = store.name if store.name and store.name not in stores else str(path)
        if name in stores:
            raise ValueError(f"embeddings={path}: this file is given twice")
        stores[name] = store
    return stores


def _check_cohort(cohort: Cohort, tasks: pl.DataFrame) -> None:
    unknown = tasks.join(cohort.sessions, on="session_id", how="anti")
    if len(unknown):
        raise ValueError(
            f"{unknown['session_id'].n_unique()} sessions of the tasks are not in cohort={cohort.path} "
            f"(first: {unknown['session_id'][0]!r}); give the cohort the tasks were built from"
        )


def _baselines(cohort: Cohort, config: RunConfig) -> dict[str, Embeddings]:
    """The encoders that need a cohort alone, by the name tables call them; each is written to `out`, too."""
    out = Path(config.out)
    inputs = Inputs(cohort, out, config.blank_below, config.workers)
    stores = {}
    for encoder in with_role("baseline"):
        store = encoder.embed(inputs)
        write_embeddings(out / f"{encoder.kind}.parquet", store)
        stores[store.name] = store
    return stores


def _unmatched(config: RunConfig, stores: dict[str, Store], matched: Scored) -> Scored | None:
    """Embeddings that matching takes something from, on the unmatched twins of the scored tasks."""
    shown = {name: stores[name] for name, encoder in encoders_of(stores).items() if encoder.matched_away}
    if not config.unmatched_tasks or not shown:
        return None
    tasks, about = read_tasks(config.unmatched_tasks)
    if about.get("protocol", {}).get("matched", True):
        raise ValueError(f"unmatched_tasks={config.unmatched_tasks}: these tasks are matched; build with matched=false")
    tasks = tasks.filter(pl.col("task").is_in(matched.tasks))
    if not len(tasks):
        raise ValueError(f"unmatched_tasks={config.unmatched_tasks}: none of its tasks is among those scored")
    return score_tasks(tasks, shown, folds=config.folds, seeds=config.seeds)


if __name__ == "__main__":
    program(RunConfig, main, "benchmark.run")
