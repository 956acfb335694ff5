"""Explanations over a cohort: how faithful they are, and which electrodes and bands tell cases from controls.

    python -m benchmark.explain cohort=COHORT model=RUN embeddings=e.parquet tasks=tasks.parquet task=NAME out=DIR
    python -m benchmark.explain cohort=COHORT model=RUN prompt="beta activity" tasks=tasks.parquet task=NAME out=DIR

A linear probe is fitted on embeddings of this model, and held-out people's log-odds are explained; or, with prompt=,
the likeness of their sessions to a text. By gradients on the spectrogram and on tokens, and by occlusion. The deletion
test asks of every session whether the number falls faster when the highest attributed tokens go first than when random
ones do; mean maps by electrode and band are those of the task's cases minus those of its controls, after EEG-CLIP. With
places= it is counted how often the region that carries most is where a finding was planted. OUT/explain.md,
explain.json and explain.png; what was explained is kept in OUT/sessions, and the same command goes on where it stopped.
docs/explanations.md says what the numbers are. With clef-open 9 s of one core for a session of 7 minutes, 25 s for
one of 12 (explaining.block=12 explaining.draws=4).
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.explain.asking import Part, by_probes, by_prompt, drawn
from benchmark.explain.page import as_markdown, draw
from benchmark.explain.sessions import Explained, Kept, explained
from benchmark.explain.summary import deletion_rows, mean_maps, place_rows
from benchmark.models.asked import people_seen
from clef.bundle import NAME
from clef.embeddings import read_embeddings
from clef.explanations.explanation import ExplainingConfig
from clef.explanations.occlusion import regions
from clef.explanations.path import encoded
from clef.model import Model, load
from clef.tasks import read_tasks
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_json, write_text
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.reading.read import ReadingConfig, read_row
from tokenizer.readings import reading_of
from tokenizer.recording import RecordingError
from tokenizer.sessions import read_sessions

log = logging.getLogger(__name__)


@dataclasses.dataclass
class ExplainCohortConfig:
    """Settings of `python -m benchmark.explain`."""

    cohort: str = MISSING
    """Cohort folder whose recordings are explained."""
    tasks: str = MISSING
    """Task file (benchmark.build)."""
    task: str = MISSING
    """The task of it whose probe is explained, and which says who is a case."""
    out: Path = MISSING
    """Folder of the tables and of what was explained."""
    embeddings: str | None = None
    """Embeddings of its sessions by model= (clef.embed); probes are fitted on them."""
    prompt: str | None = None
    """A text whose likeness to sessions is explained, instead of a probe's log-odds; an aligned model's."""
    model: str | None = None
    """Run folder of stage=recon or stage=align, or its model/; by default clef-open, if it was made."""
    sessions: int = 40
    """Held-out sessions that are explained, half of them cases; 0: all."""
    folds: int = 5
    """Parts that people are put into where all are of split test; probes are fitted on the others."""
    places: str | None = None
    """Table of where a finding lies: session_id, lobe, side (left or right)."""
    explaining: ExplainingConfig = dataclasses.field(default_factory=ExplainingConfig)
    """How much is computed of each session."""
    allow_overlap: bool = False
    """Show, marked, a model that saw the explained people or does not say whom it saw, instead of refusing."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become sessions."""
    seed: int = 0
    """Draws folds, sessions and random deletions."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def main(config: ExplainCohortConfig) -> None:
    """Fit, explain, sum up, write."""
    check(config)
    check_out(config.out, "folder")
    places = read_places(config.places) if config.places else {}
    rows = task_rows(config)
    model = load(config.model).to(ranks.set_up(config.device))
    if config.prompt:
        parts, how = by_prompt(model, config.prompt, rows)
    else:
        parts, how = by_probes(model, config.task, rows, read_embeddings(config.embeddings), config.folds, config.seed)
    asked = pl.concat([part.rows for part in parts])
    asked = drawn(asked, config.sessions or len(asked), config.seed)
    people = set(asked["subject_id"])
    seen = people_seen(f"model={config.model or NAME}", model.encoder.about, config.task, people, config.allow_overlap)
    results = [one for part in parts for one in explain_all(model, part, asked["session_id"].to_list(), config)]
    done = [one for one in results if one is not None]
    if not done:
        raise ValueError(f"cohort={config.cohort}: none of {len(asked)} recordings could be explained")
    result = summed_up(done, places, config, parts[0].target.unit)
    result["notes"] = notes(model, how, done, len(results) - len(done), seen, config)
    write_json(config.out / "explain.json", result | {"sessions": [dataclasses.asdict(one) for one in done]})
    draw(config.out / "explain.png", mean_maps(done), parts[0].target.unit)
    text = as_markdown(result)
    write_text(config.out / "explain.md", text)
    print(text)
    log.info("wrote %s, explain.json and explain.png; next: docs/explanations.md", config.out / "explain.md")


def check(config: ExplainCohortConfig) -> None:
    """Raise ConfigError for settings that make no sense or do not go together."""
    if config.sessions < 0 or config.folds < 2:
        raise ConfigError("sessions must be 0 or more, and folds 2 or more")
    if (config.embeddings is None) == (config.prompt is None):
        raise ConfigError("give either embeddings=FILE, on which probes are fitted, or prompt=TEXT")


def task_rows(config: ExplainCohortConfig) -> pl.DataFrame:
    """The rows of the task. Raises ConfigError if the file lacks it."""
    tasks, _ = read_tasks(config.tasks)
    rows = tasks.filter(pl.col("task") == config.task)
    if not len(rows):
        some = ", ".join(tasks["task"].unique().sort()[:5])
        raise ConfigError(f"task={config.task}: there is none in tasks=; there are: {some}")
    return rows


def read_places(path: str) -> dict[str, str]:
    """Session -> region, "left temporal", of a table. Raises ValueError with one line for anything else."""
    table = pl.read_parquet(path) if path.endswith(".parquet") else pl.read_csv(path, infer_schema=False)
    if missing := [name for name in ("session_id", "lobe", "side") if name not in table.columns]:
        raise ValueError(f"places={path}: no column {missing[0]}; expected session_id, lobe and side")
    named = {row["session_id"]: f"{row['side']} {row['lobe']}" for row in table.iter_rows(named=True)}
    if odd := sorted(set(named.values()) - set(regions())):
        raise ValueError(f"places={path}: {odd[0]!r} is no region; there are: {', '.join(regions())}")
    return named


def explain_all(model: Model, part: Part, names: list[str], config: ExplainCohortConfig) -> list[Explained | None]:
    """The explanations of a part's sessions that are among `names`; None of one whose recording cannot be used."""
    rows = part.rows.filter(pl.col("session_id").is_in(names))
    about = {"model": model.fingerprint, "seed": config.seed, "reading": config.reading.to_json()}
    kept = Kept(config.out / "sessions", about | dataclasses.asdict(config.explaining))
    table = {row["session_id"]: row for row in read_sessions(config.cohort).iter_rows(named=True)}
    if missing := [name for name in rows["session_id"] if name not in table]:
        raise ValueError(f"tasks={config.tasks}: session {missing[0]} is not in cohort={config.cohort}")
    results = []
    for session, label in track(rows.select("session_id", "label").iter_rows(), "explain", len(rows)):
        one = kept.read(session, part.key)
        try:
            if one is None:
                reading = reading_of(read_row(config.cohort, table[session], config.reading),
                                     reference=model.vqgan.config.reference)  # fmt: skip
                given = (session, label, config.explaining, config.seed)
                one = explained(model, part.target, encoded(reading, model.vqgan), *given)
                kept.write(one, part.key)
        except RecordingError as error:
            log.warning("left out %s", error)
        results.append(one)
    return results


def summed_up(done: list[Explained], places: dict[str, str], config: ExplainCohortConfig, unit: str) -> dict[str, Any]:
    """All tables as plain values."""
    return {
        "unit": unit,
        "task": config.task,
        "deletion": deletion_rows(done),
        "maps": {name: values.tolist() for name, values in mean_maps(done).items()},
        "places": place_rows(done, places) if places else [],
    }


def notes(
    model: Model, how: str, done: list[Explained], left_out: int, seen: int | None, config: ExplainCohortConfig
) -> list[str]:
    """The lines above the tables."""
    cases = sum(one.label for one in done)
    lines = [
        f"model {model.fingerprint}, {how}",
        f"{len(done)} held-out sessions, {cases} cases; {left_out} could not be read",
        f"gradients in {config.explaining.steps} steps, blocks of {config.explaining.block} tokens, "
        f"{config.explaining.draws} random draws, seed {config.seed}",
    ]
    if seen != 0:
        lines.append("**the model " + (f"saw {seen} of these people**" if seen else "does not say whom it saw**"))
    return lines


if __name__ == "__main__":
    program(ExplainCohortConfig, main, "benchmark.explain")
