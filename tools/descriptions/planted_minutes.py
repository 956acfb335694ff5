"""What is planted in each minute of a synthetic session, in words that `clef.narratives.facts` reads.

State, seizure, suppression, discharges, slowing with its place; the dominant band, its change and that of the other
bands against the minute before. Wordings are drawn. A reference: it knows the truth and has seen no signal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clef.importers.synthetic.course import STAGES, Course, W, course_of
from tools.descriptions.planted import between, degree, posterior, side_words
from tools.descriptions.planted_powers import NAMES, band_levels, seizure_lobe

STEADY_DB, OTHERS_DB = 1.5, 3.0
"""A dominant band that changes by less is steady; another band is named if it changes by more."""
STATES = {
    "W": ("The patient is awake.", "Wakefulness.", "Awake during this minute."),
    "N1": ("Stage N1 sleep.", "Drowsiness, stage N1.", "Light sleep of stage N1."),
    "N2": ("Stage N2 sleep.", "The patient is in N2 sleep.", "Sleep of stage N2."),
    "N3": ("Slow-wave sleep.", "Stage N3 sleep.", "Deep sleep of stage N3."),
    "REM": ("REM sleep.", "The patient is in REM sleep.", "A minute of REM sleep."),
    "coma": ("The patient is comatose.", "The patient is in coma.", "A comatose state."),
}
EVENTS = {
    "pdr": ("A posterior dominant rhythm is seen.", "There is a posterior dominant rhythm."),
    "generalised_slowing": ("Generalised slowing of the background.", "Diffuse slowing of the background."),
    "gpd": ("Generalised periodic discharges.", "Generalised periodic discharges are present."),
    "burst_suppression": ("Burst suppression.", "The background shows burst suppression."),
}
PLACED = {
    "focal_slowing": ("Focal slowing over the {} region.", "There is {} slowing.", "Slowing over the {} region."),
    "seizure": ("An electrographic seizure over the {} region.", "Seizure over the {} region."),
    "lpd": ("Lateralised periodic discharges over the {} region.",),
}
DOMINANT = ("{} dominates", "{} is the dominant band", "{} has the most power")
CHANGE = {
    "up": ("rising against the minute before", "increasing"),
    "down": ("falling against the minute before", "decreasing"),
    "same": ("steady against the minute before", "unchanged"),
}
OTHERS = {
    "up": ("{} is higher than before.", "{} has increased."),
    "down": ("{} is lower than before.", "{} has decreased."),
}


@dataclass
class MinuteTruth:
    """What is planted in a minute.

    events: by name · placed: event -> side and lobe · trend, others: up, down or same against the minute before
    """

    state: str
    dominant: str
    events: list[str] = field(default_factory=list)
    placed: dict[str, str] = field(default_factory=dict)
    trend: str | None = None
    others: dict[str, str] = field(default_factory=dict)


def minute_texts(z: Mapping[str, Any], seconds: int, seed: int) -> list[str]:
    """The text on each whole minute of a session of latents `z`; none where its units are no minutes."""
    course = course_of(dict(z), seconds)
    if course.unit != 60:
        return []
    rng = np.random.default_rng((seed, int(z["course_seed"])))
    return [words(minute, rng) for minute in minutes(dict(z), course)]


def minutes(z: dict[str, Any], course: Course) -> Iterator[MinuteTruth]:
    """What is planted in each minute, in order."""
    levels = band_levels(z, course)
    for i, stage in enumerate(course.stage):
        top = int(levels[:, i].argmax())
        truth = MinuteTruth(STAGES[stage], NAMES[top], list(_events(z, stage == W)), _placed(z, int(course.fit[i])))
        if i:
            changes = levels[:, i] - levels[:, i - 1]
            truth.trend = direction(changes[top], STEADY_DB)
            told = {name: direction(changes[k], OTHERS_DB) for k, name in enumerate(NAMES) if k != top}
            truth.others = {name: value for name, value in told.items() if value != "same"}
        yield truth


def direction(change: float, least: float) -> str:
    """up, down, or same where a change in dB is smaller."""
    return "same" if abs(change) < least else "up" if change > 0 else "down"


def _events(z: dict[str, Any], awake: bool) -> Iterator[str]:
    if awake and posterior(z).present:
        yield "pdr"
    if between(degree(z), 0.35, 0.6):
        yield "generalised_slowing"
    if z["gpd_hz"]:
        yield "gpd"
    if z["suppression"]:
        yield "burst_suppression"


def _placed(z: dict[str, Any], fit: int) -> dict[str, str]:
    placed = {}
    if z["focal"]:
        placed["focal_slowing"] = f"{side_words(z['focal_side'])} {z['focal_lobe']}"
    if z["lpd_hz"]:
        placed["lpd"] = f"{side_words(z['spike_side'])} {z['spike_lobe']}"
    if fit:
        placed["seizure"] = f"{side_words(z['spike_side'])} {seizure_lobe(z, fit)}"
    return placed


def words(truth: MinuteTruth, rng: np.random.Generator) -> str:
    """A wording of what is planted in a minute."""
    one = lambda wordings: wordings[int(rng.integers(len(wordings)))]
    sentences = [one(STATES[truth.state]), *(one(EVENTS[name]) for name in truth.events)]
    sentences += [one(PLACED[name]).format(place) for name, place in truth.placed.items()]
    sentence = one(DOMINANT).format(truth.dominant.capitalize())
    sentences.append(sentence + (f", {one(CHANGE[truth.trend])}." if truth.trend else "."))
    sentences += [one(OTHERS[value]).format(name.capitalize()) for name, value in truth.others.items()]
    return " ".join(sentences)
