"""EEG-CLIP's EEG encoder, Deep4 read densely: windows of 12 s, 19 electrodes against their average, 100 Hz.

The published one takes the ears A1 and A2 as well, 21 channels; sessions here have the 19 electrodes of the scalp, so
its weights do not fit: weights are those of a run of ours (stage=windows model=eegclip), or fresh.
"""

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.windows.sliding import window_encoder
from benchmark.encoders.windows.weights import published
from benchmark.encoders.windows.window_model import WindowModel
from clef.network.waveform.deep import Deep4, Deep4Config


def build(inputs: Inputs) -> WindowModel:
    """The encoder with the weights of `inputs.weights`, or fresh ones for `random`."""
    return published("eegclip", inputs, lambda: Deep4(Deep4Config()))


EEGCLIP = window_encoder(
    "eegclip",
    "the EEG encoder of EEG-CLIP (Deep4) on windows of 12 s; weights=RUN, FILE or random",
    build,
)
