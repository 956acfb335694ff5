"""Processes that work ahead of the one that needs their results: small, quick to start, silent on Ctrl-C.

They are forked from a server that has imported what they need once, so they share its pages; and they do not import the
program that starts them, which Python would do in case functions of theirs were defined there: none are, and the
program's imports cost 50 MB and a second in every worker.
"""

import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TypeVar

from tokenizer.base.locks import no_interrupt

Job = TypeVar("Job")
Result = TypeVar("Result")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


class WorkerDiedError(RuntimeError):
    """The process that worked on a job was killed, by the system for want of memory, say."""


def work_ahead(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: int, ahead: int = 2
) -> Iterator[Result | WorkerDiedError]:
    """`function(job)` for each of `jobs`, in order; made here, or `ahead` of time by each of `workers` processes.

    What `function` raises is raised here, at its job. A job whose process dies gives a WorkerDiedError, which is
    returned and not raised, and takes no other job with it. `function` and jobs must be picklable; results may hold
    tensors, which come through shared memory. Close the iterator to end the processes.
    """
    if workers <= 0:
        yield from map(function, jobs)
        return
    pool, rest, pending, done = _Pool(function, workers), iter(jobs), deque(), False
    try:
        while True:
            for job in islice(rest, workers * ahead - len(pending)):
                pending.append((job, pool.submit(job)))
            if not pending:
                done = True
                return
            job, future = pending.popleft()
            try:
                result = future.result()
            except BrokenProcessPool:
                # every job under way is lost, and nobody knows which one killed its process: the oldest is tried
                # alone, the others start anew, and so each of them is the oldest once
                pool.end()
                pool, result = _Pool(function, workers), _alone(function, job)
                pending = deque((other, pool.submit(other)) for other, _ in pending)
            yield result
    finally:
        pool.end(at_once=not done)


def _alone(function: Callable[[Job], Result], job: Job) -> Result | WorkerDiedError:
    pool = _Pool(function, 1)
    try:
        return pool.submit(job).result()
    except BrokenProcessPool:
        return WorkerDiedError("the process died, perhaps for want of memory")
    finally:
        pool.end()


class _Pool:
    """Worker processes, started one by one as jobs come in; the function travels once and keeps its state there."""

    def __init__(self, function: Callable[[Job], Result], workers: int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tokenizer.readings"])  # a name: it imports this room's readers, once
        ours, self._open = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(workers, context, _start_worker, (function, ours))
        self._processes: set[multiprocessing.process.BaseProcess] = set()

    def submit(self, job: Job) -> "Future[Result]":
        others = set(multiprocessing.active_children()) - self._processes
        with _program_hidden(), _ctrl_c_later():
            future = self._executor.submit(_work, job)
            self._processes |= set(multiprocessing.active_children()) - others
        return future

    def end(self, at_once: bool = False) -> None:
        """Let the processes end by themselves, or `at_once`: one that is still starting would miss what is gone."""
        if at_once:
            for process in self._processes:
                process.kill()
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._open.close()


def settle_memory() -> None:
    """Tell glibc how a reader uses memory: whole sessions go back at once, smaller blocks are kept for the next one.

    Left alone it keeps blocks of many sizes until a worker has 1 GB, and gives back those that are wanted again: fresh
    pages then take a tenth of the reading. Does nothing where malloc is another.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 8 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 64 << 20)


_functions: list[Callable] = []
"""In a worker: the one function it was started for."""


def _work(job: Job) -> Result:
    return _functions[0](job)


def _start_worker(function: Callable[[Job], Result], pool: multiprocessing.connection.Connection) -> None:
    import torch

    _functions[:] = [function]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to answer
    threading.Thread(target=_end_with_pool, args=(pool,), daemon=True).start()
    torch.set_num_threads(1)  # workers share the cores: threads of each would only wait for one another
    settle_memory()


def _end_with_pool(pool: multiprocessing.connection.Connection) -> None:
    """A worker waits for jobs for ever if its parent was killed; so it watches what closes with parent or pool."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel, pool])
    os._exit(1)


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Ctrl-C waits for the end of the block, and processes started within never get it, not even while they import.

    The mask is for them, who inherit it. It does not keep the signal from this process, which any other thread takes.
    """
    with no_interrupt():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _program_hidden() -> Iterator[None]:
    """Processes started within do not import this program's main module."""
    main = sys.modules["__main__"]
    named = {name: main.__dict__.pop(name) for name in ("__spec__", "__file__") if name in main.__dict__}
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(named)
