"""Progress bars, log lines and waits: one bar on a terminal, quiet lines elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def set_up_logging(rank: int = 0) -> None:
    """Send log lines of CLEF's programs to stderr; only rank 0 speaks below WARNING."""
    logging.basicConfig(
        level=logging.INFO if rank == 0 else logging.WARNING, format="%(message)s", stream=sys.stderr, force=True
    )
    for noisy in ("mne", "matplotlib", "httpx", "huggingface_hub", "filelock"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def track(items: Iterable[Item], label: str, total: int | None = None, initial: int = 0) -> Iterator[Item]:
    """Iterate over `items` with a progress bar on a terminal; silent when stderr is not one."""
    from tqdm import tqdm

    yield from tqdm(items, desc=label, total=total, initial=initial, disable=not sys.stderr.isatty(), leave=False)


def timed(items: Iterable[Item]) -> Iterator[tuple[float, Item]]:
    """Each item, after the seconds it was waited for."""
    asked = time.perf_counter()
    for item in items:
        yield time.perf_counter() - asked, item
        asked = time.perf_counter()
