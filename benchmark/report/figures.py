"""Pictures of the report, as inline SVG and PNG: nothing is loaded from anywhere.

Text is drawn as shapes and never as mathematics, whatever a name holds; a picture has no text of anyone's in it.
"""

import base64
import io
import re
import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from markupsafe import Markup

from benchmark.report.facts import Facts
from benchmark.scores.results import Results

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444", "#999999")  # Okabe and Ito
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "svg.fonttype": "path",
    "svg.hashsalt": "clef",
    "text.parse_math": False,
}
LONGEST = 60
"""Characters of a name beside an axis; a longer one is cut."""


def colours(results: Results) -> dict[str, str]:
    """A colour per embedding, the same in every picture: its encoder's own, or the next of `COLOURS`."""
    names = results.scored.embeddings
    own = {name: encoder.colour for name, encoder in results.encoders.items()}
    others = iter(COLOURS * (len(names) // len(COLOURS) + 1))
    return {name: own.get(name) or next(others) for name in names}


def as_svg(figure: plt.Figure) -> Markup:
    """The figure as an <svg> element, scaling with the page; comments, which would repeat its text, are left out."""
    out = io.StringIO()
    with warnings.catch_warnings():  # a script that the font lacks is drawn as boxes; the tables have the name as text
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()[out.getvalue().index("<svg") :]
    return Markup(re.sub(r"<!--.*?-->\n?|<metadata>.*?</metadata>", "", text, flags=re.S))


def short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def as_png(figure: plt.Figure) -> str:
    """The figure as a data URI: for images of many cells."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=130, bbox_inches="tight")
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def means_figure(facts: Facts) -> Markup:
    """Mean AUROC with interval per embedding; as diamonds what is no competitor: unmatched twins and references."""
    rows = [(m.embedding, m, "o") for m in facts.means]
    rows += [(f"{m.embedding}, unmatched", m, "D") for m in facts.unmatched]
    rows += [(f"{m.embedding}, reference", m, "D") for m in facts.references]
    colour = colours(facts.results)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.34 * len(rows) + 0.8))
        for y, (_, mean, marker) in enumerate(rows):
            c = colour[mean.embedding]
            axes.plot([mean.low, mean.high], [y, y], color=c, lw=2, solid_capstyle="butt")
            axes.plot(mean.auroc, y, marker, color=c, ms=6)
            axes.annotate(f"{mean.auroc:.3f}", (mean.high, y), (6, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(rows)), [short(name) for name, _, _ in rows])
        _chance(axes, "mean AUROC, 95 % interval")
        return as_svg(figure)


def forest_figure(facts: Facts, tasks: list[str]) -> Markup:
    """AUROC with interval per task and shown embedding; the planted ceiling as a small bar."""
    results, names = facts.results, facts.shown
    colour, count, places = colours(results), len(names), np.arange(len(tasks))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, (0.13 * count + 0.12) * len(tasks) + 0.9))
        for y in places[1::2]:
            axes.axhspan(y - 0.5, y + 0.5, color="#f4f4f4", lw=0, zorder=-1)
        for i, name in enumerate(names):
            value, low, high = np.array([facts.intervals[task, name] for task in tasks]).T
            at = places + (i - (count - 1) / 2) * 0.8 / count
            axes.hlines(at, low, high, color=colour[name], lw=1.1)
            axes.plot(value, at, "o", color=colour[name], ms=3.2)
        known = [(y, c) for y, t in zip(places, tasks, strict=True) if (c := facts.about["ceilings"].get(t))]
        for y, ceiling in known:
            axes.plot([ceiling, ceiling], [y - 0.42, y + 0.42], color="#000000", lw=1.4)
        axes.set_yticks(places, [f"{short(results.words(t))}  (n={results.cases(t)})" for t in tasks])
        _chance(axes, "AUROC, 95 % interval; n = scored cases")
        keys = [(name, colour[name], "o") for name in names] + [("planted ceiling", "#000000", "|")] * bool(known)
        _legend(axes, keys)
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        return as_svg(figure)


def _legend(axes: plt.Axes, keys: list[tuple[str, str, str]]) -> None:
    """Names, colours and marks above the axes. Drawn by hand: a label that begins with an underscore is no label."""
    lines = [plt.Line2D([], [], color=c, marker=m, ls="none", ms=5) for _, c, m in keys]
    names = [short(name) for name, _, _ in keys]
    axes.legend(lines, names, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8)


def _chance(axes: plt.Axes, label: str) -> None:
    axes.axvline(0.5, color="#bbbbbb", lw=1, ls=(0, (3, 3)), zorder=0)
    axes.set_xlabel(label)
    axes.tick_params(length=0)
    axes.invert_yaxis()


def session_figure(spec: np.ndarray, decoded: np.ndarray, tokens: np.ndarray, valid: np.ndarray, channel: str) -> str:
    """One session: a channel's spectrogram (128, T) dB, its reconstruction, and the tokens (16, W) behind them.

    `valid` (T,) bool greys out what is no signal. Tokens have no order: colours only tell them apart.
    """
    seconds = spec.shape[1]
    low, high = np.percentile(spec[:, valid], [2, 98]) if valid.any() else (-20, 20)
    hidden = np.where(valid, 0.0, np.nan)
    shuffled = np.random.default_rng(0).permutation(65_536)[tokens.astype(np.int64)] % 997
    with plt.rc_context(STYLE):
        figure, rows = plt.subplots(3, 1, figsize=(7.6, 6.2), sharex=True, layout="constrained")
        for axes, image, title in ((rows[0], spec, "recording"), (rows[1], decoded, "rebuilt from the tokens")):
            drawn = axes.imshow(image + hidden, **_extent(seconds), vmin=low, vmax=high, cmap="viridis")
            axes.set_title(f"{title}, channel {channel}", loc="left", fontsize=9)
            figure.colorbar(drawn, ax=axes, label="dB µV²/Hz", pad=0.01)
        columns = hidden[:: seconds // tokens.shape[1]]
        rows[2].imshow(shuffled + columns, **_extent(seconds), cmap="turbo")
        rows[2].set_title(
            f"tokens, {tokens.shape[0]} x {tokens.shape[1]}: all channels together", loc="left", fontsize=9
        )
        for axes in rows:
            axes.set_ylabel("Hz")
            axes.set_facecolor("#e8e8e8")
        rows[2].set_xlabel("minutes")
        return as_png(figure)


def _extent(seconds: int) -> dict:
    return {"origin": "lower", "aspect": "auto", "extent": (0, seconds / 60, 0, 32), "interpolation": "nearest"}
