"""Ctrl-C while a program still loads its modules: one line and exit code 130, as `cli` gives it later."""

import os
import sys
from types import TracebackType


def end_quietly() -> None:
    """Called by a package that is loaded; it acts only if that is to run a program of its own with `python -m`."""
    if sys.argv[:1] == ["-m"]:  # Python's word for "not known yet", while it loads the packages around the program
        sys.excepthook = _end


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    print("\nstopped; the same command goes on from here", file=sys.stderr, flush=True)
    os._exit(130)  # Python would end itself by a signal, which not every caller knows for Ctrl-C
