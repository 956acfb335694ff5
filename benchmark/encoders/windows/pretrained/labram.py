"""LaBraM: windows of 10 s, 19 electrodes as recorded, 200 Hz, units of 0.1 mV; the mean of its patches' vectors.

W.-B. Jiang, L.-M. Zhao, B.-L. Lu: Large Brain Model for Learning Generic Representations with Tremendous EEG Data in
BCI, ICLR 2024 (arXiv 2405.18765). Its authors prepare 0.1 to 75 Hz, mains notched, which sessions here are; divide µV
by 100; take TUAB in windows of 10 s with the names T3 to T6, each of which has a place of its own beside T7 to P8; and
average the patches. The published weights have places in time for 15 s, of which a window takes the first, as there.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.model import Pretrained, Tensors, encoder
from clef.waveform.preparation import Preparation
from tokenizer.channels import CHANNELS

NAMES = [name.upper() for name in CHANNELS]
PATCH = 200
"""Samples, of the second that becomes a token."""
PLACES = 16
"""Rows of the published table of places in time; the last one stays unused."""
TIMES = "temporal_embedding"


def signal(made: Preparation, tensors: Tensors) -> Mapping[str, Any]:
    """Samples of the window for which there are places in time, whatever the windows here are."""
    rows = tensors[TIMES].shape[1] if TIMES in tensors and tensors[TIMES].ndim == 3 else PLACES
    return {"n_times": (rows - 1) * PATCH}


def shorten(network: nn.Module, made: Preparation) -> None:
    """Keep the places in time of the first patches, as many as a window has."""
    patches = min(made.samples // PATCH, network.temporal_embedding.shape[1] - 1)
    network.temporal_embedding = nn.Parameter(network.temporal_embedding[:, : patches + 1].detach())
    network.patch_embed.segment_patch.n_patchs = patches


def features(network: nn.Module, windows: Tensor) -> Tensor:
    """Vectors (n, 200): the mean over electrodes and seconds."""
    return network(windows, return_features=True, ch_names=NAMES)["features"].mean(1)


NETWORK = Pretrained(
    name="labram",
    title="LaBraM (Jiang 2024)",
    kind="Labram",
    made=Preparation(channels=CHANNELS, rate=200.0, window=10.0, microvolts=100.0),
    features=features,
    signal=signal,
    finish=shorten,
)
LABRAM = encoder(NETWORK)
