"""Pictures of a session over time: the spectrogram of each region as recorded and as rebuilt, mean spectra, tokens."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from clef.pages.regions import REGIONS
from clef.pages.scalp import draw_scalp
from clef.pages.style import LEVELS, NOTHING, STYLE, picture
from tokenizer.cells import BANDS, HZ, Array

EDGES = (1, 4, 8, 13, 30)
LABELS = (*map(str, EDGES[:-1]), f"{EDGES[-1]} Hz")
"""Hz between the bands, and as the labels of a frequency axis."""
RECORDED, REBUILT = "#000000", "#D55E00"
LEAST_DB = 4.0
"""Fewest dB between the ends of a scalp map's colours."""
SYMBOLS = {"delta": "δ", "theta": "θ", "alpha": "α", "beta": "β"}


def draw_regions(recorded: Array, rebuilt: Array | None, captions: dict[str, str]) -> str:
    """Spectrograms (G, F, T) dB, NaN where invalid, in a row per region, as a data URI; T frames of 1 s.

    All panels share their colours. To the right the median over time; captions: a line under each region's name.
    """
    known = recorded[np.isfinite(recorded)]
    low, high = np.percentile(known, [3, 97]) if known.size else (0, 1)
    both = [recorded] if rebuilt is None else [recorded, rebuilt]
    names = ["As recorded", "Rebuilt from its tokens"][: len(both)]
    with plt.rc_context(STYLE):
        grid = {"left": 0.125, "right": 0.895, "top": 0.95, "bottom": 0.05, "hspace": 0.2, "wspace": 0.1}
        figure, axes = plt.subplots(
            len(REGIONS), len(both) + 1, figsize=(11, 8.8), width_ratios=[3.4 / len(both)] * len(both) + [0.9],
            gridspec_kw=grid, sharex="col", squeeze=False,
        )  # fmt: skip
        for g, region in enumerate(REGIONS):
            for axis, spec in zip(axes[g], both, strict=False):
                image = _spectrogram(axis, spec[g], (low, high), LEVELS)
                axis.set_yticks(*([EDGES, LABELS] if axis is axes[g, 0] else [[]]))
            beside = {"x": -0.2 * len(both), "transform": axes[g, 0].transAxes}
            axes[g, 0].text(y=0.53, s=region, fontsize=10, va="bottom", **beside)
            axes[g, 0].text(y=0.5, s=captions[region], fontsize=8, va="top", **beside)
            _spectra(axes[g, -1], [s[g] for s in both], (low, high))
        for axis, name in zip(axes[0], [*names, "Median, dB"], strict=True):
            axis.set_title(name, loc="left", fontsize=10, fontweight="bold", pad=14)
        for axis in axes[-1, :-1]:
            axis.set_xlabel("minutes")
        axes[-1, -1].set_xlabel("Hz")
        bar = figure.colorbar(image, cax=figure.add_axes((0.94, 0.3, 0.012, 0.4)), extend="both")
        bar.set_label("dB (µV²/Hz)")
        return picture(figure)


def draw_rows(spec: Array) -> str:
    """Small spectrograms (G, F, T) dB, NaN where invalid, in a row per region with shared colours, as a data URI."""
    known = spec[np.isfinite(spec)]
    low, high = np.percentile(known, [3, 97]) if known.size else (0, 1)
    with plt.rc_context(STYLE):
        grid = {"left": 0.11, "right": 0.91, "top": 0.985, "bottom": 0.1, "hspace": 0.12}
        figure, axes = plt.subplots(len(REGIONS), 1, figsize=(11, 4.6), gridspec_kw=grid, sharex=True)
        for axis, region, rows in zip(axes, REGIONS, spec, strict=True):
            image = _spectrogram(axis, rows, (low, high), LEVELS)
            axis.set_yticks((4, 13, 30))
            axis.set_ylabel(region, rotation=0, ha="right", va="center", labelpad=8)
        axes[-1].set_xlabel("minutes")
        bar = figure.colorbar(image, cax=figure.add_axes((0.93, 0.25, 0.01, 0.5)), extend="both")
        bar.set_label("dB (µV²/Hz)")
        return picture(figure)


def _spectrogram(axis: plt.Axes, spec: Array, span: tuple[float, float], colours: str):
    """One panel (rows, T): invalid stretches are hatched grey."""
    minutes = spec.shape[1] / 60
    axis.set_facecolor(NOTHING)
    axis.patch.set(hatch="////", edgecolor="#aaaaaa", linewidth=0)
    image = axis.imshow(spec, cmap=colours, vmin=span[0], vmax=span[1], extent=(0, minutes, 0, 32), origin="lower",
                        aspect="auto", interpolation="antialiased")  # fmt: skip
    for hz in EDGES:
        axis.axhline(hz, color="white", linewidth=0.5, alpha=0.65)
    axis.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    return image


