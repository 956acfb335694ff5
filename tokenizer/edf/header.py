"""The header of an EDF, EDF+ or BDF file, believed only as far as it agrees with itself and with the file's size.

What stands in a damaged field is never repeated: it may be a name. `tokenizer.edf.fields` says which fields there are,
https://www.edfplus.info/specs/edf.html and https://www.edfplus.info/specs/edfplus.html what stands in them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tokenizer.edf.fields import GENERAL, PART, cut_header, sample_width, signal_spans
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
    """A header as numbers and texts for the reader; lists have one entry per signal, annotations among them."""

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
        return PART * (len(self.labels) + 1)

    @property
    def record_bytes(self) -> int:
        """Bytes of a data record."""
        return self.width * sum(self.samples)

    @property
    def spans(self) -> list[slice]:
        """Where each signal's bytes are in a data record."""
        return signal_spans(self.samples, self.width)

    @property
    def annotations(self) -> list[int]:
        """Signals that hold annotations, by their exact label; `records.name_annotations` mends a damaged one."""
        return [i for i, label in enumerate(self.labels) if label in ("EDF Annotations", "BDF Annotations")]


def damaged(what: str) -> str:
    """The line for a header that cannot be right."""
    return f"the EDF header is damaged ({what}); expected an EDF or BDF file; copy or export it again"


def read_header(path: Path) -> Header:
    """The header of an EDF or BDF file. Raises RecordingError if it contradicts itself or the file holds no signal."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(PART)
        _check_begin(path.name, first)
        general = cut_header(first, 0)
        count = _whole(path.name, general["signals"][0])
        if count < 1 or _whole(path.name, general["header bytes"][0]) != PART * (count + 1):
            raise RecordingError(path.name, damaged("its number of signals and its length contradict each other"))
        each = file.read(PART * count)
    if len(each) < PART * count:
        raise RecordingError(path.name, damaged(f"the file ends within it: {size} of {PART * (count + 1)} bytes"))
    header = _parse(path.name, cut_header(first + each, count), size)
    _check_records(header)
    return header


def _check_begin(name: str, first: bytes) -> None:
    if len(first) < PART:
        raise RecordingError(
            name, f"holds {len(first)} bytes, an EDF header alone has {PART}; copy or export the file again"
        )
    if not sample_width(first[: GENERAL["version"]]):
        content = "something else" if any(first) else "only zeros"  # not quoted: it may be a name
        raise RecordingError(
            name, f"begins with {content}, not with the version of EDF or BDF; copy or export the file again"
        )


def _parse(name: str, fields: dict[str, list[bytes]], size: int) -> Header:
    general = {field: fields[field][0] for field in GENERAL}
    width, samples = sample_width(general["version"]), [_whole(name, field) for field in fields["samples"]]
    assert width, "the version was checked before"
    if min(samples) < 0:
        raise RecordingError(name, damaged("a signal has a negative number of samples"))
    limits = [f"{kind} {end}" for kind in ("digital", "physical") for end in ("minimum", "maximum")]  # as in Range
    columns = ([_number(field) for field in fields[limit]] for limit in limits)
    # without samples a record has no length; `_check_records` refuses that with a line of its own
    records, rest = divmod(size - PART * (len(samples) + 1), max(1, width * sum(samples)))
    return Header(
        name=name,
        width=width,
        reserved=_text(general["reserved"]),
        declared=_whole(name, general["records"]),
        seconds=_number(general["seconds"]),
        labels=[_text(field) for field in fields["label"]],
        units=[_text(field) for field in fields["unit"]],
        ranges=[Range(*each) for each in zip(*columns, strict=True)],
        samples=samples,
        records=records,
        rest=rest,
        start=_start(general["recording"], general["date"], general["time"]),
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
    if not (digits := _WHOLE.fullmatch(field.strip(b" \0"))):
        raise RecordingError(name, damaged("letters stand where a number belongs"))
    return int(digits[0])


def _number(field: bytes) -> float:
    """A number, with a point or, against the specification, a comma; NaN if there is none."""
    number = _NUMBER.fullmatch(field.strip(b" \0"))
    return float(number[0].replace(b",", b".")) if number else float("nan")


def _start(recording: bytes, date: bytes, time: bytes) -> datetime | None:
    """When the recording began; None where the date is blanked out or no date. EDF+ writes the full year elsewhere."""
    # a date of EDF+ that is X was blanked out on purpose: the short one beside it is then a placeholder
    clock, short, long = _DATE.fullmatch(time), _DATE.fullmatch(date), _LONG_DATE.match(recording)
    if not clock or not (long or short) or (long and not long[1]):
        return None
    day, month, year = (long or short).groups()
    month = _MONTHS.index(month.decode().upper()) + 1 if long else int(month)
    century = 0 if long else 1900 if int(year) >= 85 else 2000  # two digits of a year: 85 to 84 are 1985 to 2084
    try:
        return datetime(int(year) + century, month, int(day), *(int(part) for part in clock.groups()))
    except ValueError:
        return None
