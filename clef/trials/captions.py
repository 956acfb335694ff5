"""What the pictures show: captions.txt, with the columns image_name, category and caption.

A picture is known by the name of its file alone, without folder, ending and case, as lists of trials and of captions
give its path differently.
"""

import dataclasses
import logging
import re
from pathlib import Path

from clef.trials.cells import read_cells

log = logging.getLogger(__name__)
FILE = "captions.txt"
COLUMNS = ("image_name", "category", "caption")
ENDING = re.compile(r"\.(jpe?g|png|bmp|gif|tiff?|webp)$")


@dataclasses.dataclass(frozen=True)
class Caption:
    """What one picture shows, and of which category it is."""

    category: str
    text: str


def image_key(path: str) -> str:
    """The name that a picture is known by."""
    return ENDING.sub("", re.split(r"[\\/]", path.strip())[-1].casefold())


def read_captions(root: Path) -> dict[str, Caption]:
    """Captions by `image_key`; of several captions of one picture the first.

    Raises ValueError (one line) for a cell that is empty, or one picture in two categories.
    """
    captions: dict[str, Caption] = {}
    first_line: dict[str, int] = {}
    more = 0
    for line, (image, category, text) in read_cells(root / FILE, FILE, COLUMNS):
        if not (image and category and text):
            raise ValueError(f"{FILE}, line {line}: a cell is empty; each row needs {', '.join(COLUMNS)}")
        key = image_key(image)
        known = captions.setdefault(key, Caption(category, text))
        if known.category != category:
            raise ValueError(
                f"{FILE}, lines {first_line[key]} and {line}: {key} is of category {known.category!r} and "
                f"{category!r}; leave it in one"
            )
        more += key in first_line and known.text != text
        first_line.setdefault(key, line)
    if not captions:
        raise ValueError(f"{FILE}: no row below the column names; a row per picture is needed")
    if more:
        log.info("%s: %d captions beyond the first of a picture are not used", FILE, more)
    return captions
