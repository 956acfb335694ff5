"""CBraMod: windows of 30 s, 19 electrodes as recorded, 200 Hz, 0.3 to 75 Hz, units of 0.1 mV; the mean of its patches.

J. Wang et al.: CBraMod: A Criss-Cross Brain Foundation Model for EEG Decoding, ICLR 2025 (arXiv 2412.07236). Electrodes
stand in the order of its pretraining, as places are told by a convolution over neighbouring rows. Vectors are those of
the encoder: the layer `proj_out`, which rebuilds patches, is loaded and then left aside, as its authors do.
"""

from torch import Tensor, nn

from benchmark.encoders.windows.pretrained.model import Pretrained, encoder
from clef.waveform.preparation import Preparation

ORDER = (
    *("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
    *("F7", "F8", "T3", "T4", "T5", "T6", "Fz", "Cz", "Pz"),
)


def read_encoder(network: nn.Module, made: Preparation) -> None:
    """Let the encoder's output through."""
    network.proj_out = nn.Identity()


def features(network: nn.Module, windows: Tensor) -> Tensor:
    """Vectors (n, 200): the mean over electrodes and seconds."""
    return network(windows, return_features=True)["features"].mean((1, 2))


NETWORK = Pretrained(
    name="cbramod",
    title="CBraMod (Wang 2025)",
    kind="CBraMod",
    made=Preparation(channels=ORDER, rate=200.0, window=30.0, band=(0.3, 75.0), microvolts=100.0),
    features=features,
    settings={"return_encoder_output": True},
    finish=read_encoder,
)
CBRAMOD = encoder(NETWORK)
