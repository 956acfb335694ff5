"""The terminal a program was started from: pipes whose reader has gone, and Ctrl-C at any time.

Ctrl-C ends every program of ours in one line and with exit code 130. While a program imports what it needs, and once
its work is done, it ends at once: nothing is half-written then. In between KeyboardInterrupt is raised, so that files
are put in order; whatever else comes of that, an import that fails because of it, say, is taken for the stop it is.
"""

import io
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
LINE = "stopped; the same command goes on from here"
AT_ONCE_AFTER = 1.0
"""Seconds after which another Ctrl-C is a second one: torchrun and a terminal send the same one twice."""
_asked_at: list[float] = []
"""When Ctrl-C was pressed, if it was."""


# ---- Ctrl-C
def while_starting() -> None:
    """Called by every room: where Python is about to run one of our programs, Ctrl-C ends it at once from now on."""
    if sys.argv[:1] == ["-m"]:  # so it stands there while Python looks for the module that `python -m` names
        leave_on_ctrl_c()


def leave_on_ctrl_c() -> None:
    """Ctrl-C ends the process at once."""
    _answer(_leave)


def raise_on_ctrl_c() -> None:
    """Ctrl-C raises KeyboardInterrupt; a second one ends the process at once."""
    _answer(_raise)
    sys.unraisablehook = _leave_if_asked


def was_asked() -> bool:
    """Whether Ctrl-C was pressed."""
    return bool(_asked_at)


def _answer(handler: Any) -> None:
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _leave, _raise):  # who ignores it goes on so
        signal.signal(signal.SIGINT, handler)


def _raise(number: int, frame: FrameType | None) -> None:
    if not _asked_at:
        _asked_at.append(time.monotonic())
        raise KeyboardInterrupt
    if time.monotonic() - _asked_at[0] > AT_ONCE_AFTER:
        _stop()


def _leave(number: int, frame: FrameType | None) -> None:
    if _asked_at:  # and told so
        os._exit(STOPPED)
    _stop()


def _stop() -> None:
    os.write(2, f"\n{started_as()}: {LINE}\n".encode())
    os._exit(STOPPED)


def _leave_if_asked(event: Any) -> None:
    """KeyboardInterrupt where Python cannot raise it, in the end of an object, say, would be printed and forgotten."""
    if isinstance(event.exc_value, KeyboardInterrupt):
        _stop()
    sys.__unraisablehook__(event)


def started_as() -> str:
    """The program as it was typed: `clef.embed` after `python -m clef.embed`, and `clef embed` after that."""
    words = sys.orig_argv
    after = words[words.index("-m") + 1 :] if "-m" in words else []
    if after and after[0] != "clef":
        return after[0]
    typed = after[1:] if after else sys.argv[1:]
    command = getattr(sys.modules["__main__"], "__command__", None)
    return command or " ".join(["clef", *typed[:1]])


# ---- pipes
class _Output(io.FileIO):
    """A stream that drops what is written to it once its reader has gone, as `head` has after ten lines."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


def forgive_closed_pipes() -> None:
    """Standard output and error may be closed by whoever reads them: the program works on and ends as it would.

    A terminal without UTF-8 gets ? for what it cannot show.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            errors = "replace" if number == 1 else stream.errors
            options = {"encoding": stream.encoding, "errors": errors, "write_through": stream.write_through}
            raw = io.BufferedWriter(_Output(number, "w", closefd=False))
            setattr(sys, name, io.TextIOWrapper(raw, line_buffering=stream.line_buffering, **options))
            stream.detach()
