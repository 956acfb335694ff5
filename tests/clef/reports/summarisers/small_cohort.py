"""A cohort folder with nothing but reports, to summarise."""

from pathlib import Path

import polars as pl

from clef.cohort import write_cohort
from tokenizer.sessions import SCHEMA


def write_small_cohort(folder: Path, texts: list[str]) -> Path:
    """Sessions s0, s1, … with these reports and no summaries."""
    names = [f"s{i}" for i in range(len(texts))]
    rows = [{"session_id": s, "subject_id": i, "path": f"{s}.edf", "split": "train"} for i, s in enumerate(names)]
    reports = pl.DataFrame({"session_id": names, "text": texts}).with_columns(
        summary=pl.lit(None, pl.String), summariser=pl.lit(None, pl.String)
    )
    events = pl.DataFrame({"subject_id": [0], "code": ["FINDING//spikes"]})
    write_cohort(folder, "small", pl.DataFrame(rows, schema=SCHEMA), events, reports)
    return folder
