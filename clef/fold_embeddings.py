"""Cross-fitted embeddings: the same sessions embedded by the model of each fold, which has not seen that fold's people.

    FOLDER/fold0.parquet  fold1.parquet …      each an embedding store (`clef.embeddings`) of all sessions

A fold's people are scored with that fold's file, by a probe that was fitted on the others in the same space.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

from clef.embeddings import Embeddings, read_embeddings
from tokenizer.base.files import fingerprint


@dataclasses.dataclass
class FoldEmbeddings:
    """Embeddings of a model per fold: `fold0` -> those of the model that has not seen the people of fold0."""

    folds: dict[str, Embeddings]

    @property
    def name(self) -> str:
        """What tables call them."""
        return next(iter(self.folds.values())).name

    @property
    def session_id(self) -> list[str]:
        """The sessions that every fold has, in the order of the first."""
        first, *others = (store.session_id for store in self.folds.values())
        common = set(first).intersection(*others)
        return [session for session in first if session in common]

    @property
    def model(self) -> str:
        """A fingerprint of all folds' models."""
        return fingerprint(*(store.model for store in self.folds.values()))

    @property
    def config(self) -> dict[str, Any]:
        """What made them, as the first fold says it, and how many folds there are."""
        return next(iter(self.folds.values())).config | {"crossfit": len(self.folds)}

    @property
    def trained_on(self) -> dict[str, list[str]]:
        """Per split, the hashed subjects that any of the models has seen; empty if any file does not say."""
        known = [store.trained_on for store in self.folds.values()]
        if not all(known):
            return {}
        names = {name for one in known for name in one}
        return {name: sorted(set().union(*(one.get(name, []) for one in known))) for name in sorted(names)}


Store = Embeddings | FoldEmbeddings
"""Embeddings of one model, or of a model for each fold."""


def of_fold(store: Store, fold: str) -> Embeddings:
    """The embeddings that a fold's people are scored with: an ordinary store's are the same for all."""
    return store.folds[fold] if isinstance(store, FoldEmbeddings) else store


def is_fold_folder(path: Path) -> bool:
    """Whether a folder holds cross-fitted embeddings."""
    return (path / "fold0.parquet").is_file()


def fold_folders(path: Path) -> list[Path]:
    """The folders of cross-fitted embeddings in `path`, or itself. Raises ValueError if there are none."""
    folders = [path] if is_fold_folder(path) else sorted(p for p in path.iterdir() if p.is_dir() and is_fold_folder(p))
    if not folders:
        raise ValueError(
            f"embeddings={path}: no fold0.parquet in this folder or in one below it; `python -m clef.crossfit` makes "
            f"them, and goes on with the same command if it was stopped"
        )
    return folders


def read_fold_embeddings(folder: Path) -> FoldEmbeddings:
    """Read and check the files of all folds. Raises ValueError in one line if they do not belong together."""
    numbers = sorted(
        int(m[1]) for p in folder.glob("fold*.parquet") if (m := re.fullmatch(r"fold(\d+)\.parquet", p.name))
    )
    if numbers != list(range(len(numbers))):
        raise ValueError(
            f"{folder}: it has fold{numbers[-1]}.parquet, but not each before it; run clef.crossfit to its end"
        )
    stores = {f"fold{i}": _named(read_embeddings(folder / f"fold{i}.parquet"), f"fold{i}", folder) for i in numbers}
    widths = {store.vectors.shape[1] for store in stores.values()}
    if len(widths) > 1:
        raise ValueError(f"{folder}: its folds have embeddings of different widths ({sorted(widths)}); make them alike")
    return FoldEmbeddings(stores)


def _named(store: Embeddings, fold: str, folder: Path) -> Embeddings:
    """A file that gives its vectors no name has its own, `fold0`: then the folder's says more."""
    return dataclasses.replace(store, name=folder.resolve().name) if store.name == fold else store
