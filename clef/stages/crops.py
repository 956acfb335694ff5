"""Random crops of the training recordings, read on the fly: an archive needs no second copy.

Shapes: C = 19 channels · F = 128 bins · T frames of a crop.
"""

import dataclasses
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from clef.stages.epochs import session_order
from clef.stages.stage import Batch
from clef.stages.variations import LIMITS, VariationsConfig, added, shown
from tokenizer.base.limits import check_settings
from tokenizer.base.progress import track
from tokenizer.channels import CHANNELS
from tokenizer.level import HIGH, LOW, electrode_levels, level_of, session_level
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, Spectrograms
from tokenizer.reference import Reference
from tokenizer.twins import Twins

log = logging.getLogger(__name__)

KNOTS = 6
"""Frequencies (0, 6.4, … 32 Hz) between which a random spectrum is a straight line."""
TWIN = {name: name[:-1] + str(int(name[-1]) + (1 if int(name[-1]) % 2 else -1)) for name in CHANNELS if name[-1] != "z"}
MIRRORED = [CHANNELS.index(TWIN.get(name, name)) for name in CHANNELS]
"""For each channel the one at the same place on the other side: odd numbers are left, even ones right, z in between."""


@dataclasses.dataclass
class CropsConfig(VariationsConfig):
    """Which crops are taken, and how they are varied."""

    crop_frames: int = 640
    """Seconds in a training crop; a multiple of 20."""
    twins: float = 0.0
    """Share of the crops that are rebuilt towards a recording of the same spectrum whose noise is another."""
    crops_per_reading: int = 4
    """Crops taken each time a recording is read; more of them read less and repeat more."""
    mirror: float = 0.5
    """Share of the crops whose left and right channels change places."""
    colour: float = 1.5
    """dB; sd of the smooth random spectra that are added to some channels, and to all of them, in half of the crops."""
    scale_sessions: int = 64
    """Training recordings read once at the start for mean and sd per frequency."""
    validation_sessions: int = 16
    """Held-out recordings the loss is validated on."""


@dataclasses.dataclass
class Crop:
    """A stretch of a recording.

    spec (C, F, T) dB · valid (T,) bool · channel_ok (C,) bool: recorded · channel_seen (C,) bool: shown to the encoder
    level () dB: of the whole session that it is from, over the channels that the encoder sees
    wanted (C, F, T) dB: what is to be rebuilt; `spec` itself, or its twin (tokenizer.twins)
    """

    spec: Tensor
    wanted: Tensor
    valid: Tensor
    channel_ok: Tensor
    channel_seen: Tensor
    level: Tensor


