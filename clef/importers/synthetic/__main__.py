"""Maker of a SYNTHETIC cohort: people, records, reports and EDF recordings with the truth planted in them.

    python -m clef.importers.synthetic out=COHORT [subjects=400] [minutes=5] [workers=2] [seed=0]
    python -m clef.importers.synthetic out=COHORT keep=tokens tokenizer=RUN subjects=20000 [forecast=true]

The folder is one that every program reads (`clef.cohort`), and beside it lies what no real cohort has:
    COHORT/truth/latents.parquet    one row per session: all that its EEG was drawn from (see synthetic/latents.py)
    COHORT/truth/ceilings.parquet   one row per concept: cases, prevalence, the best AUROC its matched question allows
so that tokens, embeddings and the benchmark itself can be tested. Nothing in it is a person. The same seed gives
the same bytes with any number of workers; a stopped run goes on where it was.

Every 100 people are about 120 sessions: 15 s on one core and 0.36 GB of disk at minutes=5 (both grow with minutes),
after 3 s that any cohort takes.
"""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from clef.cohort import write_cohort
from clef.importers.synthetic.ceilings import ceilings, concept_labels
from clef.importers.synthetic.drawing import draw_job
from clef.importers.synthetic.encoding import encode_sessions, open_tokens
from clef.importers.synthetic.forecast import say_forecast
from clef.importers.synthetic.latents import draw_findings, draw_latents
from clef.importers.synthetic.records import (
    DEFAULT_MINUTES,
    descriptions,
    draw_people,
    draw_visits,
    record_events,
    session_table,
)
from clef.importers.synthetic.reports import Dictation
from clef.importers.synthetic.waves import Streams
from tokenizer.base.cli import program
from tokenizer.base.files import write_json
from tokenizer.base.progress import track
from tokenizer.base.tables import read_table, write_table
from tokenizer.base.workers import WorkerDiedError, work_ahead
from tokenizer.sessions import read_sessions
from tokenizer.tokens import load_tokenizer

log = logging.getLogger(__name__)
TOKENS = "tokens.zarr"


@dataclass
class MakeCohort:
    """Settings of `python -m clef.importers.synthetic`."""

    out: str = "???"
    """Folder of the cohort; made if absent. The same command goes on in it."""
    subjects: int = 400
    """People; about one in seven comes twice or three times."""
    seed: int = 0
    """Everything follows from it: the same seed gives the same bytes, and more subjects keep the first ones."""
    workers: int = 2
    """Processes that draw recordings."""
    minutes: float = DEFAULT_MINUTES
    """Shortest recording; most are less than a quarter longer, 1 in 60 is four times as long, 20 minutes at most."""
    course: bool = True
    """Sessions whose state changes from minute to minute, with causes that only the order of events tells
    (docs/cohort.md). false: as cohorts were drawn before there was a course, the same bytes."""
    keep: Literal["recordings", "tokens"] = "recordings"
    """tokens: every recording is drawn, encoded and forgotten, and OUT/tokens.zarr is what is left of it, 200 KB for
    each hundred sessions of five minutes instead of 0.3 GB."""
    tokenizer: str = ""
    """keep=tokens: what encodes, a finished run of stage=tokenizer or a model folder."""
    forecast: bool = False
    """true: draw three sessions, say how long all would take and how large they would be, and write nothing."""


def main(config: MakeCohort) -> int:
    _check(config)
    out, passing = Path(config.out), ("out", "workers", "tokenizer", "forecast")
    settings = {k: v for k, v in asdict(config).items() if k not in passing}
    people = draw_people(config.seed, config.subjects, config.course)
    visits = draw_visits(people, config.seed, config.minutes)
    truth = draw_latents(visits, config.seed)
    jobs = Jobs(config.seed, visits, truth)
    if config.forecast:
        return say_forecast(visits, jobs, config.tokenizer if config.keep == "tokens" else "", config.workers)
    vqgan = load_tokenizer(config.tokenizer) if config.keep == "tokens" else None
    _claim(out, settings)
    if (out / "sessions.parquet").is_file():
        log.info("%s: this synthetic cohort is finished; nothing changed", out)
        return _close(out, config.keep)
    findings = draw_findings(truth, config.seed)
    sessions = session_table(visits, config.seed)
    if vqgan:
        encode_sessions(open_tokens(out / TOKENS, sessions, vqgan), config.tokenizer, jobs, config.workers)
    else:
        _draw_recordings(out, config.workers, sessions, jobs)
    _write_truth(out, config, sessions, visits, truth, findings)
    reports = _reports(config.seed, sessions, visits, truth, findings)
    events = record_events(visits, findings, config.seed)
    write_cohort(out, "CLEF synthetic cohort", sessions, events, reports, descriptions(config.course))
    return _close(out, config.keep)


def _check(config: MakeCohort) -> None:
    """Raise ValueError (one line) for settings that make no sense."""
    if config.subjects < 1 or not 0.25 <= config.minutes <= 20:
        raise ValueError(f"subjects={config.subjects} minutes={config.minutes}: at least 1 person, 0.25 to 20 minutes")
    if (config.keep == "tokens") != bool(config.tokenizer):
        raise ValueError(
            f"keep={config.keep} tokenizer={config.tokenizer}: keep=tokens wants tokenizer=RUN, a finished run of "
            f"stage=tokenizer or a model folder; keep=recordings wants none"
        )


