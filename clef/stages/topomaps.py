"""stage=topomaps: ten seconds of EEG and the map of the voltage at their middle sample find each other.

NeuroNarrator's task, with networks of waveforms (model=elm, model=eegclip). A sample of a batch is a recording: some of
its segments, each with another sample of it as the middle, so that pairs never end. The network sees `topomaps.seconds`
around the middle, which always has the same place among its strides, and its features over the middle meet the map in
the sigmoid loss of Zhai et al. (2023, arXiv 2303.15343): every other segment is a negative, those of the same
recording, the hard ones, too.

Shapes: B recordings · T = B · per_session segments of a batch · C channels · S samples around the middle.
"""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from clef.network.waveform.encoder import NETWORKS, WaveformConfig, WaveformEncoder
from clef.network.waveform.topomap import LIMITS as TOWER_LIMITS
from clef.network.waveform.topomap import TopomapConfig, TopomapTowers
from clef.stages.epochs import session_order
from clef.stages.inputs import Inputs, trained_on
from clef.stages.pair_loss import PairLoss
from clef.stages.stage import Batch, Objective, Preview, Samples
from clef.stages.windows import TRIED, WindowsConfig
from clef.waveform.cutting import Cutting
from clef.waveform.kept import FOLDER, KeptWindows, keep_windows
from clef.waveform.preparation import PUBLISHED
from clef.waveform.segments import MIDDLE, SECONDS, Around, SegmentCut, voltage_maps
from clef.waveform.standard import standardised
from tokenizer.base.limits import check_settings
from tokenizer.sessions import read_sessions

log = logging.getLogger(__name__)
TEMPERATURE = 0.1
"""At the start, as in Zhai et al.; it is learned."""
LOSS_SCALE = 10.0
"""Learning rate of the loss's scale and bias, relative to the rest: two numbers that have far to go."""
SEEN, DRAWN, HELD_OUT = 1, 2, 3
"""Names of streams of random numbers."""


@dataclasses.dataclass
class TopomapsConfig(TopomapConfig):
    """Segments and towers of stage=topomaps; of windows.* only windows.network counts."""

    seconds: float = 0.0
    """Seconds around the middle sample that the network sees; 0: as few as it can take."""
    per_session: int = 8
    """Segments of a recording in a batch, drawn anew each time."""
    validation_segments: int = 512
    """Segments of split val that find each other at each validation."""


LIMITS = TOWER_LIMITS | {
    "seconds": (0.0, SECONDS),
    "per_session": (1, 1024),
    "validation_segments": (0, 1 << 16),
}


