"""Maps of the scalp: values at the 19 electrodes as colours and lines of equal level inside the outline of a head.

Positions follow the measures of the ten-twenty system (Jasper 1958, Electroencephalogr Clin Neurophysiol 10:371): on a
sphere, the outer ring lies at 72° from Cz in steps of 36°, Fz, C3, C4 and Pz at 36°, F3, F4, P3 and P4 halfway between
their neighbours. They are drawn with distance from Cz kept, nose up. Between electrodes a thin-plate spline, cut off at
the lowest and highest electrode: beyond the outer ring it would run away.
"""

import functools

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from clef.pages.style import LEVELS, NOTHING
from tokenizer.cells import Array
from tokenizer.channels import CHANNELS

RING = ("T4", "F8", "Fp2", None, "Fp1", "F7", "T3", "T5", "O1", None, "O2", "T6")
"""Counter-clockwise from the right ear: Fp1 and Fp2, O1 and O2 lie 18° beside the midline."""
RING_DEGREES = (0, 36, 72, 90, 108, 144, 180, 216, 252, 270, 288, 324)
HALFWAY = {"F3": ("F7", "Fz"), "F4": ("F8", "Fz"), "P3": ("T5", "Pz"), "P4": ("T6", "Pz")}
GRID = 96
"""Points along a side of the square that is interpolated."""
FEWEST = 4
"""Electrodes without which there is no map."""
BAD = "#D55E00"


@functools.cache
def positions() -> Array:
    """Where the 19 electrodes lie: (C, 2), x to the right ear and y to the nose, 1 at the rim of the head (90°)."""
    on_sphere = {"Cz": (0.0, 0.0, 1.0)}
    on_sphere |= {name: _point(72, at) for name, at in zip(RING, RING_DEGREES, strict=True) if name}
    on_sphere |= {name: _point(36, at) for name, at in {"C4": 0, "Fz": 90, "C3": 180, "Pz": 270}.items()}
    for name, ends in HALFWAY.items():
        middle = np.mean([on_sphere[end] for end in ends], axis=0)
        on_sphere[name] = tuple(middle / np.linalg.norm(middle))
    x, y, z = np.array([on_sphere[name] for name in CHANNELS]).T
    away = np.arccos(np.clip(z, -1, 1)) / (np.pi / 2) / np.maximum(np.hypot(x, y), 1e-12)
    return np.stack([x * away, y * away], axis=1)


def _point(from_cz: float, around: float) -> tuple[float, float, float]:
    polar, azimuth = np.deg2rad([from_cz, around])
    return np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)


def interpolate(values: Array) -> Array:
    """Values (C,), NaN where unknown -> (GRID, GRID) over [−1, 1]², NaN outside the head; all NaN of too few."""
    from scipy.interpolate import RBFInterpolator

    axis = np.linspace(-1, 1, GRID)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    known, level = np.isfinite(values), np.full(len(points), np.nan)
    if known.sum() >= FEWEST:
        inside = np.hypot(*points.T) <= 1
        spline = RBFInterpolator(positions()[known], values[known], kernel="thin_plate_spline")
        level[inside] = np.clip(spline(points[inside]), values[known].min(), values[known].max())
    return level.reshape(GRID, GRID)


def draw_scalp(
    axis: plt.Axes,
    values: Array,
    bad: NDArray[np.bool_],
    span: tuple[float, float],
    names: bool,
    colours: str = LEVELS,
):
    """Draw one map; returns what a colour bar needs, None of too few electrodes.

    values (C,), NaN for electrodes without a signal: a cross · bad (C,) bool: a ring, not used
    span: ends of the colours, in the unit of the values
    """
    axis.set(xlim=(-1.18, 1.18), ylim=(-1.12, 1.24), aspect="equal")
    axis.axis("off")
    known = np.isfinite(values)
    level = interpolate(np.where(bad, np.nan, values))
    rim = plt.Circle((0, 0), 1, facecolor="none", edgecolor="#333333", linewidth=1.2)
    axis.add_patch(rim)
    image = None
    if np.isfinite(level).any():
        place = {"extent": (-1, 1, -1, 1), "origin": "lower"}
        # the picture is filled out to its corners and cut by the rim, so that no pixel steps show there
        image = axis.imshow(_to_corners(level), cmap=colours, vmin=span[0], vmax=span[1], interpolation="bilinear",
                            clip_path=rim, **place)  # fmt: skip
        image.set_clip_path(rim)
        if span[1] - span[0] > 1e-6:
            lines = np.linspace(*span, 7)[1:-1]
            axis.contour(level, levels=lines, colors="#ffffff", linewidths=0.6, linestyles="solid", alpha=0.8, **place)
    else:
        rim.set_facecolor(NOTHING)
        axis.text(0, 0, "too few\nelectrodes", ha="center", va="center")
    axis.plot([-0.14, 0, 0.14], [0.99, 1.15, 0.99], color="#333333", linewidth=1.2)
    for side in (-1, 1):
        axis.plot([side * x for x in (1.0, 1.07, 1.09, 1.05, 1.0)], [0.16, 0.18, 0.0, -0.18, -0.14], color="#333333",
                  linewidth=1.2)  # fmt: skip
    _electrodes(axis, known, bad, names)
    return image


def _electrodes(axis: plt.Axes, known: NDArray[np.bool_], bad: NDArray[np.bool_], names: bool) -> None:
    x, y = positions().T
    axis.scatter(x[known], y[known], s=9, color="#111111", zorder=3, linewidths=0)
    axis.scatter(x[~known], y[~known], s=30, marker="x", color="#111111", zorder=3, linewidths=1.3)
    ringed = known & bad
    axis.scatter(x[ringed], y[ringed], s=52, facecolors="none", edgecolors=BAD, zorder=3, linewidths=1.6)
    if names:
        halo = {"boxstyle": "round,pad=0.08", "facecolor": "white", "alpha": 0.65, "linewidth": 0}
        for name, at_x, at_y in zip(CHANNELS, x, y, strict=True):
            axis.text(at_x, at_y - 0.08, name, ha="center", va="top", fontsize=6.5, bbox=halo, zorder=4)


def _to_corners(level: Array) -> Array:
    """The same with NaN outside the head replaced by the nearest value inside."""
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(np.isnan(level), return_distances=False, return_indices=True)
    return level[tuple(nearest)]
