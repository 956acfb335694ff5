"""The fields of an EDF, EDF+ or BDF header: one table of names and widths to read, copy and write headers by.

256 bytes about the file, then 256 bytes per signal, ASCII. The signals' fields stand column by column: all labels come
first, then all transducers, and so on. https://www.edfplus.info/specs/edf.html,
https://www.edfplus.info/specs/edfplus.html and for BDF (24-bit samples, another version)
https://www.biosemi.com/faq/file_format.htm
"""

import itertools
from collections.abc import Iterator, Sequence

GENERAL = {
    **{"version": 8, "patient": 80, "recording": 80, "date": 8, "time": 8, "header bytes": 8, "reserved": 44},
    **{"records": 8, "seconds": 8, "signals": 4},
}
"""Fields of the first 256 bytes and their widths, in the order of the file."""
SIGNAL = {
    **{"label": 16, "transducer": 80, "unit": 8, "physical minimum": 8, "physical maximum": 8, "digital minimum": 8},
    **{"digital maximum": 8, "prefilter": 80, "samples": 8, "signal reserved": 32},
}
"""Fields of each signal and their widths. No name stands in both tables."""
PART = 256
"""Bytes of the general part of a header, and of the part of each signal."""
VERSIONS = {2: "0", 3: "\xffBIOSEMI"}
"""Bytes per sample (2 in EDF, 3 in BDF) -> the version field."""


def field_places(signals: int) -> Iterator[tuple[str, slice]]:
    """Name and bytes of every field in the header of a file of so many signals, those of the signals one by one."""
    at = 0
    for table, times in ((GENERAL, 1), (SIGNAL, signals)):
        for name, width in table.items():
            for _ in range(times):
                yield name, slice(at, at + width)
                at += width


def cut_header(header: bytes, signals: int) -> dict[str, list[bytes]]:
    """Field name -> its bytes as they stand: one value of each general field, `signals` values of each other one."""
    fields: dict[str, list[bytes]] = {name: [] for name in (*GENERAL, *SIGNAL)}
    for name, place in field_places(signals):
        fields[name].append(header[place])
    return fields


def join_header(general: dict[str, str], signals: Sequence[dict[str, str]]) -> bytes:
    """A header from the texts of its fields, left-justified: the way back from `cut_header`."""
    values = [(general[name], width) for name, width in GENERAL.items()]
    values += [(signal[name], width) for name, width in SIGNAL.items() for signal in signals]
    assert all(len(text) <= width for text, width in values), "a text is longer than its field: all others would move"
    return b"".join(text.encode("latin-1").ljust(width) for text, width in values)


def sample_width(version: bytes) -> int | None:
    """Bytes per sample that a version field stands for; None if it is of neither EDF nor BDF."""
    if version == VERSIONS[3].encode("latin-1"):
        return 3
    return 2 if version.strip(b" \0") == b"0" else None


def signal_spans(samples: Sequence[int], width: int) -> list[slice]:
    """Where the bytes of each signal are in a data record: its samples stand together, signal after signal."""
    ends = itertools.accumulate((width * n for n in samples), initial=0)
    return [slice(first, stop) for first, stop in itertools.pairwise(ends)]
