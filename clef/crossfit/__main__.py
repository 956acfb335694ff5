"""Train a model for each fold of a small archive, without the fold's people, and embed everybody with each.

    python -m clef.crossfit cohort=COHORT out=DIR folds=5 machine=laptop

For each fold: tokenizer, encode, recon (and align), none of which sees the fold's people; then all sessions are
embedded by that fold's model, because a probe has to learn in the space in which it is asked. `benchmark.build
crossfit=DIR` and `benchmark.run embeddings=DIR` score each fold's people with that fold's embeddings. Stop it whenever
you like: the same command goes on from there.
"""

import dataclasses
import json
import logging
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import polars as pl

from clef.cohort import Cohort
from clef.crossfit.children import run_program
from clef.crossfit.costs import foretell
from clef.crossfit.jobs import KINDS, STAGES, Job, jobs_of
from clef.folds import NAME, draw_folds, fold_name, write_fold_cohort, write_folds
from clef.training.forecast import in_words
from clef.training.guards import lock_folder
from clef.training.settings import PretrainConfig
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, parse, program
from tokenizer.base.files import write_json

log = logging.getLogger(__name__)
SETTINGS = "crossfit.json"
FREE = {"out", "cohort", "device", "workers", "threads", "dry_run"}  # may differ when the same folder goes on


@dataclasses.dataclass
class CrossfitConfig:
    """Settings of clef.crossfit."""

    cohort: str = "???"
    """Cohort folder; its own split is left aside."""
    out: str = "???"
    """Folder for the folds' runs and embeddings; the same folder with the same settings goes on."""
    folds: int = 5
    """Models to train; each leaves the people of one fold out."""
    machine: str = "laptop"
    """Sizes, steps and batches, as machine= of clef.pretrain."""
    stages: list[str] = dataclasses.field(default_factory=lambda: ["tokenizer", "recon"])
    """What is trained: tokenizer,recon or, of a cohort with reports or codes, tokenizer,recon,align."""
    settings: list[str] = dataclasses.field(default_factory=list)
    """More settings of clef.pretrain for every stage, as [model=tiny,batch=4]."""
    tokenizer: list[str] = dataclasses.field(default_factory=list)
    """More settings for stage=tokenizer, as [steps=500]."""
    recon: list[str] = dataclasses.field(default_factory=list)
    """More settings for stage=recon."""
    align: list[str] = dataclasses.field(default_factory=list)
    """More settings for stage=align."""
    seed: int = 0
    """Draws the folds, and everything random in training."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 1
    """Processes that read recordings beside the one that trains."""
    threads: int = 0
    """CPU threads of each program; 0 leaves the choice to PyTorch."""
    dry_run: bool = False
    """Say what it would cost and end; nothing is written."""


def main(config: CrossfitConfig) -> None:
    """Draw the folds, run what is not done yet, and say how to score the result."""
    stages, cohort, out = check(config), Cohort(config.cohort), Path(config.out)
    table, head = draw_folds(cohort, config.folds, config.seed), settings_of(config, cohort)
    known = read_head(out, head).get("seconds")
    seconds = known or say_costs(config, stages, len(table))
    jobs = [job for fold in range(config.folds) for job in jobs_of_fold(config, fold)]
    todo = [job for job in jobs if not job.done]
    left = in_words(sum(seconds[job.name] for job in todo))
    log.info("%d of %d jobs to do%s", len(todo), len(jobs), f": about {left}" if todo else "")
    if config.dry_run:
        return
    with (lock_folder(out) if todo else None) or nullcontext():
        prepare(config, cohort, table, head | {"seconds": seconds})
        run_jobs(config, todo, seconds)
    log.info("wrote %s: %s", out, ", ".join(f"{name}/{fold_name(0)} … {config.folds - 1}" for name in KINDS))
    log.info("next: python -m benchmark.build cohort=%s suite=labels crossfit=%s out=tasks.parquet", config.cohort, out)
    log.info("then: python -m benchmark.run tasks=tasks.parquet embeddings=%s cohort=%s out=scores", out, config.cohort)


# ---- what is asked for
def check(config: CrossfitConfig) -> dict[str, PretrainConfig]:
    """The settings of each stage as clef.pretrain will read them. ConfigError for what it would refuse."""
    if config.folds < 2:
        raise ConfigError(f"folds={config.folds}: give 2 or more")
    if config.stages not in (list(STAGES[:2]), list(STAGES)):
        raise ConfigError(f"stages={','.join(config.stages)}: expected tokenizer,recon or tokenizer,recon,align")
    if ranks.WORLD > 1:
        raise ConfigError("torchrun: clef.crossfit is one process that starts others; start it without")
    cohort = [f"cohort={config.cohort}"]
    return {
        s: parse(PretrainConfig, "clef.pretrain", [f"stage={s}", *cohort, *settings_for(config, s)])
        for s in config.stages
    }


def settings_for(config: CrossfitConfig, stage: str) -> list[str]:
    """Arguments of clef.pretrain for a stage, the person's own last."""
    common = [f"machine={config.machine}", f"seed={config.seed}", f"workers={config.workers}", *common_of(config)]
    return [*common, *config.settings, *getattr(config, stage)]


