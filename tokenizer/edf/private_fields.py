"""The header of an EDF, EDF+ or BDF file as its fields, and the same header without what points to a person.

Fixed widths, ASCII, left-justified; per signal all labels come first, then all transducers, and so on. Specifications:
https://www.edfplus.info/specs/edf.html, https://www.edfplus.info/specs/edfplus.html and, for BDF, 24-bit samples and
another first field, https://www.biosemi.com/faq/file_format.htm. A number field that holds no number refuses the file:
what stands there instead may be a name.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.edf.terms import known_filters, known_unit, known_words, safe_label
from tokenizer.recording import RecordingError

GENERAL = {
    **{"version": 8, "patient": 80, "recording": 80, "date": 8, "time": 8, "header bytes": 8, "reserved": 44},
    **{"records": 8, "seconds": 8, "signals": 4},
}
"""Fields of the first 256 bytes and their widths."""
SIGNAL = {
    **{"label": 16, "transducer": 80, "unit": 8, "physical minimum": 8, "physical maximum": 8, "digital minimum": 8},
    **{"digital maximum": 8, "prefilter": 80, "samples": 8, "signal reserved": 32},
}
"""Fields of each signal and their widths."""
WHOLE = ("header bytes", "records", "signals", "samples")
NUMBERS = ("seconds", "physical minimum", "physical maximum", "digital minimum", "digital maximum")
KINDS = ("EDF+C", "EDF+D", "BDF+C", "BDF+D", "24BIT", "EDF", "BDF")
_WHOLE = re.compile(r"[+-]?\d{1,8}")
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d\d\.\d\d\.\d\d")
_LONG_DATE = re.compile(r"\d\d-(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)-\d{4}", re.IGNORECASE)


@dataclass(frozen=True)
class Keep:
    """What a person chose to leave in the header."""

    sex: bool = False
    date: bool = False
    time: bool = False


@dataclass(frozen=True)
class Header:
    """The fields of a header, stripped, and what follows from them."""

    general: dict[str, str]
    signals: list[dict[str, str]]
    width: int
    """Bytes per sample: 2 in EDF, 3 in BDF."""

    @property
    def size(self) -> int:
        """Bytes of the header."""
        return 256 * (len(self.signals) + 1)

    @property
    def spans(self) -> list[slice]:
        """Where each signal's bytes are in a data record."""
        ends = [0]
        for signal in self.signals:
            ends.append(ends[-1] + self.width * int(signal["samples"]))
        return [slice(a, b) for a, b in itertools.pairwise(ends)]

    @property
    def record_bytes(self) -> int:
        """Bytes of a data record."""
        return self.spans[-1].stop

    @property
    def sample_bytes(self) -> NDArray[np.bool_]:
        """Which bytes of a data record are samples and not text."""
        mask = np.ones(self.record_bytes, bool)
        for signal in self.annotations:
            mask[self.spans[signal]] = False
        return mask

    @property
    def annotations(self) -> list[int]:
        """Signals that hold text: whatever calls itself annotations, in any spelling."""
        return [i for i, signal in enumerate(self.signals) if "annotation" in signal["label"].lower()]

    @property
    def discontinuous(self) -> bool:
        """Whether the file says that its records have gaps between them."""
        return "+D" in self.general["reserved"][:5]

    def to_bytes(self) -> bytes:
        """The header as it stands in a file."""
        fields = [self.general[name].encode("latin-1").ljust(width) for name, width in GENERAL.items()]
        fields += [s[name].encode("latin-1").ljust(width) for name, width in SIGNAL.items() for s in self.signals]
        return b"".join(fields)


