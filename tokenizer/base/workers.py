"""Processes that read ahead for a data loader: small, quick to start, and silent on Ctrl-C.

They are forked from a server that has imported the reader once, so they share its pages; and they do not import the
program that starts them, which Python would do in case functions of theirs were defined there: none are, and the
program's imports cost 50 MB and a second in every worker.
"""

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def read_ahead(dataset: torch.utils.data.Dataset, indices: Iterable[Any], workers: int, ahead: int = 2) -> Iterator:
    """`dataset[i]` for the `indices`, in order; made here, or `ahead` of time by each of `workers` processes."""
    if not workers:
        return iter(torch.utils.data.DataLoader(dataset, batch_size=None, sampler=indices))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tokenizer.readings"])
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size=None,
        sampler=indices,
        num_workers=workers,
        prefetch_factor=ahead,
        multiprocessing_context=context,
        worker_init_fn=_start_worker,
    )
    with _program_hidden():
        return iter(loader)


def settle_memory() -> None:
    """Tell glibc how a reader uses memory: whole sessions go back at once, smaller blocks are kept for the next one.

    Left alone it keeps blocks of many sizes until a worker has 1 GB, and gives back those that are wanted again: fresh
    pages then take a tenth of the reading. Does nothing where malloc is another.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 8 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 64 << 20)


def _start_worker(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to answer
    settle_memory()


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
