"""What tokenizer.encode says at its end: how fast it went, what was refused and why, how much is invalid."""

import dataclasses
import logging
import re
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from tokenizer import store
from tokenizer.base import ranks
from tokenizer.base.progress import timed
from tokenizer.readings import Reading
from tokenizer.store import TokenStore

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Pace:
    """How long encoding took: sessions, seconds, and seconds of these spent waiting for recordings."""

    sessions: int = 0
    seconds: float = 0.0
    waited: float = 0.0


def waiting(readings: Iterable[Reading], pace: Pace) -> Iterator[Reading]:
    """The same readings; the time until each came is added to `pace.waited`."""
    for seconds, reading in timed(readings):
        pace.waited += seconds
        yield reading


def say_pace(pace: Pace) -> None:
    """Say how fast it went, all processes together."""
    sessions, seconds, waited = ranks.total(torch.tensor(dataclasses.astuple(pace), dtype=torch.float64)).tolist()
    if sessions:
        log.info(
            "encoded %d sessions: %.1f per second, %.0f %% of the time waiting for recordings",
            *(sessions, sessions * ranks.WORLD / seconds, 100 * waited / seconds),
        )


def say_summary(out: TokenStore, path: str, finished_before: bool) -> None:
    """Say what the store holds, what was refused and why, and what comes next."""
    say_refused(out)
    done = out.status == store.DONE
    padding, gaps = invalid_shares(out.valid[:][done])
    log.info(
        "%s%s: %d sessions, %d refused; %.1f %% of the 20-minute grid lies beyond the recordings, "
        "%.1f %% of the rest is invalid",
        "already finished, nothing changed: " if finished_before else "wrote ",
        *(path, done.sum(), (~done).sum(), 100 * padding, 100 * gaps),
    )
    if not done.any():
        raise ValueError(f"{path}: no session could be encoded; the reasons are above")
    log.info("next: python -m clef.pretrain stage=recon tokens=%s out=RUN", path)


def say_refused(out: TokenStore, most: int = 20) -> None:
    """One line for each kind of reason, the commonest first; reasons that differ in numbers alone are of one kind."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for session, reason in out.refused().items():
        kinds.setdefault(re.sub(r"\d+(\.\d+)?", "#", reason), []).append((session, reason))
    for same in sorted(kinds.values(), key=len, reverse=True)[:most]:
        count = f"{len(same)} sessions, as " if len(same) > 1 else ""
        log.warning("refused %s%s: %s", count, *same[0])
    if len(kinds) > most:
        log.warning("… and %d other reasons; TokenStore(%r).refused() lists all", len(kinds) - most, out.path.name)


def invalid_shares(valid: np.ndarray) -> tuple[float, float]:
    """Of the columns' shares (n, W): how much lies after each session's last valid column, how much before is not."""
    good = valid >= 0.5
    within = good[:, ::-1].cumsum(1)[:, ::-1] > 0
    return float(1 - within.mean()) if good.size else 0.0, float((within & ~good).sum() / max(1, within.sum()))
