"""One page of sessions, two electrodes each: as recorded, as rebuilt from the codes, their difference, the tokens."""

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from benchmark.fidelity.cases import SEIZURE_ROWS, Case, pair_of, place_of
from benchmark.fidelity.measures import rises, solitary_rise
from benchmark.fidelity.passes import Reconstruction, reconstruct
from clef.pages.style import APART_DB, NOTHING, SIDES, STYLE
from tokenizer.base.files import write_aside
from tokenizer.cells import BANDS, FRAMES_PER_CELL, HZ, Array, cells, channel_indices
from tokenizer.channels import CHANNELS
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, Spectrograms
from tokenizer.vqgan import VQGAN

SHOWN = 300
"""Most s of a session on the page."""
AROUND = 2
"""Columns to each side of a seizure or artefact that its spectra are taken over."""
CASE, NO_CASE, MARGINS = 4.3, 0.7, 0.8
"""Inches of a case, of one without a session, and of the page around them."""


class Panel:
    """What the page shows of one case: read, rebuilt and cut to the room there is; everything dB."""

    def __init__(self, case: Case, reading: Reading, coded: Reconstruction, frames_per_token: int):
        spec, rebuilt, valid = reading.spec.numpy(), coded.rebuilt, reading.valid.numpy()
        whole = np.flatnonzero(valid.reshape(-1, FRAMES_PER_CELL).all(1))
        own, again = cells(spec, valid), cells(rebuilt, valid)
        own[~reading.channel_ok.numpy()] = np.nan
        self.case, self.pair = case, case.pair
        if case.band:
            self.heading, middle, self.mean = self._lasting(spec[..., valid], rebuilt[..., valid]), 0, valid
        else:
            channel, at = place_of(case, own)
            self.pair, middle = pair_of(channel), whole[at] * FRAMES_PER_CELL
            self.heading = self._passing(channel, at, own, again, middle)
            self.mean = valid & (np.abs(np.arange(len(valid)) // FRAMES_PER_CELL - whole[at]) <= AROUND)
        first = int(np.clip(middle - SHOWN // 2, 0, max(len(valid) - SHOWN, 0))) // FRAMES_PER_CELL * FRAMES_PER_CELL
        self.cut = slice(first, first + SHOWN)
        self.spec, self.rebuilt, self.valid = spec, rebuilt, valid
        self.tokens, self.per_token = np.where(coded.counted, coded.tokens, -1), frames_per_token

    def _lasting(self, spec: Array, rebuilt: Array) -> str:
        low, high = BANDS[self.case.band]
        inside = (low <= HZ) & (high > HZ)
        left, right = channel_indices(self.pair)
        apart = [s[left][inside].mean() - s[right][inside].mean() for s in (spec, rebuilt)]
        where = f"{self.pair[0]} minus {self.pair[1]} at {low:g}–{high:g} Hz"
        return f"{where}: {apart[0]:+.1f} dB in the recording, {apart[1]:+.1f} dB rebuilt"

    def _passing(self, channel: str, at: int, own: Array, again: Array, second: int) -> str:
        i = CHANNELS.index(channel)
        if self.case.kind == "seizure":
            what, decibels = "at 2–8 Hz above its median", [rises(c)[i, SEIZURE_ROWS, at].mean() for c in (own, again)]
        else:
            again = np.where(np.isnan(own), np.nan, again)
            what, decibels = "above its median, more than the others", [solitary_rise(c)[i, at] for c in (own, again)]
        return f"{channel} {what}, at {second} s: {decibels[0]:+.1f} dB in the recording, {decibels[1]:+.1f} dB rebuilt"


def draw_page(
    cohort: str, sessions: pl.DataFrame, cases: list[Case], config: ReadingConfig, vqgan: VQGAN, path: Path
) -> None:
    """Read the sessions of `cases` again, pass them through the codes and draw the page as PNG."""
    shown = [_read(cohort, sessions, case, config, vqgan) for case in cases]
    heights = [CASE if one else NO_CASE for one in shown]
    inches = sum(heights) + MARGINS
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(19, inches))
        rows = figure.add_gridspec(len(cases), 1, height_ratios=heights, hspace=0.0, left=0.03, right=0.99,
                                   top=1 - 0.65 / inches, bottom=0.15 / inches)  # fmt: skip
        for case, one, row in zip(cases, shown, rows, strict=True):
            _draw_case(figure, row, case, one)
        figure.text(0.03, 1 - 0.12 / inches, TITLE, va="top", fontsize=10)
        with write_aside(path) as aside:
            figure.savefig(aside, dpi=100, format="png")
        plt.close(figure)


TITLE = textwrap.fill(
    "What the codes keep. Each session: two electrodes (left above right) as recorded and as rebuilt from the tokens, "
    "in the same colours; the difference of cells of 2 Hz x 10 s; spectra of both electrodes (solid: recorded, dashed: "
    "rebuilt); and the tokens of all channels together: a colour is a code, likeness of colours means nothing. Grey: "
    "not valid.",
    190,
)


def _read(cohort: str, sessions: pl.DataFrame, case: Case, config: ReadingConfig, vqgan: VQGAN) -> Panel | None:
    if case.session_id is None:
        return None
    row = sessions.filter(pl.col("session_id") == case.session_id)
    reading = Spectrograms(cohort, row, config, vqgan.config.reference)[0]
    if reading.reason or not reading.valid.any():
        return None
    return Panel(case, reading, reconstruct(vqgan, reading), vqgan.config.frames_per_token)


def _draw_case(figure: plt.Figure, row: plt.SubplotSpec, case: Case, shown: Panel | None) -> None:
    words = f"{case.kind[0].upper()}{case.kind[1:]} ({case.how})"
    whole = row.subgridspec(3, 1, height_ratios=[0.68, 3.2, 0.45] if shown else [1, 0.01, 0.01], hspace=0)
    title = figure.add_subplot(whole[0], frameon=False, xticks=[], yticks=[])
    title.text(0, 0.78, words + (f": session {case.session_id}" if shown else ""), fontweight="bold", fontsize=10.5)
    title.text(0, 0.45, shown.heading if shown else "", fontsize=10)
    if shown is None:
        return
    grid = whole[1].subgridspec(2, 6, width_ratios=[1, 1, 1, 0.03, 0.72, 1], wspace=0.18, hspace=0.1)
    channels = channel_indices(shown.pair)
    visible = shown.spec[channels][:, :, shown.cut][:, :, shown.valid[shown.cut]]
    limits = np.percentile(visible, [1, 99])
    for i, channel in enumerate(channels):
        _images(figure, [figure.add_subplot(grid[i, k]) for k in range(3)], shown, channel, limits, last=i == 1)
    _spectra(figure.add_subplot(grid[:, 4]), shown)
    _tokens(figure.add_subplot(grid[:, 5]), shown)


def _images(figure: plt.Figure, axes: list[plt.Axes], shown: Panel, channel: int, limits: Array, last: bool) -> None:
    own, again = (np.where(shown.valid, s[channel], np.nan)[:, shown.cut] for s in (shown.spec, shown.rebuilt))
    extent = (shown.cut.start, shown.cut.start + own.shape[1], 0, 32)
    apart = (again - own).reshape(16, 8, -1, FRAMES_PER_CELL).mean((1, 3))
    common = {"extent": extent, "interpolation": "nearest", "origin": "lower", "aspect": "auto"}
    same = common | {"cmap": "viridis", "vmin": limits[0], "vmax": limits[1]}
    different = common | {"cmap": "RdBu_r", "vmin": -APART_DB, "vmax": APART_DB}
    settings = (own, same, "recorded"), (again, same, "rebuilt"), (apart, different, "rebuilt − recorded")
    for axis, (values, how, words) in zip(axes, settings, strict=True):
        image = axis.imshow(values, **how)
        axis.set(facecolor=NOTHING, yticks=[0, 8, 16, 24, 32], xlabel="s" if last else "")
        axis.text(0.01, 0.96, f"{CHANNELS[channel]} {words}", transform=axis.transAxes, va="top", fontweight="bold",
                  bbox={"facecolor": "white", "alpha": 0.8, "pad": 1.5, "linewidth": 0})  # fmt: skip
        axis.tick_params(labelbottom=last, labelleft=axis is axes[0])
        if last and axis is not axes[0]:  # one bar beside both rows
            bar = figure.colorbar(image, cax=axis.inset_axes((1.015, 0, 0.022, 2.1)), extend="both")
            bar.ax.set_title("dB" if axis is axes[2] else "dB µV²/Hz", fontsize=8, loc="left")
    axes[0].set_ylabel("Hz")


def _spectra(axes: plt.Axes, shown: Panel) -> None:
    for channel, colour in zip(shown.pair, SIDES, strict=True):
        for spec, line in ((shown.spec, "-"), (shown.rebuilt, (0, (3, 1.5)))):
            mean = spec[CHANNELS.index(channel)][:, shown.mean].mean(1)
            axes.plot(HZ[2:], mean[2:], color=colour, linestyle=line, linewidth=1.4,
                      label=channel if line == "-" else None)  # fmt: skip
    seconds = np.flatnonzero(shown.mean)
    axes.set(xlim=(0, 32), xticks=[0, 4, 8, 13, 20, 30], xlabel="Hz")
    axes.set_title(f"dB µV²/Hz, mean over {seconds[0]}–{seconds[-1] + 1} s", loc="left", fontsize=8.5)
    axes.grid(axis="x", color="#eeeeee")
    axes.plot([], [], color="#555555", linestyle=(0, (3, 1.5)), label="rebuilt")
    axes.legend(frameon=False, handlelength=1.8)


def _tokens(axes: plt.Axes, shown: Panel) -> None:
    width, last = shown.per_token, min(shown.cut.stop, len(shown.valid))
    columns = slice(shown.cut.start // width, -(-last // width))
    codes = shown.tokens[:, columns]
    colour = np.where(codes < 0, np.nan, np.random.default_rng(0).permutation(65_536)[codes] % 997)
    extent = (columns.start * width, (columns.start + codes.shape[1]) * width, 0, 32)
    axes.imshow(colour, cmap="turbo", aspect="auto", interpolation="nearest", origin="lower", extent=extent)
    axes.set(xlabel="s", yticks=[0, 8, 16, 24, 32], xlim=(shown.cut.start, last), facecolor=NOTHING)
    different = len(np.unique(codes[codes >= 0]))
    axes.set_title(f"tokens: {different} codes in {(codes >= 0).sum()} places", loc="left", fontsize=8.5)
