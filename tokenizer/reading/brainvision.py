"""What MNE does not tell of a BrainVision recording: the units of its numbers, when its segments begin, and whether its
data are whole.

Format: BrainVision Core Data Format 1.0, https://www.brainproducts.com/support-resources/brainvision-core-data-format-1-0
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from tokenizer.reading.breaks import Breaks, Mark, joins_at, joins_between
from tokenizer.recording import MICROVOLTS, RecordingError

SUFFIXES = (".vhdr", ".ahdr")
_NEW_SEGMENT = re.compile(r"New Segment/.*")
_MARKER = re.compile(r"^Mk\d+=New Segment,[^,]*,(\d+),[^,]*,[^,\r\n]*(?:,(\d{20}))?", re.MULTILINE)


def scales(raw: Any, unit: str | None) -> list[float | None]:
    """µV for each volt that MNE gives, per channel; None where the header names no unit of voltage."""
    if unit:
        return [MICROVOLTS[unit] * (1 / channel["range"]) for channel in raw.info["chs"]]
    return [1e6 if raw._orig_units.get(name) != "n/a" else None for name in raw.ch_names]


def breaks(raw: Any, path: Path | None) -> Breaks:
    """A join at every New Segment but the first, as long as the time stamps of the marker file say.

    Raises RecordingError as `check_length` does.
    """
    joins = joins_at(raw, _NEW_SEGMENT)
    if path is None:
        return Breaks(joins=joins)
    marks, notes = segment_starts(path)
    notes = notes + check_length(path, raw.n_times)
    return Breaks(joins=joins | joins_between(marks, raw.info["sfreq"]), notes=notes)


def segment_starts(header: Path) -> tuple[list[Mark], list[str]]:
    """(first sample, time in s or None) of every New Segment marker, and notes."""
    named = _value(header, "MarkerFile")
    if not named:
        return [], []
    # a name from another system may hold its folders; a renamed recording still names its first marker file
    possible = [header.with_name(Path(named.replace("\\", "/")).name), header.with_suffix(".vmrk")]
    marker = next((file for file in possible if file.is_file()), None)
    if marker is None:
        return [], ["the marker file is missing: breaks in time, if there are any, are not known"]
    return [(int(at) - 1, _seconds(stamp)) for at, stamp in _MARKER.findall(marker.read_text("latin-1"))], []


def check_length(header: Path, samples: int) -> list[str]:
    """A note if the data file is shorter than the header says; `samples` is what it holds of every channel.

    Raises RecordingError if its channels stand one after the other: then none of them is where it is expected.
    """
    promised = _value(header, "DataPoints")
    if not promised.isdigit() or int(promised) == samples:
        return []
    if _value(header, "DataOrientation").upper() == "VECTORIZED":
        raise RecordingError(
            header.name, f"holds {samples} samples per channel, its header promises {promised}; copy the files again"
        )
    if samples > int(promised):
        return []
    return [f"cut short: {samples} of the {promised} samples that the header promises"]


def _value(header: Path, key: str) -> str:
    line = re.search(rf"^{key}=(.*?)\s*$", header.read_text("latin-1"), re.MULTILINE | re.IGNORECASE)
    return line[1] if line else ""


def _seconds(stamp: str) -> float | None:
    """A time stamp (yyyymmddhhmmss and microseconds) in s; None if it is empty or all zeros."""
    try:
        return (datetime.strptime(stamp, "%Y%m%d%H%M%S%f") - datetime.min).total_seconds()
    except ValueError:
        return None
