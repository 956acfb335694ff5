"""EDF and BDF files byte by byte, so that tests and fuzzers can also make wrong ones."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS

LABELS = [f"EEG {name}-REF" for name in CHANNELS]


def eeg(seconds: float, rate: int = 200, channels: int = 19, seed: int = 0) -> NDArray:
    """Something like EEG (C, n) in µV: pink noise of 20 µV and a 10-Hz rhythm of 30 µV."""
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
    """Write `data` (C rows) in records of `seconds`; with `onsets`, as EDF+ with the start of each record in s.

    `bits` 16 for EDF, 24 for BDF; `limit` the largest physical value in `unit`.
    """
    data, top, name = list(data), 2 ** (bits - 1) - 1, "EDF" if bits == 16 else "BDF"
    labels = labels or LABELS[: len(data)]
    rates = [rate] * len(data) if isinstance(rate, int) else rate
    sizes = [round(r * seconds) for r in rates]
    records = len(data[0]) // sizes[0]
    columns = [
        _bytes(x[: records * n] / limit * top, bits).reshape(records, n * bits // 8)
        for x, n in zip(data, sizes, strict=True)
    ]
    if onsets is not None:
        times = b"".join(f"+{t:.12g}\x14\x14".encode().ljust(60, b"\0") for t in onsets)
        columns.append(np.frombuffer(times, np.uint8).reshape(records, 60))
        labels, sizes = [*labels, f"{name} Annotations"], [*sizes, 60 * 8 // bits]
    n = len(labels)
    limits = (f"{-limit:.7g}"[:8], f"{limit:.7g}"[:8], str(-top), str(top))
    fields = [(labels, 16), (["AgCl"] * n, 80), ([unit] * n, 8), *(([text] * n, 8) for text in limits)]
    fields += [([""] * n, 80), ([str(size) for size in sizes], 8), ([""] * n, 32)]
    kind = kind or (f"{name}+C" if onsets is not None else "24BIT" * (bits == 24))
    general = [patient.ljust(80), recording.ljust(80), start, str(256 * (n + 1)).ljust(8), kind.ljust(44)]
    general += [str(records if declared is None else declared).ljust(8), f"{seconds:g}".ljust(8), str(n).ljust(4)]
    header = "".join(general) + "".join(text.ljust(width) for values, width in fields for text in values)
    version = b"0       " if bits == 16 else b"\xffBIOSEMI"
    path.write_bytes(version + header.encode("latin-1") + np.concatenate(columns, 1).tobytes())
    return path


def _bytes(digital: NDArray, bits: int) -> NDArray[np.uint8]:
    """Little-endian integers of `bits`, held within their range."""
    top = 2 ** (bits - 1) - 1
    wide = np.clip(np.round(digital), -top, top).astype("<i4").view(np.uint8).reshape(-1, 4)
    return np.ascontiguousarray(wide[:, : bits // 8])
