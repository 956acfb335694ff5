"""One page of a session: findings with their evidence, spectrogram, quality, scalp maps, tokens, sessions like it.

    python -m clef.view recording=FILE out=page.html [model=RUN|clef-open]
    python -m clef.view cohort=COHORT session=ID out=page.html [model=RUN] [embeddings=embeddings.parquet]

The page is one HTML file that loads nothing. It carries no date, no path and no file's name, which may be a person's:
of a recording its title is "EEG session" unless title= says otherwise. docs/looking.md says how to read it.
"""

import dataclasses
import logging
import time
from pathlib import Path

import numpy as np

from clef.bundle import NAME, is_bundled, model_folder
from clef.cohort import Cohort, session_row
from clef.embeddings import Embeddings, read_embeddings
from clef.model import Model, load
from clef.pages.nearest import Nearest
from clef.pages.view import About, page, parts, person_facts, seen_words
from clef.readout import readout_of
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import fingerprint, write_text
from tokenizer.reading.read import Job, ReadingConfig, read_with_raw, row_job
from tokenizer.store import Tokens
from tokenizer.tokens import Tokenised, load_tokenizer

log = logging.getLogger(__name__)


@dataclasses.dataclass
class ViewConfig:
    """Settings of `python -m clef.view`."""

    out: str = "???"
    """The HTML file to write."""
    recording: str | None = None
    """A recording; or name one by cohort= and session=."""
    cohort: str | None = None
    """Cohort folder of session=; beside recording=, it names the people of the nearest sessions."""
    session: str | None = None
    """A session of the cohort."""
    model: str | None = None
    """Run folder of any stage, its model/, a tokenizer, or clef-open: draws the tokens and what they keep."""
    embeddings: str | None = None
    """Embedding file: lists the nearest sessions. One it lacks is embedded with model= (clef-open), its maker."""
    reports: bool = False
    """Show the reports of the nearest sessions, of cohort=. The page then holds their text."""
    title: str | None = None
    """Heading of the page; by default the session's id, or "EEG session"."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How the recording becomes a session."""


def main(config: ViewConfig) -> None:
    """Read, measure, draw, write."""
    began = time.perf_counter()
    check(config)
    cohort = Cohort(config.cohort) if config.cohort else None
    row = session_row(cohort, config.session) if config.session else None
    job = row_job(config.cohort, row, config.reading) if row else Job(config.recording, config.reading)
    embeddings = read_embeddings(config.embeddings) if config.embeddings else None
    model = embedder(config, embeddings) if embeddings and config.session not in embeddings.session_id else None
    vqgan = model.vqgan if model else load_tokenizer(str(model_folder(config.model))) if config.model else None
    made = parts(*read_with_raw(job.source, job.config), job.config.min_channels, vqgan)
    about = About(config.title or config.session or "EEG session", synthetic=bool(row and cohort.is_synthetic))
    about.person = person_facts(row) if row else []
    if vqgan is not None:
        about.model = f"tokenizer {fingerprint(*vqgan.to_bytes())}"
        about.seen = seen_words(vqgan, row and row["subject_id"])
    if embeddings is not None:
        own = embed(model, embeddings, made.one) if model else None
        _add_nearest(about, embeddings, cohort, config.session, own)
        if config.reports:
            _add_reports(about, cohort)
    text = page(made, about)
    write_text(config.out, text)
    spent = time.perf_counter() - began
    log.info("wrote %s: %.1f MB, %.1f s; next: open it in a browser", config.out, len(text) / 1e6, spent)


def _add_nearest(
    about: About, embeddings: Embeddings, cohort: Cohort | None, session: str | None, own: np.ndarray | None
) -> None:
    """Put the sessions nearest to `own` (D,), by default to the session's own vector in the file, on the page."""
    people = dict(cohort.sessions.select("session_id", "subject_id").iter_rows()) if cohort else {}
    nearest = Nearest(embeddings, people)
    vector = embeddings.vectors[nearest.index[session]] if own is None else own
    about.neighbours, about.usual = nearest.table(vector, session), nearest.usual


def _add_reports(about: About, cohort: Cohort) -> None:
    """Put the reports of the nearest sessions beside them; "" for one that has none."""
    texts = dict(cohort.reports.select("session_id", "text").iter_rows())
    for row in about.neighbours:
        row["report"] = texts.get(row["session"]) or ""


def check(config: ViewConfig) -> None:
    """Raise ConfigError for settings that do not go together."""
    if (config.recording is None) == (config.session is None):
        raise ConfigError("give either recording=FILE, or cohort=COHORT with session=ID")
    if config.session and not config.cohort:
        raise ConfigError("session= is one of a cohort: give cohort=COHORT with it")
    if config.embeddings and config.recording and not config.model and not is_bundled():
        raise ConfigError("embeddings= needs model= to embed the recording: the run that made the file")
    if config.reports and not (config.cohort and config.embeddings):
        raise ConfigError("reports=true shows those of the nearest sessions: give embeddings=FILE and cohort=COHORT")
    if Path(config.out).is_dir():
        raise ConfigError(f"out={config.out}: this is a folder; give the name of an HTML file, as session.html")


def embedder(config: ViewConfig, embeddings: Embeddings) -> Model:
    """The model that made the embeddings, for a session they do not hold. Raises ConfigError if model= is another."""
    model = load(config.model)
    if model.fingerprint != embeddings.model:
        raise ConfigError(
            f"embeddings={config.embeddings}: made by model {embeddings.model or 'unknown'}, and "
            f"model={config.model or NAME} is {model.fingerprint}; give the run that made the file, or embed the "
            f"sessions with this one (clef.embed)"
        )
    return model


def embed(model: Model, embeddings: Embeddings, one: Tokenised) -> np.ndarray:
    """The embedding (D,) of a session's tokens, made as those of the file."""
    names, nobody = np.array(["session"], object), np.zeros(1, np.int64)
    level = np.array([one.level], np.float32)
    tokens = Tokens(one.tokens[None], one.valid[None], names, nobody, np.array([""]), level, one.channel_ok[None])
    return model.read(tokens, readout_of(embeddings.config), embeddings.config.get("kind", "trained"))[0]


if __name__ == "__main__":
    program(ViewConfig, main, "clef.view")
