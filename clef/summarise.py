"""Summaries of a cohort's reports, by the rules or by a language model here or on a server, kept in reports.parquet.

    python -m clef.summarise cohort=COHORT summariser=hf:FOLDER
    python -m clef.summarise cohort=COHORT summariser=http:http://localhost:8080/v1#MODEL

Every summary of a language model is checked against its report (docs/reports.md); where it adds, turns round or gives
away something, that of the rules is kept instead, and counted. A run that was stopped, however, goes on where it was.
Nothing leaves the machine but to the URL that is given. No text of a report is ever in a message.

The rules take a millisecond a report on one core, 260,000 reports two to ten minutes. A language model takes what it
takes: at 4 reports a second 260,000 need 18 hours; the check adds 6 ms to each.
"""

import logging
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from clef.cohort import read_reports, write_reports
from clef.reports.summarisers.answers import Model
from clef.reports.summarisers.checking import KINDS, accept
from clef.reports.summarisers.hf import HfConfig
from clef.reports.summarisers.http import HttpConfig
from clef.reports.summarisers.journal import Entry, Journal
from clef.reports.summarisers.table import (
    RULES,
    SUMMARISERS,
    is_by,
    open_model,
    summarise,
    summariser_fingerprint,
)
from tokenizer.base.cli import program
from tokenizer.base.files import fingerprint
from tokenizer.base.locks import no_interrupt, wait_for_folder
from tokenizer.base.progress import track

log = logging.getLogger(__name__)
SAY_EVERY = 60.0
"""Seconds between two lines on how far it is, where there is no terminal for a bar."""


@dataclass
class SummariseConfig:
    """Settings of `python -m clef.summarise`."""

    cohort: str = "???"
    """Cohort folder with reports.parquet; its columns summary and summariser are written."""
    summariser: str = "rules"
    """rules; hf:FOLDER or hf:OWNER/NAME, a language model on this machine; http:URL, a server (http:URL#MODEL);
    impression or description: the rules on that part of a report alone."""
    prompt: str | None = None
    """A file with another prompt for language models; {report} stands in it where the report goes."""
    replace: bool = False
    """Whether summaries of other summarisers, which are in the table already, are written over."""
    hf: HfConfig = field(default_factory=HfConfig)
    """Models on this machine."""
    http: HttpConfig = field(default_factory=HttpConfig)
    """Servers; one that wants a key finds it in the environment, as CLEF_API_KEY."""


def main(config: SummariseConfig) -> int:
    """Summarise what has no summary yet, put the summaries into the table and sum up."""
    folder = Path(config.cohort)
    reports = read_reports(folder)
    if not len(reports):
        raise ValueError(f"cohort={config.cohort}: it has no reports (reports.parquet); there is nothing to summarise")
    known = config.summariser in SUMMARISERS
    model = None if known else open_model(config.summariser, config.prompt, config.hf, config.http)
    by = model.fingerprint if model else summariser_fingerprint(config.summariser)
    with wait_for_folder(folder / "summaries.part", f"{folder}: another process summarises these reports; waiting"):
        reports = read_reports(folder)  # which that process may have changed
        _check_others(reports, by, config)
        journal = Journal(folder / "summaries.part", by)
        unanswered = 0
        try:
            unanswered = _fill(reports.filter(~is_by(by)), model, config.summariser, by, journal)
        finally:  # also at Ctrl-C, and when the server has gone
            with no_interrupt():
                reports = _take_up(folder, reports, journal)
    return _sum_up(config, reports, by, unanswered)


def _check_others(reports: pl.DataFrame, by: str, config: SummariseConfig) -> None:
    """Raise ValueError if the table holds work of other summarisers that nobody said may go."""
    others = reports.filter(pl.col("summary").is_not_null(), ~is_by(by), pl.col("summariser").is_not_null())
    others = others.filter(pl.col("summariser") != summariser_fingerprint("rules"))  # made again in no time
    if len(others) and not config.replace:
        raise ValueError(
            f"cohort={config.cohort}: {len(others)} reports have summaries of another summariser, model or prompt; "
            f"replace=true writes over them, a copy of the cohort folder keeps them"
        )


