"""Pictures of an explanation: frequency, time and the deletion test, tokens, and scalp maps, both methods side by side.

Red adds to the target, blue takes from it; every picture has colours of its own, white is nothing.
"""

from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from clef.pages.scalp import draw_scalp
from clef.pages.spectrograms import SYMBOLS
from clef.pages.style import STYLE, picture
from tokenizer.cells import BANDS, Array

if TYPE_CHECKING:
    from clef.explanations.explanation import Explanation, Method

COLOURS = "RdBu_r"
LINES = {"gradients": "#0072B2", "occlusion": "#D55E00"}
CONTROLS = {"random": "#888888", "moved": "#bbbbbb"}


def draw_curves(one: "Explanation", columns: int) -> str:
    """Each method's share per 2 Hz and per column of tokens, and the target while tokens are deleted, as a data URI."""
    with plt.rc_context(STYLE):
        grid = {"left": 0.06, "right": 0.985, "top": 0.9, "bottom": 0.16, "wspace": 0.28}
        figure, axes = plt.subplots(1, 3, figsize=(11, 2.9), width_ratios=(1, 1.5, 1), gridspec_kw=grid)
        for method in one.methods:
            rows = method.curve.reshape(16, -1).sum(1) if len(method.curve) % 16 == 0 else method.curve
            _steps(axes[0], rows, 32 / len(rows), method.name)
            course = method.course.reshape(columns, -1).sum(1)
            _steps(axes[1], course, len(method.course) * method.seconds / 60 / columns, method.name)
        axes[0].set(xlabel="Hz", ylabel=one.unit, xlim=(0, 32))
        axes[1].set(xlabel="minutes", xlim=(0, None))
        _deletion(axes[2], one)
        titles = ("Frequency, per 2 Hz", "Time", "Deletion test")
        for axis, title in zip(axes, titles, strict=True):
            axis.set_title(title, loc="left", fontsize=10, fontweight="bold")
            axis.axhline(0, color="#999999", linewidth=0.6) if axis is not axes[2] else None
        axes[0].legend(frameon=False, fontsize=7.5)
        return picture(figure)


def _steps(axis: plt.Axes, values: Array, step: float, name: str) -> None:
    axis.stairs(values, np.arange(len(values) + 1) * step, color=LINES[name], linewidth=1.3, label=name)


def _deletion(axis: plt.Axes, one: "Explanation") -> None:
    """The target against the share of tokens that is left out."""
    for method in one.methods:
        test = method.deletion
        shares = 100 * np.array([0, *test.shares])
        axis.plot(shares, [test.whole, *test.guided], color=LINES[method.name], linewidth=1.3)
    for name, colour in CONTROLS.items():
        mean = getattr(one.methods[0].deletion, name).mean(0)
        axis.plot(shares, [test.whole, *mean], color=colour, linewidth=1.1, label=name)
    axis.axhline(one.usual, color="#999999", linewidth=0.6, linestyle=":")
    axis.set(xlabel="% of the tokens left out", ylabel=one.unit)
    axis.legend(frameon=False, fontsize=7.5)


def draw_grids(one: "Explanation", seconds: float) -> str:
    """Each method's share of every token, a column of `seconds`, as a data URI."""
    with plt.rc_context(STYLE):
        grid = {"left": 0.06, "right": 0.93, "top": 0.94, "bottom": 0.11, "hspace": 0.3}
        figure, axes = plt.subplots(len(one.methods), 1, figsize=(11, 4.2), gridspec_kw=grid, sharex=True)
        for axis, method in zip(axes, one.methods, strict=True):
            most = _most(method.grid)
            place = (0, method.grid.shape[1] * seconds / 60, 0, 32)
            image = axis.imshow(method.grid, cmap=COLOURS, vmin=-most, vmax=most, extent=place, origin="lower",
                                aspect="auto", interpolation="nearest")  # fmt: skip
            axis.set_title(f"Tokens, by {method.name}", loc="left", fontsize=9)
            axis.set(yticks=[0, 8, 16, 24, 32], ylabel="Hz")
            figure.colorbar(image, ax=axis, pad=0.01, fraction=0.02).set_label(one.unit)
        axes[-1].set_xlabel("minutes")
        return picture(figure)


def draw_maps(methods: "list[Method]", unit: str) -> str:
    """Scalp maps (C, 4) of each method in each band, as a data URI; each row has one scale of colours."""
    with plt.rc_context(STYLE):
        return picture(maps_figure({method.name: method.maps for method in methods}, unit))


def maps_figure(maps: dict[str, Array], unit: str) -> "matplotlib.figure.Figure":
    """A row of four scalp maps for each name -> (C, 4) in `unit`, NaN where unknown; whoever asks closes it."""
    inches = 2.7 * len(maps) + 0.4
    grid = {"left": 0.03, "right": 0.9, "top": 1 - 0.35 / inches, "bottom": 0.02, "hspace": 0.05, "wspace": 0.06}
    figure, axes = plt.subplots(len(maps), len(BANDS), figsize=(11, inches), gridspec_kw=grid, squeeze=False)
    for row, (name, values) in zip(axes, maps.items(), strict=True):
        most, image, nobody = _most(values), None, np.zeros(len(values), bool)
        for k, axis in enumerate(row):
            drawn = draw_scalp(axis, values[:, k], nobody, (-most, most), k == 0 and axis is axes[0, 0], COLOURS)
            image = drawn or image
        row[0].text(-1.35, 0, name, rotation=90, ha="center", va="center", fontsize=9)
        if image is not None:
            figure.colorbar(image, ax=row, pad=0.02, fraction=0.02).set_label(unit)
    for axis, (band, (low, high)) in zip(axes[0], BANDS.items(), strict=True):
        axis.set_title(f"{SYMBOLS[band]}  {band}, {low:g}–{high:g} Hz", fontsize=10, fontweight="bold")
    return figure


def _most(values: Array) -> float:
    """The end of the colours: the largest value, whatever its sign."""
    known = np.abs(values[np.isfinite(values)])
    return float(known.max(initial=0)) or 1.0
