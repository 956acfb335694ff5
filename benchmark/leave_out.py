"""Models that never saw a data set, in any stage: for each data set one that was trained on all the others.

    python -m benchmark.leave_out data=DIR out=FOLDER [leave=[ds004504,mdd_husm]] [synthetic=COHORT] [machine=laptop]

For each data set that is left out FOLDER/without-NAME/{cohort, tokenizer, tokens.zarr, recon}, each made by the program
that people use for it, one after the other; leave=[none] makes FOLDER/without-none, which saw everybody.
`python -m benchmark.open models=[lodo=FOLDER]` then scores each data set with the model that did not see it. Stopped
and started again with the same command it goes on where it was. Cost: with the settings of configs/recipes/clef-open.sh
(155 recordings and 298 synthetic ones) a model took 45 minutes of one core: tokenizer 13, tokens 2, recon 29;
dry_run=true foretells it for any settings.
"""

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.open.datasets import DATA_SETS, DataSet, import_data_set, in_folder
from clef.cohort import Cohort
from clef.crossfit.children import run_program
from clef.crossfit.costs import foretell
from clef.crossfit.jobs import Job
from clef.importers.merging import merge, placed
from clef.training.forecast import in_words
from clef.training.guards import lock_folder
from clef.training.settings import PretrainConfig
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, parse, program
from tokenizer.base.files import check_out, write_json
from tokenizer.base.values import MISSING

log = logging.getLogger(__name__)
NOBODY = "none"
ABOUT = "about.json"
STAGES = ("tokenizer", "recon")


@dataclasses.dataclass
class LeaveOutConfig:
    """Settings of `python -m benchmark.leave_out`."""

    data: Path = MISSING
    """Folder of the open data sets, each a folder with its recordings and labels.csv."""
    out: str = MISSING
    """Folder of the models; the same folder with the same settings goes on."""
    leave: list[str] = dataclasses.field(default_factory=lambda: [name for name in DATA_SETS if DATA_SETS[name].labels])
    """Data sets to leave out, one model each; none for a model of all of them."""
    synthetic: Path | None = None
    """Synthetic cohort whose people are trained on as well."""
    machine: str = "laptop"
    """Sizes, steps and batches, as machine= of clef.pretrain."""
    settings: list[str] = dataclasses.field(default_factory=list)
    """More settings of clef.pretrain for both stages, as [model=tiny,batch=4]."""
    tokenizer: list[str] = dataclasses.field(default_factory=list)
    """More settings for stage=tokenizer, as [steps=500]."""
    recon: list[str] = dataclasses.field(default_factory=list)
    """More settings for stage=recon."""
    seed: int = 0
    """Everything random in training follows from it."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 1
    """Processes that read recordings beside the one that trains."""
    threads: int = 0
    """CPU threads of each program; 0 leaves the choice to PyTorch."""
    dry_run: bool = False
    """Import the recordings, say what the trainings would cost, and end."""


def main(config: LeaveOutConfig) -> None:
    """Import what is learned from, and train what is not trained yet."""
    folders = {name: Path(config.out) / f"without-{name}" for name in checked(config)}
    check_out(config.out, "folder")
    with lock_folder(Path(config.out)):
        for name, folder in folders.items():
            make_cohort(config, name, folder)
        jobs = [job for i, folder in enumerate(folders.values()) for job in jobs_of(config, i, folder)]
        todo = [job for job in jobs if not job.done]
        if config.dry_run:
            say_costs(config, folders)
            return
        for number, job in enumerate(todo):
            name = f"{job.out.parent.name}, {job.name}"
            log.info("%d of %d: %s", number + 1, len(todo), name)
            if (code := run_program(job.program, list(job.arguments))) or not job.done:
                raise ValueError(
                    f"{name}: {job.program} ended with exit code {code}; it said why above; the same command goes on"
                )
    log.info("wrote %s: %s", config.out, ", ".join(folder.name for folder in folders.values()))
    log.info("next: python -m benchmark.open data=%s models=[lodo=%s] out=DIR", config.data, config.out)


def checked(config: LeaveOutConfig) -> list[str]:
    """The data sets to leave out. ConfigError for what programs would refuse, ValueError for data that is absent."""
    if not config.leave or len(set(config.leave)) < len(config.leave):
        raise ConfigError(f"leave={','.join(config.leave)}: name each data set once, or none for a model of all")
    if ranks.WORLD > 1:
        raise ConfigError("torchrun: benchmark.leave_out is one process that starts others; start it without")
    if config.synthetic and not Cohort(config.synthetic).is_synthetic:
        raise ConfigError(f"synthetic={config.synthetic}: the name of this cohort does not say that it is synthetic")
    if config.synthetic and not Path(placed(Cohort(config.synthetic))["path"][0]).is_file():
        raise ValueError(
            f"synthetic={config.synthetic}: its recordings are not there, and a tokenizer learns from recordings; "
            f"draw the cohort without keep=tokens"
        )
    in_folder(config.data, [name for name in config.leave if name != NOBODY] or None)
    for name in config.leave:
        if not others(config, name):
            raise ValueError(f"data={config.data}: nothing but {name} is in it, so there is nothing to learn from")
    for stage in STAGES:
        parse_stage(config, stage, Path("cohort"))
    return config.leave


def others(config: LeaveOutConfig, name: str) -> list[DataSet]:
    """The data sets that a model without `name` learns from."""
    return [dataset for dataset in in_folder(config.data) if dataset.name != name]


def parse_stage(config: LeaveOutConfig, stage: str, cohort: Path) -> PretrainConfig:
    """The settings of a stage as clef.pretrain will read them."""
    return parse(PretrainConfig, "clef.pretrain", [f"stage={stage}", f"cohort={cohort}", *settings_for(config, stage)])


def settings_for(config: LeaveOutConfig, stage: str) -> list[str]:
    """Arguments of clef.pretrain for a stage, the person's own last."""
    common = [f"machine={config.machine}", f"seed={config.seed}", f"workers={config.workers}", *common_of(config)]
    return [*common, *config.settings, *getattr(config, stage)]


