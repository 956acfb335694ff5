"""The table of summarisers, and the summaries that alignment reads: clinical EEG reports -> what the tracing showed.

The paper lets a language model condense each report to its electrographic content before alignment (CLEF,
arXiv 2605.10817). Reports may not leave most hospitals, so the default here is a set of rules (`clef.reports.rules`);
summaries written by a language model elsewhere are used as they stand when they are in `reports.parquet` under a
summariser's name of their own. A summariser that is computed here is one new file and one line of the table.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from clef.reports import rules
from tokenizer.base.files import fingerprint

log = logging.getLogger(__name__)


class Summariser(NamedTuple):
    """A way to condense a report: `version` changes whenever its output may, `function` maps text to summary."""

    version: str
    function: Callable[[str], str]


SUMMARISERS = {"rules": Summariser(rules.VERSION, rules.condense)}
"""By the name that `align.summariser=` takes."""


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

    A name that is not in SUMMARISERS stands for summaries made elsewhere and is its own fingerprint.
    """
    known = SUMMARISERS.get(summariser)
    return fingerprint(summariser, known.version) if known else summariser


def report_summaries(reports: pl.DataFrame, summariser: str = "rules") -> dict[str, str]:
    """Summaries by session_id for a table as `clef.cohort.read_reports` returns it; sessions without one are left out.

    A stored summary is used where its `summariser` is the one asked for; the others are computed. Summaries made
    elsewhere (by a language model, say) are asked for by the name they are stored under, and never computed.
    Raises ValueError if such a name has no summary in the table.
    """
    fits = pl.col("summary").is_not_null() & (pl.col("summariser") == summariser_fingerprint(summariser))
    summaries = dict(reports.filter(fits).select("session_id", "summary").iter_rows())
    if summariser in SUMMARISERS:
        fresh = reports.filter(~fits.fill_null(False), pl.col("text").is_not_null())
        summaries |= {session: summarise(text, summariser) for session, text in fresh["session_id", "text"].iter_rows()}
    elif not summaries:
        known = ", ".join(SUMMARISERS)
        raise ValueError(f"summariser={summariser}: no report has a summary of this name; to compute them: {known}")
    kept = {session: summaries[session] for session in reports["session_id"] if summaries.get(session, "").strip()}
    log.info("%d reports: %d summaries, %d without any", len(reports), len(kept), len(reports) - len(kept))
    return kept
