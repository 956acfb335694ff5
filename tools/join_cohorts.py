"""Several cohorts made one, so that a model can be trained on all of them; recordings are read where they are.

    python -m tools.join_cohorts cohorts=[A,B,…] out=COHORT

Sessions keep their names, people their splits, records and reports; the sites of a synthetic cohort are called
`synthetic A` and so on. The same cohorts give the same bytes. Takes seconds.
"""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from clef.cohort import Cohort, write_cohort
from tokenizer.base.cli import ConfigError, program
from tools.bundling.sites import placed

log = logging.getLogger(__name__)


@dataclasses.dataclass
class JoinConfig:
    """Settings of `python -m tools.join_cohorts`."""

    cohorts: list[str] = dataclasses.field(default_factory=list)
    """Cohort folders, at least two, in the order in which their sessions shall stand."""
    out: str = "???"
    """Folder of the new cohort; one that is there is written anew."""


def main(config: JoinConfig) -> None:
    """Read, compare, write."""
    out = Path(config.out).resolve()
    if len(config.cohorts) < 2 or out in {Path(cohort).resolve() for cohort in config.cohorts}:
        raise ConfigError("give cohorts=[A,B,…], two or more, and out= a folder that is none of them")
    cohorts = [Cohort(cohort) for cohort in config.cohorts]
    sessions = [placed(cohort) for cohort in cohorts]
    check_distinct(config.cohorts, sessions, "session_id")
    check_distinct(config.cohorts, sessions, "subject_id")
    reports = pl.concat([cohort.reports for cohort in cohorts])
    descriptions = {code: words for cohort in cohorts for code, words in cohort.descriptions.items()}
    events, table = pl.concat([cohort.events for cohort in cohorts]), pl.concat(sessions)
    # a name that says "synthetic" would have every page call real people so
    write_cohort(out, f"{len(cohorts)} cohorts joined", table, events, reports if len(reports) else None, descriptions)
    people, some = table["subject_id"].n_unique(), "python -m clef.pretrain stage=tokenizer"
    log.info("wrote %s: %d sessions of %d people from %d cohorts", out.name, len(table), people, len(cohorts))
    log.info("next: %s cohort=%s out=RUN", some, config.out)


def check_distinct(names: Sequence[str], tables: Sequence[pl.DataFrame], column: str) -> None:
    """Raise ValueError if two cohorts have a session or a person in common."""
    owner: dict[object, str] = {}
    for name, table in zip(names, tables, strict=True):
        values = set(table[column].to_list())
        if twice := next((value for value in values if value in owner), None):
            raise ValueError(
                f"{name}: {column} {twice} is also in {owner[twice]}; import one of them under another site"
            )
        owner |= dict.fromkeys(values, name)


if __name__ == "__main__":
    program(JoinConfig, main, "tools.join_cohorts")
