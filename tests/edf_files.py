"""EDF files byte by byte, so that tests can also make wrong ones."""

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
) -> Path:
    """Write `data` (C rows) in records of 1 s; with `onsets`, as EDF+ with the start of each record in s."""
    data = list(data)
    labels = labels or LABELS[: len(data)]
    rates = [rate] * len(data) if isinstance(rate, int) else rate
    records = len(data[0]) // rates[0]
    step = limit / 32767
    columns = [
        np.clip(np.round(x[: records * r] / step), -32767, 32767).astype("<i2").reshape(records, r)
        for x, r in zip(data, rates, strict=True)
    ]
    if onsets is not None:
        times = b"".join(f"+{t:g}\x14\x14".encode().ljust(60, b"\0") for t in onsets)
        columns.append(np.frombuffer(times, "<i2").reshape(records, 30))
        labels, rates = [*labels, "EDF Annotations"], [*rates, 30]
    n = len(labels)
    fields = [(labels, 16), (["AgCl"] * n, 80), ([unit] * n, 8), ([f"{-limit:.7g}"[:8]] * n, 8)]
    fields += [([f"{limit:.7g}"[:8]] * n, 8), (["-32767"] * n, 8), (["32767"] * n, 8)]
    fields += [([""] * n, 80), ([str(r) for r in rates], 8), ([""] * n, 32)]
    kind = kind or ("EDF+C" if onsets is not None else "")
    top = ["0".ljust(8), "".ljust(80), "".ljust(80), start, str(256 * (n + 1)).ljust(8)]
    top += [kind.ljust(44), str(records if declared is None else declared).ljust(8), "1".ljust(8), str(n).ljust(4)]
    header = "".join(top) + "".join(text.ljust(width) for values, width in fields for text in values)
    path.write_bytes(header.encode("latin-1") + np.concatenate(columns, 1).tobytes())
    return path
