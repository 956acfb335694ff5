"""Segments of ten seconds whose middle sample is a map of the voltage over the head, and what a network sees of them.

    session -> segments (n, 19, 1000) µV against the average of the electrodes, 100 Hz
    segment, sample -> map (19,), of length one        segment, sample -> window (C, S) around it, in a network's units

A map is the pattern without its level, which is the amplifier's and the person's. Montages of networks are differences
of electrodes, so what they take is made of the same segments.
"""

import numpy as np

from clef.waveform.cutting import Cutting
from clef.waveform.montage import Derivations
from clef.waveform.preparation import Preparation
from clef.waveform.standard import Standardised
from tokenizer.channels import CHANNELS
from tokenizer.recording import Raw, RecordingError, Session

SECONDS, RATE = 10.0, 100.0
MIDDLE = round(SECONDS * RATE) // 2
"""Number of the middle sample of a segment."""
LARGEST = 30_000.0
"""µV; what is beyond is no EEG, and half precision ends at 65,504."""
FLAT = 1e-3
"""µV from one sample to the next; an electrode of which half of the steps are smaller has recorded nothing."""


class SegmentCut(Standardised):
    """Cuts sessions into consecutive segments; those with a flat electrode or middle sample are left out."""

    def __init__(self, band: tuple[float, float] | None) -> None:
        """band: Hz, that of the network."""
        made = Preparation(channels=CHANNELS, rate=RATE, window=SECONDS, band=band, limit=LARGEST)
        super().__init__(Cutting.of(made, upsample=True), "segments against the average", 0.0, 1.0)

    def __call__(self, session: Session, raw: Raw | None = None) -> np.ndarray:
        """Segments (n, 19, 1000) float32 µV.

        Raises RecordingError if an electrode is missing, or there are no ten seconds in one piece, or all are flat.
        """
        segments = self.cut(session)  # as they were recorded: against the average no electrode is flat
        is_whole = ((np.abs(np.diff(segments)) < FLAT).mean(2) < 0.5).all(1) & (segments[:, :, MIDDLE].std(1) > 0)
        if not is_whole.any():
            raise RecordingError("session", "an electrode is flat in each of its segments")
        return segments[is_whole] - segments[is_whole].mean(1, keepdims=True)


def voltage_maps(segments: np.ndarray, samples: np.ndarray | int) -> np.ndarray:
    """Maps (n, 19) of length one at a sample of each segment (n, 19, K); zeros where all electrodes are equal."""
    values = segments[np.arange(len(segments)), :, samples]
    values = values - values.mean(1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


class Around:
    """What a network sees: the samples around one of each segment, in its montage and units."""

    def __init__(self, made: Preparation) -> None:
        """made: how the network has windows prepared, in fixed units; its window is what it sees."""
        assert made.rate == RATE and made.standard in ("fixed", "none")
        self.made, self.weights = made, Derivations.of(made.channels).weights
        self.sample = made.samples // 2
        """The number that the sample has in a window: always the same, so that it has one place among the strides."""

    def room(self, length: int) -> tuple[int, int]:
        """First sample, and last + 1, of segments of this length that have enough around them."""
        return self.sample, length - (self.made.samples - self.sample) + 1

    def __call__(self, segments: np.ndarray, samples: np.ndarray | int) -> np.ndarray:
        """Windows (n, C, S) float32 around a sample of each segment (n, 19, K) µV."""
        first = np.broadcast_to(samples, len(segments)) - self.sample
        places = first[:, None] + np.arange(self.made.samples)
        around = np.take_along_axis(segments, places[:, None], 2)
        windows = (self.weights @ around) / np.float32(self.made.microvolts)
        if self.made.limit is not None:
            windows = np.clip(windows, -self.made.limit, self.made.limit)
        return ((windows - self.made.shift) / self.made.scale).astype(np.float32)
