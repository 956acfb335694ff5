"""The table of summarisers, and the summaries that alignment reads: clinical EEG reports -> what the tracing showed.

The paper lets a language model condense each report to its electrographic content before alignment (CLEF,
arXiv 2605.10817). Reports may not leave most hospitals, so the default here is a set of rules (`clef.reports.rules`),
which run anywhere in no time. Language models are asked by `python -m clef.summarise`, which stores what they say in
`reports.parquet`; alignment takes it from there. Summaries written elsewhere are used as they stand when they are in
that table under a summariser's name of their own. A summariser is one new file and one line of a table here.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from clef.reports import rules
from clef.reports.summarisers.answers import Model
from clef.reports.summarisers.hf import HfConfig, LocalModel, model_fingerprint
from clef.reports.summarisers.http import HttpConfig, Server
from clef.reports.summarisers.prompt import read_prompt
from tokenizer.base.files import fingerprint

log = logging.getLogger(__name__)


class Summariser(NamedTuple):
    """A way to condense a report: `version` changes whenever its output may, `function` maps text to summary."""

    version: str
    function: Callable[[str], str]


SUMMARISERS = {
    "rules": Summariser(rules.VERSION, rules.condense),
    "impression": Summariser(rules.VERSION, rules.condense_impression),
    "description": Summariser(rules.VERSION, rules.condense_description),
}
"""Those that run anywhere, by the name that `align.summariser=` and `clef.summarise summariser=` take. The rules on one
part of a report alone tell what each part is worth to alignment."""


class Kind(NamedTuple):
    """A kind of language model, asked for as `KIND:NAME`: how it is opened, and its fingerprint without opening it."""

    open: Callable[[str, str, HfConfig, HttpConfig], Model]
    fingerprint: Callable[[str, str], str]


MODELS = {
    "hf": Kind(lambda name, prompt, hf, http: LocalModel(name, prompt, hf), model_fingerprint),
    "http": Kind(
        lambda name, prompt, hf, http: Server(name, prompt, http), lambda name, prompt: Server(name, prompt).fingerprint
    ),
}
"""Language models by what stands before the colon."""
RULES = "/rules:"
"""Between the fingerprint of a model and what was wrong with its summary, for which that of the rules stands."""


def split_name(summariser: str) -> tuple[str, str] | None:
    """`hf:NAME` or `http:URL` as kind and name; None if it is neither. A bare URL is a server's."""
    kind, colon, name = summariser.partition(":")
    if summariser.startswith(("http://", "https://")):
        return "http", summariser
    return (kind, name) if colon and kind in MODELS else None


def open_model(
    summariser: str, prompt: str | None = None, hf: HfConfig | None = None, http: HttpConfig | None = None
) -> Model:
    """The language model that `summariser` names, ready to answer; `prompt`: a file, None for the built-in one.

    Raises ValueError (one line) if there is no such kind, or if it cannot be loaded or reached.
    """
    split = split_name(summariser)
    if split is None:
        raise ValueError(f"summariser={summariser}: there is no such summariser; there are: {_offered()}")
    kind, name = split
    return MODELS[kind].open(name, read_prompt(prompt), hf or HfConfig(), http or HttpConfig())


def summarise(text: str, summariser: str = "rules") -> str:
    """The electrographic content of one report as short normalised sentences; "" if it has none.

    Kept: background, rhythms, slowing, discharges, periodic patterns, seizures, sleep, artefact and impression, with
    negations, sides and lobes. The impression comes first, so that a length limit cuts details and not the verdict.
    Raises ValueError if there is no such summariser.
    """
    if summariser not in SUMMARISERS:
        raise ValueError(f"summariser={summariser}: there is no such summariser; there are: {', '.join(SUMMARISERS)}")
    return SUMMARISERS[summariser].function(text)


def summariser_fingerprint(summariser: str) -> str:
    """What the column `summariser` of `reports.parquet` holds beside summaries made by `summariser`.

    Language models: that of the built-in prompt; a server without `#MODEL` is asked for its model. A name that is none
    of ours stands for summaries made elsewhere, or is a fingerprint, and stands for itself.
    """
    if known := SUMMARISERS.get(summariser):
        return fingerprint(summariser, known.version)
    if split := split_name(summariser):
        kind, name = split
        return MODELS[kind].fingerprint(name, read_prompt())
    return summariser


def is_by(wanted: str) -> pl.Expr:
    """Whether a row's summary is by the summariser with this fingerprint, or by the rules in its place."""
    by = pl.col("summariser")
    stored = pl.col("summary").is_not_null() & ((by == wanted) | by.str.starts_with(wanted + RULES))
    return stored.fill_null(False)


def report_summaries(reports: pl.DataFrame, summariser: str = "rules") -> dict[str, str]:
    """Summaries by session_id for a table as `clef.cohort.read_reports` returns it; sessions without one are left out.

    A stored summary is used where its `summariser` is the one asked for. The others are computed if that takes no time;
    summaries of language models, and those made elsewhere, which are asked for by the name they are stored under, are
    not. Raises ValueError if no report has one of these.
    """
    fits = is_by(summariser_fingerprint(summariser))
    summaries = dict(reports.filter(fits).select("session_id", "summary").iter_rows())
    fresh = reports.filter(~fits, pl.col("text").is_not_null())
    if summariser in SUMMARISERS:
        summaries |= {session: summarise(text, summariser) for session, text in fresh["session_id", "text"].iter_rows()}
    elif not summaries and len(reports):
        raise ValueError(_no_summary(summariser))
    elif len(fresh):
        log.warning("%d reports have no summary by summariser=%s: aligned without it", len(fresh), summariser)
    kept = {session: summaries[session] for session in reports["session_id"] if summaries.get(session, "").strip()}
    log.info("%d reports: %d summaries, %d without any", len(reports), len(kept), len(reports) - len(kept))
    return kept


def _no_summary(summariser: str) -> str:
    if split_name(summariser):
        return (
            f"summariser={summariser}: no report has a summary by it; run first: clef summarise with this summariser="
        )
    return f"summariser={summariser}: no report has a summary of this name; to compute them: {_offered()}"


def _offered() -> str:
    return ", ".join([*SUMMARISERS, "hf:FOLDER", "http:URL"])
