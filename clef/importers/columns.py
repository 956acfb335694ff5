"""The columns of a labels table: which column is what, and its cells as values.

A column is known by its name (`NAMES`, letter case and signs do not count) or by what the person says
(`columns=[file=Dateiname]`). Nothing is guessed: two columns for one thing, dates that could be read in two ways, codes
without a key, years of birth for ages stop the import with a line that names the setting to give. Cells are quoted in
messages only where they cannot be names of people.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from clef.importers import values
from clef.importers.tables import Table, plain

log = logging.getLogger(__name__)

NAMES = {
    "file": "file filename filepath path edf edffile edfpath eegfile recordingfile recordingpath "
    "datei dateiname dateipfad pfad",
    "subject": "subject subjectid subjid patient patientid patid participant participantid pid mrn "
    "patienten-id patientennummer patientnumber proband probandenid",
    "session": "session sessionid",
    "age": "age ageyears ageinyears ageateeg ageatrecording alter alterjahre alterinjahren",
    "sex": "sex gender geschlecht sexe",
    "start": "start starttime startdate startdatetime recordingstart recordingdate recordingtime eegdate "
    "datetime date datum zeitpunkt startzeit beginn eegdatum untersuchungsdatum",
    "setting": "setting",
    "split": "split partition datasplit",
    "report": "report reporttext reportfile eegreport eegreporttext befund befundtext eegbefund",
}
"""Our word for a column -> what it may be called, the word itself first."""
REQUIRED = ("file", "subject")
MOST_SHOWN = 20
"""Columns that a message lists."""


def known_names() -> set[str]:
    """Every name by which a column is known, plain."""
    return {plain(name) for names in NAMES.values() for name in names.split()}


@dataclass
class Labels:
    """A labels table with its columns known.

    columns: our word -> index of the column
    """

    table: Table
    columns: dict[str, int]

    def cells(self, word: str) -> list[str | None]:
        """The cells of one of our columns, None where nothing is known or there is no such column."""
        if word not in self.columns:
            return [None] * len(self.table.rows)
        return [values.known(row[self.columns[word]]) for row in self.table.rows]

    def column(self, name: str) -> list[str | None]:
        """The cells of a column by its name, as they are."""
        at = self.table.columns.index(name)
        return [row[at] or None for row in self.table.rows]

    def lines(self, where: Sequence[bool], most: int = 5) -> str:
        """The lines of the file on which something is so, for a message."""
        lines = [line for line, so in zip(self.table.lines, where, strict=True) if so]
        return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:most]))}{', …' * (len(lines) > most)}"

    def quote(self, cells: Sequence[str | None], where: Sequence[bool]) -> str:
        """The first of some cells in quotes, if two people have it (it is no name then), and its line."""
        at = list(where).index(True)
        subjects = self.cells("subject")
        people = {s for s, cell in zip(subjects, cells, strict=True) if cell == cells[at]}
        shown = repr(cells[at]) if len(people) > 1 and len(cells[at] or "") <= 20 else "a value"
        return f"{shown} on {self.lines(where)}"


def find_columns(table: Table, told: Sequence[str]) -> dict[str, int]:
    """Which column is what: our word -> its index. Raises ValueError (one line) where that cannot be told."""
    columns = _told(table, told)
    for word, names in NAMES.items():
        if word in columns:
            continue
        plains = [plain(name) for name in names.split()]
        fitting = [i for i, name in enumerate(table.columns) if plain(name) in plains and i not in columns.values()]
        exact = [i for i in fitting if plain(table.columns[i]) == plains[0]]
        columns |= _one(table, word, exact or fitting)
    used = {word: index for word, index in columns.items() if index >= 0}
    taken = {word: table.columns[i] for word, i in used.items() if table.columns[i] != word}
    if taken:
        table.notes.append("taken for " + ", ".join(f"{word}: {name!r}" for word, name in taken.items()))
    for word in REQUIRED:
        if word not in used:
            raise ValueError(f"{table.name}: no column {word!r}; {_advice(table, word)}")
    return used


def _told(table: Table, told: Sequence[str]) -> dict[str, int]:
    """What `columns=` says; -1 for a column that is not to be read."""
    columns = {}
    for text in told:
        word, equals, name = (part.strip() for part in text.partition("="))
        if word not in NAMES or not equals:
            raise ValueError(f"columns={text}: expected one of {', '.join(NAMES)}, =, and a column of the table")
        columns[word] = column_at(table, name, f"columns=[{text}]") if name else -1
    return columns


def _one(table: Table, word: str, fitting: list[int]) -> dict[str, int]:
    """The only column for a word, or nothing."""
    if len(fitting) > 1 and all(row[fitting[0]] == row[i] for row in table.rows for i in fitting):
        fitting = fitting[:1]
    if len(fitting) > 1:
        names = [table.columns[i] for i in fitting]
        if len(set(names)) < len(names):
            raise ValueError(f"{table.name}: column {names[0]!r} stands there twice with different cells; rename one")
        raise ValueError(
            f"{table.name}: {' and '.join(map(repr, names))} may both be the column {word!r}; say which, as "
            f"columns=[{word}={names[0]}]"
        )
    return {word: fitting[0]} if fitting else {}


def column_at(table: Table, name: str, source: str) -> int:
    """Where a column of that very name is. Raises ValueError (one line) if it is not there, or there twice."""
    at = [i for i, column in enumerate(table.columns) if column == name]
    if not at:
        raise ValueError(f"{table.name}: no column {name!r} for {source}; {_advice(table, name)}")
    if any(row[at[0]] != row[i] for row in table.rows for i in at):
        raise ValueError(f"{table.name}: column {name!r} stands there twice with different cells; rename one of them")
    return at[0]


def _advice(table: Table, word: str) -> str:
    shown = ", ".join(column[:30] for column in table.columns[:MOST_SHOWN])
    shown += ", …" if len(table.columns) > MOST_SHOWN else ""
    near = get_close_matches(word, table.columns, 1, 0.7)
    fix = f"; did you mean {near[0]!r}?" if near else ""
    fix += f"; say which it is, as columns=[{word}={near[0] if near else 'NAME'}]" if word in REQUIRED else ""
    return f"the table has {shown}{fix}"


# ---- cells as values
def read_ages(labels: Labels) -> list[float | None]:
    """Years of each row. Raises ValueError if the column holds years of birth, or nothing that is an age."""
    cells = labels.cells("age")
    ages = [values.parse_age(cell) for cell in cells]
    lost = _lost(cells, ages)
    born = sum(so and values.looks_like_birth_year(cell) for cell, so in zip(cells, lost, strict=True))
    if any(lost) and 2 * born > sum(cell is not None for cell in cells):
        raise ValueError(
            f"{labels.table.name}: the column for age ({_name(labels, 'age')}) holds years or dates of birth "
            f"({labels.lines(lost)}); expected the age in years when it was recorded, or columns=[age=] to do without"
        )
    _report(labels, "age", cells, lost, "years, as 45 or 45,5")
    return ages


def read_sexes(labels: Labels, codes: Sequence[str]) -> list[str | None]:
    """F, M or None of each row; `codes` say what codes mean, as 1=M. Raises ValueError for codes nobody explains."""
    cells, key = labels.cells("sex"), _key(codes)
    folded = [(cell or "").casefold() for cell in cells]
    sexes = [key[cell] if cell in key else values.parse_sex(cell) for cell in folded]
    told = {cell for cell in folded if cell not in key}
    # h is homme or hombre, and beside hombre m is mujer
    coded = sorted(cell for cell in told if cell.isdigit() or cell == "h" or (cell == "m" and "h" in told))
    if coded:
        example = ",".join(f"{code}={sex}" for code, sex in zip(coded, "FM", strict=False))
        raise ValueError(
            f"{labels.table.name}: sex ({_name(labels, 'sex')}) is {', '.join(map(repr, coded[:4]))}, and nothing says "
            f"what that means; say it, as sex=[{example}] or the other way round, or columns=[sex=] to do without"
        )
    lost = [
        so and cell not in key and not values.is_neither_sex(cell)
        for cell, so in zip(folded, _lost(cells, sexes), strict=True)
    ]
    _report(labels, "sex", cells, lost, "F, M, w, female, …, or sex=[CODE=F,CODE=M]")
    return sexes


def _key(codes: Sequence[str]) -> dict[str, str | None]:
    key = {}
    for text in codes:
        code, _, meaning = (part.strip() for part in text.partition("="))
        if not code or meaning not in ("F", "M", ""):
            raise ValueError(
                f"sex={text}: expected a code, = and F or M, as sex=[1=M,2=F]; nothing after = for neither"
            )
        key[code.casefold()] = meaning or None
    return key


def read_starts(labels: Labels, order: values.DateOrder | None) -> list[datetime | None]:
    """When each recording started. Raises ValueError if the dates can be read in two ways, or not at all."""
    cells = labels.cells("start")
    told, unclear = values.date_order(cells)
    if unclear and order is None:
        raise ValueError(
            f"{labels.table.name}: start ({_name(labels, 'start')}) has dates like {unclear!r}, which may begin with "
            f"the day or with the month; say it, as dates=dmy or dates=mdy, or columns=[start=] to do without"
        )
    starts = [values.parse_time(cell, order or told) for cell in cells]
    if told and order is None:
        labels.table.notes.append(f"dates begin with the {'day' if told == 'dmy' else 'month'}")
    _report(labels, "start", cells, _lost(cells, starts), "2020-12-31 10:00 or 31.12.2020 10:00")
    return starts


def read_splits(labels: Labels) -> list[str | None]:
    """The split of each row. Raises ValueError for a word that names none."""
    cells = labels.cells("split")
    splits = [values.parse_split(cell) for cell in cells]
    lost = _lost(cells, splits)
    if any(lost):
        raise ValueError(
            f"{labels.table.name}: split ({_name(labels, 'split')}) is {labels.quote(cells, lost)}, which is something "
            f"else than train, val, test or a word for one of them (training, dev, eval, …); correct the labels, or "
            f"columns=[split=] to do without"
        )
    pairs = zip(cells, splits, strict=True)
    renamed = {cell: split for cell, split in pairs if cell and split and cell.casefold() != split}
    if renamed:
        labels.table.notes.append("split: " + ", ".join(f"{cell} is {split}" for cell, split in renamed.items()))
    return splits


def read_settings(labels: Labels) -> list[str | None]:
    """The setting of each row; None for words of other settings, which are counted."""
    cells = labels.cells("setting")
    settings = [values.parse_setting(cell) for cell in cells]
    _say_lost(labels, "setting", _lost(cells, settings), f"one of {', '.join(values.SETTINGS)}")
    return settings


def _name(labels: Labels, word: str) -> str:
    return f"column {labels.table.columns[labels.columns[word]]!r}"


def _lost(cells: Sequence[str | None], read: Sequence[Any]) -> list[bool]:
    return [cell is not None and value is None for cell, value in zip(cells, read, strict=True)]


def _report(labels: Labels, word: str, cells: Sequence[str | None], lost: list[bool], expected: str) -> None:
    """Say how many cells were not understood. Raises ValueError if it is all of them."""
    if sum(lost) > 1 and sum(lost) == sum(cell is not None for cell in cells):
        raise ValueError(
            f"{labels.table.name}: none of the {sum(lost)} cells for {word} ({_name(labels, word)}) is understood "
            f"({labels.quote(cells, lost)}); expected {expected}, or columns=[{word}=] to do without"
        )
    _say_lost(labels, word, lost, expected)


def _say_lost(labels: Labels, word: str, lost: list[bool], expected: str) -> None:
    if any(lost):
        log.info(
            "%s: %d values not understood, left empty (%s); expected %s", word, sum(lost), labels.lines(lost), expected
        )
