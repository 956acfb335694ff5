"""What MNE does not tell of a BrainVision recording: time stamps of its segments, and whether its data are whole.

Format: BrainVision Core Data Format 1.0, https://www.brainproducts.com/support-resources/brainvision-core-data-format-1-0
"""

import re
from datetime import datetime
from pathlib import Path

from tokenizer.recording import RecordingError

KINDS = (".vhdr", ".ahdr")
_MARKER = re.compile(r"^Mk\d+=New Segment,[^,]*,(\d+),[^,]*,[^,\r\n]*(?:,(\d{20}))?", re.MULTILINE)


def segment_starts(header: Path) -> tuple[list[tuple[int, float | None]], list[str]]:
    """(first sample, time in s or None) of every New Segment marker, and notes."""
    named = _value(header, "MarkerFile")
    if not named:
        return [], []
    beside = [header.with_name(Path(named.replace("\\", "/")).name), header.with_suffix(".vmrk")]
    marker = next((file for file in beside if file.is_file()), None)
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
    found = re.search(rf"^{key}=(.*?)\s*$", header.read_text("latin-1"), re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _seconds(stamp: str) -> float | None:
    """A time stamp (yyyymmddhhmmss and microseconds) in s; None if it is empty or all zeros."""
    try:
        return (datetime.strptime(stamp, "%Y%m%d%H%M%S%f") - datetime.min).total_seconds()
    except ValueError:
        return None
