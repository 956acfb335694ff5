"""EEG-CLIP's EEG encoder, Deep4 read densely: windows of 12 s, 19 electrodes against their average, 100 Hz.

The published one takes the ears A1 and A2 as well, 21 channels; sessions here have the 19 electrodes of the scalp, so
its weights do not fit. Their preparation: ±800 µV, average reference, units of 30 µV.
"""

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.windows.sliding import window_encoder
from benchmark.encoders.windows.weights import weighted
from benchmark.encoders.windows.window_model import WindowModel
from clef.network.waveform.deep import Deep4, Deep4Config
from tokenizer.base import ranks
from tokenizer.channels import CHANNELS

AVERAGED = tuple(f"{electrode}-average" for electrode in CHANNELS)


def build(inputs: Inputs) -> WindowModel:
    """The encoder with the weights of `inputs.weights`, or fresh ones for `random`."""
    encoder = weighted(inputs.weights or "", lambda: Deep4(Deep4Config()))
    return encoder.as_model(
        "eegclip",
        ranks.set_up(inputs.device),
        **{"channels": AVERAGED, "rate": 100.0, "window": inputs.window or 12.0, "band": (0.1, 50.0)},
        **{"microvolts": 30.0, "limit": 800 / 30},
    )


EEGCLIP = window_encoder(
    "eegclip",
    "the EEG encoder of EEG-CLIP (Deep4) on windows of 12 s; weights=FILE or random",
    build,
)
