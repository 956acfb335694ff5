"""What explanations of many sessions come to: the deletion test with its p-values, mean maps, and how often the region
that carries most is where the finding was planted.

A p-value is Wilcoxon's signed-rank test over sessions, one-sided: is the area of an attribution larger than that of its
control? Sessions are of different people (a task has one of each), so they count as independent.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from benchmark.explain.sessions import METHODS, Explained
from clef.explanations.occlusion import regions
from tokenizer.cells import BANDS, rows_of

FEWEST = 6
"""Sessions without which no p-value of 0.05 can come."""


def deletion_rows(sessions: list[Explained]) -> list[dict]:
    """A row per method and control: mean areas, mean difference, how many sessions are above, p."""
    rows = []
    for method in METHODS:
        area = np.array([one.areas[method] for one in sessions])
        controls = {"random": [one.random for one in sessions], "moved": [one.moved[method] for one in sessions]}
        for control, values in controls.items():
            apart = area - np.array(values)
            rows.append({
                "method": method, "control": control, "sessions": len(sessions), "area": float(area.mean()),
                "control_area": float(np.mean(values)), "difference": float(apart.mean()),
                "above": int((apart > 0).sum()), "p": p_above(apart),
            })  # fmt: skip
    return rows


def p_above(apart: NDArray) -> float | None:
    """One-sided p of differences (n,) above 0; None of too few."""
    return float(wilcoxon(apart, alternative="greater").pvalue) if len(apart) >= FEWEST and apart.any() else None


def mean_maps(sessions: list[Explained]) -> dict[str, NDArray[np.float64]]:
    """Mean share of each electrode in each band (C, 4): of cases, of controls, and the difference."""
    maps = {}
    for name, label in (("cases", True), ("controls", False)):
        some = [in_bands(one.map) for one in sessions if one.label == label]
        maps[name] = np.mean(some, axis=0) if some else np.full((19, len(BANDS)), np.nan)
    return maps | {"cases − controls": maps["cases"] - maps["controls"]}


def in_bands(shares: NDArray) -> NDArray[np.float64]:
    """Shares by row of 2 Hz (C, 16) -> by band (C, 4)."""
    return np.stack([shares[:, rows_of(band)].sum(1) for band in BANDS], axis=1)


def place_rows(sessions: list[Explained], places: dict[str, str]) -> list[dict]:
    """How often the region with the highest share is the place of the finding, of the sessions that have one.

    places: session -> "left temporal" and the like. Ways: gradients summed over each region at all frequencies and
    below 8 Hz, per electrode; and falls when a region is made like the others, or like its mirror image.
    """
    named, asked = list(regions()), [one for one in sessions if one.session in places]
    ways = {"gradients": lambda one: by_region(one.map), "gradients below 8 Hz": lambda one: by_region(one.map[:, :4])}
    ways |= {f"made like {by}": lambda one, by=by: np.array(one.regions[by], float) for by in ("others", "mirror")}
    rows = []
    for way, score in ways.items():
        first = [named[int(np.nanargmax(score(one)))] for one in asked]
        hits = [a == places[one.session] for a, one in zip(first, asked, strict=True)]
        sides = [a.split()[0] == places[one.session].split()[0] for a, one in zip(first, asked, strict=True)]
        rows.append({"way": way, "sessions": len(asked), "place": float(np.mean(hits)), "side": float(np.mean(sides))})
    return rows


def by_region(shares: NDArray) -> NDArray[np.float64]:
    """Mean over a region's electrodes of shares (C, R) summed over rows: (G,)."""
    total = shares.sum(1)
    return np.array([total[group].mean() for group in regions().values()])