def common_of(config: LeaveOutConfig) -> list[str]:
    """Arguments that every program has."""
    return [f"device={config.device}", f"threads={config.threads}"]


# ---- what a model learns from
def make_cohort(config: LeaveOutConfig, name: str, folder: Path) -> None:
    """Import what a model learns from, unless that is done. ValueError if the folder was started otherwise."""
    about = about_cohort(config, name)
    if (folder / ABOUT).is_file():
        if json.loads((folder / ABOUT).read_text(encoding="utf-8")) != about:
            raise ValueError(f"{folder}: was started with other data sets or another synthetic=; give another out=")
        return
    for dataset in others(config, name):
        import_data_set(config.data, dataset, folder / "cohort")
    if config.synthetic:
        add_cohort(Cohort(config.synthetic), folder / "cohort")
    write_json(folder / ABOUT, about)


def about_cohort(config: LeaveOutConfig, name: str) -> dict[str, Any]:
    """What has to be the same for a folder to go on."""
    synthetic = Cohort(config.synthetic).fingerprint if config.synthetic else None
    return {
        "left_out": name,
        "learned_from": [dataset.name for dataset in others(config, name)],
        "synthetic": synthetic,
    }


def add_cohort(other: Cohort, cohort: Path) -> None:
    """Add the sessions of another cohort, read where they are; its test people are learned from, too."""
    sessions = placed(other).with_columns(split=pl.col("split").replace("test", "train"))  # nobody of it is scored
    for (site,), part in sessions.partition_by("site", as_dict=True).items():
        of_site = part["subject_id"].implode()
        events = other.events.filter(pl.col("subject_id").is_in(of_site))
        reports = other.reports.join(part, on="session_id", how="semi")
        merge(cohort, site, part, events, reports, other.descriptions)


# ---- what is run
def jobs_of(config: LeaveOutConfig, number: int, folder: Path) -> Iterator[Job]:
    """The jobs of one model in their order."""
    cohort, tokens = f"cohort={folder / 'cohort'}", f"tokens={folder / 'tokens.zarr'}"
    for stage, given in zip(STAGES, (cohort, tokens), strict=True):
        run = folder / stage
        arguments = (f"stage={stage}", given, f"out={run}", *settings_for(config, stage))
        yield Job(number, stage, "clef.pretrain", arguments, run)
        if stage == STAGES[0]:
            store, common = folder / "tokens.zarr", [f"workers={config.workers}", *common_of(config)]
            encode = (cohort, f"tokenizer={run}", f"out={store}", *common)
            yield Job(number, "encode", "tokenizer.encode", encode, store)


def say_costs(config: LeaveOutConfig, folders: dict[str, Path]) -> None:
    """Say what each model would take, foretold from a few steps on its own cohort."""
    device = ranks.set_up(config.device)
    for name, folder in folders.items():
        stages = {stage: parse_stage(config, stage, folder / "cohort") for stage in STAGES}
        archive, seconds = foretell(stages, 0.9, device)
        seconds = {job: s for job, s in seconds.items() if not job.startswith("embed")}
        parts = ", ".join(f"{job} {in_words(s)}" for job, s in seconds.items())
        sessions = sum(archive.splits.values())
        log.info("without %s: %d sessions; %s: %s", name, sessions, in_words(sum(seconds.values())), parts)


if __name__ == "__main__":
    program(LeaveOutConfig, main, "benchmark.leave_out")
