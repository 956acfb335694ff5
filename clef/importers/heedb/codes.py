"""The findings, diagnoses and drugs of HEEDB as events.

A cell of the 39 finding columns says how the finding came about: `report`, `annotation`, `verified`, or several of
them. An empty cell is not "absent": the report may have denied it, or not mentioned it. A finding that a table denies
(`0`, `no`, `absent`) becomes `FINDING//seizure//absent`: the benchmark then knows that somebody looked.

Diagnoses and drugs have no date in the public tables and hold for the whole record; a table with a column of codes and
one of dates is read as well. Public medication tables name ATC level 4 (`N03AX`), not substances.
"""

import logging

import polars as pl

from clef.codes import normalise_code
from clef.importers.heedb.tables import COLUMNS, KEY, TextTable, number, plain, session_key
from clef.reports.finding_words import TITLES

log = logging.getLogger(__name__)

FINDING_COLUMNS = {
    "abnormal": ("abnormal",),
    "normal": ("normal",),
    "awake": ("awake",),
    "n1": ("n1",),
    "n2": ("n2",),
    "spindles": ("spindles",),
    "vertex_waves": ("vertex wave", "vertex waves"),
    "k_complexes": ("k_complexes",),
    "posts": ("posts",),
    "wicket": ("wicket",),
    "bets": ("bets",),
    "breach": ("breach",),
    "pdr": ("pdr",),
    "spikes": ("spikes",),
    "seizure": ("seizure",),
    "status": ("status",),
    "lpd": ("lpd",),
    "gpd": ("gpd",),
    "bipd": ("bipd",),
    "lrda": ("lrda",),
    "grda": ("grda",),
    "burst_suppression": ("bs", "burst suppression"),
    "focal_slowing": ("foc slowing", "focal slowing"),
    "generalised_slowing": ("gen slowing", "generalized slowing"),
    "diffuse_beta": ("diffuse Beta",),
    "low_voltage": ("low voltage",),
    "ppr": ("ppr",),
    "eses": ("eses",),
    "cjd": ("cjd",),
    "bects": ("bects",),
    "jae": ("jae",),
    "jme": ("jme",),
    "dravet": ("dravet",),
    "jeavons": ("jeavons",),
    "sunflower": ("sunflower",),
    "angelman": ("angelman",),
    "fold": ("fold",),
    "wham": ("wham",),
    "uninterpretable": ("uninterpretable",),
}
"""The finding in `FINDING//…` -> what its column may be called."""
FINDINGS = {name: (TITLES[name], *columns) for name, columns in FINDING_COLUMNS.items()}
"""The finding in `FINDING//…` -> its words, and what its column may be called."""

ABSENT = "//absent"
PRESENT = r"^(?:(?:reports?|annotations?|verified)[ ,;+/]*)+$|^(?:1|1\.0|yes|y|true|present|positive)$"
DENIED = r"^(?:0|0\.0|no|n|false|absent|negative)$"
DESCRIPTIONS = {f"FINDING//{name}": words[0] for name, words in FINDINGS.items()}


def finding_rows(tables: list[TextTable]) -> pl.DataFrame:
    """A row per session that has any finding: site, patient, session, codes (list); says what was not understood."""
    schema = dict.fromkeys((*KEY, "name", "cell"), pl.String)
    rows = pl.concat([pl.DataFrame(schema=schema), *map(_cells, tables)])
    cell = pl.col("cell").str.to_lowercase()
    ending = pl.when(cell.str.contains(PRESENT)).then(pl.lit("")).when(cell.str.contains(DENIED)).then(pl.lit(ABSENT))
    rows = rows.with_columns(ending.alias("ending"))
    if odd := rows["ending"].null_count():
        columns = ", ".join(rows.filter(pl.col("ending").is_null())["name"].unique().sort())
        log.info("findings: %d cells not understood, left empty (columns %s)", odd, columns)
    understood = rows.drop_nulls("ending").group_by(*KEY, "name", maintain_order=True).agg(pl.col("ending").min())
    code = pl.concat_str(pl.lit("FINDING//"), "name", "ending").alias("codes")
    return understood.group_by(KEY, maintain_order=True).agg(code)


def _cells(table: TextTable) -> pl.DataFrame:
    """A row per filled cell of a finding column: site, patient, session, name, cell."""
    called = {plain(column): name for name, (_, *columns) in FINDINGS.items() for column in columns}
    names = [column for column in table.frame.columns if column in called]
    if not names:
        raise ValueError(f"{table.name}: no column of findings (seizure, foc slowing, …)")
    rows = table.frame.select(*session_key(table), *names)
    cells = rows.unpivot(names, index=KEY, variable_name="name", value_name="cell").drop_nulls()
    return cells.with_columns(pl.col("name").replace_strict(called, return_dtype=pl.String))


def code_rows(tables: list[TextTable], system: str) -> pl.DataFrame:
    """Events of people: patient, time?, code (`ICD10CM//G40.909`, `ATC//N03AX`), each once; says what was no code.

    A table has a column of codes, with or without dates, or a column per class that holds the codes of a person.
    """
    schema = {"patient": pl.String, "time": pl.Datetime("us"), "code": pl.String}
    rows = pl.concat([pl.DataFrame(schema=schema), *map(_written_codes, tables)])
    normal = _normalised(rows["code"].unique().to_list(), system)
    rows = rows.with_columns(pl.col("code").replace_strict(normal, return_dtype=pl.String))
    if odd := rows["code"].null_count():
        log.info("%s: %d entries are no such code, left out", system, odd)
    return rows.drop_nulls(["patient", "code"]).unique(maintain_order=True)


def _written_codes(table: TextTable) -> pl.DataFrame:
    """Patient, time and code as written: a row per word in the cells that hold codes."""
    table.require("patient")
    understood = {plain(name) for names in COLUMNS.values() for name in names}
    classes = [column for column in table.frame.columns if column not in understood]
    index = [number(table.get("patient")), _time(table)]
    cells = [table.get("code")] if table.has("code") else [pl.col(name) for name in classes]
    cells = [cell.alias(f"class {i}") for i, cell in enumerate(cells)]
    rows = table.frame.select(*index, *cells).unpivot(index=["patient", "time"], value_name="code").drop("variable")
    words = pl.col("code").str.to_uppercase().str.extract_all(r"[^\s,;|]+")
    return rows.drop_nulls("code").with_columns(words).explode("code").drop_nulls("code")


def _time(table: TextTable) -> pl.Expr:
    text = table.get("time").str.replace("T", " ")
    exact = text.str.slice(0, 26).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    day = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    return pl.coalesce(exact, day).alias("time")


def _normalised(codes: list[str], system: str) -> dict[str, str | None]:
    """Each code as written -> as an event; a flag (`1`, `Y`) or a word is None."""
    return {code: normalise_code(f"{system}//{code}") if len(code) > 2 else None for code in codes}
