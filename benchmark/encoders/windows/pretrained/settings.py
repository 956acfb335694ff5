"""What a braindecode model's config.json says of its network, as arguments of the class; nothing it names is imported.

`save_pretrained` of braindecode writes every argument of the network into config.json, classes of layers by their
dotted names. Taken are numbers, lists of numbers and layers of torch.nn. Of the signal only the rate is compared: how
many channels and samples there are, and how many outputs, follow from what is done here.
"""

import inspect
import logging
from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

log = logging.getLogger(__name__)
SIGNAL = ("n_outputs", "n_chans", "chs_info", "n_times", "input_window_seconds", "sfreq")
LARGEST = 10_000
"""Of a number in a config.json: a network has no more layers, heads or units in one."""


def settings_in(
    config: Mapping[str, Any], network: type[nn.Module], rate: float, source: str, ours: Collection[str] = ()
) -> dict[str, Any]:
    """Arguments of the class `network` beside those of the signal and beside `ours`, which no config changes.

    rate: Hz, what it will be given · source: what to call it in messages. Raises ValueError in one line for another
    rate, and for values that are no numbers, lists of numbers or layers of torch.nn.
    """
    if config.get("sfreq") not in (None, rate):
        raise ValueError(f"{source}: config.json says {config['sfreq']!r} Hz (sfreq); expected {rate:g}, as published")
    known = inspect.signature(network.__init__).parameters
    unknown = sorted(set(config) - set(known) - {"braindecode_version"})
    if unknown:
        log.info("%s: config.json also says %s, which %s does not take", source, ", ".join(unknown), network.__name__)
    taken = {name: value for name, value in config.items() if name in known and name not in (*SIGNAL, *ours)}
    return {name: _value(value, f"{source}: config.json says {name}") for name, value in taken.items()}


def _value(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return [_value(each, place) for each in value]
    if value is None or (isinstance(value, (int, float)) and abs(value) <= LARGEST):
        return value
    layer = _layer(value) if isinstance(value, str) else None
    if layer is None:
        raise ValueError(
            f"{place}={str(value)[:40]!r}; expected numbers up to {LARGEST}, or a layer such as torch.nn.GELU"
        )
    return layer


def _layer(name: str) -> type[nn.Module] | None:
    """A layer of torch.nn by its dotted name; None for anything else."""
    layer = getattr(nn, name.rpartition(".")[2], None) if name.startswith("torch.nn.") else None
    return layer if isinstance(layer, type) and issubclass(layer, nn.Module) else None
