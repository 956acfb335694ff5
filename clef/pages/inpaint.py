"""The page of clef.inpaint: each electrode as it was, with a part hidden, as filled, the difference, mean spectra."""

import dataclasses
import textwrap
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from clef.pages.style import APART_DB, NOTHING, STYLE
from tokenizer.base.files import write_aside
from tokenizer.cells import HZ, Array
from tokenizer.channels import CHANNELS

AROUND = 200
"""Most s shown before and after what is hidden."""
FILLED, MEDIAN, ORIGINAL = "#D55E00", "#999999", "#000000"
HIDDEN = "#ffffff"
HOW = (
    "One electrode a row, brighter is stronger. The model sees what is outside the frame and fills the inside with "
    "what it expects; red: it expects more than there was, blue: less. A fill is one of many that fit."
)
NOTE = (
    "Tokens of all electrodes together: a\ncolour is a code, likeness of colours means\n"
    "nothing. Last: green where the filled token\nis the original one, red where it is another."
)


@dataclasses.dataclass
class Page:
    """What is drawn: T = W · frames per token.

    tokens, filled (R, W) int64 · valid (W,) · hidden (R, W) bool · original, refilled, likeliest (19, 128, T) dB, as
    decoded from the original, the filled and the likeliest tokens · spec (19, 128, T) dB as recorded, or None
    """

    name: str
    report: dict[str, Any]
    tokens: np.ndarray
    filled: np.ndarray
    valid: np.ndarray
    hidden: np.ndarray
    original: Array
    refilled: Array
    likeliest: Array
    spec: Array | None
    channels: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        bins, frames = 128 // len(self.hidden), self.original.shape[2] // self.hidden.shape[1]
        self.frames, self.frame_ok = frames, self.valid.repeat(frames)
        self.covered = self.hidden.repeat(bins, 0).repeat(frames, 1)  # (128, T)
        columns = np.flatnonzero(self.hidden.any(0))
        first, last = max(0, columns[0] - AROUND // frames), min(len(self.valid), columns[-1] + 1 + AROUND // frames)
        self.columns, self.cut = slice(first, last), slice(first * frames, last * frames)
        self.extent = (first * frames, last * frames, 0, 32)


def draw_page(page: Page, path: Path) -> None:
    """Draw and write the page as PNG, whole or not at all."""
    names = ["as the codes have it", "a part hidden", "filled by the model", "filled − as the codes have it"]
    names = ["as recorded", *names] if page.spec is not None else names
    rows, inches = len(page.channels), 2.1 * len(page.channels) + 4.0
    title, *lines = [line[0].upper() + line[1:] + "." for line in page.report["words"]]
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(3.9 * (len(names) + 1), inches))
        grid = figure.add_gridspec(rows + 1, len(names) + 1, left=0.035, right=0.985, top=1 - 1.75 / inches,
                                   bottom=0.45 / inches, wspace=0.24, hspace=0.24)  # fmt: skip
        panels = [[figure.add_subplot(grid[i, k]) for k in range(len(names) + 1)] for i in range(rows + 1)]
        for i, channel in enumerate(page.channels):
            _channel(panels[i], page, channel, names, first=i == 0)
        _tokens(panels[rows], page)
        figure.text(0.035, 1 - 0.12 / inches, title, va="top", fontsize=12, fontweight="bold")
        words = "\n".join(textwrap.fill(line, 44 * (len(names) + 1)) for line in [HOW, *lines])
        figure.text(0.035, 1 - 0.38 / inches, words, va="top", fontsize=9.5, linespacing=1.35)
        with write_aside(path) as aside:
            figure.savefig(aside, dpi=100, format="png")
        plt.close(figure)


