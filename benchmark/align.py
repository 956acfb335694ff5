"""What alignment is worth: runs side by side, by probes, by retrieval and by words, with paired intervals.

    python -m benchmark.align runs=[recon=RUN,report=RUN2,record=RUN3,both=RUN4] tokens=tokens.zarr cohort=COHORT \\
        tasks=tasks.parquet out=DIR

Writes align.md, align.json and each run's embeddings, which the same command takes up again. People are those of
split test, whom no run may have seen, and as many of split train. With tasks= pooled states and heads are probed, and
findings are asked in words. 5,900 sessions of 2 minutes, five runs and 18 tasks took 3 minutes
on one core, embedded before. What each part of alignment is worth, and what the columns mean: docs/align.md.
"""

import dataclasses
import logging
from pathlib import Path

import polars as pl

from benchmark.models.names import named_folders
from benchmark.protocols.alignment import (
    PEOPLE,
    Worth,
    ask_about_person,
    ask_in_words,
    check_unseen,
    draw_people,
    hold_out,
    probe,
    retrievals_of,
)
from benchmark.protocols.runs import AlignedRun, read_run
from benchmark.report.terminal.align import as_plain, blocks
from clef.cohort import Cohort
from clef.embeddings import Embeddings, read_embeddings
from clef.search.prompts import read_prompts
from clef.tasks import read_tasks
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_json, write_text
from tokenizer.store import DONE, TokenStore

log = logging.getLogger(__name__)


@dataclasses.dataclass
class AlignConfig:
    runs: list[str] = dataclasses.field(default_factory=list)
    """Finished runs of stage=recon and stage=align, as [name=RUN,name=RUN] or [RUN,RUN]."""
    tokens: str = "???"
    """Token store made with the runs' tokenizer."""
    cohort: str = "???"
    """The cohort the runs were trained on: its reports and records are the partners."""
    out: str = "???"
    """Folder to write align.md, align.json and the embeddings into."""
    tasks: str | None = None
    """Task file of benchmark.build, matched; adds probes, and findings asked in words."""
    embeddings: list[str] = dataclasses.field(default_factory=list)
    """Embedding files that are probed beside the runs, such as bandpower."""
    prompts: str | None = None
    """YAML file of prompts; by default the one that comes with clef.search."""
    people: int = 1000
    """Most subjects of a retrieval pool, drawn at random; R@k depends on it. 0: all."""
    seeds: int = 1
    """Repetitions of the probes with other inner folds."""
    seed: int = 0
    """Draws the pools."""
    batch: int = 16
    """Sessions embedded at once."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def main(config: AlignConfig) -> None:
    """Embed, compare, print, write."""
    _check(config)
    folders, out, cohort = named_folders(config.runs), Path(config.out), Cohort(config.cohort)
    check_out(config.out, "folder")
    tasks, about = read_tasks(config.tasks) if config.tasks else (None, {})
    prompts, others = read_prompts(config.prompts), _others(config.embeddings)
    store = TokenStore(config.tokens)
    people = draw_people(_encoded(cohort, store), config.people, config.seed)
    wanted = sorted({*people["unseen"], *people["seen"], *(tasks["session_id"] if tasks is not None else ())})
    device = ranks.set_up(config.device)
    runs = [
        read_run(name, folder, store, wanted, out / f"{name}.parquet", device, config.batch)
        for name, folder in folders.items()
    ]
    notes = check_unseen([run.pooled for run in runs], cohort.sessions)
    worth = Worth(list(folders), {})
    for run in runs:
        of_people, of_items = retrievals_of(run, cohort, people)
        worth.retrievals, worth.items = worth.retrievals | of_people, worth.items | of_items
        if "report" in run.partners:
            worth.person[run.name] = ask_about_person(run, cohort.sessions, people["unseen"], prompts)
    if tasks is not None:
        worth.probes = probe(runs, tasks, others, config.seeds)
        worth.words = ask_in_words(runs, worth.probes, prompts)
        worth.heldout = hold_out(runs, worth.probes, about.get("protocol", {}).get("definitions", {}))
        notes += worth.probes.notes
    _write(out, worth, [*notes, *_settings(runs)], cohort.is_synthetic)


def _check(config: AlignConfig) -> None:
    if not config.runs:
        raise ConfigError("runs must be given, as runs=[recon=RUN,both=RUN2]")
    if config.embeddings and not config.tasks:
        raise ConfigError("embeddings= are probed on tasks; give tasks= too")
    if config.people < 0 or config.seeds < 1 or config.batch < 1:
        raise ConfigError("people must be 0 (all) or more, seeds and batch 1 or more")


def _others(paths: list[str]) -> dict[str, Embeddings]:
    stores = [read_embeddings(path) for path in paths]
    return {store.name: store for store in stores}


def _encoded(cohort: Cohort, store: TokenStore) -> pl.DataFrame:
    """The sessions of the cohort that the store holds. Raises ValueError (one line) if split train or test has none."""
    done = store.session_id[store.status == DONE].tolist()
    sessions = cohort.sessions.filter(pl.col("session_id").is_in(done))
    for split in PEOPLE.values():
        if split not in set(sessions["split"]):
            raise ValueError(
                f"tokens={store.path}: no session of split {split} of cohort={cohort.path} is in it; give the store of "
                f"this cohort, with all its splits"
            )
    return sessions


def _settings(runs: list[AlignedRun]) -> list[str]:
    """What each run was aligned with, in a line."""
    return [f"{run.name}: {', '.join(f'{k}={v}' for k, v in run.settings.items())}" for run in runs if run.settings]


def _write(out: Path, worth: Worth, notes: list[str], is_synthetic: bool) -> None:
    data = "SYNTHETIC DATA, not patients: these numbers try the software" if is_synthetic else "held-out people"
    tables = blocks(worth)
    print("\n\n".join([data, *(block.as_text() for block in tables)]), flush=True)
    for line in notes:
        log.info(line)
    remarks = ["## Settings and remarks", "", *(f"- {line}" for line in notes)]
    write_text(
        out / "align.md",
        "\n\n".join([f"# What alignment is worth\n\n{data}", *(b.as_markdown() for b in tables), "\n".join(remarks)])
        + "\n",
    )
    write_json(out / "align.json", as_plain(worth, notes) | {"synthetic": is_synthetic})
    log.info("wrote %s and align.json; next: docs/align.md says what each column means", out / "align.md")


if __name__ == "__main__":
    program(AlignConfig, main, "benchmark.align")