def _fill(todo: pl.DataFrame, model: Model | None, summariser: str, by: str, journal: Journal) -> int:
    """Summarise reports, one line of the journal each; how many the model did not answer."""
    rows = [(session, text) for session, text in todo["session_id", "text"].iter_rows() if text is not None]
    if earlier := sum(journal.done(*row) is not None for row in rows):
        log.info("%d reports were summarised by a run that was stopped: taken up", earlier)
    rows = [row for row in rows if not journal.done(*row)]
    if model is None:
        for session, text in _said(rows, len(rows)):
            journal.add(Entry(session, fingerprint(text), summarise(text, summariser), by))
        return 0
    sessions: dict[str, list[str]] = {}  # of each text: a form that is used unchanged is asked for once
    for session, text in rows:
        sessions.setdefault(text, []).append(session)
    texts = list(sessions)
    log.info("%d reports go to %s", len(texts), model.place)
    unanswered = 0
    for number, answer in _said(model.answers(texts), len(texts)):
        text = texts[number]
        if answer.failure == "unanswered":
            unanswered += len(sessions[text])
            continue
        summary, wrong = accept(answer, text)
        label = f"{by}{RULES}{'+'.join(wrong)}" if wrong else by
        for session in sessions[text]:
            journal.add(Entry(session, fingerprint(text), summary, label))
    return unanswered


def _said(items, total: int):
    """The items, with a bar on a terminal, and with a line a minute elsewhere: a model may take days."""
    began = last = time.monotonic()
    for i, item in enumerate(track(items, "summaries", total), 1):
        yield item
        now = time.monotonic()
        if now - last > SAY_EVERY and not sys.stderr.isatty():
            last, rate = now, i / (now - began)
            log.info("%d of %d reports, %.1f a minute, %.1f h to go", i, total, 60 * rate, (total - i) / rate / 3600)


def _take_up(folder: Path, reports: pl.DataFrame, journal: Journal) -> pl.DataFrame:
    """Put what the journal holds into the table of the cohort, and do without the journal."""
    texts = dict(reports["session_id", "text"].iter_rows())
    entries = [
        e
        for e in journal.entries.values()
        if texts.get(e.session_id) and journal.done(e.session_id, texts[e.session_id])
    ]
    if entries:
        schema = {"session_id": pl.String, "summary": pl.String, "summariser": pl.String}
        new = pl.DataFrame([(e.session_id, e.summary, e.summariser) for e in entries], schema=schema, orient="row")
        reports = reports.update(new, on="session_id", how="left")
        write_reports(folder, reports)
    journal.remove()
    return reports


def _sum_up(config: SummariseConfig, reports: pl.DataFrame, by: str, unanswered: int) -> int:
    """Say how many summaries there are and how many are the rules', by what was wrong; 1 if some are missing."""
    mine = reports.filter(is_by(by))
    kinds = Counter(kind for label in mine["summariser"] for kind in _wrong(label))
    fallbacks = mine["summariser"].str.contains(re.escape(RULES)).sum()
    empty = (mine["summary"] == "").sum()
    log.info("wrote %s: %d of %d reports have a summary by %s, %d of these are empty: nothing is said of the tracing",
             Path(config.cohort) / "reports.parquet", len(mine), len(reports), by, empty)  # fmt: skip
    if fallbacks:
        log.info("%d of them are by the rules, because the model's had a violation (or several):", fallbacks)
        for kind in (kind for kind in KINDS if kinds[kind]):
            log.info("%7d  %s: %s", kinds[kind], kind, KINDS[kind])
    if unanswered:
        log.warning("%d reports were not answered; the same command asks for them again", unanswered)
        return 1
    name = config.summariser if config.summariser in SUMMARISERS else by
    log.info("next: python -m clef.pretrain stage=align cohort=%s align.summariser=%s init=RECON tokens=TOKENS out=RUN",
             config.cohort, name)  # fmt: skip
    return 0


def _wrong(label: str) -> list[str]:
    """The kinds of violation that a label of the column summariser names."""
    kinds = label.partition(RULES)[2]
    return kinds.split("+") if kinds else []


if __name__ == "__main__":
    program(SummariseConfig, main, "clef.summarise")
