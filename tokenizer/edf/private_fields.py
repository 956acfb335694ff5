"""The fields of an EDF or BDF header as a de-identifier sees them: which texts stand there, and which may stay.

Stricter than `tokenizer.edf.header`: a number field that holds no number refuses the file, since what stands there
instead may be a name. A copy repeats no other field than those that are known to be technical.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.edf.fields import GENERAL, PART, SIGNAL, VERSIONS, cut_header, join_header, sample_width, signal_spans
from tokenizer.edf.terms import known_filters, known_unit, known_words, safe_label
from tokenizer.recording import RecordingError

WHOLE = ("header bytes", "records", "signals", "samples")
NUMBERS = ("seconds", "physical minimum", "physical maximum", "digital minimum", "digital maximum")
KINDS = ("EDF+C", "EDF+D", "BDF+C", "BDF+D", "24BIT", "EDF", "BDF")
"""What the reserved field may say; the longer before those that they begin with."""
_WHOLE = re.compile(r"[+-]?\d{1,8}")
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d{1,3})?")  # a longer exponent is no measure
_DATE = re.compile(r"\d\d\.\d\d\.\d\d")
_LONG_DATE = re.compile(r"\d\d-(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)-\d{4}", re.IGNORECASE)


@dataclass(frozen=True)
class Keep:
    """What a person chose to leave in the header."""

    sex: bool = False
    date: bool = False
    time: bool = False


@dataclass(frozen=True)
class HeaderFields:
    """The texts of a header's fields, stripped, by the names of `tokenizer.edf.fields`, and what follows from them."""

    general: dict[str, str]
    signals: list[dict[str, str]]
    width: int
    """Bytes per sample: 2 in EDF, 3 in BDF."""

    @property
    def size(self) -> int:
        """Bytes of the header."""
        return PART * (len(self.signals) + 1)

    @property
    def spans(self) -> list[slice]:
        """Where each signal's bytes are in a data record."""
        return signal_spans([int(signal["samples"]) for signal in self.signals], self.width)

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
        return join_header(self.general, self.signals)


def read_fields(path: Path) -> HeaderFields:
    """The fields of a file's header. Raises RecordingError, which repeats nothing the file says, if it is damaged."""
    with path.open("rb") as file:
        first = file.read(PART)
        width = sample_width(first[: GENERAL["version"]])
        if len(first) < PART or width is None:
            raise RecordingError(path.name, "does not begin as an EDF or BDF file; export it again")
        count = _whole(path, "signals", _text(cut_header(first, 0)["signals"][0]))
        each = file.read(PART * max(0, count))
    if count < 1 or len(each) < PART * count:
        raise RecordingError(path.name, "its header is cut short or names no signal; copy or export it again")
    fields = cut_header(first + each, count)
    signals = [{name: _text(fields[name][i]) for name in SIGNAL} for i in range(count)]
    header = HeaderFields({name: _text(fields[name][0]) for name in GENERAL}, signals, width)
    _check_numbers(path, header)
    return header


def _text(field: bytes) -> str:
    return field.decode("latin-1").strip(" \0")


def _check_numbers(path: Path, header: HeaderFields) -> None:
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


def without_person(header: HeaderFields, keep: Keep) -> tuple[HeaderFields, Counter[str]]:
    """The header with every text replaced that is not known to be technical, and how often by field."""
    old = header.general
    general = old | {
        "version": VERSIONS[header.width],
        "patient": f"X {_sex(old['patient']) if keep.sex else 'X'} X X",
        "recording": f"Startdate {_long_date(old['recording']) if keep.date else 'X'} X X X",
        "date": old["date"] if keep.date and _DATE.fullmatch(old["date"]) else "01.01.85",
        "time": old["time"] if keep.time and _DATE.fullmatch(old["time"]) else "00.00.00",
        "reserved": next((kind for kind in KINDS if old["reserved"].startswith(kind)), ""),
    }
    signals = [_plain_signal(signal, i + 1, header.width) for i, signal in enumerate(header.signals)]
    pairs = zip((old, *header.signals), (general, *signals), strict=True)
    replaced = Counter(name for before, after in pairs for name in before if before[name] not in ("", after[name]))
    return HeaderFields(general, signals, header.width), replaced


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
    """The day of a recording field of EDF+ (Startdate, day, …); else X."""
    words = recording.split()
    has_date = len(words) >= 2 and words[0] == "Startdate" and _LONG_DATE.fullmatch(words[1])
    return words[1].upper() if has_date else "X"
