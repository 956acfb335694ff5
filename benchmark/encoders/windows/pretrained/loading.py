"""Weights of braindecode's models as they are published: a folder or hub repository with config.json, or a bare file.

All tensors fit or none is taken, the counts are printed, and nothing in a file is executed. What a file holds beyond
the network (a layer for classes, above all) is left out by name, and said.
"""

import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.settings import settings_in
from benchmark.encoders.windows.weights import Weighted, tensors_in
from tokenizer.base.files import file_digest
from tokenizer.base.hub import WEIGHTS, build, locate, read_config

log = logging.getLogger(__name__)
PICKLED = "pytorch_model.bin"
"""What braindecode writes beside model.safetensors, and wrote alone before."""
ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


@dataclasses.dataclass(frozen=True)
class Source:
    """Published weights: what to call them in messages and in tables, their tensors, digest, and their settings."""

    label: str
    words: str
    digest: str
    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, source: str, network: type[nn.Module], rate: float, ours: Collection[str] = ()) -> "Source":
        """Of a file, a folder, or OWNER/NAME of the hub.

        network: its class · rate: Hz, what it will be given · ours: arguments of the class that are not asked of it
        Raises ValueError in one line for what is none of them, cannot be read, or describes something else.
        """
        path = Path(source)
        if path.is_file():
            return cls._read(path, "file", {})
        if not path.is_dir() and not is_hub_name(source):
            raise ValueError(
                f"weights={source}: there is no such file or folder; give .safetensors, a .pt of tensors, a folder "
                f"with config.json and {WEIGHTS}, OWNER/NAME of the hub, or random"
            )
        settings = settings_in(read_config(source), network, rate, path.name, ours)
        words = "folder" if path.is_dir() else f"{source} of the hub,"
        return cls._read(_weights_of(source), words, settings, path.name)

    @classmethod
    def _read(cls, path: Path, words: str, settings: Mapping[str, Any], label: str = "") -> "Source":
        digest = file_digest(path)
        return cls(label or path.name, f"{words} {digest[:16]}", digest, tensors_in(path), settings)


def is_hub_name(text: str) -> bool:
    """Whether a text can be OWNER/NAME of the Hugging Face hub, by its form alone."""
    return not Path(text).is_absolute() and text.count("/") == 1 and not text.endswith(ENDINGS)


def load(source: Source, name: str, make: Callable[[], nn.Module], left_out: Mapping[str, str]) -> Weighted[nn.Module]:
    """The network that `make` gives with the weights of `source`; ValueError in one line unless all of it fits.

    left_out: beginnings of names -> what such tensors are, which are not the network's
    """
    kept = dict(source.tensors)
    for start, what in left_out.items():
        if beside := [held for held in kept if held.startswith(start)]:
            log.info("%s: %s: left out %s: %s", name, source.label, what, ", ".join(beside))
            kept = {held: tensor for held, tensor in kept.items() if held not in beside}
    return Weighted(build(make, kept, 0, f"{name}: {source.label}"), source.words, source.digest)


def _weights_of(source: str) -> Path:
    """The weights of a folder or hub repository: safetensors, else what PyTorch reads without executing anything."""
    try:
        return locate(source, WEIGHTS)
    except ValueError as error:
        try:
            return locate(source, PICKLED)
        except ValueError:
            raise error from None
