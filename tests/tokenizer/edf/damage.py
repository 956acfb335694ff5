"""Damaged EDF files: fields and onsets overwritten at the offsets of the standard, not those of the code."""

from pathlib import Path

GAP = [*map(float, range(20)), *map(float, range(50, 70))]
"""Starts of 40 records with a gap of 30 s in the middle."""


def change(path: Path, at: int, text: str | bytes, width: int = 8) -> Path:
    """Overwrite a field of a file."""
    data = path.read_bytes()
    text = text.encode() if isinstance(text, str) else text
    path.write_bytes(data[:at] + text.ljust(width) + data[at + width :])
    return path


def field(name: str, signal: int = 0, signals: int = 19) -> int:
    """First byte of a field of the header."""
    general = {"reserved": 192, "records": 236, "seconds": 244}
    before = {"label": 0, "unit": 96, "pmin": 104, "pmax": 112, "dmin": 120, "dmax": 128, "samples": 216}
    width = 16 if name == "label" else 8
    return general[name] if name in general else 256 + signals * before[name] + width * signal


def onset(path: Path, record: int, text: bytes, signals: int = 19, rate: int = 200) -> Path:
    """Overwrite the start of a data record."""
    size = 2 * signals * rate + 60
    return change(path, 256 * (signals + 2) + record * size + size - 60, text.ljust(60, b"\0"), 60)