class TopomapsObjective(Objective):
    """The waveform network, the two towers, and the sigmoid loss; all of it from scratch."""

    def __init__(self, encoder: WaveformEncoder, towers: TopomapTowers, sample: int) -> None:
        """sample: the number that the middle has in windows."""
        super().__init__()
        self.encoder, self.towers, self.sample = encoder, towers, sample
        self.pairs = PairLoss("sigmoid", TEMPERATURE, learned_temperature=True)

    def groups(self) -> list[dict[str, Any]]:
        networks = [*self.encoder.parameters(), *self.towers.parameters()]
        return [{"params": networks}, {"params": list(self.pairs.parameters()), "scale": LOSS_SCALE}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        features = self.encoder.network.over(batch["windows"], self.sample)
        eeg, maps = self.towers(features, batch["maps"])
        pairs, total = self.pairs(eeg, maps, batch["present"], batch["segment"]), totals["segments"]
        first = {"first_map": pairs["hits_ab"] / total, "first_eeg": pairs["hits_ba"] / total}
        return {"loss": pairs["sum"] / total} | first

    def after_step(self, step: int) -> dict[str, float]:
        return self.pairs.after_step()

    def save_model(self, folder: Path) -> None:
        self.towers.about = self.pairs.after_step()
        self.encoder.save_pretrained(folder / "waveform")
        self.towers.save_pretrained(folder / "topomap")


class TopomapPairs:
    """Sample number -> segments of a recording with their maps, as a pure function of the seed."""

    def __init__(self, kept: KeptWindows, around: Around, config: TopomapsConfig, seed: int) -> None:
        self.kept, self.around, self.config, self.seed = kept, around, config, seed
        self.train, self.held_out = (np.flatnonzero(kept.split == split) for split in ("train", "val"))
        if not len(self.train):
            raise ValueError("cohort: no recording of split train has a segment; there is nothing to learn from")

    def batch(self, numbers: Sequence[int]) -> Batch:
        each = self.config.per_session
        segments = np.concatenate([self._segments(n) for n in numbers])
        low, high = self.around.room(segments.shape[2])
        drawn = [np.random.default_rng((self.seed, DRAWN, n)).integers(low, high, each) for n in numbers]
        names = np.concatenate([np.arange(n * each, (n + 1) * each) for n in numbers])
        return self._pairs(segments, np.concatenate(drawn), names)

    def validation(self) -> list[Batch]:
        places = [(row, i) for row in self.held_out for i in range(self.kept.count[row])]
        rng = np.random.default_rng((0, HELD_OUT))
        chosen = sorted(rng.permutation(len(places))[: self.config.validation_segments].tolist())
        if not chosen:
            return []
        segments = np.concatenate([self.kept.some(row, [i]) for row, i in (places[c] for c in chosen)])
        return [self._pairs(segments, np.full(len(segments), MIDDLE), np.arange(len(segments)))]

    def _segments(self, number: int) -> np.ndarray:
        """Segments (per_session, 19, 1000) of a training recording; one that has fewer shows them again."""
        row = self.train[session_order(self.seed, number, len(self.train))]
        order = np.random.default_rng((self.seed, SEEN, number)).permutation(self.kept.count[row])
        return self.kept.some(row, np.resize(order, self.config.per_session))

    def _pairs(self, segments: np.ndarray, middle: np.ndarray, names: np.ndarray) -> Batch:
        maps = voltage_maps(segments, middle)
        present = np.abs(maps).max(1) > 0  # a moment without any voltage has no map
        return {
            **{"windows": torch.from_numpy(self.around(segments, middle)), "maps": torch.from_numpy(maps)},
            **{"present": torch.from_numpy(present), "segment": torch.from_numpy(names.astype(np.int64))},
            "counts": {"segments": float(present.sum())},
        }


def build(inputs: Inputs, windows: WindowsConfig, topomaps: TopomapsConfig) -> tuple[Objective, Samples]:
    """A fresh network with fresh towers, and the segments of the recordings of train and val.

    Raises ValueError if no recording has a segment, or the network needs more around the middle than it is given.
    """
    check_settings(topomaps, LIMITS, "topomaps")
    sessions = read_sessions(inputs.cohort).filter(pl.col("split").is_in(["train", "val"]))
    if not inputs.writes:
        sessions = sessions.filter(pl.col("split") == "train").head(TRIED)
    sizes = network_sizes(windows.network, topomaps.seconds)
    made = dataclasses.replace(PUBLISHED[sizes.network], window=sizes.seconds)
    made.check(f"topomaps.seconds={topomaps.seconds:g}")
    units = standardised(inputs.cohort, sessions, Cutting.of(made, upsample=True), made, inputs.workers)
    encoder = WaveformEncoder(sizes, units.shift, units.scale)
    place = Path(inputs.cohort) / FOLDER if inputs.writes else None
    kept = keep_windows(inputs.cohort, sessions, SegmentCut(made.band), place, inputs.workers)
    encoder.about = {"stage": "topomaps", "trained_on": trained_on(sessions["subject_id"], sessions["split"])}
    around = Around(encoder.preparation)
    towers = TopomapTowers(encoder.network.over_width, TopomapConfig(topomaps.width, topomaps.hidden))
    log.info("%d segments of %d recordings; %d samples around a middle", len(kept.signal), len(kept), made.samples)
    return TopomapsObjective(encoder, towers, around.sample).train(), TopomapPairs(kept, around, topomaps, inputs.seed)


def network_sizes(network: str, seconds: float) -> WaveformConfig:
    """The network without a head, for this long around the middle; 0: as long as it needs."""
    made = PUBLISHED[network]
    least = NETWORKS[network](len(made.channels), seconds or 1.0).least_samples / made.rate
    if seconds and seconds < least:
        raise ValueError(f"topomaps.seconds={seconds:g}: {network} takes {least:g} s at least, or 0 for just that")
    return WaveformConfig(network, seconds or least, layers=0)


def preview(settings: dict[str, Any]) -> Preview:
    """The size of the network; what a step costs depends on the batch."""
    sizes = network_sizes(settings["windows"].network, settings["topomaps"].seconds)
    count = sum(p.numel() for p in WaveformEncoder(sizes).parameters())
    return Preview([f"parameters: {count / 1e6:.2f} M in {sizes.network}, without its towers"])
