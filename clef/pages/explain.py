"""The page of explanations of one session: numbers, curves, tokens and scalp maps of every target, both methods."""

from dataclasses import dataclass, field
from typing import Any

import clef
from clef.explanations.explanation import Explanation
from clef.pages.attributions import draw_curves, draw_grids, draw_maps
from clef.pages.view import template
from tokenizer.cells import BANDS


@dataclass
class Explained:
    """What the page says: title · facts and remarks in words · targets: of each its explanation and three pictures."""

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    synthetic: bool = False
    model: str = ""

    def add(self, one: Explanation, seconds: float) -> None:
        """Draw an explanation; seconds: of a token."""
        columns = one.methods[0].grid.shape[1]
        pictures = {"curves": draw_curves(one, columns), "grids": draw_grids(one, seconds)}
        self.targets.append({"one": one, **pictures, "maps": draw_maps(one.methods, one.unit)})


def explain_page(explained: Explained) -> str:
    """The whole page as HTML that loads nothing."""
    return template("explain.html.jinja").render(explained=explained, bands=list(BANDS), version=clef.__version__)
