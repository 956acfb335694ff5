"""Weights of other people's models, strictly: every tensor fits or the file is refused, and the counts are printed.

They come from a run of ours (`clef.pretrain stage=windows`), from a file of anyone's, or are fresh (`random`).
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.windows.window_model import RANDOM, WindowModel
from clef.network.waveform.encoder import WaveformEncoder
from clef.training.run import finished_model
from clef.waveform.preparation import PUBLISHED, Preparation
from tokenizer.base import ranks
from tokenizer.base.files import file_digest
from tokenizer.base.hub import WEIGHTS, build

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclasses.dataclass(frozen=True)
class Weighted(Generic[ModuleT]):
    """A network ready to use, in words where its weights come from, and their digest."""

    network: ModuleT
    weights: str
    fingerprint: str

    def as_model(self, name: str, device: torch.device, made: Preparation, **known: Any) -> WindowModel:
        """The network on `device` as a model of windows that are made so; `known`: further fields of `WindowModel`.

        Raises ValueError in one line for a window that is shorter than the network can take.
        """
        network = self.network.to(device).eval()

        def embed(windows: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return network(torch.from_numpy(windows).to(device)).float().cpu().numpy()

        taken = {field.name: getattr(made, field.name) for field in dataclasses.fields(Preparation)}
        known |= {"weights": self.weights, "fingerprint": self.fingerprint}
        model = WindowModel(name, embed=embed, **taken, **known)
        if model.samples < (least := getattr(network, "least_samples", 1)):
            raise ValueError(f"window={model.window:g}: {name} takes {least / model.rate:g} s at least")
        return model


def published(
    name: str, inputs: Inputs, make: Callable[[], nn.Module], rename: Callable[[str], str] = str
) -> WindowModel:
    """A published network with the weights `inputs` names: a run's, a file's (its names are `rename`d) or fresh."""
    source, device = inputs.weights or "", ranks.set_up(inputs.device)
    if Path(source).is_dir():
        return of_run(name, Path(source), inputs.window, device)
    made = dataclasses.replace(PUBLISHED[name], window=inputs.window or PUBLISHED[name].window)
    return weighted(source, make, rename).as_model(name, device, made)


def of_run(name: str, run: Path, window: float | None, device: torch.device) -> WindowModel:
    """The network of a finished run in its own units. ValueError in one line if the run has none, or another one."""
    folder = finished_model(run) / "waveform"
    if not folder.is_dir():
        raise ValueError(f"weights={run}: not a run of stage=windows; train one with clef.pretrain model={name}")
    encoder = WaveformEncoder.from_pretrained(str(folder))
    if (network := encoder.config.network) != name:
        raise ValueError(f"weights={run}: its network is {network}; give encoder={network}")
    made = dataclasses.replace(encoder.preparation, window=window or encoder.config.seconds)
    digest = file_digest(folder / WEIGHTS)
    known = {"trained_on": encoder.about.get("trained_on", {})}
    return Weighted(encoder.network, f"run {digest[:16]}", digest).as_model(name, device, made, **known)


def weighted(source: str, make: Callable[[], ModuleT], rename: Callable[[str], str] = str) -> Weighted[ModuleT]:
    """The network that `make` gives, with the weights of the file `source`, or fresh ones where it is `random`."""
    if source == RANDOM:
        torch.manual_seed(0)
        return Weighted(make(), RANDOM, f"{RANDOM}, seed 0")
    network, digest = load_weights(source, make, rename)
    return Weighted(network, f"file {digest[:16]}", digest)


def load_weights(
    path: str | Path, make: Callable[[], ModuleT], rename: Callable[[str], str] = str
) -> tuple[ModuleT, str]:
    """The network that `make` gives with the weights of a file, ready to use; and the file's digest.

    path: .safetensors, or a file of PyTorch that holds tensors alone (nothing in it is executed)
    rename: the file's name of a tensor -> the network's. Raises ValueError in one line unless all of it fits.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"weights={path}: there is no such file; give .safetensors or a .pt of tensors")
    tensors = {rename(name): tensor for name, tensor in tensors_in(path).items()}
    return build(make, tensors, 0, path.name), file_digest(path)


def tensors_in(path: Path) -> dict[str, Tensor]:
    """What a file holds, by the names in it; a training checkpoint's `state_dict` where it has one."""
    try:
        held = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"weights={path.name}: cannot be read as weights ({type(error).__name__})") from None
    except Exception as error:  # a pickle that would run code is refused by its reader with an error of its own
        raise ValueError(
            f"weights={path.name}: holds more than tensors ({type(error).__name__}), and nothing of it is executed; "
            f"save its state_dict alone"
        ) from None
    for key in ("state_dict", "model", "model_state_dict"):
        held = held[key] if isinstance(held, dict) and isinstance(held.get(key), dict) else held
    if not isinstance(held, dict) or not all(isinstance(tensor, Tensor) for tensor in held.values()):
        raise ValueError(f"weights={path.name}: expected names and tensors, got {type(held).__name__}")
    prefix = "module."  # what a model trained by several processes is saved with
    return {name.removeprefix(prefix): tensor for name, tensor in held.items()}
