"""Narratives: what a model of stage=narrate writes on every minute, held against what the signal shows.

    python -m clef.narrate model=RUN recordings=FILE_OR_DIR out=DIR
    python -m clef.narrate model=RUN tokens=STORE out=DIR

OUT/narratives.parquet is a table as clef.describe writes it, OUT/narratives.txt the texts, OUT/narratives.html the same
as a page; with recordings= each fact that the sentences of clef.describe on the same minute contradict is counted and
red. A recording that cannot be read is left out, and the exit code is then 1. For research only: a model wrote these
texts, and any of them may be wrong. Three recordings of 5 to 12 minutes took 6 s on one core with the small models of
the docs, half of it before the first.
"""

import functools
import logging
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.descriptions.captions import caption_rows
from clef.descriptions.description import description_rows
from clef.descriptions.statements import Scope
from clef.descriptions.table import SCHEMA
from clef.narratives.checking import Checked, check
from clef.narratives.narration import AT_ONCE, Narration, load_narration
from clef.narratives.texts import COLUMNS, SECONDS, PartScope, Place, valid_places, write_texts
from clef.pages.narratives import Line, narratives_page
from clef.sources import recordings_in
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_text
from tokenizer.base.progress import track
from tokenizer.reading.many import read_many
from tokenizer.reading.read import Job, ReadingConfig
from tokenizer.readings import Reading, reading_of
from tokenizer.recording import RecordingError, Session
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)
NOTICE = "For research only: a model wrote these texts, any of them may be wrong, and nothing here is a diagnosis.\n"


@dataclass
class NarrateConfig:
    """Settings of `python -m clef.narrate`."""

    model: str = "???"
    """Finished run of stage=narrate, or its model/; CLEF_TEXT_MODEL says where the language model of text=hf is."""
    out: str = "???"
    """Folder of narratives.parquet, .txt and .html; made if absent."""
    recordings: str | None = None
    """A recording, or a folder searched for recordings; sessions are called by their paths below it."""
    tokens: str | None = None
    """Token store made with the model's own tokenizer; instead of recordings=. No signal is asked then."""
    batch: int = AT_ONCE
    """Texts that are written together."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 1
    """Processes that read recordings beside this one."""
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    """How recordings become sessions."""


def main(config: NarrateConfig) -> int:
    """Write on every session, check, write files; 1 if a recording had to be left out."""
    if (config.recordings is None) == (config.tokens is None):
        raise ConfigError("give either recordings=FILE_OR_DIR or tokens=STORE")
    if config.batch < 1:
        raise ConfigError(f"batch={config.batch}: must be 1 or more")
    check_out(config.out, "folder")
    narration = load_narration(config.model).to(ranks.set_up(config.device))
    if config.tokens is not None:
        tokens, signal, left_out = narration.model.tokenise(TokenStore(config.tokens)), {}, 0
    else:
        tokens, signal, left_out = read_all(narration, config)
    places = [(row, number) for row, some in valid_places(tokens, scope_of(narration)).items() for number in some]
    if not places:
        raise ValueError("no session has a valid column of tokens; there is nothing to write on")
    names = [Place(str(tokens.session_id[row]), number) for row, number in places]
    texts = narration.write(tokens, places, config.batch)
    lines = {place: check(text, signal.get(place)) for place, text in zip(names, texts, strict=True)}
    report(Path(config.out), lines, scope_of(narration), narration.model.fingerprint)
    return int(left_out > 0)


def scope_of(narration: Narration) -> PartScope:
    """What the texts of a model are on: minute or segment."""
    return narration.narrator.scope


def report(out: Path, lines: dict[Place, Checked], scope: PartScope, model: str) -> None:
    """Write the table, the texts and the page, and sum up."""
    length, sessions = SECONDS * COLUMNS[scope], dict[str, list[Line]]()
    for place, checked in lines.items():
        line = Line(place.number * length, (place.number + 1) * length, checked)
        sessions.setdefault(place.session, []).append(line)
    write_texts(out / "narratives.parquet", [(place, one.text) for place, one in lines.items()], scope)
    paragraphs = [f"{name}\n" + "\n".join(f"{line.time} {line.checked.text}" for line in some)
                  for name, some in sessions.items()]  # fmt: skip
    write_text(out / "narratives.txt", NOTICE + "\n" + "\n\n".join(paragraphs) + "\n")
    write_text(out / "narratives.html", narratives_page(sessions, model))
    wrong = sum(len(one.contradicted) for one in lines.values())
    known = sum(one.signal is not None for one in lines.values())
    log.info("wrote %s: %d texts on %d sessions; of %d the signal was asked, and contradicts %d facts",
             out / "narratives.html", len(lines), len(sessions), known, wrong)  # fmt: skip


# ---- recordings
def tokens_and_rows(
    session: Session, raw: Any, reference: Any, min_channels: int, scope: Scope
) -> tuple[Reading, list]:
    """A session as the tokenizer sees it, and what is stated of its minutes, for `read_many`."""
    return reading_of(session, reference=reference), description_rows(session, raw, min_channels, scope)


def read_all(narration: Narration, config: NarrateConfig) -> tuple[Tokens, dict[Place, str], int]:
    """Tokens of the recordings, what the signal says of each stretch, and how many recordings were left out."""
    root, scope, parts = Path(config.recordings or ""), scope_of(narration), list[Tokens]()
    if not root.exists():
        raise ValueError(f"recordings={root}: there is no such file or folder; check the path")
    files = [root] if root.is_file() else recordings_in(root)
    reference, least = narration.model.vqgan.config.reference, config.reading.min_channels
    then = functools.partial(tokens_and_rows, reference=reference, min_channels=least, scope=scope)
    results = read_many([Job(file, config.reading) for file in files], then, config.workers)
    signal: dict[Place, str] = {}
    for file, result in zip(files, track(results, "read", len(files)), strict=True):
        if isinstance(result, RecordingError):
            log.warning("left out %s", result)
            continue
        name = file.name if file == root else file.relative_to(root).as_posix()
        parts.append(replace(narration.model.tokenise(result[0]), session_id=np.array([name], object)))
        signal |= said_of(name, result[1], scope)
    if not parts:
        raise ValueError(f"none of {len(files)} recordings could be read; the reasons are above")
    joined = Tokens(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Tokens)))
    return joined, signal, len(files) - len(parts)


def said_of(name: str, rows: list[dict[str, Any]], scope: PartScope) -> dict[Place, str]:
    """What the signal says of each stretch of a session, from the rows that describe it."""
    table = pl.DataFrame([row | {"session_id": name, "recording": ""} for row in rows], schema=SCHEMA)
    columns = caption_rows(table, scope).select("start", "text").iter_rows()
    return {Place(name, round(start) // (SECONDS * COLUMNS[scope])): text for start, text in columns}


if __name__ == "__main__":
    program(NarrateConfig, main, "clef.narrate")
