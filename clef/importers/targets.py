"""Targets: columns of a table that become labels, as they are or cut in two, as `mmse<24`."""

import logging
import operator
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from clef.importers.values import is_unknown, known_label, parse_number, too_many_numbers

log = logging.getLogger(__name__)

CUTS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_CUT = re.compile(r"(?P<column>.+?)\s*(?P<sign><=|>=|<|>)\s*(?P<at>[+-]?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Target:
    """A column that becomes a label, and where it is cut if it is."""

    name: str
    """What the label is called: the column, or the cut as it was asked for."""
    column: str
    sign: str | None = None
    at: float = 0.0

    def labels(self, cells: Sequence[str | None]) -> list[str | None]:
        """The value of each cell of the column: yes or no where it is cut; None where nothing is known.

        Raises ValueError (one line) if the column measures and is not cut, or is cut and holds words.
        """
        values = [known_label(cell, cells) for cell in cells]
        if self.sign is None:
            if different := too_many_numbers([value for value in values if value]):
                raise ValueError(
                    f"targets={self.name}: {different} different numbers are no label; cut them where it matters, as "
                    f"'targets=[{self.name}<{_middle(values)}]' (with <, <=, > or >=, in quotes for the shell), or "
                    f"write classes as words"
                )
            return values
        numbers = [parse_number(value) for value in values]
        if wrong := sum(value is not None and number is None for value, number in zip(values, numbers, strict=True)):
            raise ValueError(
                f"targets={self.name}: {wrong} of {len(values)} cells of {self.column} are no numbers; correct them "
                f"or leave them empty"
            )
        compare = CUTS[self.sign]
        return [None if number is None else "yes" if compare(number, self.at) else "no" for number in numbers]


def parse_target(text: str, columns: Collection[str], table: str = "") -> Target:
    """A target as people type it: a column, or a column that is cut; a column of that very name goes first.

    `table` stands before the label's name, where the column is not of the main table.
    """
    cut = None if text in columns else _CUT.fullmatch(text)
    if not cut:
        return Target(table + text, text)
    return Target(f"{table}{cut['column']}{cut['sign']}{cut['at']}", cut["column"], cut["sign"], float(cut["at"]))


def say_unknown(name: str, cells: Sequence[str | None], values: Sequence[str | None]) -> None:
    """How many cells of a column are empty, and by which words."""
    words = Counter(cell or "nothing" for cell, value in zip(cells, values, strict=True) if value is None)
    if words:
        common = ", ".join(f"{word} {n}" for word, n in words.most_common(6) if word == "nothing" or is_unknown(word))
        log.info("%s: %d of %d cells are empty and give no label (%s)", name, sum(words.values()), len(cells), common)


def _middle(values: Sequence[str | None]) -> str:
    numbers = sorted(n for n in map(parse_number, values) if n is not None)
    return f"{numbers[len(numbers) // 2]:g}"
