"""Six small histograms of a quality table: what is measured, and how much lies beyond the limit of its flag."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from tokenizer.quality.measures import LIMITS
from tokenizer.reading.gate import COMMON

BAR, BEYOND = "#7fa7c9", "#cb181d"
MARKED_USABLE_SHARE = 0.9
"""Usable share below which a session is counted in the histogram."""


def draw_spreads(axes: list[plt.Axes], table: pl.DataFrame, each: pl.DataFrame) -> None:
    """Fill six axes: usable seconds, common mode, mains, pops, clipping, amplitude."""
    of = "sessions", "channels"
    _spread(axes[0], each["mean_usable"], "Usable share of seconds", of[0], (0, 1), MARKED_USABLE_SHARE, less=True)
    _spread(axes[1], each["session_common_share"], "Common to all electrodes", of[0], (0, 1), COMMON)
    _spread(axes[2], table["mains_share"], "Mains, share of power", of[1], (0, 1), LIMITS["mains_share"])
    _spread(axes[3], table["pops_per_minute"], "Electrode pops per min", of[1], (0, 8), LIMITS["pops_per_minute"])
    _spread(axes[4], table["clipped_share"], "Clipped share of samples", of[1], (0, 0.02), LIMITS["clipped_share"])
    _spread(axes[5], table["amplitude_uv"], "Peak to peak in 1 s, µV", of[1], (0, 200), None)


def _spread(
    axes: plt.Axes,
    values: pl.Series,
    what: str,
    of: str,
    span: tuple[float, float],
    limit: float | None,
    less: bool = False,
) -> None:
    """A histogram in % of all on a logarithmic scale; what lies outside `span` is in the outermost bars."""
    values = values.drop_nulls().to_numpy()
    axes.set_title(what, loc="left", fontsize=9, pad=14)
    if not len(values):
        axes.text(0.5, 0.5, "nothing measured", transform=axes.transAxes, ha="center")
        return
    edges = np.linspace(*span, 41)
    counts, _ = np.histogram(np.clip(values, *span), edges)
    beyond = np.zeros(40, bool)
    if limit is not None:
        beyond = edges[1:] <= limit + 1e-9 if less else edges[:-1] >= limit - 1e-9
    shares = 100 * counts / len(values)
    axes.bar(edges[:-1], shares, np.diff(edges), align="edge", color=np.where(beyond, BEYOND, BAR))
    axes.set_yscale("log")  # one bad channel in a thousand is still seen
    axes.set_yticks([0.001, 0.01, 0.1, 1, 10, 100], ["0.001", "0.01", "0.1", "1", "10", "100 %"])
    axes.set_ylim(min(0.5, 50 / len(values)), 300)
    axes.minorticks_off()
    out = int((values < limit).sum() if less else (values > limit).sum()) if limit is not None else 0
    caption = f"of {len(values):,} {of}"
    if limit is not None:
        axes.axvline(limit, color="black", linewidth=0.8, linestyle=":")
        caption = f"{out:,} {caption} {'below' if less else 'above'} {limit:g}"
    axes.text(0, 1.03, caption, transform=axes.transAxes, va="bottom", fontsize=7, color=BEYOND if out else "#444444")
