"""Recording -> session -> spectrogram -> tokens. Heavy modules load when first used."""

from typing import TYPE_CHECKING

from tokenizer.base.terminal import while_starting

if TYPE_CHECKING:
    from tokenizer.multitaper import spectrogram
    from tokenizer.reading.read import read
    from tokenizer.recording import Session
    from tokenizer.store import TokenStore
    from tokenizer.vqgan import VQGAN

__version__ = "0.1.0"
while_starting()

_HOMES = {
    "read": "reading.read",
    "Session": "recording",
    "spectrogram": "multitaper",
    "VQGAN": "vqgan",
    "TokenStore": "store",
    "ReadingConfig": "reading.read",
    "tokenise": "tokens",
}

__all__ = ["VQGAN", "ReadingConfig", "Session", "TokenStore", "__version__", "read", "spectrogram", "tokenise"]


def __getattr__(name: str):
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"tokenizer.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tokenizer' has no attribute {name!r}")
