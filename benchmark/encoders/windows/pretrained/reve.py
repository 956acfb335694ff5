"""REVE: windows of 10 s, 19 electrodes as recorded, 200 Hz, 0.5 to 75 Hz, a session's own spread; the mean of patches.

Y. El Ouahidi et al.: REVE: A Foundation Model for EEG, NeurIPS 2025 (arXiv 2510.21585). Its authors prepare 0.5 to 99.5
Hz, of which sessions here have up to 75, and z-scores clipped at ±15; mean and spread are taken here over all
electrodes of a session. Electrodes are told by their places, which braindecode fetches from the hub when the network is
made, or reads from reve_positions.json in the folder of MNE's setting REVE_POSITIONS_PATH.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.model import Pretrained, Tensors, encoder
from clef.waveform.preparation import Preparation

ORDER = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz"),
    *("C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2"),
)
LIMIT = 15.0
"""Standard deviations beyond which samples are clipped."""


def signal(made: Preparation, tensors: Tensors) -> Mapping[str, Any]:
    """The electrodes by their names in the table of places."""
    return {"chs_info": [{"ch_name": name} for name in ORDER]}


def check_places(network: nn.Module, made: Preparation) -> None:
    """Raises ValueError in one line where the table of places lacks an electrode, which the library passes over."""
    if len(network.default_pos) != len(ORDER):
        raise ValueError(
            f"encoder=reve: its table of places has {len(network.default_pos)} of the 19 electrodes; remove "
            f"reve_positions.json, so that it is fetched again"
        )


def features(network: nn.Module, windows: Tensor) -> Tensor:
    """Vectors (n, 512): the mean over electrodes and patches."""
    return network(windows.clamp(-LIMIT, LIMIT), return_features=True)["features"].mean((1, 2))


NETWORK = Pretrained(
    name="reve",
    title="REVE (El Ouahidi 2025)",
    kind="REVE",
    made=Preparation(channels=ORDER, rate=200.0, window=10.0, band=(0.5, 100.0), standard="session"),
    features=features,
    settings={"attention_pooling": False},
    signal=signal,
    left_out={"cls_query_token": "what pools for a class"},
    finish=check_places,
)
REVE = encoder(NETWORK)
