"""Being asked to stop: Ctrl-C and SIGTERM end training after the step at hand, with a checkpoint."""

import logging
import signal
import sys
import time
from typing import Any

from tokenizer.base import ranks

log = logging.getLogger(__name__)


AT_ONCE_AFTER = 2.0  # s: torchrun passes on a signal that the terminal or the scheduler has sent to us already


class StopSignal:
    """Ctrl-C and SIGTERM end training after the step at hand, with a checkpoint; a later Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.asked, self.asked_at = 0, 0.0
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked and number == signal.SIGINT and time.monotonic() - self.asked_at > AT_ONCE_AFTER:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self.asked_at = number, time.monotonic()

    def now(self) -> bool:
        """Whether any process was asked to stop."""
        return ranks.agreed(bool(self.asked))

    def leave_if_asked(self, done: int) -> None:
        """Leave the program if asked to, or give the signals back at the end. All processes leave in the same way."""
        asked, preempted = self.now(), ranks.agreed(self.asked == signal.SIGTERM)
        if preempted:
            log.info("stopped by SIGTERM after step %d; the same command goes on from here", done)
            ranks.leave()
            sys.exit(0)
        if asked:
            raise KeyboardInterrupt
        for number, handler in self._before.items():
            signal.signal(number, handler)
