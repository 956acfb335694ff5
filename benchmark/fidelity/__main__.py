"""What the codes of a tokenizer keep of the recordings of a cohort: OUT/tokenizer.json, tokenizer.md and tokenizer.png.

    python -m benchmark.fidelity tokenizer=RUN cohort=COHORT out=DIR [split=test] [sessions=N] [tasks=FILE]

Every recording is encoded, decoded and compared: bins, cells, dynamics, asymmetry, band power, alpha peak, codes
(benchmark.fidelity.measures defines them, benchmark.fidelity.summary how a group's numbers are made), all together and
by site. On a synthetic cohort also against the truth (benchmark.fidelity.truth); with tasks= what band-power probes
lose (benchmark.fidelity.probes); with disturb=true what other gains, filters and caps do to the codes, which costs
twice the time (benchmark.fidelity.disturbances). docs/tokenizer.md explains the table. A recording that cannot be read
is a line and counted; the exit code is then 1. A tokenizer that was trained on people evaluated here is flagged.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from benchmark.fidelity.cases import find_cases
from benchmark.fidelity.disturbances import disturb
from benchmark.fidelity.events import events
from benchmark.fidelity.pages import draw_page
from benchmark.fidelity.passes import Evaluation, evaluate
from benchmark.fidelity.probes import retention
from benchmark.fidelity.summary import summarise
from benchmark.fidelity.table import as_markdown, as_text
from benchmark.fidelity.truth import Redraws, expected, focal_slowing, is_synthetic
from clef.embeddings import seen_subjects
from clef.tasks import read_tasks
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import fingerprint, write_json, write_text
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Spectrograms
from tokenizer.sessions import read_sessions
from tokenizer.tokens import load_tokenizer
from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)


@dataclasses.dataclass
class EvaluateConfig:
    """Settings of `python -m benchmark.fidelity`."""

    tokenizer: str = "???"
    """A run folder of stage=tokenizer, or a model folder."""
    cohort: str = "???"
    """Cohort folder with sessions.parquet."""
    out: str = "???"
    """Folder of tokenizer.json, tokenizer.md and tokenizer.png; made if absent."""
    split: Literal["train", "val", "test", "all"] = "test"
    """Whose recordings are evaluated."""
    sessions: int = 0
    """Evaluate so many, drawn at random; 0 takes all of the split."""
    tasks: str | None = None
    """Task file of benchmark.build: adds what band-power probes lose. Reads every session of the tasks."""
    redrawn: int = 16
    """Synthetic sessions that are drawn again to find their expected spectrum; 0 leaves it out."""
    draws: int = 4
    """How often each of them is drawn again."""
    events: bool = False
    """Adds what is lost of each kind of planted event; of a synthetic cohort alone. Half as much time again."""
    disturb: bool = False
    """Adds what gains, missing electrodes, a low-pass and cut-out seconds do to the codes; twice the time."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become spectrograms."""
    workers: int = 1
    """Reading processes beside this one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    seed: int = 0
    """Draws the sessions and the bootstrap."""


def main(config: EvaluateConfig) -> int:
    """Evaluate, print, write; 1 if a recording could not be read."""
    if config.sessions < 0 or config.redrawn < 0 or config.draws < 2:
        raise ConfigError("sessions and redrawn must be 0 or more, and draws 2 or more")
    table, tasks = read_sessions(config.cohort), read_tasks(config.tasks)[0] if config.tasks else None
    chosen = choose(table, config)
    device = ranks.set_up(config.device)
    vqgan = load_tokenizer(config.tokenizer).to(device)
    asked = set(tasks["session_id"]) if tasks is not None else set()
    evaluation = evaluate(config.cohort, table, set(chosen["session_id"]), asked, vqgan, config.reading, config.workers)
    if not evaluation.recordings:
        first = next(iter(evaluation.refused.values()))
        raise ValueError(f"cohort={config.cohort}: none of {len(chosen)} recordings could be read; the first: {first}")
    report = make_report(config, vqgan, chosen, tasks, evaluation)
    out = Path(config.out)
    write_json(out / "tokenizer.json", report)
    write_text(out / "tokenizer.md", as_markdown(report))
    cases = find_cases(config.cohort, in_split(table, config), evaluation.recordings)
    draw_page(config.cohort, table, cases, config.reading, vqgan, out / "tokenizer.png")
    print(as_text(report))
    log.info("wrote %s, tokenizer.md and tokenizer.png; next: look at the page, docs/tokenizer.md explains the table",
             out / "tokenizer.json")  # fmt: skip
    return int(bool(evaluation.refused))


def in_split(table: pl.DataFrame, config: EvaluateConfig) -> pl.DataFrame:
    """The sessions of the split. Raises ValueError if there are none."""
    rows = table if config.split == "all" else table.filter(pl.col("split") == config.split)
    if not len(rows):
        raise ValueError(f"cohort={config.cohort}: no session has split {config.split}; give another split=, or all")
    return rows


def choose(table: pl.DataFrame, config: EvaluateConfig) -> pl.DataFrame:
    """The sessions to evaluate, in random order. Raises ValueError if there are fewer than asked for."""
    rows = in_split(table, config)
    if config.sessions > len(rows):
        raise ValueError(f"sessions={config.sessions}: split {config.split} has {len(rows)}; 0 takes all of them")
    order = np.random.default_rng(config.seed).permutation(len(rows))
    return rows[order[: config.sessions or len(rows)]]


def make_report(
    config: EvaluateConfig, vqgan: VQGAN, chosen: pl.DataFrame, tasks: pl.DataFrame | None, evaluation: Evaluation
) -> dict[str, Any]:
    """Everything tokenizer.json holds."""
    codes, rate = vqgan.config.codes, vqgan.grid[0] / vqgan.config.frames_per_token
    groups = {"all": summarise(evaluation.recordings, codes, rate, config.seed)}
    sites = pl.Series([r.site for r in evaluation.recordings]).value_counts(sort=True, name="n").rows()
    for site, _ in sites if len(sites) > 1 else []:
        own = [r for r in evaluation.recordings if r.site == site]
        groups[site] = summarise(own, codes, rate, config.seed)
    report = {"protocol": _protocol(config, vqgan, chosen, evaluation), "groups": groups, "notes": []}
    if is_synthetic(config.cohort):
        redraws = Redraws(config.cohort, dataclasses.asdict(config.reading))
        report["focal"] = focal_slowing(
            evaluation.recordings, [redraws.latents(r.session_id) for r in evaluation.recordings]
        )
        some = Spectrograms(config.cohort, chosen, config.reading, vqgan.config.reference)
        report["expected"], notes = expected(vqgan, redraws, some, config.redrawn, config.draws)
        report["notes"] += notes
        if config.events:
            report["events"] = events(config.cohort, chosen, config.reading, vqgan, redraws)
    else:
        report["notes"].append("no planted truth in this cohort: expected spectrum, focal slowing, events are left out")
    if config.disturb:
        report["disturbances"] = disturb(config.cohort, chosen, config.reading, vqgan)
    else:
        report["notes"].append("other gains, filters and caps are left out: give disturb=true")
    if tasks is not None:
        report["probes"] = retention(tasks, evaluation.original, evaluation.rebuilt, vqgan.about.get("trained_on", {}))
    else:
        report["notes"].append("retention of band-power probes is left out: give tasks=tasks.parquet (benchmark.build)")
    return report


def _protocol(config: EvaluateConfig, vqgan: VQGAN, chosen: pl.DataFrame, evaluation: Evaluation) -> dict[str, Any]:
    listed = seen_subjects(vqgan.about.get("trained_on", {}), {r.subject_id for r in evaluation.recordings})
    seen = {split: len(people) for split, people in listed.items()}
    return {
        "tokenizer": fingerprint(*vqgan.to_bytes()),
        "network": {k: v for k, v in vqgan.describe().items() if k != "about"},
        "codes": vqgan.config.codes,
        "grid": list(vqgan.grid),
        "cohort": Path(config.cohort).resolve().name,
        "synthetic": is_synthetic(config.cohort),
        "split": config.split,
        "asked": len(chosen),
        "refused": evaluation.refused,
        "seen": {k: n for k, n in seen.items() if n} if vqgan.about.get("trained_on") else None,
        "reading": dataclasses.asdict(config.reading),
        "seed": config.seed,
    }


if __name__ == "__main__":
    program(EvaluateConfig, main, "benchmark.fidelity")
