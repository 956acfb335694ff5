"""The tables of `benchmark.explain` as Markdown, and their picture."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.base.files import write_aside
from tokenizer.cells import BANDS
from tokenizer.channels import CHANNELS

SHOWN = 5
"""Electrodes named for each band."""


def as_markdown(result: dict[str, Any]) -> str:
    """The tables with what they rest on."""
    lines = [
        f"# Explanations of {result['task']}",
        "",
        "Research only: what carries a model's score, no finding of a person.",
        "",
    ]
    lines += [f"- {note}" for note in result["notes"]] + ["", f"## Deletion test, {result['unit']}", ""]
    lines += ["| method | control | sessions | fall | of the control | difference | sessions above | p |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for row in result["deletion"]:
        p = "–" if row["p"] is None else f"{row['p']:.2g}"
        lines.append(f"| {row['method']} | {row['control']} | {row['sessions']} | {row['area']:.3f} | "
                     f"{row['control_area']:.3f} | {row['difference']:+.3f} | {row['above']} | {p} |")  # fmt: skip
    lines += [
        "",
        "## Mean maps, cases − controls",
        "",
        "| band | electrodes with the highest and the lowest share |",
        "|---|---|",
    ]
    apart = np.array(result["maps"]["cases − controls"])
    for k, band in enumerate(BANDS):
        lines.append(f"| {band} ({np.nansum(apart[:, k]):+.3f}) | {ends(apart[:, k])} |")
    if result["places"]:
        lines += [
            "",
            "## Where the finding is",
            "",
            "| highest region by | sessions | its place | its side |",
            "|---|---|---|---|",
        ]
        lines += [f"| {r['way']} | {r['sessions']} | {r['place']:.2f} | {r['side']:.2f} |" for r in result["places"]]
    return "\n".join(lines) + "\n"


def ends(shares: NDArray) -> str:
    """The electrodes of the highest and the lowest shares (C,), with them."""
    order = [c for c in np.argsort(-shares) if np.isfinite(shares[c])]
    words = [", ".join(f"{CHANNELS[c]} {shares[c]:+.3f}" for c in some) for some in (order[:SHOWN], order[-2:])]
    return " … ".join(words)


def draw(path: Path, maps: dict[str, NDArray], unit: str) -> None:
    """Write the mean maps, in `unit`, as PNG."""
    import matplotlib.pyplot as plt

    from clef.pages.attributions import maps_figure
    from clef.pages.style import STYLE

    with plt.rc_context(STYLE), write_aside(path) as aside:
        figure = maps_figure(maps, unit)
        figure.savefig(aside, dpi=100, format="png")
        plt.close(figure)
