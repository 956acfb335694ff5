"""Colourings of a map: what is known of each session, by which its point can be coloured.

Of the session table site, setting, age, sex, year and split; of the events each labelled column (`LABEL//…`), finding,
group of diagnoses (three characters of ICD-10) and of drugs (four of ATC); columns of another table on request, as
the sampling rate that tells amplifiers apart.

A finding or label belongs to the session it was recorded at (clef.placing), a diagnosis or drug to the person. Where a
person has no event of the kind at all, nothing is known. What fewer than `LEAST_PEOPLE` people have is not shown: it
would single them out, and no colour shows anything of so few.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clef.cohort import Cohort
from clef.pages.view import OLDEST
from clef.placing import place_events
from tokenizer.base.tables import read_table

LEAST_PEOPLE = 5
MOST_VALUES, MOST_CONCEPTS = 8, 40
"""Categories with a colour of their own; concepts of a kind in the menu, the commonest."""
OTHER = "others"
GROUPS = {"ICD10CM//": ("diagnoses", 3), "ATC//": ("drugs", 4)}
ACQUISITION = ("site", "setting", "year")
"""What says more of the archive than of the brain."""


@dataclasses.dataclass
class Colouring:
    """One entry of the menu.

    name, group: in the menu · kind: category; concept (yes, no); number · labels: of the categories
    codes (n,) int: which category, −1 unknown · numbers (n,) float, NaN unknown
    nuisance: whether it says how a recording was made rather than of whom
    """

    name: str
    group: str
    kind: Literal["category", "concept", "number"]
    labels: list[str] = dataclasses.field(default_factory=list)
    codes: NDArray[np.int64] | None = None
    numbers: NDArray[np.float64] | None = None
    unit: str = ""
    nuisance: bool = False

    @property
    def known(self) -> NDArray[np.bool_]:
        """Sessions (n,) of which it is known."""
        return np.isfinite(self.numbers) if self.kind == "number" else self.codes >= 0


def colourings(
    cohort: Cohort, sessions: pl.DataFrame, table: str | None = None, columns: tuple[str, ...] = ()
) -> list[Colouring]:
    """Every colouring with at least two values, of the rows of `sessions` in their order."""
    known = sessions.with_columns(year=pl.col("start_time").dt.year().cast(pl.String))
    subjects = sessions["subject_id"]
    made = [categories(name, "session", known[name], subjects, name in ACQUISITION) for name in (
        "site", "setting", "sex", "split", "year")]  # fmt: skip
    made.append(numbers("age", "session", known["age"].round().clip(upper_bound=OLDEST + 1), "years"))
    if table:
        made += from_table(sessions, table, columns)
    made += [*labels(cohort, sessions), *concepts(cohort, sessions)]
    return [c for c in made if c is not None]


def categories(
    name: str, group: str, values: pl.Series, subjects: pl.Series, nuisance: bool = False
) -> Colouring | None:
    """A colouring by words; the rarest, and those of too few people, are one; None if nothing is to be told apart."""
    frame = pl.DataFrame({"value": values.cast(pl.String), "subject": subjects})
    counts = frame.drop_nulls("value").group_by("value").agg(pl.len(), people=pl.col("subject").n_unique())
    counts = counts.sort("len", "value", descending=[True, False])
    shown = counts.filter(pl.col("people") >= LEAST_PEOPLE)["value"].head(MOST_VALUES).to_list()
    rest = set(counts["value"]) - set(shown)
    names = shown + [OTHER] * bool(rest)
    if len(names) < 2:
        return None
    place = {value: i for i, value in enumerate(shown)} | dict.fromkeys(rest, len(shown))
    codes = np.array([-1 if v is None else place[v] for v in frame["value"]], np.int64)
    return Colouring(name, group, "category", names, codes, nuisance=nuisance)


def numbers(name: str, group: str, values: pl.Series, unit: str = "", nuisance: bool = False) -> Colouring | None:
    """A colouring by a number; None if fewer than two values are known."""
    known = values.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    known[~np.isfinite(known)] = np.nan
    if len(np.unique(known[np.isfinite(known)])) < 2:
        return None
    return Colouring(name, group, "number", numbers=known, unit=unit, nuisance=nuisance)


def from_table(sessions: pl.DataFrame, path: str, columns: tuple[str, ...]) -> list[Colouring | None]:
    """Columns of a Parquet or CSV table with one row per `session_id`. Raises ValueError with one line if it is not."""
    table = pl.read_csv(path, infer_schema_length=None) if Path(path).suffix == ".csv" else read_table(path)
    if missing := [c for c in ("session_id", *columns) if c not in table.columns]:
        raise ValueError(f"table={path}: column {missing[0]!r} is missing; it has {', '.join(table.columns)}")
    table = table.select("session_id", *columns).unique(maintain_order=True)
    if table["session_id"].is_duplicated().any():
        raise ValueError(
            f"table={path}: a session has rows that differ in {', '.join(columns)}; one row each is needed"
        )
    rows = sessions.select("session_id", "subject_id").join(
        table.with_columns(pl.col("session_id").cast(pl.String)), on="session_id", how="left", maintain_order="left"
    )
    return [_column(name, rows[name], rows["subject_id"]) for name in columns]


def _column(name: str, values: pl.Series, subjects: pl.Series) -> Colouring | None:
    """Few different numbers, as rates, are categories."""
    if values.dtype.is_numeric() and values.drop_nulls().n_unique() > MOST_VALUES:
        return numbers(name, "table", values, nuisance=True)
    words = values.map_elements(lambda v: f"{v:g}", pl.String) if values.dtype.is_float() else values
    return categories(name, "table", words, subjects, nuisance=True)


# ---- events
def labels(cohort: Cohort, sessions: pl.DataFrame) -> Iterator[Colouring | None]:
    """One colouring per labelled column: the events `LABEL//SITE//COLUMN//VALUE`."""
    events = _at_sessions(cohort, sessions, "LABEL//")
    pieces = pl.col("code").str.splitn("//", 4)  # the value may hold slashes of its own
    split = events.with_columns(
        column=pl.concat_str(pieces.struct.field("field_1"), pieces.struct.field("field_2"), separator=" · "),
        value=pieces.struct.field("field_3"),
    ).drop_nulls("value")
    for (column,), part in sorted(split.partition_by("column", as_dict=True).items()):
        one = part.sort("code").unique("session_id", keep="first", maintain_order=True)
        values = sessions.join(one, on="session_id", how="left", maintain_order="left")["value"]
        yield categories(column, "labels", values, sessions["subject_id"])


def concepts(cohort: Cohort, sessions: pl.DataFrame) -> Iterator[Colouring]:
    """Yes or no, the commonest: findings of the session, groups of diagnoses and of drugs of the person."""
    seen = _at_sessions(cohort, sessions, "FINDING//")
    names = {code: code.removeprefix("FINDING//") for code in seen["code"].unique()}
    yield from _yes_no(seen, sessions, "findings", names)
    for prefix, (group, length) in GROUPS.items():
        events = cohort.events.filter(pl.col("code").str.starts_with(prefix))
        events = events.with_columns(code=pl.col("code").str.slice(0, len(prefix) + length))
        people = sessions.select("session_id", "subject_id").join(
            events.select("subject_id", "code").unique(), on="subject_id"
        )
        names = {c: _in_words(c.removeprefix(prefix), c, cohort.descriptions) for c in people["code"].unique()}
        yield from _yes_no(people.select("session_id", "code"), sessions, group, names)


def _in_words(short: str, code: str, descriptions: dict[str, str]) -> str:
    return f"{short} {descriptions[code]}" if code in descriptions else short


def _at_sessions(cohort: Cohort, sessions: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """session_id, code: events of a kind at the sessions they were recorded at."""
    placed, _ = place_events(cohort.sessions, cohort.events.filter(pl.col("code").str.starts_with(prefix)))
    return placed.join(sessions, on="session_id", how="semi")


def _yes_no(pairs: pl.DataFrame, sessions: pl.DataFrame, group: str, names: dict[str, str]) -> Iterator[Colouring]:
    """A colouring per code of `pairs` (session_id, code); sessions without any pair are unknown."""
    ids, subjects = sessions["session_id"], sessions["subject_id"].to_numpy()
    known = ids.is_in(pairs["session_id"].unique().implode()).to_numpy()
    common = pairs["code"].value_counts(sort=True).sort("count", "code", descending=[True, False])["code"]
    for code in common.head(MOST_CONCEPTS).sort():
        has = ids.is_in(pairs.filter(pl.col("code") == code)["session_id"].implode()).to_numpy()
        people = [len(np.unique(subjects[part])) for part in (has, known & ~has)]
        if min(people) >= LEAST_PEOPLE:
            codes = np.where(known, np.where(has, 0, 1), -1)
            yield Colouring(names[code], group, "concept", ["yes", "no"], codes)
