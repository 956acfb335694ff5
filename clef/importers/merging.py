"""Sites of one cohort: their tables joined and written, and what is said of them at the end."""

import logging
from pathlib import Path

import polars as pl

from clef.cohort import Cohort, read_code_descriptions, read_events, read_reports, write_cohort
from tokenizer.sessions import SCHEMA, SPLITS, read_sessions

log = logging.getLogger(__name__)
SYNTHETIC = "synthetic"
"""First word of the sites of people whom a program drew, where they stand beside real ones."""


def merge(
    out: Path,
    site: str,
    sessions: pl.DataFrame,
    events: pl.DataFrame,
    reports: pl.DataFrame,
    descriptions: dict[str, str],
) -> pl.DataFrame:
    """Write the cohort in `out` with the rows of this site replaced; returns its whole session table."""
    if (out / "sessions.parquet").is_file():
        old = read_sessions(out)
        of_site = pl.col("site").eq_missing(site)
        others = old.filter(~of_site)
        # people of this site alone lose all their events; those of several only what its recordings and labels say
        only_of_site = old.filter(of_site).join(others, on="subject_id", how="anti")["subject_id"].unique().to_list()
        replaced = pl.col("subject_id").is_in(only_of_site) | pl.col("code").str.starts_with(f"LABEL//{site}//")
        replaced |= pl.col("session_id").is_in(old.filter(of_site)["session_id"].to_list()).fill_null(False)
        events = pl.concat([read_events(out).filter(~replaced), events]).unique(maintain_order=True)
        reports = pl.concat([read_reports(out).join(others, on="session_id", how="semi"), reports])
        descriptions = read_code_descriptions(out) | descriptions
        sessions = pl.concat([others, sessions])
    write_cohort(out, out.resolve().name, sessions, events, reports if len(reports) else None, descriptions)
    return sessions


def other_sites(out: Path, site: str | None) -> pl.DataFrame:
    """Session table of the other sites of a cohort; of all of them if `site` is None."""
    if not (out / "sessions.parquet").is_file():
        return pl.DataFrame(schema=SCHEMA)
    sessions = read_sessions(out)
    return sessions if site is None else sessions.filter(pl.col("site").ne_missing(site))


def say_cohort(
    out: Path, site: str, sessions: pl.DataFrame, reports: pl.DataFrame, cohort: pl.DataFrame, lines: int
) -> None:
    """What was written and what to run next."""
    counts = dict(sessions["split"].value_counts().iter_rows())
    splits = ", ".join(f"{counts[s]} {s}" for s in SPLITS if s in counts)
    log.info(
        "wrote %s: %d sessions of %d subjects from site %s (%s), %d reports; %d of %d recordings left out",
        *(out, len(sessions), sessions["subject_id"].n_unique(), site, splits, len(reports)),
        *(lines - len(sessions), lines),
    )
    log.info("the cohort now holds %d sessions of %d sites", len(cohort), cohort["site"].n_unique())
    log.info("next: python -m clef.pretrain stage=tokenizer cohort=%s out=RUN", out)


def placed(cohort: Cohort) -> pl.DataFrame:
    """The session table with whole paths, and with the sites of people who are drawn called so."""
    home = cohort.path.resolve()
    paths = [str(home / path) for path in cohort.sessions["path"]]
    table = cohort.sessions.with_columns(path=pl.Series(paths, dtype=pl.String))
    named = pl.concat_str(pl.lit(f"{SYNTHETIC} "), pl.col("site").fill_null(""))
    return table.with_columns(site=named) if cohort.is_synthetic else table
