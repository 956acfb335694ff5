"""Splits by session: of each subject the last session is for test, the one before it for validation, the rest to learn.

Of five sessions that is 3 / 1 / 1. Sessions are those of the folders, also where a run of them cannot be used: a bad
file moves no session into another split.
"""

from collections.abc import Iterable

import polars as pl

from clef.trials.layout import natural

FEWEST = 3
SPLITS = ("train", "val", "test")


def split_sessions(sessions: Iterable[str]) -> dict[str, str]:
    """Session -> train, val or test, of one subject. Raises ValueError for less than three sessions."""
    ordered = sorted(set(sessions), key=natural)
    if len(ordered) < FEWEST:
        raise ValueError(f"{len(ordered)} sessions, at least {FEWEST} are needed for train, val and test")
    return dict.fromkeys(ordered, "train") | {ordered[-2]: "val", ordered[-1]: "test"}


def check_splits(table: pl.DataFrame) -> None:
    """Raise ValueError if a session is in two splits, or the same recording is under the names of two sessions.

    table: columns subject, session, split, file and digest.
    """
    by_session = table.group_by("subject", "session").agg(pl.col("split").n_unique())
    if (by_session["split"] > 1).any():
        raise ValueError("a session is in more than one split; split by session")
    runs = table.unique("file", keep="first", maintain_order=True)
    if len(twice := runs.filter(pl.col("digest").is_duplicated())):
        first = twice.filter(pl.col("digest") == twice["digest"][0])
        raise ValueError(f"{first['file'][0]} and {first['file'][1]} hold the same recording; delete one of them")
