"""BENDR: windows of 60 s, 19 electrodes as recorded and their amplitude, 256 Hz; the vector of its start token.

D. Kostas, S. Aroca-Ouellette, F. Rudzicz: BENDR, Frontiers in Human Neuroscience 15, 653659, 2021. Each window is
brought to -1 to 1 by its own minimum and maximum over all electrodes, and a 20th channel says how large it was: its
range by that of the corpus, 2·(min(r / R, 1) - 1/2), with R = 3276.7 + 1583.9 of the authors' configuration, here taken
for µV, of which they are the usual largest.
"""

import torch
from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.model import Pretrained, encoder
from clef.waveform.preparation import Preparation

ORDER = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T3", "C3", "Cz"),
    *("C4", "T4", "T5", "P3", "Pz", "P4", "T6", "O1", "O2"),
)
RANGE = 3276.7 + 1583.9258304722666
"""µV, of the corpus it was pretrained on."""


def scaled(windows: Tensor) -> Tensor:
    """(n, 19, S) µV -> (n, 20, S) from -1 to 1, the last of them constant over a window."""
    low, high = windows.amin((1, 2), keepdim=True), windows.amax((1, 2), keepdim=True)
    electrodes = 2 * ((windows - low) / (high - low).clamp(min=1e-6) - 0.5)
    amplitude = 2 * (((high - low) / RANGE).clamp(max=1) - 0.5)
    return torch.cat([electrodes, amplitude.expand(-1, 1, windows.shape[2])], 1)


def features(network: nn.Module, windows: Tensor) -> Tensor:
    """Vectors (n, 512): what the transformer made of its start token."""
    return network(scaled(windows), return_features=True)["features"]


NETWORK = Pretrained(
    name="bendr",
    title="BENDR (Kostas 2021)",
    kind="BENDR",
    made=Preparation(channels=ORDER, rate=256.0, window=60.0),
    features=features,
    settings={"final_layer": False, "encoder_only": False},
    signal=lambda made, tensors: {"n_chans": len(ORDER) + 1},
)
BENDR = encoder(NETWORK)
