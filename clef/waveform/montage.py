"""Channels of other montages from the 19 electrodes: `Cz`, `Fp1-F7`, `Cz-average`.

A pair does not depend on the recording's reference; a single electrode does, and stays as it was recorded.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tokenizer.channels import CHANNELS, split_name

AVERAGE = "AVERAGE"
LONGITUDINAL = (
    *("Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"),
    *("T3-C3", "C3-Cz", "Cz-C4", "C4-T4"),
    *("Fp1-F3", "F3-C3", "C3-P3", "P3-O1", "Fp2-F4", "F4-C4", "C4-P4", "P4-O2"),
)
"""The 20 pairs of the temporal central parasagittal montage (ACNS guideline 3, doi 10.1080/21646821.2016.1245559)."""
_INDEX = {name.upper(): i for i, name in enumerate(CHANNELS)}


@dataclasses.dataclass(frozen=True)
class Derivations:
    """How channels are made of electrodes: names (C,), weights (C, 19), and which are against the average (C,)."""

    names: tuple[str, ...]
    weights: np.ndarray
    averaged: np.ndarray

    @classmethod
    def of(cls, names: Sequence[str]) -> "Derivations":
        """Raises ValueError in one line for a name that is no electrode, pair or electrode against the average."""
        if isinstance(names, str) or not names:
            raise ValueError(f"channels={names!r}: expected names such as Cz, Fp1-F7 or Cz-average")
        weights, averaged = np.zeros((len(names), len(CHANNELS)), np.float32), np.zeros(len(names), bool)
        for i, name in enumerate(names):
            electrode, partner = split_name(str(name))
            if electrode not in _INDEX or partner not in (None, AVERAGE, *_INDEX):
                raise ValueError(
                    f"channel {str(name)[:40]!r} cannot be made of the 19 ten-twenty electrodes; expected an electrode "
                    f"(Cz), a pair (Fp1-F7) or an electrode against the mean of all (Cz-average)"
                )
            weights[i, _INDEX[electrode]] = 1
            averaged[i] = partner == AVERAGE
            if partner in _INDEX:
                weights[i, _INDEX[partner]] = -1
        return cls(tuple(map(str, names)), weights, averaged)

    def missing(self, channel_ok: np.ndarray) -> list[str]:
        """Channels that want an electrode which a recording (19,) does not have."""
        return [name for name, row in zip(self.names, self.weights, strict=True) if (row != 0)[~channel_ok].any()]

    def derive(self, signal: np.ndarray, channel_ok: np.ndarray) -> np.ndarray:
        """Channels (C, S) from electrodes (19, S); the average is that of the electrodes that were recorded."""
        out = self.weights @ signal
        if self.averaged.any():
            out[self.averaged] -= signal[channel_ok].mean(0)
        return out