def _claim(out: Path, settings: dict) -> None:
    """Mark `out` as ours, or raise ValueError if something else is in it or it was begun with other settings."""
    mark = out / "truth" / "settings.json"
    if not mark.is_file():
        if out.is_dir() and any(out.iterdir()):
            raise ValueError(f"out={out}: the folder is not empty and holds no synthetic cohort; choose another")
        write_json(mark, settings)
    before = {"course": False, "keep": "recordings"} | json.loads(
        mark.read_text(encoding="utf-8")
    )  # as it was without these settings
    if differing := [f"{k} (was {before.get(k)}, now {v})" for k, v in settings.items() if before.get(k) != v]:
        raise ValueError(f"out={out} was begun with other settings: {', '.join(differing)}; choose another folder")


class Jobs:
    """What draws each session: latents, visit and streams of random numbers, by row of the session table."""

    def __init__(self, seed: int, visits: dict[str, np.ndarray], truth: dict[str, np.ndarray]):
        self.seed, self.visits, self.truth = seed, visits, truth

    def __call__(self, i: int) -> tuple[dict[str, Any], dict[str, Any], Streams]:
        z = {name: column[i].item() for name, column in self.truth.items()}
        visit = {name: self.visits[name][i].item() for name in ("site", "seconds")} | {"start": self.visits["start"][i]}
        return z, visit, Streams.of_session(self.seed, i)


def _draw_recordings(out: Path, workers: int, sessions: pl.DataFrame, jobs: Jobs) -> None:
    """Draw every recording that is not there yet, in `workers` processes."""
    (out / "recordings").mkdir(parents=True, exist_ok=True)
    for half_written in (out / "recordings").glob(".*.part"):
        half_written.unlink()
    todo = [(out / path, *jobs(i)) for i, path in enumerate(sessions["path"]) if not (out / path).is_file()]
    done, workers = len(sessions) - len(todo), min(workers, len(todo))
    drawn = work_ahead(draw_job, todo, workers if workers > 1 else 0)
    for result in track(drawn, "recordings", len(sessions), done):
        if isinstance(result, WorkerDiedError):
            raise ValueError(f"{result}; the same command goes on, with workers=1 in less memory")


def _write_truth(
    out: Path, config: MakeCohort, sessions: pl.DataFrame, visits: dict, truth: dict, findings: dict[str, np.ndarray]
) -> None:
    base = sessions.select("session_id", "subject_id", "split", "age", "sex", "site", "setting")
    write_table(out / "truth" / "latents.parquet", base.with_columns(pl.Series(k, v) for k, v in truth.items()))
    labels = concept_labels(visits, findings)
    cases = [(code, int(label.sum()), float(label.mean())) for code, label in labels.items()]
    table = pl.DataFrame(cases, schema=["code", "cases", "prevalence"], orient="row")
    for split in ("train", "val", "test"):
        inside = (sessions["split"] == split).to_numpy()
        table = table.with_columns(pl.Series(f"cases_{split}", [int(label[inside].sum()) for label in labels.values()]))
    words = descriptions(config.course)
    table = table.with_columns(pl.Series("description", [words.get(code, code.split("//")[1]) for code in labels]))
    write_table(
        out / "truth" / "ceilings.parquet",
        table.join(ceilings(config.seed, course=config.course), on="code", how="left"),
    )


def _reports(seed: int, sessions: pl.DataFrame, visits: dict, truth: dict, findings: dict) -> pl.DataFrame:
    """A report for about nine sessions in ten."""
    rows = []
    for i, session in enumerate(sessions["session_id"]):
        rng = np.random.default_rng((seed, 3, i))
        if rng.random() < 0.9:
            z = {name: column[i].item() for name, column in truth.items()}
            seen = {code.split("//")[1]: bool(reported[i]) for code, reported in findings.items()}
            person = {name: column[i].item() for name, column in visits.items() if name != "start"}
            rows.append((session, Dictation(z, seen, person, rng).report()))
    return pl.DataFrame(rows, schema=["session_id", "text"], orient="row")


def _close(out: Path, keep: str) -> int:
    """Say what is there and what comes next."""
    sessions = read_sessions(out)
    best = read_table(out / "truth" / "ceilings.parquet")
    kept = out / (TOKENS if keep == "tokens" else "recordings")
    size = sum(file.stat().st_size for file in kept.rglob("*") if file.is_file()) / 1e9
    log.info(
        "%s: a SYNTHETIC cohort of %d subjects, %d sessions (%s), %.*f GB of %s",
        out, sessions["subject_id"].n_unique(), len(sessions),
        ", ".join(f"{n} {split}" for split, n in sessions["split"].value_counts(sort=True).iter_rows()),
        *((3, size, "tokens") if keep == "tokens" else (2, size, "EDF")),
    )  # fmt: skip
    log.info("%d concepts, mean AUROC ceiling of their matched questions %.2f (truth/ceilings.parquet)", len(best),
             best["ceiling"].drop_nans().mean())  # fmt: skip
    if keep == "tokens":
        log.info("next: python -m clef.pretrain stage=recon tokens=%s out=RUN", kept)
    else:
        log.info("next: python -m clef.pretrain stage=tokenizer cohort=%s out=RUN", out)
    return 0


if __name__ == "__main__":
    program(MakeCohort, main, "clef.importers.synthetic")
