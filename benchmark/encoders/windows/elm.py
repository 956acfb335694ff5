"""ELM's EEG encoder, weights from a run of ours or its authors' checkpoint: windows of 60 or 5 s, 20 pairs, 100 Hz.

The checkpoint stays where it is; nothing of their code is run. Their preparation: 0.1 to 49 Hz, volts times 1e5 clipped
to ±80, then the data set's own mean and standard deviation. Here sessions come from `tokenizer.read`, so that mains is
notched, too, and nothing is dropped from the first 10 s.
"""

import re

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.windows.sliding import window_encoder
from benchmark.encoders.windows.weights import published
from benchmark.encoders.windows.window_model import WindowModel
from clef.network.waveform.residual import ResidualCNN, ResidualCNNConfig, pools_for
from clef.waveform.preparation import PUBLISHED

_PARTS = (
    (r"^bn1\.", "first_norm."),
    (r"^conv1_layers\.(\d)\.1\.", r"first.convolutions.\1."),
    (r"^proj\.", "projection."),
    (r"^res_blocks\.(\d)\.conv1_layers\.(\d)\.1\.", r"blocks.\1.first.convolutions.\2."),
    (r"^res_blocks\.(\d)\.conv2_layers\.(\d)\.1\.", r"blocks.\1.second.convolutions.\2."),
    (r"^res_blocks\.(\d)\.stream_conv_layers\.(\d)\.", r"blocks.\1.skip.convolutions.\2."),
    (r"^res_blocks\.(\d)\.bn1\.", r"blocks.\1.first_norm."),
    (r"^res_blocks\.(\d)\.bn2\.", r"blocks.\1.second_norm."),
    (r"^res_blocks\.(\d)\.stream_bn\.", r"blocks.\1.skip_norm."),
)


def rename(name: str) -> str:
    """A tensor's name in the published checkpoint -> in `ResidualCNN`; any other name stays."""
    for pattern, ours in _PARTS:
        if re.match(pattern, name):
            return re.sub(pattern, ours, name)
    return name


def build(inputs: Inputs) -> WindowModel:
    """The encoder with the weights of `inputs.weights`, or fresh ones for `random`."""
    pools = pools_for(inputs.window or PUBLISHED["elm"].window)
    return published("elm", inputs, lambda: ResidualCNN(ResidualCNNConfig(pools=pools)), rename)


ELM = window_encoder(
    "elm",
    "the EEG encoder of the EEG-language models (Gijsen & Ritter 2025) on windows of 60 s; weights=RUN, FILE or random",
    build,
)
