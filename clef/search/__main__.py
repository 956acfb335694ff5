"""Find sessions in words: the recordings of an archive that are nearest to a query, to a session, and their reports.

    python -m clef.search model=RUN tokens=STORE "generalised periodic discharges"
    python -m clef.search model=RUN tokens=STORE index=FILE                      makes an index; a query then takes ms
    python -m clef.search model=RUN tokens=STORE index=FILE session=ID           sessions like this one
    python -m clef.search model=RUN tokens=STORE cohort=COHORT reports=true …    nearest reports, too

Prints ranked sessions and writes a page with a spectrogram of each. A denial ("no spikes") is turned round, and the
output says so. docs/search.md says how to ask and what the scores are worth.

A query over an index of 260,000 sessions takes 0.1 s, after 10 s of reading the index (0.5 GB). To make one costs as
much as clef.embed; with embeddings= it is seconds.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.cohort import Cohort
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.model import Model, load
from clef.pages.search import Hit, ReportHit, Search, pictures, search_page
from clef.pages.view import person_facts
from clef.reports.summarisers import report_summaries
from clef.search.index import (
    Hits,
    Index,
    make_index,
    make_report_index,
    read_index,
    stamped,
    store_name,
    summaries_fingerprint,
)
from clef.search.queries import query_vector, read_query
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_text
from tokenizer.store import TokenStore

log = logging.getLogger(__name__)


@dataclasses.dataclass
class SearchConfig:
    """Settings of clef.search."""

    model: str | None = None
    """Run folder of a stage=align run with reports, or its model/; by default clef-open, if it was made."""
    query: str | None = None
    """What to look for, in words; words without `name=` are it, too."""
    session: str | None = None
    """A session, to find those like it; instead of query=."""
    tokens: str | None = None
    """Token store made with the model's tokenizer: what is searched, and what the spectrograms are drawn from."""
    embeddings: str | None = None
    """Embedding file of this model (clef.embed): saves embedding the tokens once more."""
    index: str | None = None
    """File with the vectors of all sessions: read if it is there, else made from tokens= or embeddings=."""
    cohort: str | None = None
    """Cohort of the sessions: age, sex and site beside each hit, and its reports for reports=true."""
    reports: bool = False
    """Also find the nearest reports of cohort=. The page then holds their text."""
    summariser: str = "rules"
    """What condenses the reports that are searched; the model's own (align.summariser)."""
    plainly: bool = False
    """Take a query as it stands: "no spikes" is then not turned round."""
    top: int = 10
    """How many sessions, and reports."""
    out: str | None = "search.html"
    """The page to write; none for no page."""
    batch: int = 16
    """Sessions that are embedded at once."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def main(config: SearchConfig) -> None:
    """Read or make the index, ask it, print and write."""
    check(config)
    query = read_query(config.query, config.plainly) if config.query else None
    model = load(config.model).to(ranks.set_up(config.device))
    model.text(["spikes"])  # a model that reads no words is refused before hours of embedding
    store = TokenStore(config.tokens) if config.tokens else None
    cohort = Cohort(config.cohort) if config.cohort else None
    index = open_index(config, model, store)
    if query is None and config.session is None:
        named = f" model={config.model}" if config.model else ""
        log.info("next: python -m clef.search%s index=%s 'focal slowing'", named, config.index)
        return
    began = time.perf_counter()
    own = index.row_of(config.session) if config.session else None
    vector = index.vector(own) if own is not None else query_vector(model, query)
    hits = index.nearest(vector, config.top, own)
    log.info("searched %d sessions in %.0f ms", len(index), 1000 * (time.perf_counter() - began))
    reports = nearest_reports(config, model, cohort, vector) if config.reports else None
    search = Search(
        *(config.query or f"Sessions like {config.session}", query.in_words() if query else "", pool(index, hits)),
        *(session_hits(config, index, hits, cohort), reports, model.fingerprint),
        synthetic=bool(cohort and cohort.is_synthetic),
    )
    say(search)
    if config.out:
        if store is not None:
            drawn = pictures(model.vqgan, store, [hit.session for hit in search.hits])
            search.hits = [dataclasses.replace(hit, picture=drawn.get(hit.session, "")) for hit in search.hits]
        text = search_page(search)
        write_text(config.out, text)
        log.info("wrote %s: %.1f MB; next: open it in a browser", config.out, len(text) / 1e6)


def check(config: SearchConfig) -> None:
    """Raise ConfigError for settings that do not go together."""
    if config.query is not None and config.session is not None:
        raise ConfigError("give query= or session=, not both")
    if config.query is None and config.session is None and config.index is None:
        raise ConfigError("say what to look for: words, or session=ID; or index=FILE alone, to make an index")
    made = config.index is not None and Path(config.index).is_file()
    if not made and config.tokens is None and config.embeddings is None:
        raise ConfigError("give tokens=STORE or embeddings=FILE: the sessions that are searched")
    if config.reports and config.cohort is None:
        raise ConfigError("reports=true needs cohort=COHORT, which has the reports")
    if config.top < 1:
        raise ConfigError(f"top={config.top}: expected a whole number from 1")
    if config.index and Path(config.index).suffix.lower() != ".parquet":
        raise ConfigError(f"index={config.index}: expected the name of a .parquet file, as index.parquet")
    for path in filter(None, (config.index, config.out)):
        check_out(path, "file")


# ---- indices
def open_index(config: SearchConfig, model: Model, store: TokenStore | None) -> Index:
    """The index of sessions: read, or made and, where index= names a file, written."""
    about = {"tokens": store_name(store)} if store is not None and config.embeddings is None else {}
    source = partial(read_embeddings, config.embeddings) if config.embeddings else partial(model.tokenise, store)
    return _kept(config.index, model, lambda: make_index(model, source(), config.batch), about)


def _kept(path: str | None, model: Model, make: Callable[[], Embeddings], about: dict[str, str]) -> Index:
    """The index in `path` if it is there, else what `make()` gives, written there."""
    if path and Path(path).is_file():
        return read_index(path, model, **about)
    made = stamped(make(), **about)
    if path:
        write_embeddings(path, made)
        log.info("wrote %s: %d vectors of %d numbers", path, *made.vectors.shape)
    return Index(made)


def nearest_reports(config: SearchConfig, model: Model, cohort: Cohort, vector: np.ndarray) -> list[ReportHit]:
    """The reports nearest to a vector (P,), with what they say; their vectors are kept beside index=."""
    summaries = report_summaries(cohort.reports, config.summariser)
    path = str(Path(config.index).with_suffix(".reports.parquet")) if config.index else None
    about = {"summaries": summaries_fingerprint(summaries)}
    index = _kept(path, model, lambda: make_report_index(model, summaries), about)
    hits = index.nearest(vector, config.top)
    texts = dict(cohort.reports.select("session_id", "text").iter_rows())
    rows = zip((index.session_id[row] for row in hits.rows), hits.cosines.tolist(), strict=True)
    return [ReportHit(name, cosine, "its own" * (name == config.session), texts[name] or "") for name, cosine in rows]


# ---- what is said
def session_hits(config: SearchConfig, index: Index, hits: Hits, cohort: Cohort | None) -> list[Hit]:
    """The sessions that were found, with what the cohort knows of them."""
    names = [index.session_id[row] for row in hits.rows]
    rows = {row["session_id"]: row for row in _rows(cohort, [*names, config.session])} if cohort else {}
    own = rows.get(config.session, {}).get("subject_id")
    made = []
    for name, cosine in zip(names, hits.cosines.tolist(), strict=True):
        row = rows.get(name)
        same = own is not None and row is not None and row["subject_id"] == own
        made.append(Hit(name, cosine, "the same person" * same, person_facts(row) if row else []))
    return made


def _rows(cohort: Cohort, sessions: list[str | None]) -> Iterator[dict[str, Any]]:
    return cohort.sessions.filter(pl.col("session_id").is_in(sessions)).iter_rows(named=True)


def pool(index: Index, hits: Hits) -> str:
    """How many sessions were searched, and how their cosines lie."""
    return (
        f"Of {len(index):,} sessions: half have a cosine below {hits.usual[0]:.3f}, 1 % one above {hits.usual[1]:.3f}."
    )


def say(search: Search) -> None:
    """Print the ranked sessions, and the reports by their sessions; no report's text."""
    print(search.asked)
    for line in filter(None, (search.reading, search.pool)):
        print(line)
    print(f"{'rank':>4}  {'cosine':>6}  session")
    for rank, hit in enumerate(search.hits, 1):
        print(f"{rank:>4}  {hit.cosine:>6.3f}  {hit.session}{f'  ({hit.remark})' if hit.remark else ''}")
    if search.reports is not None:
        print("nearest reports, by their sessions (their text is on the page alone)")
        for rank, report in enumerate(search.reports, 1):
            print(
                f"{rank:>4}  {report.cosine:>6.3f}  {report.session}{f'  ({report.remark})' if report.remark else ''}"
            )


if __name__ == "__main__":
    program(SearchConfig, main, "clef.search", bare="query")