def _spectra(axis: plt.Axes, specs: list[Array], span: tuple[float, float]) -> None:
    """Median over time of what was recorded, and of what was rebuilt."""
    for i, band in enumerate(BANDS):
        axis.axvspan(*BANDS[band], color="#f3f3f3" if i % 2 else "#e3e9f0", linewidth=0, zorder=0)
        axis.text(np.mean(BANDS[band]), 1.0, SYMBOLS[band], transform=axis.get_xaxis_transform(), ha="center",
                  va="bottom", fontsize=8)  # fmt: skip
    for spec, colour, name in zip(specs, (RECORDED, REBUILT), ("recorded", "rebuilt"), strict=False):
        valid = np.isfinite(spec).all(0)
        if valid.any():
            axis.plot(HZ[1:], np.median(spec[1:, valid], axis=1), color=colour, linewidth=1.2, label=name)
    axis.set(xlim=(0, 32), ylim=(span[0] - 3, span[1] + 5), xticks=EDGES)
    axis.yaxis.tick_right()
    axis.spines[["left", "right"]].set_visible(False)
    if len(specs) > 1 and axis.lines and axis.get_subplotspec().is_first_row():
        axis.legend(frameon=False, fontsize=7.5, loc="upper right", handlelength=1.2)


def draw_bands(recorded: dict[str, Array], rebuilt: dict[str, Array] | None, bad: NDArray[np.bool_]) -> str:
    """Scalp maps of each band's mean level, (C,) dB by band, as a data URI; rebuilt below with the same colours.

    bad (C,) bool: electrodes that are marked and left out, as one loose electrode would take all colours.
    """
    rows = [("as recorded", recorded)] + ([("rebuilt from its tokens", rebuilt)] if rebuilt else [])
    with plt.rc_context(STYLE):
        inches = 2.7 * len(rows) + 1.0
        grid = {"left": 0.03, "right": 0.99, "top": 1 - 0.3 / inches, "bottom": 0.7 / inches}
        figure, axes = plt.subplots(
            len(rows),
            len(BANDS),
            figsize=(11, inches),
            gridspec_kw=grid | {"hspace": 0.02, "wspace": 0.06},
            squeeze=False,
        )
        for k, (band, (low, high)) in enumerate(BANDS.items()):
            values = recorded[band][np.isfinite(recorded[band]) & ~bad]
            span = _span(values)
            images = [draw_scalp(axis, levels[band], bad, span, names=k == 0 and axis is axes[0, 0])
                      for axis, (_, levels) in zip(axes[:, k], rows, strict=True)]  # fmt: skip
            axes[0, k].set_title(f"{SYMBOLS[band]}  {band}, {low:g}–{high:g} Hz", fontsize=10, fontweight="bold")
            if images[0] is not None:
                place = axes[-1, k].get_position()
                under = (place.x0 + 0.15 * place.width, 0.52 / inches, 0.7 * place.width, 0.1 / inches)
                bar = figure.colorbar(images[0], cax=figure.add_axes(under), orientation="horizontal")
                bar.set_label("dB (µV²/Hz)")
                bar.ax.xaxis.set_major_locator(MaxNLocator(4))
        for axis, (name, _) in zip(axes[:, 0], rows, strict=True):
            axis.text(-1.35, 0, name, rotation=90, ha="center", va="center", fontsize=9)
        return picture(figure)


def _span(values: Array) -> tuple[float, float]:
    """Ends of a map's colours; at least `LEAST_DB` apart, so that a level scalp looks level."""
    if not values.size:
        return 0, 1
    middle, half = (values.min() + values.max()) / 2, max(np.ptp(values), LEAST_DB) / 2
    return middle - half, middle + half


def draw_tokens(tokens: NDArray[np.integer], valid: NDArray[np.bool_], seconds: int) -> str:
    """The grid of tokens (R, W), valid (W,), as a data URI: which code, and how often it stands in this session."""
    codes, inverse, times = np.unique(tokens[:, valid], return_inverse=True, return_counts=True)
    which, often = np.full((2, *tokens.shape), np.nan)
    # neighbouring codes are no more alike than others: a permutation keeps the eye from seeing likeness
    which[:, valid] = np.random.default_rng(0).permutation(len(codes))[inverse].reshape(len(tokens), -1)
    often[:, valid] = times[inverse].reshape(len(tokens), -1)
    most = max(2, times.max(initial=1))
    place = {"extent": (0, tokens.shape[1] * seconds / 60, 0, 32), "origin": "lower", "aspect": "auto"}
    with plt.rc_context(STYLE):
        grid = {"left": 0.05, "right": 0.92, "top": 0.94, "bottom": 0.11, "hspace": 0.22}
        figure, (above, below) = plt.subplots(2, 1, figsize=(11, 4.0), gridspec_kw=grid, sharex=True)
        above.imshow(which, cmap="turbo", interpolation="nearest", **place)
        words = "Which code: equal colours are equal codes; likeness of colours means nothing"
        above.set_title(words, loc="left", fontsize=9)
        image = below.imshow(often, cmap=LEVELS, norm=LogNorm(1, most), interpolation="nearest", **place)
        below.set_title("How often this code stands in this session", loc="left", fontsize=9)
        for axis in (above, below):
            axis.set(yticks=[0, 8, 16, 24, 32], ylabel="Hz", facecolor=NOTHING)
        below.set_xlabel("minutes")
        bar = figure.colorbar(image, cax=figure.add_axes((0.935, 0.11, 0.012, 0.37)))
        ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if t <= most]
        bar.set_ticks(ticks, labels=[str(t) for t in ticks])
        bar.ax.minorticks_off()
        bar.set_label("times")
        return picture(figure)
