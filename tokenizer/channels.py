"""Channel names of a recording -> the 19 electrodes of the ten-twenty system, in CLEF's order.

Vendors write one electrode in many ways: `EEG FP1-REF`, `Fp1-A1A2`, `POL Fp1`, `T7` for `T3`. What matters is the
electrode and whether its partner is a common reference (kept) or another electrode that differs from channel to
channel (a bipolar montage: the single electrodes cannot be recovered, so it is refused and never guessed).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

CHANNELS = (
    *("O1", "O2", "T6", "P4", "Pz", "P3", "T5", "T3", "C3", "Cz"),
    *("C4", "T4", "F8", "F4", "Fz", "F3", "F7", "Fp1", "Fp2"),
)
"""The 19 electrodes, in the order of every array with a channel axis."""

_NEW_NAMES = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
_INDEX = {name.upper(): i for i, name in enumerate(CHANNELS)}
_PREFIX = re.compile(r"^(?:EEG|POL)(?=[\s_:.-])[\s_:.-]*|^EEG(?=(?:FP|[FTCPO])(?:\d|Z))", re.IGNORECASE)
_SCALP = re.compile(
    r"^(?:FP|AFF|AF|FFT|FFC|FCC|FT|FC|F|TTP|TPP|TP|T|CCP|CPP|CP|C|PPO|POO|PO|P|OI|O|I|N)(?:Z|\d{1,2}H?)$"
)
_GLUED = re.compile(r"^((?:FP|[FTCPO])(?:\d|Z))(?:REF|LE|AVG|AV|A1A2|M1M2)$")


@dataclass(frozen=True)
class Montage:
    """Which channel of a file is which electrode."""

    picks: dict[int, int]
    """Electrode (index into CHANNELS) -> channel (index into the file's names)."""
    notes: list[str]
    """What a reader should know, one line each."""
    refusal: str | None = None
    """Why no electrode of a bipolar file can be used; None for a referential file."""

    @property
    def names(self) -> list[str]:
        """The electrodes found, in CLEF's order."""
        return [CHANNELS[i] for i in sorted(self.picks)]


def split_name(name: str) -> tuple[str, str | None]:
    """A vendor's channel name as (electrode, partner), in capitals: `EEG Fp1-LE` is FP1 and LE, `T8` is T4 and None."""
    text = re.sub(r"\s*[-–/:]\s*", "-", _PREFIX.sub("", name.strip()).upper()).strip(" .'\"*")
    electrode, _, partner = text.partition("-")
    electrode, partner = re.sub(r"[\s_]+", "", electrode), re.sub(r"-\d+$", "", partner).strip(" .") or None
    if glued := _GLUED.match(electrode):
        electrode, partner = glued[1], partner or electrode[len(glued[1]) :]
    return _old_name(electrode), partner and _old_name(partner)


def match(names: Sequence[str]) -> Montage:
    """Find the 19 electrodes among a file's channel names.

    EOG, ECG, EMG, other electrodes and everything else are left out. Pairs of electrodes count as referential when the
    file holds nothing else and all have the same partner (`Fz-Cz`, `Pz-Cz`, …: recorded against Cz), else as bipolar.
    Of an electrode that stands in the file twice the first is taken.
    """
    parts = [split_name(name) for name in names]
    pairs = {i: p for i, p in enumerate(parts) if p[1] and _SCALP.match(p[0]) and _SCALP.match(p[1])}
    partners = {partner for _, partner in pairs.values()}
    single = [i for i, (electrode, _) in enumerate(parts) if electrode in _INDEX and i not in pairs]
    referential = len(partners) == 1 and not single
    picks, repeated = _first_of_each({i: parts[i][0] for i in (pairs if referential else single)})
    notes = [f"{', '.join(repeated)}: more than once in the file, the first is used"] if repeated else []
    if referential:
        notes.append(f"recorded against {partners.pop().capitalize()}, one common reference")
    refusal = _bipolar_line([names[i] for i in pairs]) if pairs and not referential else None
    return Montage(picks, notes, refusal)


def _first_of_each(electrodes: dict[int, str]) -> tuple[dict[int, int], list[str]]:
    picks: dict[int, int] = {}
    repeated = []
    for channel, electrode in sorted(electrodes.items()):
        if electrode in _INDEX and _INDEX[electrode] in picks:
            repeated.append(CHANNELS[_INDEX[electrode]])
        elif electrode in _INDEX:
            picks[_INDEX[electrode]] = channel
    return picks, sorted(set(repeated))


def _bipolar_line(pairs: list[str]) -> str:
    return (
        f"a bipolar montage: {len(pairs)} channels are differences between two electrodes ({', '.join(pairs[:3])}, …); "
        f"expected every electrode against one common reference; export the recording with a referential montage"
    )


def _old_name(electrode: str) -> str:
    return _NEW_NAMES.get(electrode, electrode)
