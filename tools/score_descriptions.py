"""Statements of clef.describe against what was planted: precision and recall per kind, on a synthetic cohort.

    python -m tools.score_descriptions cohort=COHORT split=test sessions=200 out=DIR

The cohort must have truth/latents.parquet and a course (clef.importers.synthetic course=true). One session per person.
Where the planted amount lies between two limits a statement counts neither way; how many is a column. Reactivity is
asked with the planted eye openings as annotations. It writes DIR/scores.csv and DIR/statements.parquet.
"""

import functools
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokenizer.base.cli import program
from tokenizer.base.files import check_out, write_table, write_text
from tokenizer.base.progress import track
from tokenizer.base.workers import work_ahead
from tokenizer.sessions import read_sessions
from tools.descriptions.judging import judged

log = logging.getLogger(__name__)


@dataclass
class ScoreDescriptions:
    """Settings of tools.score_descriptions."""

    cohort: str = "???"
    """Synthetic cohort with truth/latents.parquet."""
    out: str = "???"
    """Folder of scores.csv and statements.parquet."""
    split: str = "test"
    """Whose sessions: thresholds were chosen on train."""
    sessions: int = 200
    """How many, one per person, the first ones."""
    skip: int = 0
    """How many people are passed over before: those on whom rules were tested earlier."""
    workers: int = 1
    """Processes that read and describe."""


def main(config: ScoreDescriptions) -> None:
    """Describe, compare, print and write the table."""
    check_out(config.out, "folder")
    truth = pl.read_parquet(Path(config.cohort) / "truth" / "latents.parquet")
    sessions = read_sessions(config.cohort).filter(pl.col("split") == config.split)
    sessions = sessions.unique("subject_id", keep="first", maintain_order=True).slice(config.skip, config.sessions)
    rows = sessions.select("session_id", "path", "reading").join(truth, on="session_id", maintain_order="left")
    jobs = list(rows.iter_rows(named=True))
    counts: dict[str, Counter] = {}
    states = []
    work = work_ahead(functools.partial(judged, config.cohort), jobs, config.workers, 2)
    for verdicts, statements in track(work, "score", len(jobs)):
        states += statements
        for kind, verdict in verdicts:
            counts.setdefault(kind, Counter())[verdict] += 1
    table = pl.DataFrame([{"kind": kind} | scores(count) for kind, count in counts.items()])
    write_text(Path(config.out) / "scores.csv", table.write_csv())
    write_table(Path(config.out) / "statements.parquet", pl.DataFrame(states, infer_schema_length=None))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, fmt_str_lengths=60):
        print(table)
    log.info("wrote %s: %d sessions of split %s", Path(config.out) / "scores.csv", len(jobs), config.split)


def scores(count: Counter) -> dict[str, Any]:
    """Precision and recall of hits, false statements and misses, with their counts."""
    stated, planted = count["hit"] + count["false"], count["hit"] + count["miss"]
    return {
        "precision": count["hit"] / stated if stated else None,
        "recall": count["hit"] / planted if planted else None,
        **{name: count[name] for name in ("hit", "false", "miss", "absent", "between", "not measured")},
    }


if __name__ == "__main__":
    program(ScoreDescriptions, main, "tools.score_descriptions")
