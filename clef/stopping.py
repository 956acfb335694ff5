"""Being asked to stop: Ctrl-C and SIGTERM end training after the step at hand, with a checkpoint."""

import logging
import signal
import sys
from typing import Any

from tokenizer import ranks

log = logging.getLogger(__name__)


class StopSignal:
    """Ctrl-C and SIGTERM end training after the step at hand, with a checkpoint; a second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.asked = 0
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = number

    def now(self) -> bool:
        """Whether any process was asked to stop."""
        return ranks.agreed(bool(self.asked))

    def leave_if_asked(self, done: int) -> None:
        """Leave the program if asked to, or give the signals back at the end."""
        asked = self.now()  # by every process: it is a sum over all
        if self.asked == signal.SIGTERM:
            log.info("stopped by SIGTERM after step %d; the same command goes on from here", done)
            sys.exit(0)
        if asked:
            raise KeyboardInterrupt
        for number, handler in self._before.items():
            signal.signal(number, handler)
