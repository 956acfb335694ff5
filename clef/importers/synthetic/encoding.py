"""Sessions that are drawn, encoded and forgotten: a synthetic cohort as its tokens alone.

Every recording is written to a temporary EDF, read as any recording is, encoded, and deleted: so its tokens are those
that `tokenizer.encode` would find, and the store is one that it would take for its own. A process draws and encodes one
session at a time; this one alone writes the store, shard by shard, and a stopped run goes on with the next shard.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import torch

from clef.importers.synthetic.drawing import draw_recording
from clef.importers.synthetic.waves import Streams
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track
from tokenizer.base.workers import WorkerDiedError, work_ahead
from tokenizer.reading.read import ReadingConfig, read
from tokenizer.readings import Reading, reading_of, refused
from tokenizer.recording import RecordingError
from tokenizer.reference import Reference
from tokenizer.shards import reading_settings, rows_of
from tokenizer.store import TokenStore, create_store
from tokenizer.tokens import Tokenised, load_tokenizer, tokenise_each

if TYPE_CHECKING:
    from tokenizer.vqgan import VQGAN

Job = tuple[dict[str, Any], dict[str, Any], Streams]
"""Latents, visit and streams of a session, as `drawing.draw_recording` takes them."""
READING = ReadingConfig()


class Encoding:
    """Job -> Tokenised; recordings stand in `folder` for a moment. The tokenizer is loaded once in each process."""

    def __init__(self, tokenizer: str, folder: Path):
        self.tokenizer, self.folder = tokenizer, folder
        self._vqgan: VQGAN | None = None

    def __call__(self, job: Job) -> Tokenised:
        self._vqgan = self._vqgan or load_tokenizer(self.tokenizer)
        return next(tokenise_each([self.reading(job, self._vqgan.config.reference)], self._vqgan))

    def reading(self, job: Job, reference: Reference) -> Reading:
        """The session as the network sees it; its recording is gone by then."""
        path = self.folder / f"{os.getpid()}.edf"
        draw_recording(path, *job)
        try:
            return reading_of(read(path, READING), reference=reference)
        except RecordingError as error:
            return refused(error)
        finally:
            path.unlink()


def open_tokens(path: Path, sessions: pl.DataFrame, vqgan: "VQGAN") -> TokenStore:
    """The store of these sessions, made if absent. ValueError if it is of others, or another process writes it."""
    reading = reading_settings(READING)
    if not path.exists():
        create_store(path, sessions, vqgan, reading)
    store = TokenStore(path, writable=True)
    if store.fingerprint != fingerprint(*vqgan.to_bytes()) or dict(store.attributes["reading"]) != reading:
        raise ValueError(f"{path}: begun with another tokenizer or reading; give the same tokenizer=, or another out=")
    if store.session_id.tolist() != sessions["session_id"].to_list():
        raise ValueError(f"{path}: a token store of other sessions; remove it, or give another out=")
    if not store.claim(store.to_do()):
        raise ValueError(f"{path}: another process is writing this store; wait for it, or give another out=")
    return store


def encode_sessions(store: TokenStore, tokenizer: str, job: Callable[[int], Job], workers: int) -> None:
    """Draw and encode the sessions of every unfinished shard; `job` gives that of a row."""
    total, todo = len(store.tokens), store.to_do()
    shards = [range(s * store.shard, min((s + 1) * store.shard, total)) for s in todo]
    rows = [row for shard in shards for row in shard]
    workers = min(workers, len(rows))
    if workers <= 1:
        torch.set_num_threads(1)
    # this process removes it: workers of a run that is stopped are killed where they are
    with tempfile.TemporaryDirectory(prefix="clef-synthetic-") as folder:
        drawn = work_ahead(Encoding(tokenizer, Path(folder)), map(job, rows), workers if workers > 1 else 0)
        tokens = track(_alive(drawn), "sessions", total, total - len(rows))
        for shard, numbers in zip(todo, shards, strict=True):
            store.write_shard(shard, rows_of(list(islice(tokens, len(numbers)))))


def _alive(drawn: Iterator[Tokenised | WorkerDiedError]) -> Iterator[Tokenised]:
    for result in drawn:
        if isinstance(result, WorkerDiedError):
            raise ValueError(f"{result}; the same command goes on, with workers=1 in less memory")
        yield result
