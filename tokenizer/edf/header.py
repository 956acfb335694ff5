"""The header of an EDF, EDF+ or BDF file, believed only as far as it agrees with itself and with the file's size.

Fixed widths, ASCII; per signal all labels come first, then all transducers, and so on. What stands in a damaged field
is never repeated: it may be a name. https://www.edfplus.info/specs/edf.html, https://www.edfplus.info/specs/edfplus.html
and for BDF (24-bit samples, another first field) https://www.biosemi.com/faq/file_format.htm
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tokenizer.recording import RecordingError

_WHOLE = re.compile(rb"[+-]?\d+")
_NUMBER = re.compile(rb"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?")
_DATE = re.compile(rb"( ?\d{1,2})[.:'/ -]( ?\d{1,2})[.:'/ -]( ?\d{1,2})")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONG_DATE = re.compile(rf"Startdate (?:(\d{{1,2}})-({'|'.join(_MONTHS)})-(\d{{4}})|X)(?: |$)".encode(), re.IGNORECASE)


@dataclass(frozen=True)
class Range:
    """What the smallest and the largest digital value stand for; NaN where the header holds no number."""

    digital_min: float
    digital_max: float
    physical_min: float
    physical_max: float


@dataclass(frozen=True)
class Header:
    """Lists have one entry per signal, annotations among them."""

    name: str
    """File name without its folder, for messages."""
    width: int
    """Bytes per sample: 2 in EDF, 3 in BDF."""
    reserved: str
    """EDF+C and EDF+D stand here."""
    declared: int
    """Data records the header promises; -1 for unknown."""
    seconds: float
    """Length of a data record."""
    labels: list[str]
    units: list[str]
    ranges: list[Range]
    samples: list[int]
    """Samples per data record."""
    records: int
    """Whole data records in the file."""
    rest: int
    """Bytes after them."""
    start: datetime | None
    """To the second; EDF+ keeps the fraction in its first annotation."""

    @property
    def size(self) -> int:
        """Bytes of the header."""
        return 256 * (len(self.labels) + 1)

    @property
    def record_bytes(self) -> int:
        return self.width * sum(self.samples)

    @property
    def annotations(self) -> list[int]:
        return [i for i, label in enumerate(self.labels) if label in ("EDF Annotations", "BDF Annotations")]


def damaged(what: str) -> str:
    """The line for a header that cannot be right."""
    return f"the EDF header is damaged ({what}); expected an EDF or BDF file; copy or export it again"


def read_header(path: Path) -> Header:
    """The header of an EDF or BDF file. Raises RecordingError if it contradicts itself or the file holds no signal."""
    size = path.stat().st_size
    with path.open("rb") as file:
        fixed = file.read(256)
        _check_begin(path.name, fixed)
        count = _whole(path.name, fixed[252:256])
        if count < 1 or _whole(path.name, fixed[184:192]) != 256 * (count + 1):
            raise RecordingError(path.name, damaged("its number of signals and its length contradict each other"))
        each = file.read(256 * count)
    if len(each) < 256 * count:
        raise RecordingError(path.name, damaged(f"the file ends within it: {size} of {256 * (count + 1)} bytes"))
    header = _parse(path.name, fixed, each, size)
    _check_records(header)
    return header


def _check_begin(name: str, fixed: bytes) -> None:
    if len(fixed) < 256:
        raise RecordingError(
            name, f"holds {len(fixed)} bytes, an EDF header alone has 256; copy or export the file again"
        )
    if fixed[:8] != b"\xffBIOSEMI" and fixed[:8].strip(b" \0") != b"0":
        came = "only zeros" if not any(fixed) else "something else"  # which may be a name
        raise RecordingError(
            name, f"begins with {came}, not with the version of EDF or BDF; copy or export the file again"
        )


def _parse(name: str, fixed: bytes, each: bytes, size: int) -> Header:
    count, width = len(each) // 256, 3 if fixed[:8] == b"\xffBIOSEMI" else 2
    column = lambda at, wide: [each[count * at + wide * i : count * at + wide * (i + 1)] for i in range(count)]
    samples = [_whole(name, text) for text in column(216, 8)]
    if min(samples) < 0:
        raise RecordingError(name, damaged("a signal has a negative number of samples"))
    limits = zip(*([_number(text) for text in column(at, 8)] for at in (120, 128, 104, 112)), strict=True)
    records, rest = divmod(size - 256 * (count + 1), max(1, width * sum(samples)))
    return Header(
        name=name,
        width=width,
        reserved=_text(fixed[192:236]),
        declared=_whole(name, fixed[236:244]),
        seconds=_number(fixed[244:252]),
        labels=[_text(text) for text in column(0, 16)],
        units=[_text(text) for text in column(96, 8)],
        ranges=[Range(*each) for each in limits],
        samples=samples,
        records=records,
        rest=rest,
        start=_start(fixed[88:168], fixed[168:176], fixed[176:184]),
    )


def _check_records(header: Header) -> None:
    if len(header.annotations) == len(header.labels):
        reason = "holds annotations only, no signal; expected a recording with EEG channels"
    elif not header.seconds < float("inf"):
        reason = damaged("the length of its records is no number")
    elif header.seconds <= 0:
        reason = f"says its records last {header.seconds:g} s; expected more than 0; export the file again"
    elif not sum(header.samples):
        reason = "says its records hold no samples; expected some of every signal; export the file again"
    elif not header.records:
        reason = f"ends after its header: no whole data record (header promises {header.declared}); copy the file again"
    else:
        return
    raise RecordingError(header.name, reason)


def _text(field: bytes) -> str:
    return "".join(c if c.isprintable() else "?" for c in field.strip(b" \0").decode("latin-1"))


def _whole(name: str, field: bytes) -> int:
    if not (found := _WHOLE.fullmatch(field.strip(b" \0"))):
        raise RecordingError(name, damaged("letters stand where a number belongs"))
    return int(found[0])


def _number(field: bytes) -> float:
    """A number, with a point or, against the specification, a comma; NaN if there is none."""
    found = _NUMBER.fullmatch(field.strip(b" \0"))
    return float(found[0].replace(b",", b".")) if found else float("nan")


def _start(recording: bytes, date: bytes, time: bytes) -> datetime | None:
    """When the recording began; None where the date is blanked out or no date. EDF+ writes the full year elsewhere."""
    clock, short, long = _DATE.fullmatch(time), _DATE.fullmatch(date), _LONG_DATE.match(recording)
    if not clock or not (long or short) or (long and not long[1]):
        return None
    day, month, year = (long or short).groups()
    month = _MONTHS.index(month.decode().upper()) + 1 if long else int(month)
    century = 0 if long else 1900 if int(year) >= 85 else 2000
    try:
        return datetime(int(year) + century, month, int(day), *(int(part) for part in clock.groups()))
    except ValueError:
        return None