def read_header(path: Path) -> Header:
    """The header of a file. Raises RecordingError, which repeats nothing the file says, if it is damaged."""
    with path.open("rb") as file:
        first = file.read(256)
        if len(first) < 256 or (first[:8].strip(b" \0") != b"0" and first[:8] != b"\xffBIOSEMI"):
            raise RecordingError(path.name, "does not begin as an EDF or BDF file; export it again")
        general = dict(_cut(first, GENERAL, 1))
        count = _whole(path, "signals", general["signals"][0])
        rest = file.read(256 * max(0, count))
    if count < 1 or len(rest) < 256 * count:
        raise RecordingError(path.name, "its header is cut short or names no signal; copy or export it again")
    columns = dict(_cut(rest, SIGNAL, count))
    signals = [{name: values[i] for name, values in columns.items()} for i in range(count)]
    header = Header({k: v[0] for k, v in general.items()}, signals, 3 if first[0] == 0xFF else 2)
    _check_numbers(path, header)
    return header


def _cut(data: bytes, fields: dict[str, int], count: int) -> Iterator[tuple[str, list[str]]]:
    """Name and values of each field: `count` values of one field stand together."""
    at = 0
    for name, width in fields.items():
        values = [data[at + width * i : at + width * (i + 1)] for i in range(count)]
        yield name, [value.decode("latin-1").strip(" \0") for value in values]
        at += width * count


def _check_numbers(path: Path, header: Header) -> None:
    for fields in (header.general, *header.signals):
        for name in WHOLE:
            if name in fields:
                _whole(path, name, fields[name])
        for name in NUMBERS:
            if fields.get(name) and not _NUMBER.fullmatch(fields[name]):
                raise RecordingError(path.name, f"its header holds no number as {name}; export it again")
    if int(header.general["header bytes"]) != header.size or min(int(s["samples"]) for s in header.signals) < 0:
        raise RecordingError(path.name, "its header contradicts itself (signals and bytes); export it again")


def _whole(path: Path, name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise RecordingError(path.name, f"its header holds no whole number as {name}; export it again")
    return int(text)


def without_person(header: Header, keep: Keep) -> tuple[Header, Counter[str]]:
    """The header with every text replaced that is not known to be technical, and how often by field."""
    old = header.general
    general = old | {
        "version": "\xffBIOSEMI" if header.width == 3 else "0",
        "patient": f"X {_sex(old['patient']) if keep.sex else 'X'} X X",
        "recording": f"Startdate {_long_date(old['recording']) if keep.date else 'X'} X X X",
        "date": old["date"] if keep.date and _DATE.fullmatch(old["date"]) else "01.01.85",
        "time": old["time"] if keep.time and _DATE.fullmatch(old["time"]) else "00.00.00",
        "reserved": next((kind for kind in KINDS if old["reserved"].startswith(kind)), ""),
    }
    signals = [_plain_signal(signal, i + 1, header.width) for i, signal in enumerate(header.signals)]
    pairs = zip((old, *header.signals), (general, *signals), strict=True)
    replaced = Counter(name for before, after in pairs for name in before if before[name] not in ("", after[name]))
    return Header(general, signals, header.width), replaced


def _plain_signal(signal: dict[str, str], number: int, width: int) -> dict[str, str]:
    holds_text = "annotation" in signal["label"].lower()
    return signal | {
        "label": f"{'BDF' if width == 3 else 'EDF'} Annotations" if holds_text else safe_label(signal["label"], number),
        "transducer": signal["transducer"] if known_words(signal["transducer"]) else "",
        "unit": signal["unit"] if known_unit(signal["unit"]) else "",
        "prefilter": signal["prefilter"] if known_filters(signal["prefilter"]) else "",
        "signal reserved": "",
    }


def _sex(patient: str) -> str:
    """F or M where the patient field is of EDF+ (code, sex, birth date, name); else X."""
    words = patient.split()
    plus = len(words) >= 4 and (words[2] == "X" or _LONG_DATE.fullmatch(words[2]))
    return words[1] if plus and words[1] in ("F", "M") else "X"


def _long_date(recording: str) -> str:
    words = recording.split()
    said = len(words) >= 2 and words[0] == "Startdate" and _LONG_DATE.fullmatch(words[1])
    return words[1].upper() if said else "X"
