"""Recording -> session -> spectrogram -> tokens. Heavy modules load when first used."""

from typing import TYPE_CHECKING

from tokenizer.base.interrupt import end_quietly

if TYPE_CHECKING:
    from tokenizer.multitaper import spectrogram
    from tokenizer.reading.read import read
    from tokenizer.recording import Session
    from tokenizer.store import TokenStore
    from tokenizer.vqgan import VQGAN

_HOMES = {
    "read": "reading.read",
    "Session": "recording",
    "spectrogram": "multitaper",
    "VQGAN": "vqgan",
    "TokenStore": "store",
    "ReadingConfig": "reading.read",
    "tokenise": "tokens",
}

__all__ = ["VQGAN", "ReadingConfig", "Session", "TokenStore", "read", "spectrogram", "tokenise"]

end_quietly()


def __getattr__(name: str):
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"tokenizer.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tokenizer' has no attribute {name!r}")
