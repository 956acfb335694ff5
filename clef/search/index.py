"""The index of an archive: every session as a unit vector in the space that sessions share with reports.

    index = Index(make_index(model, store.load()))
    index.nearest(model.text(["focal slowing"])[0], 20)       # rows and cosines of the 20 nearest sessions

It is stored as an embedding file (`clef.embeddings`) whose config says head=report and which tokens it is of. In memory
its vectors are float16: a query reads each once, and is as fast as memory is (266 MB for 260,000 sessions of 512
numbers). Those that come near the last place are compared again in float32, so that rounding decides no order.

Shapes: n sessions · P shared width · K hits.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from clef.embeddings import Embeddings, read_embeddings
from clef.model import Model
from clef.readout import Readout
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)

MARGIN = 2e-3
"""Cosines that float16 may confuse: it rounds those below 1 by up to 2.4e-4, and the query's numbers as well."""
SAMPLED = 2**14
"""Sessions that `usual` is read from, evenly spread over the index: to sort all costs a quarter of a query."""
TOGETHER = 256
"""Sessions, or reports, that are encoded between two steps of the progress bar."""


class Hits(NamedTuple):
    """What a query finds, nearest first: rows (K,) of the index, their cosines (K,), and how all n cosines lie.

    usual: the median of all cosines, and the cosine that 1 % of all exceed; of every k-th session of a large index.
    """

    rows: NDArray[np.int64]
    cosines: NDArray[np.float32]
    usual: tuple[float, float]


class Index:
    """An index in memory."""

    def __init__(self, embeddings: Embeddings) -> None:
        self.session_id, self.about = embeddings.session_id, embeddings.config
        self.vectors = torch.from_numpy(embeddings.vectors.astype(np.float16))

    def __len__(self) -> int:
        return len(self.session_id)

    def vector(self, row: int) -> NDArray[np.float32]:
        """The vector (P,) of a row."""
        return self.vectors[row].float().numpy()

    def nearest(self, vector: NDArray[np.float32], count: int, without: int | None = None) -> Hits:
        """The `count` sessions whose cosine to a unit `vector` (P,) is highest, row `without` left out; ties by row."""
        asked = torch.from_numpy(np.asarray(vector, np.float32))
        with _one_thread():
            rough, n = (self.vectors @ asked.half()).float().numpy(), len(self)
        if without is not None:
            rough[without] = -np.inf
        count = min(count, n - (without is not None))
        if count < 1:
            return Hits(np.zeros(0, np.int64), np.zeros(0, np.float32), (0.0, 0.0))
        last = np.partition(rough, n - count)[n - count]
        rows = np.flatnonzero(rough >= last - MARGIN)
        cosines = (self.vectors[torch.from_numpy(rows)].float() @ asked).numpy()
        order = np.argsort(-cosines, kind="stable")[:count]
        return Hits(rows[order], cosines[order], _usual(rough))

    def row_of(self, session: str) -> int:
        """The row of a session. Raises ValueError if the index lacks it."""
        try:
            return self.session_id.index(session)
        except ValueError:
            some = ", ".join(self.session_id[:3])
            raise ValueError(f"session={session}: none of the {len(self):,} that are searched, as {some}") from None


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread of PyTorch: a second one saves nothing that memory does not take, and waits as loud as it works."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _usual(cosines: NDArray[np.float32]) -> tuple[float, float]:
    """The median, and what 1 % exceed."""
    sample = cosines[:: -(-len(cosines) // SAMPLED)]
    middle, high = len(sample) // 2, min(len(sample) - 1, int(0.99 * len(sample)))
    ranked = np.partition(sample, sorted({middle, high}))
    return float(ranked[middle]), float(ranked[high])


# ---- making
def make_index(model: Model, source: Tokens | Embeddings, batch: int = 16) -> Embeddings:
    """The vectors of an index, from tokens or from embeddings that this model made. Raises ValueError if it did not."""
    if isinstance(source, Tokens):
        kept = source.where(source.valid.any(1))
        if not len(kept):
            raise ValueError("tokens= holds no session with a valid token; nothing can be searched")
        names, vectors = kept.session_id.tolist(), _in_parts(model, kept, batch)
    else:
        names, vectors = source.session_id, model.report_vectors(source)
    about = model.about("trained", Readout(head="report"))
    return Embeddings(names, vectors, "index", model.fingerprint, about, model.encoder.about.get("trained_on", {}))


def _in_parts(model: Model, sessions: Tokens, batch: int) -> NDArray[np.float32]:
    numbers, parts = np.arange(len(sessions)), []
    starts = range(0, len(sessions), TOGETHER)
    for start in track(starts, "index", len(starts)):
        some = sessions.where((numbers >= start) & (numbers < start + TOGETHER))
        parts.append(model.read(some, Readout(head="report"), batch=batch))
    return np.concatenate(parts)


def make_report_index(model: Model, summaries: Mapping[str, str]) -> Embeddings:
    """The vectors of reports, by the sessions they are of. Raises ValueError if there is none."""
    if not summaries:
        raise ValueError("cohort= has no report with a summary; reports=true has nothing to search")
    names, texts = list(summaries), list(summaries.values())
    starts = range(0, len(texts), TOGETHER)
    heads = model.aligned()  # as they are written: they were trained on so, and need no other spelling
    parts = [heads.text(texts[i : i + TOGETHER]).cpu().numpy() for i in track(starts, "reports", len(starts))]
    about = {"head": "report", "of": "reports", "summaries": summaries_fingerprint(summaries)}
    return Embeddings(names, np.concatenate(parts), "reports", model.fingerprint, about)


def summaries_fingerprint(summaries: Mapping[str, str]) -> str:
    """A short name for summaries and the sessions they are of."""
    return fingerprint(*(part for pair in summaries.items() for part in pair))


def store_name(store: TokenStore) -> str:
    """A short name for a token store: its sessions and its tokenizer."""
    return store.attributes.get("digest") or fingerprint(store.fingerprint, "\0".join(store.session_id))


# ---- reading
def read_index(path: str | Path, model: Model, **about: str) -> Index:
    """An index that was written, checked to be this model's and to be of what `about` says (tokens=, summaries=).

    Raises ValueError with one line if it is something else, another model's, or of something else.
    """
    embeddings, name = read_embeddings(path), Path(path).name
    remedy = "remove the file to have it made again, or give another index="
    if embeddings.config.get("head") != "report":
        raise ValueError(f"{name}: embeddings, and no index; give them as embeddings=, and index= a file to be written")
    if embeddings.model != model.fingerprint:
        raise ValueError(f"{name}: an index of model {embeddings.model}, and model= is {model.fingerprint}; {remedy}")
    for key, value in about.items():
        if embeddings.config.get(key, value) != value:
            raise ValueError(f"{name}: an index of other {key} than are given; {remedy}")
    return Index(embeddings)


def stamped(embeddings: Embeddings, **about: str) -> Embeddings:
    """The same with what it was made of."""
    return dataclasses.replace(embeddings, config=embeddings.config | about)
