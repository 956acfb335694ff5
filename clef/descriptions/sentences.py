"""Sentences for statements, in the words of a reader: the ACNS's terms where it has them, numbers in brackets.

No sentence names a disease, a cause or a normal value: it says what was measured, where, and how much.
Hirsch et al. 2021 (J Clin Neurophysiol 38:1) for prevalence, suppression and asymmetry; Kane et al. 2017 (Clin
Neurophysiol Pract 2:170) for the rest.
"""

from collections.abc import Callable

from clef.descriptions.bands import BANDS
from clef.descriptions.places import place_words
from clef.descriptions.slowing import prevalence
from clef.descriptions.statements import Statement

TITLES = {"region": "Region", "anterior rhythm": "Anterior alpha-range rhythm", "fast activity": "Excess fast activity"}
"""Kinds whose name does not begin a sentence well."""
ABSENT = {
    "posterior rhythm": "No posterior dominant rhythm stands out.",
    "anterior rhythm": "No alpha-range rhythm is higher over the frontal region.",
    "reactivity": "The posterior dominant rhythm does not attenuate with eye opening",
    "alpha asymmetry": "The posterior dominant rhythm is symmetric",
    "voltage asymmetry": "Voltage is symmetric",
    "generalised slowing": "No generalised slowing of the background",
    "focal slowing": "No focal slowing.",
    "fast activity": "No excess of fast activity",
    "suppression": "No suppression.",
    "bursts": "No bursts between suppressions.",
    "energy": "Energy is even over the scalp",
}


def sentence(statement: Statement) -> str:
    """The sentence of one statement."""
    if statement.forbidden is not None:
        return f"{_title(statement)}: {'not described' if statement.kind == 'recording' else 'not measured'} " \
               f"({statement.forbidden})."  # fmt: skip
    if statement.present:
        return PRESENT[statement.kind](statement)
    numbers = ", ".join(f"{_number(value, unit)} {name}" for name, value, unit in statement.numbers[:2])
    return ABSENT[statement.kind].removesuffix(".") + (f" ({numbers})." if numbers else ".")


def _title(s: Statement) -> str:
    if s.kind == "region":
        return f"{s.side or ''} {s.lobe} region".strip().capitalize()
    if s.band and s.kind == "power":
        low, high = BANDS[s.band]
        return f"{s.band.capitalize()} power ({low:g}–{high:g} Hz)"
    return TITLES.get(s.kind, s.kind.capitalize())


def _number(value: float, unit: str) -> str:
    if unit == "1":
        return f"{value:.0%}"
    digits = 1 if abs(value) < 100 else 0
    return f"{value:+.1f} dB" if unit == "dB" else f"{value:.{digits}f} {unit}"


def _power(s: Statement) -> str:
    return "Power: " + ", ".join(f"{name} {value:.3g}" for name, value, _ in s.numbers) + " µV²."


def _dominant(s: Statement) -> str:
    text = f"{str(s.band).capitalize()} dominates ({s.number('share'):.0%} of the power)"
    change, limit = s.number("change"), s.number("limit")
    if change is None or limit is None:
        return text + "."
    course = "steady" if abs(change) < limit else "rising" if change > 0 else "falling"
    against = "from the first third to the last" if s.scope == "session" else "against what came before"
    return f"{text}, {course} {against} ({change:+.1f} dB)."


def _posterior(s: Statement) -> str:
    where = place_words(s.lobe, s.side)
    return (
        f"Posterior dominant rhythm of {s.number('frequency'):.1f} Hz, highest over {where} "
        f"({s.number('amplitude'):.1f} µV RMS, {s.number('height'):.0f} dB above the aperiodic background)."
    )


def _anterior(s: Statement) -> str:
    return (
        f"Rhythm of {s.number('frequency'):.1f} Hz, higher over the frontal than over the posterior region "
        f"({s.number('height'):.0f} dB above the aperiodic background)."
    )


def _reactivity(s: Statement) -> str:
    loss = s.number("loss with open eyes")
    return f"The posterior dominant rhythm attenuates with eye opening (by {loss:.1f} dB)."


def _lower(what: str) -> Callable[[Statement], str]:
    def words(s: Statement) -> str:
        decibels = abs(s.number("left over right") or 0)
        other, share = "right" if s.side == "left" else "left", 10 ** (-decibels / 20)
        return f"{what} lower on the {s.side} ({share:.0%} of the amplitude on the {other}, {decibels:.1f} dB)."

    return words


def _generalised(s: Statement) -> str:
    excess, against = (s.number(f"delta and theta {words}") for words in ("above the fast background",
                                                                          "against posterior alpha"))  # fmt: skip
    theta = s.number("theta against posterior alpha")
    return (
        f"Generalised slowing of the background (delta and theta {excess:+.1f} dB against the fast background and "
        f"{against:+.1f} dB against posterior alpha, theta alone {theta:+.1f} dB)."
    )


def _focal(s: Statement) -> str:
    (one, delta, _), (other, contrast, _) = s.numbers[:2]
    share = s.number("share of segments")
    often = f"{prevalence(share).capitalize()} slowing" if share is not None else "Slowing"
    seen = "" if share is None else f"; in {share:.0%} of the segments"
    return f"{often} over {place_words(s.lobe, s.side)} ({one} {delta:.3g} µV², {other} {contrast:.3g} µV²{seen})."


def _fast(s: Statement) -> str:
    return (
        f"Excess fast activity around {s.number('frequency'):.0f} Hz over the frontal and central regions "
        f"({s.number('height'):.0f} dB above the aperiodic background)."
    )


def _suppression(s: Statement) -> str:
    share, limit = s.number("share") or 0.0, s.number("burst suppression from")
    name = "Burst suppression" if limit is not None and share >= limit else "Suppression"
    return f"{name}: below 10 µV for {share:.0%} of the time."


def _bursts(s: Statement) -> str:
    return f"Bursts of {s.number('length'):.1f} s (median) between suppressions, {s.number('rate'):.1f} per minute."


def _energy(s: Statement) -> str:
    electrodes = ", ".join(name for name, _, _ in s.numbers[3:])
    span = (s.number("highest tier") or 0) - (s.number("lowest tier") or 0)
    return f"Energy is highest at {electrodes} ({span:.0f} dB above the lowest tier)."


def _artefact(s: Statement) -> str:
    if s.number("left out") is not None:
        return f"Left out as flat, loud or without signal: {s.number('left out'):.0%} of the electrode-seconds."
    kind, places = s.numbers[0][0].partition(" at ")[0], []
    for name, value, unit in s.numbers:
        places.append(f"{name.partition(' at ')[2]} ({_number(value, unit)})")
    return f"{'Electrode pops' if kind == 'pops' else kind.capitalize()}: {', '.join(places)}."


PRESENT: dict[str, Callable[[Statement], str]] = {
    "power": _power,
    "dominant band": _dominant,
    "posterior rhythm": _posterior,
    "anterior rhythm": _anterior,
    "reactivity": _reactivity,
    "alpha asymmetry": _lower("The posterior dominant rhythm is"),
    "voltage asymmetry": _lower("Voltage is"),
    "generalised slowing": _generalised,
    "focal slowing": _focal,
    "fast activity": _fast,
    "suppression": _suppression,
    "bursts": _bursts,
    "energy": _energy,
    "artefact": _artefact,
}
"""What is said of each kind where it was seen."""
