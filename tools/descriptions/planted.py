"""What the latents of a synthetic session with a course amount to, kind by kind, as a statement would have it.

True, False, or None where the planted amount lies too close to a statement's limit to say; and the place where there
is one. z: a row of truth/latents.parquet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clef.descriptions.measured import CLOSED, MOSTLY, OPEN
from clef.descriptions.places import FRONTAL, POSTERIOR, SIDES
from clef.descriptions.statements import Statement
from clef.importers.synthetic.course import W, course_of
from clef.importers.synthetic.course_signals import ALPHA
from clef.importers.synthetic.signals import gains
from clef.importers.synthetic.waves import topography
from tokenizer.channels import CHANNELS

Latents = dict[str, Any]
DB = 10 / np.log(10)


@dataclass(frozen=True)
class Truth:
    """present: None where it cannot be said · matches: whether a statement that it is there has its place right"""

    present: bool | None
    matches: Callable[[Statement], bool] = lambda statement: True


def between(value: float, absent: float, present: float) -> bool | None:
    """False below `absent`, True from `present` on, None between."""
    return True if value >= present else False if value < absent else None


def side_words(side: int) -> str:
    """Latent side −1 or 1 as left or right."""
    return SIDES[side > 0]


def posterior(z: Latents) -> Truth:
    """The generator's own rule for a posterior dominant rhythm (7 µV RMS) but for its frequency, within 0.5 Hz."""
    present = False if z["coma"] else between(z["alpha_uv"] * z["voltage"], 3, 7)
    return Truth(present, lambda s: abs(s.number("frequency") - z["alpha_hz"]) <= 0.5)


def anterior(z: Latents) -> Truth:
    """Frontal over posterior power of what is drawn at the alpha frequency: propofol's, and everybody's frontal one."""
    wide, own = topography(0, 0.6, 0.55) * z["frontal_alpha_uv"], 3.0 + 0.15 * z["alpha_uv"]
    front = sum((topography(side * 0.45, 0.6, 0.3) * own) ** 2 for side in (-1, 1)) + wide**2
    back = sum((topography(side * 0.38, -0.85, 0.42) * z["alpha_uv"]) ** 2 for side in (-1, 1))
    power = front + back
    ratio = power[FRONTAL].mean() / power[POSTERIOR].mean()
    return Truth(between(float(DB * np.log(ratio)), 2, 4))


def alpha_sides(z: Latents) -> Truth:
    """The expected difference of both sides' rhythm at P3/P4 and O1/O2: what a lesion and attenuation take."""
    health = np.ones(2)
    if z["focal_lobe"] != "frontal":
        health = np.minimum(1 - 0.5 * min(z["focal"], 1) * np.array([-1, 1]) * z["focal_side"], 1)
    left, right = (topography(side * 0.38, -0.85, 0.42) * h for side, h in zip((-1, 1), health, strict=True))
    power = (left**2 + right**2 + (left + right) ** 2) * gains(z) ** 2
    at = {name: DB * np.log(power[CHANNELS.index(name)]) for name in ("O1", "O2", "P3", "P4")}
    difference = ((at["O1"] - at["O2"]) + (at["P3"] - at["P4"])) / 2
    lower = side_words(1 if difference > 0 else -1)
    return Truth(between(abs(difference), 2.5, 4.5), lambda s: s.side == lower)


def voltage_sides(z: Latents) -> Truth:
    """Attenuation of one side."""
    return Truth(z["attenuation"] > 0, lambda s: s.side == side_words(z["defect_side"]))


def degree(z: Latents) -> float:
    """Of generalised slowing, as it is drawn: 0 none, 0.35 what the generator reports, 1 marked."""
    return z["slowing"] + 0.2 * z["in_icu"]


def focal(z: Latents) -> Truth:
    """Slowing of one lobe on its side; the planted parietal one lies between P3 and C3."""
    lobes = {"parietal": ("parietal", "central")}.get(z["focal_lobe"], (z["focal_lobe"],))
    return Truth(z["focal"] > 0, lambda s: s.lobe in lobes and s.side == side_words(z["focal_side"]))


def reaction(z: Latents, seconds: int) -> Truth:
    """The loss of alpha with open eyes, of the segments that count as open and as closed."""
    course, eyes = course_of(z, seconds), eyes_of(z, seconds)
    stage, level = course.each_second("stage", seconds, course.rest), course.each_second("level", seconds, 0.5)
    gain = np.array(ALPHA)[stage] * np.where(stage == W, 0.45 + 1.1 * level, 1)
    gain *= np.where(eyes == OPEN, 0.75 - 0.65 * level, 1)
    power = (gain[: seconds // 10 * 10] ** 2).reshape(-1, 10).mean(1)
    states = eyes[: seconds // 10 * 10].reshape(-1, 10)
    open_, closed = ((states == state).sum(1) >= MOSTLY[state] for state in (OPEN, CLOSED))
    if min(open_.sum(), closed.sum()) < 2:
        return Truth(None)
    loss = DB * (np.median(np.log(power[closed])) - np.median(np.log(power[open_])))
    return Truth(between(float(loss), 2, 4))


def eyes_of(z: Latents, seconds: int) -> np.ndarray:
    """(seconds,) open, closed while awake, −1 in sleep and coma: what an annotator would have written down."""
    course = course_of(z, seconds)
    stage, eyes = course.each_second("stage", seconds, course.rest), np.full(seconds, -1)
    eyes[stage == W] = CLOSED
    for i, (opening, opened) in enumerate(zip(course.opening, course.opened, strict=True)):
        first = int(i * course.unit + opening)
        eyes[first : first + round(float(opened))] = OPEN
    return np.where(stage == W, eyes, -1)


SESSION_TRUTHS: dict[str, tuple[str, Callable[[Latents], Truth]]] = {
    "posterior rhythm (within 0.5 Hz)": ("posterior rhythm", posterior),
    "anterior rhythm": ("anterior rhythm", anterior),
    "alpha asymmetry (side)": ("alpha asymmetry", alpha_sides),
    "voltage asymmetry (side)": ("voltage asymmetry", voltage_sides),
    "generalised slowing, marked (0.6)": ("generalised slowing", lambda z: Truth(between(degree(z), 0.35, 0.6))),
    "generalised slowing, any (0.35)": ("generalised slowing", lambda z: Truth(degree(z) >= 0.35)),
    "focal slowing (lobe and side)": ("focal slowing", focal),
    "fast activity": ("fast activity", lambda z: Truth(between(z["beta_uv"], 3.5, 5.5))),
    "suppression": ("suppression", lambda z: Truth(z["suppression"] > 0)),
    "bursts": ("bursts", lambda z: Truth(z["suppression"] > 0)),
    "electrode pops": ("pops", lambda z: Truth(z["pops"] > 0)),
}
"""Row of the table -> kind of statement, its truth."""