def common_of(config: CrossfitConfig) -> list[str]:
    """Arguments that every program has."""
    return [f"device={config.device}", f"threads={config.threads}"]


def jobs_of_fold(config: CrossfitConfig, fold: int) -> list[Job]:
    """The jobs of one fold in their order."""
    settings = {stage: settings_for(config, stage) for stage in config.stages}
    return list(jobs_of(Path(config.out), fold, config.stages, settings, common_of(config)))


def settings_of(config: CrossfitConfig, cohort: Cohort) -> dict[str, Any]:
    """What has to be the same for a folder to go on."""
    given = {key: value for key, value in dataclasses.asdict(config).items() if key not in FREE}
    return given | {"contents of the cohort": cohort.fingerprint}


def read_head(out: Path, head: dict[str, Any]) -> dict[str, Any]:
    """What the folder says of itself; nothing if it is new. ValueError if it is another cross-fitting's, or none."""
    if not (out / SETTINGS).is_file():
        if out.exists() and (not out.is_dir() or {p.name for p in out.iterdir() if p.name[0] != "."} - {NAME}):
            raise ValueError(f"out={out}: this is there and no folder of clef.crossfit; give another out=")
        return {}
    before = json.loads((out / SETTINGS).read_text(encoding="utf-8"))
    if differ := sorted(key for key, value in head.items() if before.get(key) != value):
        raise ValueError(
            f"out={out}: this was started with another {', '.join(differ)}; use the same settings to go on, or another "
            f"out= to start anew"
        )
    return before


# ---- what is said, and done
def say_costs(config: CrossfitConfig, stages: dict[str, PretrainConfig], subjects: int) -> dict[str, float]:
    """Say what all folds will take, foretold from a few steps; s by the name of the job."""
    device = ranks.set_up(config.device)
    archive, seconds = foretell(stages, 0.9 * (1 - 1 / config.folds), device)
    total, jobs = sum(archive.splits.values()), ", ".join(f"{job} {in_words(s)}" for job, s in seconds.items())
    log.info(
        "%d subjects, %d sessions of %.1f min (median); %d folds of %d to %d subjects",
        *(subjects, total, float(sorted(archive.lengths)[len(archive.lengths) // 2]) / 60),
        *(config.folds, subjects // config.folds, -(-subjects // config.folds)),
    )
    log.info("about %s in all; each fold: %s", in_words(config.folds * sum(seconds.values())), jobs)
    return seconds


def prepare(config: CrossfitConfig, cohort: Cohort, table: pl.DataFrame, head: dict[str, Any]) -> None:
    """Write what is not there yet: the folds, the settings, and the cohort as each fold's models see it."""
    out = Path(config.out)
    if not (out / SETTINGS).is_file():
        write_folds(out, table, {"folds": config.folds, "seed": config.seed, "cohort": cohort.fingerprint})
        write_json(out / SETTINGS, head)
    for fold in range(config.folds):
        home = out / fold_name(fold) / "cohort"
        if not (home / "sessions.parquet").is_file():
            write_fold_cohort(cohort, table, fold, config.seed, home, reports="align" in config.stages)


def run_jobs(config: CrossfitConfig, todo: list[Job], seconds: dict[str, float]) -> None:
    """Run the jobs that are not done, one after the other; the time that is left is corrected by those that were."""
    for number, job in enumerate(todo):
        left = sum(seconds[other.name] for other in todo[number:])
        log.info("fold %d of %d, %s; about %s left in all", job.fold + 1, config.folds, job.name, in_words(left))
        began = time.monotonic()
        code = run_program(job.program, list(job.arguments))
        if code or not job.done:
            raise ValueError(
                f"fold {job.fold + 1} of {config.folds}, {job.name}: {job.program} ended with exit code {code}; it "
                f"said why above; the same command goes on from here"
            )
        seconds = seconds | {job.name: time.monotonic() - began}


if __name__ == "__main__":
    program(CrossfitConfig, main, "clef.crossfit")
