"""EEGPT: windows of 4 s, 19 electrodes against their average, 256 Hz, millivolts; the mean of its summaries.

G. Wang et al.: EEGPT: Pretrained Transformer for Universal and Reliable Representation of EEG Signals, NeurIPS 2024.
Its authors take the mean of the electrodes out, volts times 1,000, windows of 4 s, and give a probe the four summaries
of every patch of a quarter of a second, 2,048 numbers, which are averaged over the window here. Electrodes are told by
name from a table of 62, which has all of ours; the layer that mixes other channels into those is left out.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.model import Pretrained, Tensors, encoder
from clef.waveform.preparation import Preparation

NAMES = (
    *("FP1", "FP2", "F7", "F3", "FZ", "F4", "F8", "T7", "C3", "CZ"),
    *("C4", "T8", "P7", "P3", "PZ", "P4", "P8", "O1", "O2"),
)


def signal(made: Preparation, tensors: Tensors) -> Mapping[str, Any]:
    """The electrodes by their names in the network's table."""
    return {"chs_info": [{"ch_name": name} for name in NAMES]}


def features(network: nn.Module, windows: Tensor) -> Tensor:
    """Vectors (n, 2048): the mean over time of the four summaries."""
    return network(windows, return_features=True)["features"].mean(1)


NETWORK = Pretrained(
    name="eegpt",
    title="EEGPT (Wang 2024)",
    kind="EEGPT",
    made=Preparation(channels=tuple(f"{name}-average" for name in NAMES), rate=256.0, window=4.0, microvolts=1000.0),
    features=features,
    settings={"chan_proj_type": "none", "return_encoder_output": True},
    signal=signal,
    left_out={"chans_id": "which electrodes it was given", "chan_proj.": "the layer that mixes channels"},
)
EEGPT = encoder(NETWORK)
