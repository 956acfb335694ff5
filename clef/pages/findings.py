"""Findings of a session with their evidence: each sentence, the seconds in which it was seen, its electrodes.

The sentences are those of `clef.descriptions`; the evidence of one on the whole session are the segments of 10 s that
say the same, and the electrodes that it names or that make up its lobe and side. What is measured over all of the
session at once (power, asymmetry) has no seconds of its own, and none are marked.
"""

import base64
import io
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.description import Description
from clef.descriptions.places import FRONTAL, LOBES, MIDDLE, names_of, side_of
from clef.descriptions.sentences import sentence
from clef.descriptions.statements import Statement
from clef.pages.style import LEVELS, QUALITY
from tokenizer.channels import CHANNELS

ELECTRODE = re.compile(rf"(?:^|\bat )({'|'.join(sorted(CHANNELS, key=len, reverse=True))})$")
"""An electrode in the name of a number: "delta at T3", or its name alone."""
PLACED = ("focal slowing",)
"""Kinds whose segments must show the same lobe and side; a rhythm may be highest elsewhere for a while."""
STATES = {True: "seen", False: "not seen", None: "not measured"}


@dataclass(frozen=True)
class Finding:
    """A sentence · state: seen, not seen or not measured · seconds: stretches, from and to · electrodes: names."""

    text: str
    state: str
    seconds: list[tuple[float, float]] = field(default_factory=list)
    electrodes: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The evidence in words."""
        total = sum(stop - start for start, stop in self.seconds)
        where = f"at {', '.join(self.electrodes)}" if self.electrodes else ""
        when = f"in {total:.0f} s, marked" if total else ""
        return "; ".join(filter(None, (when, where))) or "measured over the whole session"


def findings(description: Description) -> list[Finding]:
    """What is stated of the whole session, with its evidence: first what was seen."""
    segments = description.of("segment")
    made = [finding(statement, segments) for statement in description.of("session")]
    return sorted(made, key=lambda one: list(STATES.values()).index(one.state))


def finding(statement: Statement, segments: list[Statement]) -> Finding:
    """One statement on the session; only what was seen has seconds, and what was not measured has its electrodes."""
    state = STATES[None if statement.forbidden is not None else statement.present]
    seconds = stretches(statement, segments) if state == "seen" else []
    electrodes = [] if state == "not seen" else electrodes_of(statement)
    return Finding(sentence(statement), state, seconds, electrodes)


def stretches(statement: Statement, segments: list[Statement]) -> list[tuple[float, float]]:
    """Stretches of the segments that say the same, from and to in s, those that touch made one."""
    if statement.kind == "power" or (statement.kind == "artefact" and statement.number("left out") is None):
        return []
    joined: list[tuple[float, float]] = []
    for one in segments:
        if not _same(statement, one):
            continue
        if joined and joined[-1][1] >= one.start:
            joined[-1] = joined[-1][0], one.stop
        else:
            joined.append((one.start, one.stop))
    return joined


def _same(whole: Statement, one: Statement) -> bool:
    """Whether a segment's statement is evidence of that on the session."""
    if one.kind != whole.kind or not one.present:
        return False
    if whole.kind in PLACED and (one.lobe, one.side) != (whole.lobe, whole.side):
        return False
    return whole.kind != "dominant band" or one.band == whole.band


def electrodes_of(statement: Statement) -> list[str]:
    """The electrodes that a statement names, or those of its lobe and side; none if it is of no place."""
    named = [match[1] for name, _, _ in statement.numbers if (match := ELECTRODE.search(name))]
    if statement.kind == "focal slowing":
        named = named[:1]  # the second is the other side's, for comparison
    if named:
        return named
    if statement.kind == "fast activity":
        return names_of(np.union1d(MIDDLE, FRONTAL)) if statement.present else []
    lobes = LOBES if statement.lobe is None else {statement.lobe: LOBES[statement.lobe]}
    if statement.lobe is None and statement.side is None:
        return []
    return [n for names in lobes.values() for n in names if statement.side is None or side_of(n) == statement.side]


def mean_spectrogram(spec: NDArray[np.float32], valid: NDArray[np.bool_], ok: NDArray[np.bool_]) -> str:
    """The mean over electrodes of (C, F, T) dB as a data URI, one point a second and bin, low frequencies below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    mean = np.where(valid, spec[ok].mean(0) if ok.any() else np.nan, np.nan)
    known = mean[np.isfinite(mean)]
    low, high = np.percentile(known, [3, 97]) if known.size else (0, 1)
    colours = plt.get_cmap(LEVELS)((mean - low) / max(high - low, 1e-6))
    colours[~np.isfinite(mean)] = (0.87, 0.87, 0.87, 1)
    buffer = io.BytesIO()
    plt.imsave(buffer, colours[..., :3], origin="lower", format="webp", pil_kwargs={"quality": QUALITY})
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def places() -> list[tuple[str, float, float]]:
    """Name and place of each electrode on a head of radius 1, x to the right and y downwards as on a page."""
    from clef.pages.scalp import positions

    return [(name, float(x), float(-y)) for name, (x, y) in zip(CHANNELS, positions(), strict=True)]
