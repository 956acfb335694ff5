"""Which sessions a page about a tokenizer shows: focal slowing, asymmetric alpha, a seizure, an artefact.

Which have focal slowing or a seizure is taken from the planted truth or from the findings on record, where the cohort
has them; among those, and for the rest, the recordings decide: the largest difference between homologous electrodes at
1–4 or 8–13 Hz that other bands do not share (an electrode's gain is in all of them), the largest rise of one electrode
over all others.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmark.encoders.quantities import PAIRS
from benchmark.fidelity.measures import rises, solitary_rise
from benchmark.fidelity.summary import CLEAR_DB, Recording
from benchmark.fidelity.truth import Redraws, is_synthetic
from benchmark.tasksets.labelling import EventIndex
from benchmark.tasksets.suites import Definition
from clef.cohort import read_events
from tokenizer.cells import BANDS, Array, channel_indices
from tokenizer.channels import CHANNELS

SEIZURE_ROWS = slice(1, 4)  # 2–8 Hz
PLANTED = {"focal_slowing": "focal", "seizure": "seizures"}
ALPHA_PAIRS = (("O1", "O2"), ("P3", "P4"), ("T5", "T6"), ("F3", "F4"))
NO_SLOWING = "none known: the largest left–right difference at 1–4 Hz that 13–30 Hz does not share"
ALPHA = "the largest left–right difference at 8–13 Hz that 4–8 and 13–30 Hz do not share, alpha peak clear"
ARTEFACT = "the largest rise of one electrode over all others"
MIDLINE = {"Fz": ("F3", "F4"), "Cz": ("C3", "C4"), "Pz": ("P3", "P4")}


@dataclass
class Case:
    """A session to show and why; `band` for a finding that lasts, else it has a place and a time in the recording."""

    kind: str
    how: str
    session_id: str | None = None
    pair: tuple[str, str] | None = None
    band: str | None = None


def find_cases(cohort: str, sessions: pl.DataFrame, recordings: Sequence[Recording]) -> list[Case]:
    """A session of each kind among `recordings`, each another if there are enough; a seizure among all `sessions`."""
    known, source = known_sessions(cohort, sessions)
    cases: list[Case] = []

    def free(keep: Callable[[Recording], bool]) -> list[Recording]:
        taken = {case.session_id for case in cases}
        kept = [r for r in recordings if keep(r)]
        return [r for r in kept if r.session_id not in taken] or kept

    slow = free(lambda r: r.session_id in known["focal_slowing"])
    case = Case("focal slowing", source if slow else NO_SLOWING, band="delta")
    cases.append(_lopsided(case, slow or free(lambda r: True), PAIRS, ("beta",)))
    clear = free(lambda r: r.sums["alpha"][0, 1] >= CLEAR_DB)
    cases.append(_lopsided(Case("asymmetric alpha", ALPHA, band="alpha"), clear, ALPHA_PAIRS, ("theta", "beta")))
    fits = [r.session_id for r in free(lambda r: r.session_id in known["seizure"])] or sorted(known["seizure"])
    cases.append(Case("seizure", source, fits[0]) if fits else Case("seizure", "none known in these recordings"))
    rest = free(lambda r: r.session_id not in known["seizure"] and np.isfinite(r.sums["artefact"]))
    loudest = max(rest, key=lambda r: r.sums["artefact"]).session_id if rest else None
    return [*cases, Case("artefact", ARTEFACT if rest else "no recording is long enough", loudest)]


def known_sessions(cohort: str, sessions: pl.DataFrame) -> tuple[dict[str, set[str]], str]:
    """Sessions with focal slowing and with seizures, as planted or on record, and which of the two."""
    if is_synthetic(cohort):
        latents = Redraws(cohort, {}).latents
        ids = sessions["session_id"].to_list()
        return {kind: {i for i in ids if latents(i)[name]} for kind, name in PLANTED.items()}, "planted"
    index = EventIndex(sessions, read_events(cohort))
    tasks = {
        kind: Definition(kind, "finding", (f"FINDING//{kind}",), None, None, (), "findings", "FINDING//")
        for kind in PLANTED
    }
    ids = index.sessions["session_id"]
    return {kind: set(ids.filter(pl.Series(index.cases(task)))) for kind, task in tasks.items()}, "on record"


def _lopsided(case: Case, recordings: Iterable[Recording], pairs: Sequence[tuple[str, str]], others: tuple) -> Case:
    """The recording and pair with the largest difference in the case's band that the bands `others` do not share."""
    best, chosen = 0.0, replace(case, how="no recording shows it")
    for r in recordings:
        level = dict(zip(BANDS, r.sums["band"][0], strict=True))
        for left, right in pairs:
            apart = {name: np.subtract(*levels[channel_indices((left, right))]) for name, levels in level.items()}
            parts = np.array([apart[case.band], *(apart[case.band] - apart[other] for other in others)])
            own = np.abs(parts).min() if abs(np.sign(parts).sum()) == len(parts) else 0.0
            if own > best:
                best, chosen = own, replace(case, session_id=r.session_id, pair=(left, right))
    return chosen


def place_of(case: Case, cx: Array) -> tuple[str, int]:
    """Electrode and column of `cx` (C, R, W') where a seizure or an artefact is largest."""
    if case.kind == "seizure":  # long and seen by several electrodes
        rise = np.nan_to_num(rises(cx)[:, SEIZURE_ROWS].mean(1))
        together = np.convolve(np.sort(rise, 0)[-5:].mean(0), np.ones(3) / 3, "same")
        column = int(together.argmax())
        return CHANNELS[int(rise[:, column].argmax())], column
    channel, column = np.unravel_index(np.nanargmax(solitary_rise(cx)), cx[:, 0].shape)
    return CHANNELS[int(channel)], int(column)


def pair_of(channel: str) -> tuple[str, str]:
    """The homologous pair an electrode belongs to, or the pair beside it on the midline."""
    return MIDLINE.get(channel) or next(pair for pair in PAIRS if channel in pair)
