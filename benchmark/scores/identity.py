"""Subject identity: does an embedding know the person again?

Asked of people who come twice or more. A session is compared with the other sessions of its person and with those of
people of the same sex, site and setting within five years of age (with everybody's where there is no such person), by
cosine on standardised vectors. `auroc` is the share of pairs in which the own session is the nearer one, `recall` how
often the very nearest of the pool is an own one. Each person counts once, however often they came.

Neither is good or bad in itself. Somebody's rhythm is theirs, and so are scars and amplifiers. But an embedding that
knows people again can answer a question about a diagnosis by remembering faces, wherever people stand on both sides of
a split; and vectors that find their person are personal data.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from clef.embeddings import Embeddings
from clef.fold_embeddings import FoldEmbeddings, Store, of_fold

AGE_YEARS = 5.0
BLOCK = 256  # sessions compared at a time: (256, n) similarities fit into a few dozen MB at any n
NOBODY_TWICE = "subject identity is not scored: nobody of those scored has two sessions"


@dataclasses.dataclass
class Identity:
    """How well one embedding knows `people` people again.

    auroc: 0.5 is chance · recall: share of nearest sessions that are the person's own · pool: median number of sessions
    among which the nearest is looked for
    """

    embedding: str
    auroc: float
    recall: float
    pool: int
    people: int


@dataclasses.dataclass
class _Block:
    """Sessions `queries` (b,) against `candidates` (m,): masks (b, m) of the same person's and of the others'."""

    queries: np.ndarray
    candidates: np.ndarray
    same: np.ndarray
    other: np.ndarray

    def where(self, kept: np.ndarray) -> "_Block":
        """The queries that `kept` (b,) marks."""
        return _Block(self.queries[kept], self.candidates, self.same[kept], self.other[kept])


def score_identity(stores: Mapping[str, Store], sessions: pl.DataFrame, scored: pl.DataFrame) -> list[Identity]:
    """Identity of each embedding, or an empty list if nobody comes twice.

    stores: name -> embeddings · sessions: the session table · scored: task rows of those scored (subject_id, split)
    All embeddings are compared on the sessions that each of them has. Cross-fitted ones compare within a fold, whose
    people their model has not seen; beside them, so do all.
    """
    rows = _rows(stores, sessions, scored)
    subject = rows["subject_id"].rank("dense").to_numpy() - 1 if len(rows) else np.zeros(0, int)
    twice = np.flatnonzero(np.bincount(subject)[subject] > 1) if len(rows) else []
    if not len(twice):
        return []
    vectors = [_standardised(store, rows) for store in stores.values()]
    auroc, hit, pool = np.full((len(vectors), len(rows)), np.nan), np.full((len(vectors), len(rows)), np.nan), []
    for block in _blocks(rows, subject, twice):
        pool += (block.same.sum(1) + block.other.sum(1)).tolist()
        for i, x in enumerate(vectors):
            near = x[block.queries] @ x[block.candidates].T
            auroc[i, block.queries], hit[i, block.queries] = _compare(near, block)
    if not pool:
        return []
    means = [(_by_person(a, subject), _by_person(h, subject)) for a, h in zip(auroc, hit, strict=True)]
    people = len(np.unique(subject[~np.isnan(auroc[0])]))
    return [Identity(name, *mean, int(np.median(pool)), people) for name, mean in zip(stores, means, strict=True)]


def _rows(stores: Mapping[str, Store], sessions: pl.DataFrame, scored: pl.DataFrame) -> pl.DataFrame:
    """Sessions of the scored people that every embedding has, with their `fold` ("" unless one is cross-fitted)."""
    common = set.intersection(*(set(store.session_id) for store in stores.values()))
    folds = scored.select("subject_id", fold="split").unique("subject_id", maintain_order=True)
    rows = sessions.join(folds, on="subject_id").filter(pl.col("session_id").is_in(list(common)))
    if not any(isinstance(store, FoldEmbeddings) for store in stores.values()):
        rows = rows.with_columns(fold=pl.lit(""))
    return rows.sort("session_id")


def _standardised(store: Store, rows: pl.DataFrame) -> np.ndarray:
    """Vectors (n, D) of `rows`, unit length, each dimension first centred and scaled over the sessions of its model."""
    parts = rows.with_row_index("_row").partition_by("fold") if isinstance(store, FoldEmbeddings) else [rows]
    made = [_unit(of_fold(store, part["fold"][0]), part) for part in parts]
    if len(parts) == 1:
        return made[0]
    order = np.argsort(np.concatenate([part["_row"].to_numpy() for part in parts]))
    return np.concatenate(made)[order]


def _unit(store: Embeddings, part: pl.DataFrame) -> np.ndarray:
    place = {session: i for i, session in enumerate(store.session_id)}
    x = store.vectors[[place[session] for session in part["session_id"]]].astype(np.float32)
    x -= x.mean(0)
    sd = x.std(0)
    x /= np.where(sd > 1e-6 * max(sd.max(), 1e-12), sd, np.inf)  # a dimension that nobody differs in says nothing
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _blocks(rows: pl.DataFrame, subject: np.ndarray, queries: np.ndarray) -> Iterator[_Block]:
    """Comparisons of all `queries`: stratum by stratum, then those who have nobody like them with everybody."""
    age = rows["age"].fill_null(0).to_numpy()
    alike = [pl.col(c).fill_null("?") for c in ("sex", "site", "setting")]
    key = rows.select(pl.concat_str([pl.col("fold"), *alike, pl.col("age").is_null()], separator="\x1f")).to_series()
    stratum, fold = (values.rank("dense").to_numpy() for values in (key, rows["fold"]))
    alone = []
    for block in _grouped(stratum, queries, subject, age, AGE_YEARS):
        has = block.other.any(1)
        alone.append(block.queries[~has])
        yield block.where(has)
    for block in _grouped(fold, np.concatenate(alone), subject, age, np.inf):
        yield block.where(block.other.any(1))


def _grouped(group: np.ndarray, queries: np.ndarray, subject: np.ndarray, age: np.ndarray, years: float):
    """Blocks of the queries of each group (n,), `BLOCK` sessions at a time."""
    for number in np.unique(group[queries]):
        mine = queries[group[queries] == number]
        for part in np.array_split(mine, -(-len(mine) // BLOCK)):
            yield _block(part, np.flatnonzero(group == number), subject, age, years)


def _block(part: np.ndarray, group: np.ndarray, subject: np.ndarray, age: np.ndarray, years: float) -> _Block:
    # a person's other session counts wherever it was recorded; that of somebody else only inside the group
    candidates = np.union1d(group, np.flatnonzero(np.isin(subject, subject[part])))
    same = (subject[part][:, None] == subject[candidates]) & (part[:, None] != candidates)
    near = np.abs(age[part][:, None] - age[candidates]) <= years
    other = (subject[part][:, None] != subject[candidates]) & near & np.isin(candidates, group)
    return _Block(part, candidates, same, other)


def _compare(near: np.ndarray, block: _Block) -> tuple[np.ndarray, np.ndarray]:
    """(b,) share of (own, other) pairs in which the own session is nearer, ties half; is the nearest an own one."""
    auroc, hit = np.empty(len(near)), np.empty(len(near))
    for i, row in enumerate(near):
        own, other = row[block.same[i]], row[block.other[i]]
        auroc[i] = np.mean([(other < s).mean() + 0.5 * (other == s).mean() for s in own])
        hit[i] = own.max() > other.max()
    return auroc, hit


def _by_person(values: np.ndarray, subject: np.ndarray) -> float:
    """Mean over people of the mean over their sessions; sessions without a value are left out."""
    known = ~np.isnan(values)
    sessions = np.bincount(subject[known])
    sums = np.bincount(subject[known], values[known])
    return float((sums[sessions > 0] / sessions[sessions > 0]).mean())
