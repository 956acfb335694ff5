"""CLEF: a foundation model for clinical EEG that works on whole sessions. `clef.load(path).embed(recording)`."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clef.dataset import TokenDataset
    from clef.estimator import EEGEmbedder
    from clef.model import Model, load


def _check_siblings() -> None:
    """`tokenizer` and `benchmark` are common names: make sure Python found ours."""
    home = Path(__file__).resolve().parent.parent
    for name in ("tokenizer", "benchmark"):
        spec = importlib.util.find_spec(name)
        place = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if place != home:
            which = "none" if place is None else "another one"
            raise ImportError(
                f"clef needs its own package {name!r} beside it, but Python found {which}; "
                f"install clef-eeg in an environment of its own"
            )


def _version() -> str:
    from tokenizer import __version__  # ours for certain only after the check

    return __version__


_check_siblings()
__version__ = _version()
_HOMES = {"load": "model", "Model": "model", "EEGEmbedder": "estimator", "TokenDataset": "dataset"}


def __getattr__(name: str):
    if name in _HOMES:  # lazy: `import clef` stays light
        import importlib

        return getattr(importlib.import_module(f"clef.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'clef' has no attribute {name!r}")


__all__ = ["EEGEmbedder", "Model", "TokenDataset", "__version__", "load"]
