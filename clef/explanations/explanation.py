"""The explanation of one target of one session: both methods side by side, and how faithful each is.

    one = encoded(reading, model.vqgan)
    explain(model, probe_target(model, probe), one).gradient.bands()

Shapes: C = 19 electrodes · F = 128 bins of 0.25 Hz · R rows x W columns of tokens · K = 4 bands.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clef.explanations import gradients, occlusion, summaries
from clef.explanations.deletion import Deletion, delete
from clef.explanations.path import Encoded
from clef.explanations.targets import Target, value
from clef.model import Model
from tokenizer.base.limits import check_settings


@dataclass
class ExplainingConfig:
    """How much is computed for an explanation."""

    steps: int = 8
    """Gradients along the line from the mean recording to the session; 1: at the session alone, which misleads more."""
    block: int = 6
    """Tokens of a row that are left out together (6: 2 Hz and a minute); 1 takes six times as long."""
    draws: int = 8
    """Random deletions that the deletion test compares with."""


LIMITS = {"steps": (1, 1000), "block": (1, 128), "draws": (1, 1000)}


@dataclass(frozen=True)
class Method:
    """What one method gives: curve (F,) or (R,) over 0 to 32 Hz, course over time in steps of `seconds`, maps (C, K) of
    electrodes, NaN where not recorded, grid (R, W) of tokens; all in the target's unit."""

    name: str
    curve: NDArray[np.float64]
    course: NDArray[np.float64]
    seconds: float
    maps: NDArray[np.float64]
    grid: NDArray[np.float64]
    deletion: Deletion

    def bands(self) -> dict[str, float]:
        """Sum of the curve in each band."""
        return summaries.band_shares(self.curve)


@dataclass(frozen=True)
class Explanation:
    """The target's value of the session and of the usual one, and what each method makes of the difference."""

    target: str
    unit: str
    value: float
    usual: float
    methods: list[Method] = field(default_factory=list)

    def table(self) -> pl.DataFrame:
        """Rows of `clef.explanations.summaries.table`, with the target in front."""
        rows = [summaries.table(m.name, self.unit, m.curve, m.course, m.seconds, m.maps) for m in self.methods]
        return pl.concat(rows).select(pl.lit(self.target).alias("target"), pl.all())

    def numbers(self) -> dict[str, Any]:
        """The explanation in plain numbers: value, usual value, and of each method bands and deletion test."""
        tests = {m.name: {"bands": m.bands(), "area": m.deletion.area, "random": m.deletion.random_area,
                          "moved": m.deletion.moved_area} for m in self.methods}  # fmt: skip
        return {"target": self.target, "unit": self.unit, "value": self.value, "usual": self.usual, "methods": tests}


def explain(
    model: Model, target: Target, one: Encoded, config: ExplainingConfig | None = None, seed: int = 0
) -> Explanation:
    """Explain a target of a session by gradients and by occlusion.

    Raises ValueError for settings out of their limits.
    """
    config = config or ExplainingConfig()
    check_settings(config, LIMITS, "explaining")
    first = by_gradients(model, target, one, config, seed)
    second = by_occlusion(model, target, one, config, seed, first.deletion)
    return Explanation(target.name, target.unit, value(model, target, one), target.at_usual(), [first, second])


def by_gradients(model: Model, target: Target, one: Encoded, config: ExplainingConfig, seed: int) -> Method:
    """Gradients on the spectrogram; the deletion test is of its sums over tokens."""
    cells = gradients.on_spectrogram(model, target, one, config.steps)
    grid = gradients.to_tokens(cells, one.grid)
    maps = np.where(one.channel_ok[0].cpu().numpy()[:, None], summaries.scalp_maps(cells), np.nan)
    test = delete(model, target, one, grid, config.draws, seed)
    return Method(
        *("gradients", summaries.frequency_curve(cells), summaries.time_course(cells), 1.0, maps, grid, test),
    )


def by_occlusion(
    model: Model, target: Target, one: Encoded, config: ExplainingConfig, seed: int, controls: Deletion
) -> Method:
    """Tokens left out, rows, columns and blocks, and electrodes made like the others."""
    grid = occlusion.on_tokens(model, target, one, 1, config.block)
    test = delete(model, target, one, grid, config.draws, seed, controls)
    return Method(
        *("occlusion", occlusion.on_rows(model, target, one), occlusion.on_columns(model, target, one)),
        *(float(model.vqgan.config.frames_per_token), occlusion.by_band(model, target, one), grid, test),
    )
