"""BIOT: windows of 10 s, 16 pairs of the longitudinal montage, 200 Hz, each divided by the 95th percentile of its size.

C. Yang, M. B. Westover, J. Sun: BIOT: Biosignal Transformer for Cross-data Learning in the Wild, NeurIPS 2023 (arXiv
2305.10351). Pairs in its authors' order, volts, no filter of its own; x / (quantile of |x| at 0.95 + 1e-8) per window
and channel. Two of the published weights have 18 channels: the last two are C3-A2 and C4-A1 of sleep recordings, which
want the ears; as in its authors' runs on TUAB the first 16 are used.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.model import Pretrained, Tensors, encoder
from clef.waveform.preparation import Preparation

PAIRS = (
    *("Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"),
    *("Fp1-F3", "F3-C3", "C3-P3", "P3-O1", "Fp2-F4", "F4-C4", "C4-P4", "P4-O2"),
)
CHANNELS_OF = "encoder.channel_tokens.weight"
WITH_SLEEP = 18


def signal(made: Preparation, tensors: Tensors) -> Mapping[str, Any]:
    """16 or 18 channels, as the weights have them."""
    rows = len(tensors[CHANNELS_OF]) if CHANNELS_OF in tensors else len(PAIRS)
    return {"n_chans": rows if rows == WITH_SLEEP else len(PAIRS)}


def features(network: nn.Module, windows: Tensor) -> Tensor:
    """Vectors (n, 256): the mean over channels and half seconds."""
    size = windows.abs().quantile(0.95, dim=-1, keepdim=True)
    return network(windows / (size + 1e-8), return_features=True)["features"]


NETWORK = Pretrained(
    name="biot",
    title="BIOT (Yang 2023)",
    kind="BIOT",
    made=Preparation(channels=PAIRS, rate=200.0, window=10.0, microvolts=1e6),
    features=features,
    signal=signal,
    left_out={"encoder.index": "the numbers of the channels, which the network counts itself"},
)
BIOT = encoder(NETWORK)
