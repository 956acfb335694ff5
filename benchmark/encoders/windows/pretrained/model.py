"""A published model of braindecode as an encoder of windows: what it takes, its network, and how vectors are read off.

A new one is one file beside this that ends in `encoder(Pretrained(…))`, and one line in the table of encoders.
"""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from benchmark.encoders.encoder import Encoder, Inputs
from benchmark.encoders.windows.pretrained.library import make_network, network_class
from benchmark.encoders.windows.pretrained.loading import Source, load
from benchmark.encoders.windows.sliding import first_line, window_encoder
from benchmark.encoders.windows.weights import Weighted, weighted
from benchmark.encoders.windows.window_model import RANDOM, WindowModel
from clef.waveform.preparation import Preparation
from tokenizer.base import ranks

Tensors = Mapping[str, Tensor]
HEAD = "final_layer."
LEFT_OUT = {HEAD: "the layer that names a class"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A published model.

    name: as in `encoder=NAME` · title: in words · kind: the class in `braindecode.models` · made: what it takes
    features: network and windows (n, C, S) -> vectors (n, D), as its authors read them off for other questions
    settings: arguments of the class that are the same whatever a config.json says
    signal: what it takes, and the tensors of its weights (none for fresh ones) -> arguments that follow from them
    left_out: beginnings of names -> what such tensors are, which a file may hold and the network here does not
    finish: called with the network once its weights are in it
    """

    name: str
    title: str
    kind: str
    made: Preparation
    features: Callable[[nn.Module, Tensor], Tensor]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    signal: Callable[[Preparation, Tensors], Mapping[str, Any]] = lambda made, tensors: {}
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    finish: Callable[[nn.Module, Preparation], None] = lambda network, made: None

    def network(self, made: Preparation, tensors: Tensors, settings: Mapping[str, Any]) -> nn.Module:
        """A fresh network without its last layer, which nobody trained for what is asked here."""
        signal = {"n_chans": len(made.channels), "n_times": made.samples, "sfreq": made.rate, "n_outputs": 1}
        network = make_network(
            self.kind, self.name, {**settings, **signal, **self.settings, **self.signal(made, tensors)}
        )
        network.final_layer = nn.Identity()
        for name, buffer in network.named_buffers(recurse=False):
            if name in self.left_out:
                network.register_buffer(name, buffer, persistent=False)
        return network

    def weighted(self, source: str, made: Preparation) -> Weighted[nn.Module]:
        """The network with the weights of a file, a folder or a hub repository, or fresh ones for `random`."""
        kind = network_class(self.kind, self.name)
        if source == RANDOM:
            return weighted(RANDOM, lambda: self.network(made, {}, {}))
        published = Source.of(source, kind, made.rate, self.settings)
        make = functools.partial(self.network, made, published.tensors, published.settings)
        return load(published, self.name, make, LEFT_OUT | dict(self.left_out))


class Reader(nn.Module):
    """A network and how vectors are read off it, as one module: windows (n, C, S) -> vectors (n, D)."""

    def __init__(self, network: nn.Module, features: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self.features = network, features

    def forward(self, windows: Tensor) -> Tensor:
        """Vectors (n, D) of windows (n, C, S), in the units that the network takes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # BIOT's transform has no window, as published
            return self.features(self.network, windows)


def build(pretrained: Pretrained, inputs: Inputs) -> WindowModel:
    """The model with the weights of `inputs.weights`. ValueError in one line for windows that it cannot take."""
    device = ranks.set_up(inputs.device)
    made = dataclasses.replace(pretrained.made, window=inputs.window or pretrained.made.window)
    made.check(pretrained.name)
    loaded = pretrained.weighted(inputs.weights or "", made)
    pretrained.finish(loaded.network, made)
    reader = Weighted(Reader(loaded.network, pretrained.features), loaded.weights, loaded.fingerprint)
    model = reader.as_model(pretrained.name, device, made)
    try:  # one window, before any recording is read
        model.embed(np.zeros((1, len(made.channels), made.samples), np.float32))
    except Exception as error:  # whatever the library raises
        raise ValueError(
            f"window={made.window:g}: {model.name} takes no windows of that length; "
            f"{pretrained.made.window:g} s are as published ({first_line(error)})"
        ) from error
    return model


def encoder(pretrained: Pretrained) -> Encoder:
    """The row of the table of encoders."""
    what = (
        f"{pretrained.title} of braindecode on windows of {pretrained.made.window:g} s; "
        f"weights=OWNER/NAME of the hub, FOLDER, FILE or random"
    )
    row = window_encoder(pretrained.name, what, functools.partial(build, pretrained))
    return dataclasses.replace(row, hub=True)
