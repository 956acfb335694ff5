"""What a model embeds, as one list of sessions in the order given: recordings, arrays, stores, and lists of them.

    gather(["a.edf", raw, "archive/"], vqgan, fingerprint, Options())    # tokens of all sessions, and why not

Nobody loses a row without a word: a recording that cannot be used stops everything, or keeps its place without tokens.

Shapes: n sessions · R x W token grid of a session.
"""

import dataclasses
import functools
import logging
import os.path
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tokenizer.base.progress import track
from tokenizer.channels import CHANNELS
from tokenizer.reading.arrays import array_source, epoch_sources
from tokenizer.reading.formats import recording_suffixes
from tokenizer.reading.many import FEW, read_many
from tokenizer.reading.read import Job, ReadingConfig, row_jobs
from tokenizer.readings import Reading, reading_of
from tokenizer.recording import RecordingError, Session
from tokenizer.sessions import read_sessions
from tokenizer.store import REFUSED, Tokens, TokenStore
from tokenizer.tokens import tokenise
from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)

KINDS = (
    "a path, a folder, a token store, an array (channels, samples) with rate= and channels=, mne Raw or Epochs, "
    "a tokenizer.Session, or a list of these"
)
NO_COLUMN = "no 10 s of it are at least half real signal; expected a longer stretch without gaps"
OnError = Literal["raise", "nan"]


@dataclasses.dataclass(frozen=True)
class Options:
    """How sources are read.

    on_error: raise, or keep the row of what cannot be used · workers: processes that read files, where there are many
    channels: names of an array's rows · reading: how recordings become sessions; its `rate` is an array's, too
    """

    on_error: str = "raise"
    workers: int = 1
    channels: Sequence[str] | None = None
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)


@dataclasses.dataclass(frozen=True)
class Item:
    """One recording by its name (or all sessions of a store), and the file it came from."""

    name: str
    content: Job | Session | Reading | TokenStore | Tokens
    path: Path | None = None


@dataclasses.dataclass
class Gathered:
    """Tokens of n sessions, each under its name, and (n,) why a session has none: "" where it has."""

    tokens: Tokens
    reasons: np.ndarray


def gather(source: Any, vqgan: VQGAN, fingerprint: str | None, options: Options) -> Gathered:
    """Tokens of every session of `source`, in order. `fingerprint` is that of the tokenizer stores must be made with.

    Raises RecordingError for the first recording that cannot be used, unless `options` keep it; ValueError for what is
    no source.
    """
    items = list_items(source, options)
    if not items:
        raise ValueError(f"nothing to embed: an empty {type(source).__name__}; expected {KINDS}")
    parts = []
    then = functools.partial(reading_of, reference=vqgan.config.reference)
    with closing(_results(items, then, options.workers)) as results:
        for item, result in track(results, "read", len(items)) if len(items) > FEW else results:
            part = _of_store(result, fingerprint) if isinstance(result, TokenStore) else _rows(item, result, vqgan)
            _check(part, len(items), options.on_error)
            parts.append(part)
    fields = [f.name for f in dataclasses.fields(Tokens)]
    tokens = Tokens(*(np.concatenate([getattr(p.tokens, name) for p in parts]) for name in fields))
    return Gathered(tokens, np.concatenate([p.reasons for p in parts]))


def store_tokens(store: TokenStore, fingerprint: str | None) -> Tokens:
    """The sessions of a store that are encoded. Raises ValueError if another tokenizer made it."""
    if store.fingerprint != fingerprint:
        raise ValueError(
            f"{store.path.name}: made with tokenizer {store.fingerprint}, the model was trained on tokens of "
            f"{fingerprint}; encode the recordings with the model's own (tokenizer=RUN)"
        )
    return store.load()


# ---- sources -> items
def list_items(source: Any, options: Options) -> list[Item]:
    """The recordings and stores that a source consists of, in order. Raises ValueError for what is none."""
    many = _is_many(source)
    sources = list(source) if many else [source]
    if options.channels is not None and not any(isinstance(one, np.ndarray) for one in sources):
        raise ValueError("channels= names the rows of an array, and no array was given; leave it away")
    items = [item for one in sources for item in _items(one, options)]
    return _named(_seen_from_shared_folder(items) if many else items)


