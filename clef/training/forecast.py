"""The forecast of a training: how long its steps will take, said once after the first ones, and corrected once.

It is a line of the log and no bar, so that whoever reads a file or a pipe knows it, too.
"""

import datetime
import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)
FIRST = 3  # steps that are timed before anything is said, and
LEAST = 3.0  # s that they take at least: quicker ones are timed for longer
SHORT = 20.0  # s; whoever waits no longer needs no forecast
SETTLED = 0.1  # share of the steps after which the forecast may be corrected
FAR_OFF = 1.3  # a forecast is corrected if it was wrong by more than this factor, and
WORTH = 60.0  # by more than so many s


class Forecast:
    """Watches the steps of a training and says when they will be done. The first step, a slow one, is not timed.

    What a step takes is taken from the clock, with validation, checkpoints and other programs' share of the machine.
    """

    def __init__(self, start: int, steps: int, clock: Callable[[], float] = time.monotonic):
        self.start, self.steps, self.clock = start, steps, clock
        self.began: tuple[int, float] | None = None  # steps done and s, where timing began
        self.expected = 0.0  # s from there to the end, as was said last
        self.lines = 0

    def note(self, done: int) -> None:
        """Take the time of the step that makes `done` steps, and say what it foretells if that is news."""
        if self.lines == 2:
            return
        if self.began is None:
            self.began = done, self.clock()
            return
        first, elapsed = self.began[0], self.clock() - self.began[1]
        seconds = elapsed / (done - first) * (self.steps - first)
        if self.lines == 0 and done - first >= FIRST and elapsed >= LEAST:
            self._say("about", seconds, elapsed)
        elif self.lines == 1 and done - first >= SETTLED * (self.steps - first) and self._is_far_off(seconds):
            self._say("corrected: about", seconds, elapsed)

    def _is_far_off(self, seconds: float) -> bool:
        wrong_by = abs(seconds - self.expected)
        return wrong_by > WORTH and not 1 / FAR_OFF < seconds / self.expected < FAR_OFF

    def _say(self, word: str, seconds: float, elapsed: float) -> None:
        self.expected, self.lines = seconds, self.lines + 1
        if seconds - elapsed > SHORT:
            end = datetime.datetime.now() + datetime.timedelta(seconds=seconds - elapsed)
            what = f"the remaining {self.steps - self.start:,}" if self.start else f"{self.steps:,}"
            log.info("%s %s for %s steps: ends %s", word, in_words(seconds), what, moment(end))


def in_words(seconds: float) -> str:
    """A duration as people say it: "40 s", "25 min", "2 h 10 min", "3 days 4 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(5 * round(minutes / 5), 60)  # nobody's forecast is good to a minute in two hours
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes and hours < 12 else f"{round(hours + minutes / 60)} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} days {hours} h" if days < 10 and hours else f"{round(seconds / 86_400):,} days"


def moment(end: datetime.datetime) -> str:
    """The time of day, with the date if it is another day's."""
    return f"{end:%H:%M}" if end.date() == datetime.datetime.now().date() else f"{end:%Y-%m-%d %H:%M}"
