"""Embeddings + labels -> scores, tables and pictures. `make_tasks` and `score` load when first used."""

from typing import TYPE_CHECKING

from clef import __version__

if TYPE_CHECKING:
    from benchmark.build import make_tasks
    from benchmark.scores.scoring import score

_HOMES = {"make_tasks": "build", "score": "scores.scoring"}

__all__ = ["__version__", "make_tasks", "score"]


def __getattr__(name: str):
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"benchmark.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