def _is_many(source: Any) -> bool:
    """Whether this is a list of sources: a list, tuple or column of a table, an array of paths or of 2-D arrays."""
    if isinstance(source, np.ndarray):
        return source.ndim == 3 or source.dtype.kind in "OUT"
    is_column = type(source).__name__ == "Series"  # of pandas or polars
    return is_column or (isinstance(source, Sequence) and not isinstance(source, str))


def _items(source: Any, options: Options) -> list[Item]:
    if isinstance(source, str | Path):
        return _of_path(Path(source), options.reading)
    if isinstance(source, Session | Reading):
        return [Item("", source)]
    if isinstance(source, Tokens | TokenStore):
        return [Item("", source)]
    if isinstance(source, np.ndarray):
        return [_of_array(source, options)]
    if mne := sys.modules.get("mne"):  # whoever has such an object has imported it
        if isinstance(source, mne.io.BaseRaw):
            return [Item("", Job(source, options.reading))]
        if isinstance(source, mne.BaseEpochs):
            epochs = epoch_sources(source, options.reading.unit)
            return [Item("", Job(epoch, options.reading)) for epoch in epochs]
    raise ValueError(f"cannot embed {_kind(source)}; expected {KINDS}")


def _kind(thing: Any) -> str:
    kind = type(thing)
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__.split('.')[0]} "
    return f"an object of type {where}{kind.__name__}"


def _of_array(samples: np.ndarray, options: Options) -> Item:
    if options.reading.rate is None or options.channels is None:
        raise ValueError(
            f"an array {samples.shape} does not say what it is; give rate= in Hz and channels=, the names of its rows "
            f"(and unit= unless it is µV)"
        )
    source = array_source(samples, options.reading.rate, options.channels, options.reading.unit, "array")
    return Item("", Job(source, options.reading))


def _of_path(path: Path, reading: ReadingConfig) -> list[Item]:
    if path.name.lower().endswith(".parquet"):
        raise ValueError(
            f"{path.name}: a table, not a recording; `similarity` takes embedding files, `read_embeddings` reads them"
        )
    if not path.is_dir() or path.name.lower().endswith(recording_suffixes()):  # some formats are folders
        return [Item(path.name, Job(path, reading), path)]
    if (path / "zarr.json").is_file():
        return [Item(path.name, TokenStore(path))]
    if (path / "sessions.parquet").is_file():
        sessions = read_sessions(path)
        jobs = row_jobs(path, sessions, reading)
        return [Item(name, job) for name, job in zip(sessions["session_id"].to_list(), jobs, strict=True)]
    return [Item(file.relative_to(path).as_posix(), Job(file, reading), file) for file in recordings_in(path)]


def recordings_in(folder: Path, known: Collection[Path] = ()) -> list[Path]:
    """The recordings in a folder and below it, and those `known` ones there that no name tells; sorted.

    Raises ValueError (one line) if there are none.
    """
    suffixes, top = recording_suffixes(), folder.resolve()
    files = {p for p in folder.rglob("*") if p.name.lower().endswith(suffixes)}
    files |= {p for p in known if not p.name.lower().endswith(suffixes) and p.resolve().is_relative_to(top)}
    if not files:
        raise ValueError(f"{folder}: no recording in this folder; looked for {', '.join(suffixes)}")
    return sorted(files)


def _seen_from_shared_folder(items: list[Item]) -> list[Item]:
    """Files of a list by their paths below the folder that all of them share: two may have one name."""
    files = {i: item.path.absolute() for i, item in enumerate(items) if item.path}
    shared = os.path.commonpath([file.parent for file in files.values()]) if files else ""
    names = {i: file.relative_to(shared).as_posix() for i, file in files.items()}
    return [dataclasses.replace(item, name=names.get(i, item.name)) for i, item in enumerate(items)]


