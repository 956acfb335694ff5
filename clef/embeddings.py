"""The embedding store `embeddings.parquet`: anyone's session embeddings, ours or another model's, in one form.

| column     | type               | meaning                                |
|------------|--------------------|----------------------------------------|
| session_id | str                | unique                                 |
| embedding  | f32 array, width D | one vector per session, no NaN         |

File metadata (JSON in the key "clef.embeddings"): `name`, `format`, `model` (fingerprint), `config` (what
made it, for the protocol line) and `trained_on`: per split, the hashed subjects the model has seen. An empty
`trained_on` says nothing (unknown); one with empty lists says that it was nobody. A table without these metadata,
written by hand with pandas, polars or pyarrow, is read, too (`clef.vectors` says in which forms).
"""

import dataclasses
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.vectors import COLUMNS, SHOWN, check_columns, read_names, read_vectors
from tokenizer.base.files import fingerprint
from tokenizer.base.tables import check_table, json_metadata, read_table, write_table

log = logging.getLogger(__name__)

FORMAT = 2


@dataclasses.dataclass
class Embeddings:
    """Session embeddings in memory.

    session_id: (n,) unique names · vectors: (n, D) float32 · name: what tables call them
    model: fingerprint of the model that made them · config: how, as plain values
    trained_on: split -> hashed subjects (`subject_hash`) the model was fitted on or selected with; empty: unknown
    """

    session_id: list[str]
    vectors: np.ndarray
    name: str
    model: str = ""
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    trained_on: dict[str, list[str]] = dataclasses.field(default_factory=dict)


def subject_hash(subject_id: int, salt: str = "") -> str:
    """A subject's name in a store that may be shared, enough to find an overlap: `SALT-HASH`, both of hex digits.

    The id itself comes from a name under the key of its site; the salt keeps the lists of two models from being
    compared by those who do not have the ids. Without one it is the older form, a plain hash.
    """
    digest = fingerprint(salt, f"subject {subject_id}") if salt else fingerprint(f"subject {subject_id}")
    return f"{salt}-{digest}" if salt else digest


def hash_subjects(
    subjects: Mapping[str, Iterable[int]], like: Mapping[str, Iterable[str]] | None = None
) -> dict[str, list[str]]:
    """`trained_on` for the ids of each split, sorted, under a salt of their own that follows from the ids alone.

    With `like`, a list that it will be joined with, under that one's salt: a subject of both is then one entry.
    """
    ids = {split: sorted({int(subject) for subject in some}) for split, some in subjects.items()}
    entry = next((name for names in (like or {}).values() for name in names), None)
    salt = fingerprint(json.dumps(ids))[:8] if entry is None else entry.rpartition("-")[0]
    return {split: sorted(subject_hash(subject, salt) for subject in some) for split, some in ids.items()}


def seen_subjects(trained_on: Mapping[str, Iterable[str]], subjects: Iterable[int]) -> dict[str, set[int]]:
    """Split -> those of `subjects` that a model's list names, whatever the salts of its entries."""
    ids = {int(subject) for subject in subjects}
    listed = {split: set(hashes) for split, hashes in trained_on.items()}
    salts = {name.rpartition("-")[0] for hashes in listed.values() for name in hashes}
    named = {subject_hash(subject, salt): subject for salt in salts for subject in ids}
    return {split: {named[name] for name in hashes & named.keys()} for split, hashes in listed.items()}


def any_seen(trained_on: Mapping[str, Iterable[str]], subjects: Iterable[int]) -> set[int]:
    """Those of `subjects` that a model's list names, in whatever split."""
    return set().union(*seen_subjects(trained_on, subjects).values())


def write_embeddings(path: str | Path, embeddings: Embeddings) -> None:
    """Check and write `embeddings` to `path`, whole or not at all."""
    vectors = np.ascontiguousarray(embeddings.vectors, np.float32)
    if vectors.ndim != 2 or len(vectors) != len(embeddings.session_id):
        raise ValueError(f"embeddings have shape {vectors.shape} for {len(embeddings.session_id)} sessions")
    if not np.isfinite(vectors).all():
        bad = [s for s, row in zip(embeddings.session_id, vectors, strict=True) if not np.isfinite(row).all()]
        raise ValueError(f"{Path(path).name}: {len(bad)} embeddings hold NaN or infinity (first: session {bad[0]})")
    frame = pl.DataFrame(
        {"session_id": embeddings.session_id, "embedding": vectors},
        schema={"session_id": pl.String, "embedding": pl.Array(pl.Float32, vectors.shape[1])},
    )
    about = {k: getattr(embeddings, k) for k in ("name", "model", "config", "trained_on")} | {"format": FORMAT}
    write_table(path, frame, {"clef.embeddings": json.dumps(about)})


def read_embeddings(path: str | Path) -> Embeddings:
    """Read and check an embedding store, or a table with its two columns that another program wrote.

    Such a table (one whose metadata give no `format`) needs no metadata: its name is the file's, whom its model was
    trained on is unknown. Raises ValueError with one line for whatever is neither.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such embedding file; `python -m clef.embed` writes one")
    frame = read_table(path, "write it again (`python -m clef.embed`)")
    about = json_metadata(path, "clef.embeddings")
    if "format" in about:
        check_table(path, about.pop("format"), FORMAT)
    else:
        about = {"name": path.stem} | about
        log.info("%s", "; ".join(_remarks(path.name, frame, about)))
    _check_about(about, path.name)
    check_columns(frame, path.name)
    names = read_names(frame["session_id"], path.name)
    return Embeddings(names, read_vectors(frame["embedding"], names, path.name), **about)


def _remarks(name: str, frame: pl.DataFrame, about: dict[str, Any]) -> list[str]:
    """What is to be known of a file that another program wrote."""
    extra = [column for column in frame.columns if column not in COLUMNS]
    shown = ", ".join(extra[:SHOWN]) + (" …" if len(extra) > SHOWN else "")
    remarks = [f"{name}: a table of another program, called {about['name']!r}"]
    remarks += ["it does not say whom its model was trained on"] * (not about.get("trained_on"))
    return remarks + [f"not read: its other columns ({shown})"] * bool(extra)


def _check_about(about: dict[str, Any], name: str) -> None:
    """Raise ValueError (one line) unless the metadata has the fields of `Embeddings`, each of its type."""
    kinds = {"name": str, "model": str, "config": dict, "trained_on": dict}
    for key, value in about.items():
        if key not in kinds or not isinstance(value, kinds[key]):
            raise ValueError(
                f"{name}: its metadata say {key}: {value!r:.60}; expected {', '.join(kinds)} (docs/embeddings.md)"
            )
    if "name" not in about:
        raise ValueError(f"{name}: its metadata give no name to this embedding (docs/embeddings.md)")
    for split, subjects in about.get("trained_on", {}).items():
        if not isinstance(subjects, list) or not all(isinstance(s, str) for s in subjects):
            raise ValueError(
                f"{name}: trained_on[{split!r}] is no list of hashed subjects (clef.embeddings.subject_hash)"
            )
