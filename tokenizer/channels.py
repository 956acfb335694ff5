"""Channel names of a recording -> the 19 electrodes of the ten-twenty system, in CLEF's order.

Vendors write one electrode in many ways: `EEG FP1-REF`, `Fp1-A1A2`, `POL Fp1`, `T7` for `T3`. What matters is the
electrode and whether its partner is a common reference (kept) or another electrode that differs from channel to
channel (a bipolar montage: the single electrodes cannot be recovered, so it is refused and never guessed). Names:
https://www.edfplus.info/specs/edftexts.html and the labels of public archives (tests/tokenizer/test_channels.py).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CHANNELS = (
    *("O1", "O2", "T6", "P4", "Pz", "P3", "T5", "T3", "C3", "Cz"),
    *("C4", "T4", "F8", "F4", "Fz", "F3", "F7", "Fp1", "Fp2"),
)
"""The 19 electrodes, in the order of every array with a channel axis."""
CHAIN = 8
"""Electrodes that must share a partner for it to be a reference beside other pairs: no bipolar chain has so many."""

_NEW_NAMES = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
_INDEX = {name.upper(): i for i, name in enumerate(CHANNELS)}
_PREFIX = re.compile(r"^(?:(?:EEG|POL)(?=[\s_:.-])[\s_:.-]*)+|^EEG(?=(?:FP|[FTCPO])(?:\d|Z))")
_SCALP = re.compile(
    r"^(?:FP|AFF|AF|FFT|FFC|FCC|FT|FC|F|TTP|TPP|TP|T|CCP|CPP|CP|C|PPO|POO|PO|P|OI|O|I|N)(?:Z|\d{1,2}H?)$"
)
_SPACED = re.compile(r"^([A-Z]{1,3})\s+(\d{1,2}|Z)\b")  # "FP 1"
_SEPARATOR = re.compile(r"\s*[-‐‑–—−_/:|(\[]\s*|\s+")
_GLUED = re.compile(r"^((?:FP|[FTCPO])(?:\d|Z))(REF|LE|AVG?|A1A2|M1M2|[AM][12])$")
_NO_PARTNER = re.compile(r"^(?:\d*|[UµMN]?V)$")  # a count of equal names, a unit
_REFERENCES = (
    (re.compile(r"^(?:LM|LINK.*MAST.*|M1M22?|M2M12?|M12)$"), "linked mastoids"),
    (re.compile(r"^(?:LER?|CLE|LINK.*|A1A22?|A2A12?|A12)$"), "linked ears"),
    (re.compile(r"^(?:C?AR|AV|AVE.*|AVG.*|AVREF)$"), "the average of the electrodes"),
)
_SIDES = {"A1": "ear", "A2": "ear", "M1": "mastoid", "M2": "mastoid"}
_CONTACTS = {"F": 11, "T": 11, "P": 11, "C": 7, "O": 3}
"""The first number that no place on the scalp has: C1 to C7 in a row are contacts or inputs, not electrodes."""
_NUMBERED = re.compile(r"^([A-Z]*?)0*(\d{1,3})$")
_USUAL = re.compile(
    r"(?:EEG|POL|REF|LER?|CLE|AVG?|AVE|AVERAGE|CAR|LM|VREF|ORG|EOG|[HV]EOG|ECG|EKG|EMG|LOC|ROC|CHIN|CHEST|ABDOMEN|THOR"
    r"|NASAL|ORO|FLOW|AIRFLOW|RESP|EFFORT|SNORE|PULSE|PLETH|SPO|SAO|ETCO|TEMP|RECTAL|SUBMENTAL|HORIZONTAL|VERTICAL"
    r"|LEFT|RIGHT|PHOTIC|STIM?|STATUS|TRIG|TRIGGER|MARKER|EVENTS?|ANNOTATIONS|EDF|BDF|DC|AUX|BURSTS|SUPPR|IBI|VNS|GND"
    r"|GROUND|CM|DRL|TIME|TIMESTAMP|SAMPLE|INDEX|COUNTER|CHANNEL|CHAN|CH|SINE|SQUARE|RAMP|NOISE|[UM]V|[LR])\d{0,3}"
    r"|[A-Z]{0,2}\d{1,3}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Montage:
    """Which channel of a file is which electrode."""

    picks: dict[int, int]
    """Electrode (index into CHANNELS) -> channel (index into the file's names)."""
    notes: list[str]
    """What a reader should know, one line each."""
    refusal: str | None = None
    """Why what else there is cannot be used: bipolar or counted channels; None if it is neither."""

    @property
    def names(self) -> list[str]:
        """The electrodes found, in CLEF's order."""
        return [CHANNELS[i] for i in sorted(self.picks)]


def split_name(name: str) -> tuple[str, str | None]:
    """A vendor's channel name as (electrode, partner), in capitals: `EEG Fp1-LE` is FP1 and LE, `T8` is T4 and None."""
    # NFKC: wide letters and the micro sign have several codes; control characters are what fixed fields are padded with
    text = re.sub(r"[\x00-\x1f\x7f]", " ", unicodedata.normalize("NFKC", name)).strip().upper()
    text = re.sub(r"^(['\"])(.*)\1$", r"\2", text)
    text = _SPACED.sub(r"\1\2", _PREFIX.sub("", text)).strip(" .*")
    electrode, *rest = _SEPARATOR.split(text, maxsplit=1)
    # MNE counts equal names (-0, -1); brackets and plus signs around two ears say nothing
    partner = re.sub(r"[^A-Z0-9µ]", "", re.sub(r"-\d+$", "", rest[0])) if rest else ""
    if glued := _GLUED.match(electrode):
        electrode, partner = glued[1], partner or glued[2]
    electrode, partner = _old_name(electrode), _old_name(partner)
    return electrode, None if _NO_PARTNER.match(partner) or partner == electrode else partner


def match(names: Sequence[str]) -> Montage:
    """Find the 19 electrodes among a file's channel names.

    EOG, ECG, EMG, other electrodes and everything else are left out. Pairs of electrodes count as referential when all
    of them, or eight at least, have the same partner (`Fz-Cz`, `Pz-Cz`, …: recorded against Cz), else as bipolar.
    Of an electrode that stands in the file twice the one with the file's most common reference is taken, else the
    first. Where contacts of depth electrodes or amplifier inputs are numbered C1, C2, …, C3 is not an electrode.
    """
    parts = [split_name(name) for name in names]
    pairs = {i: p for i, p in enumerate(parts) if p[1] and _SCALP.match(p[0]) and _SCALP.match(p[1])}
    single = [i for i, (electrode, _) in enumerate(parts) if electrode in _INDEX and i not in pairs]
    shared = _shared_partner(parts, pairs)
    # single electrodes beside a few pairs: the pairs are derivations made for display, and are left out
    if len(shared) > len(single):
        pairs, single = {}, shared
    counted = _numbered([electrode for electrode, _ in parts])
    single = [i for i in single if not (counted and re.match(r"[FTCPO]\d", parts[i][0]))]
    picks, repeated = _one_of_each(single, parts)
    notes = [f"{', '.join(repeated)}: more than once in the file, one is used"] if repeated else []
    notes += _reference_note({CHANNELS[e].upper(): parts[c][1] for e, c in picks.items()})
    # a reason for readers who miss electrodes: it is the pairs only if there are more of them
    bipolar = _bipolar_line([names[i] for i in pairs]) if len(pairs) > len(picks) else None
    return Montage(picks, notes, bipolar or (None if picks else _numbered_line(parts)))


def showable(names: Iterable[str]) -> list[str]:
    """Those of `names` that are made of usual channel words and numbers; a label can be free text, even a person."""
    return [" ".join(name.split())[:24] for name in names if (words := re.findall(r"[^\W_]+", name)) and _usual(words)]


def _usual(words: list[str]) -> bool:
    return all(_USUAL.fullmatch(word) or _SCALP.match(word.upper()) for word in words)


def _shared_partner(parts: list[tuple[str, str | None]], pairs: dict[int, tuple[str, str | None]]) -> list[int]:
    """Channels of the pairs whose partner is a reference: the only one, or that of eight electrodes at least."""
    partners = Counter(partner for _, partner in pairs.values())
    if not partners:
        return []
    (partner, count), *others = partners.most_common()
    if others and count < CHAIN:
        return []
    return [i for i in pairs if parts[i][1] == partner and parts[i][0] in _INDEX]


def _one_of_each(channels: list[int], parts: list[tuple[str, str | None]]) -> tuple[dict[int, int], list[str]]:
    """(electrode -> channel, names of electrodes that the file has more than once)."""
    references = Counter(parts[i][1] for i in channels)
    picks: dict[int, int] = {}
    # all electrodes should have one reference: differences between references would be taken for the brain's
    for channel in sorted(channels, key=lambda i: (-references[parts[i][1]], i)):
        picks.setdefault(_INDEX[parts[channel][0]], channel)
    counts = Counter(parts[i][0] for i in channels)
    return dict(sorted(picks.items())), sorted(CHANNELS[_INDEX[e]] for e, n in counts.items() if n > 1)


def _reference_note(partners: dict[str, str | None]) -> list[str]:
    """A line on what the electrodes were recorded against, if the names say so: {electrode: partner}, in capitals."""
    kinds = Counter(map(_kind, partners.values()))
    if set(partners.values()) in ({"A1", "A2"}, {"M1", "M2"}):
        return [f"reference: {_sides(partners)}"]
    if len(kinds) == 1:
        (kind,) = kinds
        return [f"reference: {kind}"] if kind else []
    named = ", ".join(f"{kind or 'not named'} ({n})" for kind, n in kinds.most_common())
    return [f"references differ between electrodes: {named}"] if kinds else []


def _kind(partner: str | None) -> str:
    """A partner in words; "" for one that says nothing (REF) or that is not a usual name."""
    for pattern, words in _REFERENCES:
        if partner and pattern.match(partner):
            return words
    return re.sub("Z$", "z", partner) if partner and (partner in _SIDES or _SCALP.match(partner)) else ""


def _sides(partners: dict[str, str | None]) -> str:
    # odd numbers are on the left, even ones on the right, of electrodes, ears and mastoids alike; the middle has Z
    own = [("1" if int(e[-1]) % 2 else "2") == p[-1] for e, p in partners.items() if p and e[-1].isdigit()]
    which = "the opposite" if own and not any(own) else "its own" if all(own) else "one or the other"
    place = _SIDES[next(iter(partners.values()))]
    return f"each electrode against the {place} of {which} side" if own else f"the {place}s, one or the other"


def _numbered(electrodes: list[str]) -> bool:
    """Whether numbers run on where the scalp has no place for them (C1, C2, … C7)."""
    # T7, T8, P7 and P8 have their old names by now: a row of contacts T1 to T11 needs both
    present = set(electrodes) | {new for new, old in _NEW_NAMES.items() if old in electrodes}
    return any(all(f"{letter}{i}" in present for i in range(1, last + 1)) for letter, last in _CONTACTS.items())


def _numbered_line(parts: list[tuple[str, str | None]]) -> str | None:
    """Why a file cannot be used whose channels are counted instead of named; None if they are not."""
    counted = [m for electrode, _ in parts if (m := _NUMBERED.match(electrode))]
    family = Counter(m[1] for m in counted).most_common(1)
    # a few numbered inputs (DC1, X2) are in every file: only where most channels are counted this is why it fails
    if not family or len(counted) < CHAIN or 2 * len(counted) < len(parts):
        return None
    net = ", as an EGI net counts its sensors" if family[0][0] == "E" else ""
    return (
        f"channels are counted ({', '.join(showable([m[0] for m in counted])[:3])}, …){net}, not named after "
        f"electrodes; expected Fp1, C3, O2, …; rename those that lie at the ten-twenty places"
    )


def _bipolar_line(pairs: list[str]) -> str:
    shown = ", ".join([*showable(pairs)[:3], "…"])
    return (
        f"a bipolar montage: {len(pairs)} channels are differences between two electrodes ({shown}); "
        f"expected every electrode against one common reference; export the recording with a referential montage"
    )


def _old_name(electrode: str) -> str:
    return _NEW_NAMES.get(electrode, electrode)
