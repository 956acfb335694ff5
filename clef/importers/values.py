"""Cells of tables as people write them -> values: age, sex, start, setting, split, and what stands for "not known".

Each reader takes one cell and gives None for what it does not know for certain; nothing is guessed. What only a whole
column can tell (whether 03/04/2020 is in March or in April) is asked of the column first: `date_order`.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeVar

from tokenizer.sessions import SETTINGS

Key = TypeVar("Key")
DateOrder = Literal["dmy", "mdy"]
UNKNOWN = """na n/a n.a. n.a n/d #n/a #na <na> #null! null nil nan nat missing unknown unk unk. ? ?? ??? - -- --- – — .
.. k.a. k.a keineangabe unbekannt nichtbekannt notknown notavailable notapplicable notrecorded"""
"""What stands for an empty cell, in small letters without blanks. "none", "no" and "normal" are values."""
SEXES = {
    "F": "f female w weiblich woman girl frau mädchen femme féminin femenino mujer",
    "M": "m male männlich maennlich man boy mann junge homme masculin masculino hombre",
}
NEITHER = "d divers diverse x other o non-binary nonbinary intersex"
"""Words for a sex that is neither; the cohort has none, the cell stays empty."""
SPLIT_WORDS = {
    "train": "train training trn",
    "val": "val valid validation validierung dev development tuning tune",
    "test": "test testing tst eval evaluation held_out held-out heldout holdout hold-out",
}
PARTS_OF_YEAR = {
    1.0: "y yr yrs year years yo y/o j jr jahr jahre a ans",
    12.0: "mo mos mon month months monat monate",
    365.25 / 7: "wk wks week weeks woche wochen",
    365.25: "days tage",
}
"""How many of a unit make a year -> what it is called. Not m, w and d: 45 w may be weeks or a woman of 45."""
MONTHS = "jan feb mar/mär/mrz/maer apr may/mai jun jul aug sep oct/okt nov dec/dez"
OLDEST = 120
FIRST_YEAR = 85
"""Of years of two digits, the first that belongs to the last century, as in EDF."""
MOST_NUMBERS, MOST_CODES = 5, 10
"""Different numbers of a column that can be classes: any, and those that count up from 0 or 1 without a gap."""
_AGE = re.compile(r"(?P<bound>[<>]?=?)\s*(?P<number>\d+(?:[.,]\d+)?)\s*\+?\s*(?P<unit>[a-zA-Z/ ]*?)\.?")
_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2})[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d)(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?(?:\s*uhr)?)?"
)
_DATES = [
    re.compile(date + _CLOCK, re.IGNORECASE)
    for date in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4}|\d\d)",
        r"(?P<day>\d{1,2})[-. ]+(?P<name>[a-zä]{3,9})\.?[-. ]+(?P<year>\d{4})",
    )
]
_TURNED = re.compile(r"(?P<one>\d{1,2})(?P<dash>[/-])(?P<two>\d{1,2})(?P=dash)(?P<year>\d{4})" + _CLOCK, re.IGNORECASE)


def _by_word(words: dict[Key, str]) -> dict[str, Key]:
    return {word: value for value, line in words.items() for word in line.split()}


_UNKNOWN, _NEITHER = {"", *UNKNOWN.split()}, set(NEITHER.split())
_SEX_OF, _SPLIT_OF, _PER_YEAR = _by_word(SEXES), _by_word(SPLIT_WORDS), {"": 1.0} | _by_word(PARTS_OF_YEAR)
_MONTH_OF = {name: i for i, names in enumerate(MONTHS.split(), 1) for name in names.split("/")}


def is_unknown(text: str | None) -> bool:
    """Whether a cell says that nothing is known: it is empty, or one of `UNKNOWN` in any case."""
    return "".join((text or "").split()).casefold() in _UNKNOWN


def known(text: str | None) -> str | None:
    """The cell without blanks around it; None if it says that nothing is known."""
    return None if is_unknown(text) else (text or "").strip()


def known_label(text: str | None, column: Iterable[str | None]) -> str | None:
    """As `known`; but in a column of + and -, the minus is a value."""
    cell = (text or "").strip()
    return cell if cell in ("-", "–") and "+" in column else known(cell)


def parse_number(text: str | None) -> float | None:
    """A number with a point or a comma before its decimals, None for everything else."""
    cell = (text or "").strip()
    return float(cell.replace(",", ".")) if re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", cell) else None


def parse_age(text: str | None) -> float | None:
    """Years, None if the text is no plausible age; "90+" and ">89" are 90, "85+" is 85, "18 months" 1.5."""
    match = _AGE.fullmatch((text or "").strip())
    unit = "".join(match["unit"].split()).lower() if match else "?"
    for ending in ("old", "alt"):
        unit = unit.removesuffix(ending)
    if not match or unit not in _PER_YEAR or "<" in match["bound"]:
        return None
    age = float(match["number"].replace(",", ".")) / _PER_YEAR[unit]
    if match["bound"] == ">":
        age = {89.0: 90.0, 90.0: 90.0}.get(age, -1.0)
    return age if 0 <= age <= OLDEST else None


def looks_like_birth_year(text: str | None) -> bool:
    """Whether a cell of ages holds a year of birth, or a date."""
    return bool(
        re.fullmatch(r"(?:19|20)\d\d", (text or "").strip()) or parse_time(text) or _TURNED.fullmatch(text or "")
    )


def parse_sex(text: str | None) -> str | None:
    """F or M, None for everything else."""
    return _SEX_OF.get(_folded(text))


def is_neither_sex(text: str | None) -> bool:
    """Whether a cell says that somebody is neither."""
    return _folded(text) in _NEITHER


def parse_split(text: str | None) -> str | None:
    """train, val or test, None for everything else."""
    return _SPLIT_OF.get(_folded(text))


def parse_setting(text: str | None) -> str | None:
    """One of routine, emu, icu and ambulatory, None for everything else."""
    return word if (word := _folded(text)) in SETTINGS else None


def _folded(text: str | None) -> str:
    return unicodedata.normalize("NFC", (text or "").strip()).casefold()


def parse_time(text: str | None, order: DateOrder | None = None) -> datetime | None:
    """A time without its zone: ISO 8601, 31.12.2020 10:00, 31-Dec-2020; None if the text is none of them.

    Dates like 31/12/2020 are read only with `order`, which the column tells (`date_order`).
    """
    cell = (text or "").strip()
    try:
        return datetime.fromisoformat(cell).replace(tzinfo=None)
    except ValueError:
        pass
    for pattern in _DATES:
        if match := pattern.fullmatch(cell):
            named = match.groupdict().get("name")
            month = _MONTH_OF.get(named.lower()[:3]) if named else int(match["month"])
            return _time(match, match["year"], month, match["day"])
    if order and (match := _TURNED.fullmatch(cell)):
        day, month = (match["one"], match["two"]) if order == "dmy" else (match["two"], match["one"])
        return _time(match, match["year"], int(month), day)
    return None


def _time(match: re.Match[str], year: str, month: int | None, day: str) -> datetime | None:
    """The date of a match and its clock; None if there is no such day or hour."""
    full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= FIRST_YEAR else 2000)
    hour, half = int(match["hour"] or 0), (match["half"] or "")[:1].lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    try:
        return datetime(full, month or 0, int(day), hour, int(match["minute"] or 0), int(match["second"] or 0))
    except ValueError:
        return None


def date_order(cells: Iterable[str | None]) -> tuple[DateOrder | None, str | None]:
    """Whether the dates like 31/12/2020 of a column begin with the day or the month, and one that does not tell.

    (None, None): there is no such date · (order, None): a day above 12 tells · (None, "03/04"): nothing tells, or the
    column contradicts itself.
    """
    turned = [match for cell in cells if (match := _TURNED.fullmatch((cell or "").strip()))]
    first = any(int(match["one"]) > 12 for match in turned)
    second = any(int(match["two"]) > 12 for match in turned)
    if not turned or first != second:
        return (None if not turned else "dmy" if first else "mdy"), None
    if not first and all(int(match["one"]) == int(match["two"]) for match in turned):
        return "dmy", None  # 03/03/2020 is the same either way
    return None, f"{turned[0]['one']}{turned[0]['dash']}{turned[0]['two']}{turned[0]['dash']}…"


def too_many_numbers(cells: Iterable[str]) -> int:
    """How many different numbers a column holds if it measures rather than names classes, else 0.

    Classes are at most `MOST_NUMBERS`, or `MOST_CODES` that count up from 0 or 1; of numbers with decimals two.
    """
    numbers = {parse_number(cell) for cell in cells}
    if not numbers or None in numbers:
        return 0
    values = sorted(number for number in numbers if number is not None)
    codes = values in ([*range(len(values))], [*range(1, len(values) + 1)])
    decimals = any(number != round(number) for number in values)
    most = 2 if decimals else MOST_CODES if codes else MOST_NUMBERS
    return len(values) if len(values) > most else 0
