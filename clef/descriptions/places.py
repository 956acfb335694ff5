"""Places on the scalp in a reader's words: lobes and sides of electrodes, pairs of left and right, neighbours.

C = 19 electrodes.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import channel_indices
from tokenizer.channels import CHANNELS

LOBES = {
    "frontal": ("Fp1", "F7", "F3", "Fz", "F4", "F8", "Fp2"),
    "temporal": ("T3", "T5", "T4", "T6"),
    "central": ("C3", "Cz", "C4"),
    "parietal": ("P3", "Pz", "P4"),
    "occipital": ("O1", "O2"),
}
"""All 19 electrodes, each in one lobe (central: the region between frontal and parietal)."""
SIDES = ("left", "right")
PAIRS = (("F7", "F8"), ("F3", "F4"), ("T3", "T4"), ("C3", "C4"), ("T5", "T6"), ("P3", "P4"), ("O1", "O2"))
"""Electrodes of the left and of the right. Without Fp1 and Fp2: what is slow there are the eyes."""
BESIDE = ((1, 2, 3), (0, 3, 2), (0, 3, 4), (1, 2, 5), (2, 5, 6), (3, 4, 6), (4, 5))
"""Of each pair those next to it: what comes from a head reaches more than one electrode."""
LEFT, RIGHT = (np.array(channel_indices(names)) for names in zip(*PAIRS, strict=True))
POSTERIOR = np.array(channel_indices(("O1", "O2", "P3", "P4", "Pz")))
FRONTAL = np.array(channel_indices(("F3", "F4", "Fz")))
HEMISPHERES = tuple(np.array(channel_indices(names)) for names in (("F3", "C3", "P3"), ("F4", "C4", "P4")))
"""The left and the right half of the head, where neither eyes nor muscles are close."""
MIDDLE = np.array(channel_indices(("C3", "Cz", "C4", "P3", "Pz", "P4")))
"""Where neither eyes nor the muscles of the temples and the neck are close."""


def lobe_of(electrode: str) -> str:
    """The lobe of an electrode."""
    return next(lobe for lobe, names in LOBES.items() if electrode in names)


def side_of(electrode: str) -> str | None:
    """left or right (odd or even numbers); None of the midline."""
    return None if electrode.endswith("z") else SIDES[int(electrode[-1]) % 2 == 0]


def place_words(lobe: str | None, side: str | None) -> str:
    """A place as it stands in a sentence: "the left temporal region"."""
    if lobe is None:
        return "all regions" if side is None else f"the {side} hemisphere"
    return f"the {f'{side} ' if side else ''}{lobe} region"


def missing_regions(measured: NDArray[np.bool_]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Regions without a measured electrode: lobe, side (None: neither side), their electrodes; measured (C,) bool."""
    gone = []
    for lobe, names in LOBES.items():
        if not measured[channel_indices(names)].any():
            gone.append((lobe, None, names))
            continue
        for side in SIDES:
            own = tuple(name for name in names if side_of(name) == side)
            if not measured[channel_indices(own)].any():
                gone.append((lobe, side, own))
    return gone


def names_of(indices: NDArray[np.int_]) -> list[str]:
    """Names of electrodes."""
    return [CHANNELS[i] for i in indices]
