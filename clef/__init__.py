"""CLEF: a foundation model for clinical EEG that works on whole sessions. `clef.load(path).embed(recording)`."""

import importlib.util
from pathlib import Path


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


def __getattr__(name: str):
    if name in ("load", "Model"):  # lazy: `import clef` stays light
        from clef import model

        return getattr(model, name)
    raise AttributeError(f"module 'clef' has no attribute {name!r}")


__all__ = ["Model", "__version__", "load"]
