"""The writer of EDF and BDF files, with EDF+ onsets: for the synthetic cohort, and for files that test the readers.

`write_digital` writes integers under any header, `write_edf` digitises physical values first. Nothing stops a caller
from writing a header that is wrong, since readers must be tested on such files too.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.edf.fields import PART, VERSIONS, join_header

LABELS = [f"EEG {name}-REF" for name in CHANNELS]
ONSET_BYTES = 60
"""Bytes of the annotation signal in each data record: a multiple of two and three, so that it holds whole samples."""


def eeg(seconds: float, rate: int = 200, channels: int = 19, seed: int = 0) -> NDArray[np.float64]:
    """Something like EEG (C, n) in µV for test files: pink noise of 20 µV and a 10-Hz rhythm of 30 µV."""
    random = np.random.default_rng(seed)
    n = round(seconds * rate)
    shape = 1 / np.maximum(np.fft.rfftfreq(n, 1 / rate), 0.5)
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal((channels, n))) * shape, n)
    noise *= 20 / noise.std(1, keepdims=True)
    return noise + 30 * np.sin(2 * np.pi * 10 * np.arange(n) / rate + random.uniform(0, 6, (channels, 1)))


def write_edf(
    path: Path,
    data: NDArray | list[NDArray],
    rate: int | list[int] = 200,
    labels: list[str] | None = None,
    unit: str = "uV",
    onsets: list[float] | None = None,
    kind: str = "",
    declared: int | None = None,
    start: str = "03.02.2112.30.00",
    limit: float = 3276.7,
    patient: str = "",
    recording: str = "",
    bits: int = 16,
    seconds: float = 1.0,
) -> Path:
    """Write `data` (C rows) in `unit`, sampled at `rate` Hz, in records of `seconds`; the path.

    `bits` 16 for EDF, 24 for BDF; `limit` the largest physical value; `kind` the reserved field; `start` date and time
    as they stand in the header; `onsets` and `declared` as in `write_digital`.
    """
    top, rates = 2 ** (bits - 1) - 1, [rate] * len(data) if isinstance(rate, int) else rate
    limits = (f"{-limit:.7g}"[:8], f"{limit:.7g}"[:8])
    signals = [
        signal_fields(label, round(hz * seconds), limits, bits, unit)
        for label, hz in zip(labels or LABELS[: len(data)], rates, strict=True)
    ]
    plus = f"{'EDF' if bits == 16 else 'BDF'}+C" if onsets is not None else "24BIT" * (bits == 24)
    general = {
        "patient": patient,
        "recording": recording,
        "date": start[:8],
        "time": start[8:],
        "reserved": kind or plus,
    }
    digital = [np.clip(np.round(row / limit * top), -top, top).astype("<i4") for row in data]
    return write_digital(path, digital, general, signals, bits, seconds, onsets, declared)


def write_digital(
    path: Path,
    digital: Sequence[NDArray[np.integer]],
    general: dict[str, str],
    signals: list[dict[str, str]],
    bits: int = 16,
    seconds: float = 1.0,
    onsets: list[float] | None = None,
    declared: int | None = None,
) -> Path:
    """Write integers as they are in records of `seconds`, whole ones only; the path.

    digital: C rows (n,) within `bits`, 16 for EDF and 24 for BDF
    general: patient, recording, date, time and reserved field of the header; the others follow from the samples
    signals: the fields of each row, see `signal_fields`
    onsets: start of each record in s, written into an annotation signal as in EDF+
    declared: the number of records that the header promises, if it shall not be the true one
    """
    sizes = [int(signal["samples"]) for signal in signals]
    records = len(digital[0]) // sizes[0]
    columns = [
        _bytes(row[: records * n], bits).reshape(records, n * bits // 8) for row, n in zip(digital, sizes, strict=True)
    ]
    if onsets is not None:
        columns.append(_onset_bytes(onsets))
        label = f"{'EDF' if bits == 16 else 'BDF'} Annotations"
        signals = [*signals, signals[0] | {"label": label, "samples": str(8 * ONSET_BYTES // bits)}]
    general = general | {
        "version": VERSIONS[bits // 8],
        "header bytes": str(PART * (len(signals) + 1)),
        "records": str(records if declared is None else declared),
        "seconds": f"{seconds:g}",
        "signals": str(len(signals)),
    }
    with path.open("wb") as file:
        file.write(join_header(general, signals))
        file.write(np.concatenate(columns, 1).data)  # a record holds a piece of every signal, signal after signal
    return path


def signal_fields(
    label: str,
    samples: int,
    limits: tuple[str, str],
    bits: int = 16,
    unit: str = "uV",
    transducer: str = "AgCl",
    prefilter: str = "",
) -> dict[str, str]:
    """The header fields of a signal with `samples` per record; `limits` the physical values of the digital limits.

    The limits are texts, since what the header says and not what was meant is the scale of the samples.
    """
    top = 2 ** (bits - 1) - 1  # the same below and above zero, so that digital 0 is physical 0
    physical = {"physical minimum": limits[0], "physical maximum": limits[1]}
    digital = {"digital minimum": str(-top), "digital maximum": str(top)}
    texts = {"label": label, "transducer": transducer, "unit": unit, "prefilter": prefilter, "signal reserved": ""}
    return texts | physical | digital | {"samples": str(samples)}


def _bytes(digital: NDArray[np.integer], bits: int) -> NDArray[np.uint8]:
    """Integers (n,) as little-endian bytes, flat, `bits` each."""
    if bits == 16:
        return digital.astype("<i2").view(np.uint8)
    return np.ascontiguousarray(digital.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]).reshape(-1)


def _onset_bytes(onsets: list[float]) -> NDArray[np.uint8]:
    """(records, bytes) of an annotation signal that says nothing but when each record starts."""
    lists = [f"+{onset:.12g}\x14\x14".encode().ljust(ONSET_BYTES, b"\0") for onset in onsets]
    return np.frombuffer(b"".join(lists), np.uint8).reshape(-1, ONSET_BYTES)