def _channel(axes: list[plt.Axes], page: Page, channel: str, names: list[str], first: bool) -> None:
    c = CHANNELS.index(channel)
    own, again = (np.where(page.frame_ok, s[c], np.nan) for s in (page.original, page.refilled))
    shown = [] if page.spec is None else [page.spec[c]]
    shown += [own, np.where(page.covered, np.nan, own), again, again - own]
    low, high = np.nanpercentile(own[:, page.cut], [1, 99])
    for axis, values, name in zip(axes, shown, names, strict=False):
        apart = name.startswith("filled −")
        colours, least, most = ("RdBu_r", -APART_DB, APART_DB) if apart else ("viridis", low, high)
        image = axis.imshow(values[:, page.cut], cmap=colours, vmin=least, vmax=most, **_place(page))
        axis.set(facecolor=HIDDEN if name == "a part hidden" else NOTHING, yticks=[0, 4, 8, 13, 20, 30])
        _outline(axis, page)
        if first:
            axis.set_title(name, loc="left", fontsize=10, fontweight="bold")
        if name.startswith("filled"):
            bar = axis.figure.colorbar(image, cax=axis.inset_axes((1.02, 0, 0.03, 0.86)), extend="both")
            bar.ax.set_title("dB", fontsize=8, loc="left")
    axes[0].set_ylabel(f"{channel}\nHz", fontsize=10)
    _spectra(axes[-1], page, c, first)


def _outline(axis: plt.Axes, page: Page) -> None:
    """A frame around what is hidden."""
    (begin, end), (low, high) = page.report["protocol"]["seconds"], page.report["protocol"]["hertz"]
    axis.add_patch(plt.Rectangle((begin, low), end - begin, high - low, fill=False, edgecolor="k", linewidth=1.2))


def _spectra(axis: plt.Axes, page: Page, channel: int, first: bool) -> None:
    """Mean over the hidden seconds: original, filled, likeliest, and the median of what is visible."""
    seconds = page.covered.any(0) & page.frame_ok
    bins = page.covered[:, seconds].any(1)
    visible = np.where(~page.covered & page.frame_ok, page.original[channel], np.nan)
    lines = {"as the codes have it": (page.original, ORIGINAL, "-"), "filled": (page.refilled, FILLED, "-"),
             "likeliest codes": (page.likeliest, FILLED, ":")}  # fmt: skip
    for name, (spec, colour, line) in lines.items():
        mean = spec[channel][:, seconds].mean(1)
        axis.plot(HZ, mean, color=colour, linestyle=line, linewidth=1.4, label=name)
    known = np.isfinite(visible).any(1)
    median = np.nanmedian(visible[known], axis=1)
    axis.plot(HZ[known], median, color=MEDIAN, linewidth=1.2, label="median of what is visible")
    axis.axvspan(HZ[bins][0], HZ[bins][-1] + 0.25, color="#f4efe6", zorder=0)
    axis.set(xlim=(0, 32), xticks=[0, 4, 8, 13, 20, 30])
    if first:
        axis.set_title("mean over the hidden time, dB", loc="left", fontsize=10, fontweight="bold")
        axis.legend(frameon=False)


def _tokens(axes: list[plt.Axes], page: Page) -> None:
    """The tokens under the panels they belong to, and which were guessed right."""
    lead = [] if page.spec is None else [axes[0]]
    for axis in [*lead, axes[-1]]:
        axis.axis("off")
    codes = [np.where(page.valid, t, -1) for t in (page.tokens, np.where(page.hidden, -1, page.tokens), page.filled)]
    for axis, shown in zip(axes[len(lead) :], codes, strict=False):
        # neighbouring codes are no more alike than others: a permutation keeps the eye from seeing likeness
        colour = np.where(shown < 0, np.nan, np.random.default_rng(0).permutation(65_536)[shown] % 997)
        axis.imshow(colour[:, page.columns], cmap="turbo", interpolation="nearest", **_place(page))
    right = np.where(page.hidden, page.tokens == page.filled, np.nan)
    axes[len(lead) + 3].imshow(right[:, page.columns], cmap="RdYlGn", vmin=0, vmax=1, **_place(page))
    for axis in axes[len(lead) : -1]:
        axis.set(facecolor=NOTHING, yticks=[0, 8, 16, 24, 32], xlabel="s")
        _outline(axis, page)
    axes[len(lead)].set_ylabel("tokens\nHz", fontsize=10)
    axes[-1].text(0, 0.9, NOTE, va="top", fontsize=9)


def _place(page: Page) -> dict[str, Any]:
    return {"extent": page.extent, "origin": "lower", "aspect": "auto"}
