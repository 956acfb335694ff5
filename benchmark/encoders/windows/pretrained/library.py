"""The library braindecode, where it is installed: the only file that knows how to ask it for a network.

It is no requirement of this package, as it brings torchaudio, whose wheels have to fit those of PyTorch.
"""

import importlib
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from torch import nn

from benchmark.encoders.windows.sliding import first_line
from tokenizer.base.cli import ConfigError

LONGEST = 240
"""Characters of what the library says; its lines hold whole arrays and addresses."""


def network_class(kind: str, encoder: str) -> type[nn.Module]:
    """A class of `braindecode.models`. Raises ConfigError in one line without it, or without the library."""
    models = _models(encoder)
    if not hasattr(models, kind):
        import braindecode

        raise ConfigError(
            f"encoder={encoder}: braindecode {braindecode.__version__} has no {kind}; pip install -U braindecode"
        )
    return getattr(models, kind)


def make_network(kind: str, encoder: str, settings: Mapping[str, Any]) -> nn.Module:
    """A fresh network of the class `kind`. ValueError in one line for settings that it does not take."""
    network = network_class(kind, encoder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on defaults of its own and of MNE's, which nobody here can change
        try:
            return network(**settings)
        except Exception as error:  # whatever the library raises
            line = first_line(error)[:LONGEST]
            raise ValueError(f"encoder={encoder}: braindecode could not make {kind} ({line})") from error


def _models(encoder: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("braindecode.models")
        except ImportError as error:
            if error.name in ("braindecode", "braindecode.models"):
                raise ConfigError(
                    f"encoder={encoder}: braindecode is not installed; pip install 'clef-eeg[baselines]', "
                    f"with a torchaudio of the same version as torch"
                ) from None
            raise ConfigError(f"encoder={encoder}: braindecode cannot be imported ({first_line(error)})") from None
        except OSError as error:  # the compiled part of a torchaudio that was made for another torch
            raise ConfigError(f"encoder={encoder}: braindecode cannot be imported ({first_line(error)})") from None