class Crops:
    """Random crops of the training recordings: sample number -> crop, as a pure function of the seed."""

    def __init__(
        self,
        cohort: str,
        sessions: pl.DataFrame,
        config: CropsConfig,
        reading: ReadingConfig,
        seed: int,
        reference: Reference = "recorded",
    ):
        check_settings(config, LIMITS | {"twins": (0, 1)}, "tokenizer_stage")
        self.config, self.seed = config, seed
        self.train = Spectrograms(cohort, sessions.filter(pl.col("split") == "train"), reading, reference)
        held_out = sessions.filter(pl.col("split") == "val").head(config.validation_sessions)
        self.held_out = Spectrograms(cohort, held_out, reading, reference)
        if not len(self.train):
            raise ValueError(f"cohort={cohort}: no session has split train; there is nothing to learn from")
        self._validation: list[Batch] | None = None
        self._sources = Twins(cohort, self.train.rows, reading, [config.twins > 0] * len(self.train), reference)
        self._recent: OrderedDict[int, tuple[list[Reading], Tensor]] = OrderedDict()

    def batch(self, numbers: Sequence[int]) -> Batch:
        return collate([self._crop(n) for n in numbers])

    def _crop(self, number: int) -> Crop:
        turn = number // self.config.crops_per_reading
        (own, *twins), levels = self._read(session_order(self.seed, turn, len(self.train)))
        rng = np.random.default_rng((self.seed, 1, number))
        given, wanted = self._pair(own, twins, np.random.default_rng((self.seed, 3, number)))
        where = rng.random()
        given, wanted = (crop(reading, self.config.crop_frames, where) for reading in (given, wanted))
        return self._vary(given, wanted.spec, levels, rng)

    def _pair(self, own: Reading, twins: list[Reading], rng: np.random.Generator) -> tuple[Reading, Reading]:
        """What the encoder gets and what the decoder is asked for: the recording and itself, or its two twins."""
        if rng.random() >= self.config.twins or not twins or not twins[0].valid.any():
            return own, own
        first = int(rng.integers(2))
        return twins[first], twins[1 - first]

    def _vary(self, reading: Reading, wanted: Tensor, levels: Tensor, rng: np.random.Generator) -> Crop:
        """Mirror a crop, add spectra, hide some channels; levels (C,) dB: of the electrodes of its session."""
        spec, ok = reading.spec, reading.channel_ok
        if rng.random() < self.config.mirror:
            spec, wanted, ok, levels = spec[MIRRORED], wanted[MIRRORED], ok[MIRRORED], levels[MIRRORED]
        spectra = torch.zeros(len(ok), spec.shape[1], 1)
        if self.config.colour and rng.random() < 0.5:
            spectra += self.config.colour * colours(ok, rng)
        seen = shown(self.config, ok, rng)
        spectra += added(self.config, ok, rng)
        # the same in every second: each electrode's level moves by its mean
        levels = levels + spectra[:, LOW:HIGH, 0].mean(-1)
        return Crop(spec + spectra, wanted + spectra, reading.valid, ok, seen, level_of(levels, seen))

    def _read(self, row: int) -> tuple[list[Reading], Tensor]:
        """A recording, its twins if they are of use, and the levels (C,) of its electrodes; for all crops of a turn."""
        if row not in self._recent:
            readings = self._sources[row]
            self._recent[row] = readings, electrode_levels(readings[0].spec, readings[0].valid)
            if readings[0].reason:
                log.warning("left out %s: %s", self.train.rows[row]["session_id"], readings[0].reason)
            while len(self._recent) > 2:
                self._recent.popitem(last=False)
        return self._recent[row]

    def validation(self) -> list[Batch]:
        """The start of each held-out recording, read once and kept."""
        if self._validation is None:
            readings = [self.held_out[i] for i in range(len(self.held_out))]
            crops = [as_it_is(r, self.config.crop_frames) for r in readings if not r.reason]
            self._validation = [collate(crops[i : i + 8]) for i in range(0, len(crops), 8)]
        return self._validation

    def scale(self, level: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Per frequency bin (128,) in dB: mean, sd, and sd of the deviation from the mean over channels; mean level ().

        Over some training recordings, each as heavy as its valid frames and channels; `level`: without their levels.

        Raises ValueError if none of them can be read.
        """
        rows = np.random.default_rng((self.seed, 2)).permutation(len(self.train))[: self.config.scale_sessions]
        sums = torch.zeros(5, 128, dtype=torch.float64)
        reasons = []
        for row in track(rows.tolist(), "mean and sd per frequency"):
            reading = self.train[row]
            if reading.reason:
                reasons.append(reading.reason)
                continue
            sums += moments(reading, level)
        if not sums[0].all():
            raise ValueError(f"none of {len(rows)} training recordings could be read; the first: {reasons[0]}")
        mean, square, apart, levels = sums[1:] / sums[0]
        sd, deviation = ((v.clamp_min(1e-6)).sqrt().float() for v in (square - mean.square(), apart))
        return mean.float(), sd, deviation, levels[0].float()


def moments(reading: Reading, level: bool) -> Tensor:
    """Sums (5, 128) over a reading's valid cells: 1, dB, dB², squared deviation from the mean over channels, level."""
    cells = reading.spec[reading.channel_ok][:, :, reading.valid].double()  # (C', F, T')
    own = session_level(reading.spec, reading.valid, reading.channel_ok).nan_to_num(0.0).double()
    cells = cells - own if level else cells
    n = torch.full((128,), cells[:, 0].numel(), dtype=torch.float64)
    apart = (cells - cells.mean(0)).square().sum((0, 2))
    return torch.stack([n, cells.sum((0, 2)), cells.square().sum((0, 2)), apart, n * own])


def crop(reading: Reading, frames: int, where: float) -> Reading:
    """`frames` frames of a reading from the share `where` of what is possible; padded and invalid past its end."""
    start = round(where * max(0, reading.spec.shape[-1] - frames))
    spec, valid = reading.spec[..., start : start + frames], reading.valid[start : start + frames]
    missing = frames - spec.shape[-1]
    pad = torch.nn.functional.pad
    return dataclasses.replace(reading, spec=pad(spec, (0, missing)), valid=pad(valid, (0, missing)))


def colours(channel_ok: Tensor, rng: np.random.Generator) -> Tensor:
    """Smooth spectra (C, F, 1) of sd 1: one of all channels, and one of its own for each of some of them.

    Electrodes differ by their contact, amplifiers by their filters, heads by their bone: what a code must be able to
    say is more varied than any one archive.
    """
    own = rng.random(len(channel_ok)) < rng.choice([0.1, 0.3, 1.0])
    knots = rng.standard_normal(KNOTS) + own[:, None] * rng.standard_normal((len(channel_ok), KNOTS))
    at = np.linspace(0, KNOTS - 1, 128)
    shape = np.stack([np.interp(at, np.arange(KNOTS), k) for k in knots])
    return torch.from_numpy(shape[:, :, None].astype(np.float32)) * channel_ok[:, None, None]


def as_it_is(reading: Reading, frames: int) -> Crop:
    """The first `frames` frames of a reading, of which the encoder sees every channel there is."""
    level = session_level(reading.spec, reading.valid, reading.channel_ok)
    part = crop(reading, frames, 0.0)
    return Crop(part.spec, part.spec, part.valid, part.channel_ok, part.channel_ok, level)


def collate(crops: list[Crop]) -> Batch:
    """Crops of one length, stacked, and the number of their valid frames."""
    batch: dict[str, Any] = {f.name: torch.stack([getattr(c, f.name) for c in crops]) for f in dataclasses.fields(Crop)}
    return batch | {"counts": {"frames": float(batch["valid"].sum())}}
