"""Quality tables for tests of the page."""

import numpy as np
import polars as pl

from clef.pages.quality_table import SCHEMA
from tokenizer.channels import CHANNELS


def random_table(sessions: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A quality table of so many sessions, and their sites."""
    random = np.random.default_rng(0)
    ids = [f"s{i:05d}" for i in range(sessions)]
    each = pl.DataFrame({"session_id": ids, "session_seconds": 1200.0, "session_flags": [[]] * sessions})
    each = each.with_columns(session_usable_seconds=1100.0, session_common_share=pl.Series(random.random(sessions)))
    each = each.with_columns(session_common_seconds=0.1)
    table = each.join(pl.DataFrame({"channel": CHANNELS, "recorded": True}), how="cross")
    shares = pl.Series(random.random(len(table)))
    table = table.with_columns(usable_share=shares, mains_share=shares, flags=pl.lit(["pops"]))
    table = table.with_columns(pl.lit(None, t).alias(c) for c, t in SCHEMA.items() if c not in table.columns)
    sites = pl.DataFrame({"session_id": ids, "site": [f"site {int(x)}" for x in random.exponential(4, sessions)]})
    return table.select(pl.col(c).cast(t) for c, t in SCHEMA.items()), sites
