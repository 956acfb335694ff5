"""A page on what carries a number that a model gives of a session: which seconds, frequencies and electrodes.

    python -m clef.explain recording=FILE model=RUN "prompts=[beta activity,left temporal slowing]" out=page.html
    python -m clef.explain recording=FILE model=RUN probe=probe.json out=page.html table=shares.csv

A number is the session's likeness to a text (an aligned model), or the log-odds of a linear probe. Two methods stand
side by side, gradients through the tokenizer and occlusion of tokens and electrodes, and a deletion test says how
faithful each is. docs/explanations.md has the formulas and what cannot be concluded. For research only. A text and five
minutes of EEG took 10 s of one core with a tiny encoder; twenty minutes, and more texts, take as many times as long.
"""

import dataclasses
import logging
import time
from pathlib import Path

from clef.cohort import Cohort, session_row
from clef.embeddings import seen_subjects
from clef.explanations.explanation import ExplainingConfig, Explanation, explain
from clef.explanations.path import Encoded, encoded
from clef.explanations.probes import Probe, read_probe
from clef.explanations.targets import Target, probe_target, prompt_target
from clef.model import Model, load
from clef.pages.explain import Explained, explain_page
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import write_aside, write_text
from tokenizer.base.progress import track
from tokenizer.reading.read import Job, ReadingConfig, read, row_job
from tokenizer.readings import reading_of

log = logging.getLogger(__name__)


@dataclasses.dataclass
class ExplainConfig:
    """Settings of `python -m clef.explain`."""

    out: str = "???"
    """The HTML file to write."""
    model: str | None = None
    """Run folder of stage=recon or stage=align, or its model/; by default clef-open, if it was made."""
    recording: str | None = None
    """A recording; or name one by cohort= and session=."""
    cohort: str | None = None
    """Cohort folder of session=."""
    session: str | None = None
    """A session of the cohort."""
    prompts: list[str] = dataclasses.field(default_factory=list)
    """Texts whose likeness to the session is explained, [beta activity,left temporal slowing]: an aligned model's."""
    probe: str | None = None
    """File of a linear probe on this model's embeddings, whose log-odds are explained (docs/explanations.md)."""
    table: str | None = None
    """Also write the numbers behind the curves and maps, as a CSV file."""
    title: str | None = None
    """Heading of the page; by default the session's id, or "EEG session"."""
    explaining: ExplainingConfig = dataclasses.field(default_factory=ExplainingConfig)
    """How much is computed."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How the recording becomes a session."""
    seed: int = 0
    """Draws the tokens of the random deletions."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def main(config: ExplainConfig) -> None:
    """Read, explain, draw, write."""
    began = time.perf_counter()
    check(config)
    probe = read_probe(config.probe) if config.probe else None
    model = load(config.model).to(ranks.set_up(config.device))
    targets = [prompt_target(model, prompt) for prompt in config.prompts]
    targets += [probe_target(model, probe)] if probe else []
    cohort = Cohort(config.cohort) if config.cohort else None
    row = session_row(cohort, config.session) if config.session else None
    job = row_job(config.cohort, row, config.reading) if row else Job(config.recording, config.reading)
    session = read(job.source, job.config)
    one = encoded(reading_of(session, reference=model.vqgan.config.reference), model.vqgan)
    synthetic = bool(row and cohort.is_synthetic)
    page = Explained(config.title or config.session or "EEG session", synthetic=synthetic, model=model.fingerprint)
    page.facts = [
        ("length", f"{session.seconds / 60:.1f} min"),
        ("electrodes", f"{int(session.channel_ok.sum())} of 19"),
    ]
    page.remarks = remarks(model, probe, row and row["subject_id"])
    explained = explain_all(model, targets, one, config)
    for each in explained:
        page.add(each, model.vqgan.config.frames_per_token)
    write(page, explained, config)
    spent = time.perf_counter() - began
    log.info("wrote %s: %d explained, %.0f s; next: open it in a browser", config.out, len(explained), spent)


def check(config: ExplainConfig) -> None:
    """Raise ConfigError for settings that do not go together."""
    if (config.recording is None) == (config.session is None):
        raise ConfigError("give either recording=FILE, or cohort=COHORT with session=ID")
    if config.session and not config.cohort:
        raise ConfigError("session= is one of a cohort: give cohort=COHORT with it")
    if not config.prompts and not config.probe:
        raise ConfigError("nothing to explain: give prompts=[TEXT,…] with an aligned model, or probe=FILE")
    for name in ("out", "table"):
        if (path := getattr(config, name)) and Path(path).is_dir():
            raise ConfigError(f"{name}={path}: this is a folder; give the name of a file")


def explain_all(model: Model, targets: list[Target], one: Encoded, config: ExplainConfig) -> list[Explanation]:
    """The explanations of all targets, in order."""
    return [explain(model, target, one, config.explaining, config.seed) for target in track(targets, "explain")]


def remarks(model: Model, probe: Probe | None, subject: int | None) -> list[str]:
    """What is known of whether model and probe have seen this person."""
    parts = {"model": model.encoder.about.get("trained_on")} | ({"probe": probe.trained_on} if probe else {})
    lines = []
    for name, listed in parts.items():
        if subject is None or not listed:
            lines.append(f"Whether the {name} has seen this person is not known.")
        elif any(seen_subjects(listed, [subject]).values()):
            lines.append(f"The {name} was fitted on this person: what it finds here, it may remember.")
    return lines


def write(page: Explained, explained: list[Explanation], config: ExplainConfig) -> None:
    """The page, and the table if it was asked for, whole or not at all."""
    import polars as pl

    write_text(config.out, explain_page(page))
    if config.table:
        with write_aside(config.table) as aside:
            pl.concat([each.table() for each in explained]).write_csv(aside)


if __name__ == "__main__":
    program(ExplainConfig, main, "clef.explain")
