"""The page of narratives: the text on each stretch, in red what the signal contradicts."""

from dataclasses import dataclass

import clef
from clef.narratives.checking import Checked
from clef.pages.view import template


@dataclass(frozen=True)
class Line:
    """The text on a stretch: start and stop in s from the session's beginning."""

    start: int
    stop: int
    checked: Checked

    @property
    def time(self) -> str:
        """From when to when, in minutes and seconds."""
        return "–".join(f"{second // 60}:{second % 60:02d}" for second in (self.start, self.stop))


def narratives_page(sessions: dict[str, list[Line]], model: str) -> str:
    """The whole page as HTML that loads nothing; sessions by name, with their lines in order."""
    lines = [line for some in sessions.values() for line in some]
    checked = sum(line.checked.signal is not None for line in lines)
    wrong = sum(len(line.checked.contradicted) for line in lines)
    counts = {"stretches": len(lines), "checked": checked, "contradicted": wrong}
    page = template("narratives.html.jinja")
    return page.render(sessions=sessions, counts=counts, model=model, version=clef.__version__)
