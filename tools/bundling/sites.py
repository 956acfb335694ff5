"""Sites of a cohort inside another one: read where they are, and drawn people never taken for real ones."""

import polars as pl

from clef.cohort import Cohort

SYNTHETIC = "synthetic"
"""First word of the sites of people whom a program drew."""


def placed(cohort: Cohort) -> pl.DataFrame:
    """The session table with whole paths, and with the sites of people who are drawn called so."""
    home = cohort.path.resolve()
    paths = [str(home / path) for path in cohort.sessions["path"]]
    table = cohort.sessions.with_columns(path=pl.Series(paths, dtype=pl.String))
    named = pl.concat_str(pl.lit(f"{SYNTHETIC} "), pl.col("site").fill_null(""))
    return table.with_columns(site=named) if cohort.is_synthetic else table
