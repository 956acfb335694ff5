"""Programs as child processes: each has its own memory, its own resume, and ends if this process does.

They are forked from a server that has imported what all of them need, once. Ctrl-C and SIGTERM are passed on, so that
a training saves a checkpoint before it ends.
"""

import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import sys
import threading
from typing import Any

PRELOADED = ["tokenizer.readings", "clef.model", "clef.stages.registry", "clef.training.run"]

PATIENCE = 5.0  # s


def run_program(name: str, arguments: list[str]) -> int:
    """Run `python -m name arguments…` to its end and return its exit code.

    A request to stop this process stops the program first: KeyboardInterrupt for Ctrl-C, SystemExit for SIGTERM.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_become, args=(name, arguments))
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        process.start()
        process.join()
    except KeyboardInterrupt:
        process.join(PATIENCE)  # the terminal's Ctrl-C reached it, too: it may be clearing up
        raise
    finally:
        if process.is_alive():
            process.terminate()  # a training saves a checkpoint and ends; others leave nothing half-written
            process.join()
        signal.signal(signal.SIGTERM, before)
    return process.exitcode or 0


def _leave(number: int, frame: Any) -> None:
    sys.exit(0)


def _become(name: str, arguments: list[str]) -> None:
    """In the child: run the program as the main module of this process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the fork server ignores Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    sys.argv = [name, *arguments]
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    finally:
        for worker in multiprocessing.active_children():  # of a pool that was left: Python would wait for them for ever
            worker.terminate()
            worker.join()


def _stop_with_parent() -> None:
    """Stop as SIGTERM does when the pipe closes that the parent holds, however the parent ended."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
