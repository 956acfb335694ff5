"""What MNE does not tell of a GDF file: the units and rates in its header. MNE takes any unit but µV and mV for V.

Format: A. Schlögl, "GDF - A general dataformat for biosignals", arXiv cs/0608052; unit codes: ISO 11073-10102.
"""

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tokenizer.channels import match
from tokenizer.recording import MICROVOLTS, RecordingError

VOLT = 4256
"""ISO 11073 code of the volt; its last five bits are the decimal prefix."""
_PREFIXES = {0: 1e6, 18: 1e3, 19: 1.0, 20: 1e-3}
_WORDS = {"V": 1e6, "mV": 1e3, "uV": 1.0, "µV": 1.0, "nV": 1e-3}
_MNE = {2: {4275: 1e-6, 4274: 1e-3}, 1: {"uV": 1e-6}}
"""Units that MNE knows, by the version of the format -> volts."""


@dataclass(frozen=True)
class _Header:
    labels: list[str]
    units: list[int | str]
    samples: list[int]
    """Per record, which is as long for all channels."""
    version: int


def scales(path: Path, unit: str | None) -> list[float | None]:
    """µV for each volt that MNE gives, per channel; None where the header names no unit of voltage.

    Raises RecordingError if the electrodes are sampled at another rate than the fastest channel: MNE interpolates.
    """
    header = _read(path)
    # MNE gives every channel the highest rate; interpolated samples must not be taken for recorded ones
    electrodes = match(header.labels).picks.values()
    if electrodes and Counter(header.samples[i] for i in electrodes).most_common(1)[0][0] != max(header.samples):
        raise RecordingError(
            path.name,
            "other channels are sampled faster than the electrodes, MNE interpolates these; convert it to EDF",
        )
    per_volt = [1 / _MNE[header.version].get(each, 1.0) for each in header.units]
    known = _PREFIXES if header.version == 2 else _WORDS
    stated = [
        known.get(each & 31 if each & ~31 == VOLT else -1) if isinstance(each, int) else known.get(each)
        for each in header.units
    ]
    if unit:
        return [MICROVOLTS[unit] * number for number in per_volt]
    return [None if scale is None else scale * number for scale, number in zip(stated, per_volt, strict=True)]


def _read(path: Path) -> _Header:
    with path.open("rb") as file:
        fixed = file.read(256)
        second = float(fixed[4:8]) >= 1.9
        (count,) = struct.unpack_from("<H" if second else "<I", fixed, 252)
        each = file.read(256 * count)
    # fields stand one after another, each of them for all channels; offsets are those of a file with one channel
    field = lambda offset, width: [each[offset * count + width * i :][:width] for i in range(count)]
    labels = [text.split(b"\0")[0].decode("latin-1").strip() for text in field(0, 16)]
    if second:
        units: list[int | str] = list(struct.unpack_from(f"<{count}H", each, 102 * count))
    else:
        units = [text.split(b"\0")[0].decode("latin-1").strip() for text in field(96, 8)]
    samples = list(struct.unpack_from(f"<{count}I", each, 216 * count))
    return _Header(labels, units, samples, 2 if second else 1)