def _named(items: list[Item]) -> list[Item]:
    """A name for what has none, as an array: its place in the list."""
    return [dataclasses.replace(item, name=item.name or f"session {i}") for i, item in enumerate(items, 1)]


# ---- items -> tokens
def _results(items: list[Item], then: Callable[..., Reading], workers: int) -> Iterator[tuple[Item, Any]]:
    """Each item with its reading, its error, or its store; files are read by `workers`, ahead of who asks."""
    in_file = [isinstance(i.content, Job) and isinstance(i.content.source, str | Path) for i in items]
    files = read_many([i.content for i, yes in zip(items, in_file, strict=True) if yes], then, workers)
    with closing(files):
        for item, yes in zip(items, in_file, strict=True):
            yield item, next(files) if yes else _read_here(item.content, then)


def _read_here(content: Any, then: Callable[..., Reading]) -> Any:
    if isinstance(content, Job):
        return next(read_many([content], then))
    return then(content) if isinstance(content, Session) else content


def _rows(item: Item, result: Tokens | Reading | RecordingError, vqgan: VQGAN) -> Gathered:
    if isinstance(result, Tokens):
        return Gathered(result, np.where(result.valid.any(1), "", NO_COLUMN).astype(object))
    rows, columns = vqgan.grid
    tokens, valid = np.zeros((1, rows, columns), np.uint16), np.zeros((1, columns), bool)
    level, channel_ok = np.full(1, np.nan, np.float32), np.zeros((1, len(CHANNELS)), bool)
    if isinstance(result, RecordingError):
        reason = result.reason
    else:
        one = tokenise(result, vqgan)
        tokens[0], valid[0], level[0], channel_ok[0] = one.tokens, one.valid, one.level, one.channel_ok
        reason = one.reason or ("" if one.valid.any() else NO_COLUMN)
    names, subjects, split = np.array([item.name], object), np.zeros(1, np.int64), np.array([""])
    whole = Tokens(tokens, valid, names, subjects, split, level, channel_ok)
    return Gathered(whole, np.array([reason], object))


def _of_store(store: TokenStore, fingerprint: str | None) -> Gathered:
    """All rows of a store, in its order: also those that were refused when it was made."""
    done, status, refused = store_tokens(store, fingerprint), store.status, store.refused()
    whole = Tokens(
        np.zeros((len(status), *store.grid), np.uint16),
        np.zeros((len(status), store.grid[1]), bool),
        store.session_id,
        np.zeros(len(status), np.int64),
        np.full(len(status), "", done.split.dtype),
        store.level,
        store.channel_ok[:],
    )
    encoded = status != REFUSED
    for name in ("tokens", "valid", "subject_id", "split"):
        getattr(whole, name)[encoded] = getattr(done, name)
    reasons = [refused.get(name, NO_COLUMN) for name in whole.session_id]
    return Gathered(whole, np.where(whole.valid.any(1), "", np.array(reasons, object)))


def _check(part: Gathered, items: int, on_error: str) -> None:
    """Raise for the first session that cannot be used, or say of each that it keeps its row."""
    for row in np.flatnonzero(part.reasons != ""):
        error = RecordingError(str(part.tokens.session_id[row]), str(part.reasons[row]))
        if on_error == "raise":
            many = items > 1 or len(part.reasons) > 1
            hint = "; or on_error='nan' for a row of NaN in its place" if many else ""
            raise RecordingError(error.name, error.reason + hint)
        log.warning("no embedding: %s", error)


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError with one line unless `value` is one of `choices`."""
    if value not in (known := tuple(choices)):
        raise ValueError(f"{name}={value!r}: expected {' or '.join(map(repr, known))}")


def reading_config(changes: dict[str, Any]) -> ReadingConfig:
    """`ReadingConfig` with `changes`. Raises TypeError with one line for a name that is none of its fields."""
    known = [f.name for f in dataclasses.fields(ReadingConfig)]
    if odd := sorted(set(changes) - set(known)):
        raise TypeError(f"there is no argument {odd[0]!r}; how recordings are read say: {', '.join(known)}")
    return ReadingConfig(**changes)
