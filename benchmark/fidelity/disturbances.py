"""Disturbances: what another amplifier, cap, reference or filter, and cut-out seconds do to a recording's codes.

The same EEG recorded otherwise should have other codes only where it is another EEG. Each recording is read again with
its signal disturbed, encoded, decoded, and compared with what was disturbed:

- **different codes**: how many occur, over how many occur in the recording as it was; mean over recordings. Codes that
  fall together mean that the tokenizer no longer sees differences. Bar: within 20 %.
- **level error**: mean over electrodes and rows of |mean over time of the cells − the same rebuilt|, over that of the
  recording as it was, on the same electrodes; sums over recordings. Bar: 1.2 times.
- **cell error** in dB, and the share of **equal tokens**.

Only columns that count in both are compared. Shapes: C channels · T frames · R rows · W' columns.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy import signal

from benchmark.fidelity.passes import Reconstruction, reconstruct
from tokenizer.base.progress import track
from tokenizer.cells import cells, channel_indices
from tokenizer.filters import RATE
from tokenizer.reading.read import ReadingConfig, read_row
from tokenizer.readings import Reading, reading_of
from tokenizer.recording import RecordingError, Session
from tokenizer.vqgan import VQGAN

CODES_WITHIN, LEVEL_TIMES = 0.2, 1.2
"""The bars: relative change of the number of different codes, and growth of the level error."""
FRONTAL, VERTEX = ("Fp1", "Fp2", "Fz"), "Cz"
LOW_PASS_HZ, CUT_SHARE, CUT_SECONDS = 20.0, 0.1, 5


def louder(session: Session, gain: float) -> Session:
    """Another amplitude."""
    return dataclasses.replace(session, signal=session.signal * np.float32(gain))


def without(session: Session, names: tuple[str, ...] = FRONTAL) -> Session:
    """A cap that lacks some electrodes."""
    changed, ok = session.signal.copy(), session.channel_ok.copy()
    changed[channel_indices(names)], ok[channel_indices(names)] = 0, False
    return dataclasses.replace(session, signal=changed, channel_ok=ok)


def against(session: Session, electrode: str = VERTEX) -> Session:
    """Another reference: one of the electrodes, which is then in all of the others and itself not there."""
    (index,) = channel_indices((electrode,))
    if not session.channel_ok[index]:
        return session
    changed = session.signal - session.signal[index]
    changed[~session.channel_ok] = 0
    return without(dataclasses.replace(session, signal=changed), (electrode,))


def low_passed(session: Session, hz: float = LOW_PASS_HZ) -> Session:
    """Another low-pass, Butterworth of order 4, without delay."""
    sections = signal.butter(4, hz, fs=RATE, output="sos")
    return dataclasses.replace(session, signal=signal.sosfiltfilt(sections, session.signal, axis=1).astype(np.float32))


def cut(session: Session, share: float = CUT_SHARE) -> Session:
    """A share of the seconds taken out, in stretches of 5 s at random places: what a reader marks as artefact."""
    changed, valid = session.signal.copy(), session.valid.copy()
    stretches = np.arange(len(valid) // CUT_SECONDS)
    chosen = np.random.default_rng(0).permutation(stretches)[: round(share * len(stretches))]
    for start in chosen * CUT_SECONDS:
        valid[start : start + CUT_SECONDS] = 0
        changed[:, start * RATE : (start + CUT_SECONDS) * RATE] = 0
    return dataclasses.replace(session, signal=changed, valid=valid)


DISTURBANCES: dict[str, Callable[[Session], Session]] = {
    **{f"gain {gain:g}": lambda session, gain=gain: louder(session, gain) for gain in (0.25, 0.5, 2.0, 4.0)},
    f"without {' '.join(FRONTAL)}": without,
    f"against {VERTEX}": against,
    f"low-pass {LOW_PASS_HZ:g} Hz": low_passed,
    "a tenth of the seconds cut out": cut,
}


def disturb(cohort: str, sessions: pl.DataFrame, config: ReadingConfig, vqgan: VQGAN) -> list[dict[str, Any]]:
    """One row for each disturbance, means over `sessions`; those that cannot be read are left out."""
    sums: dict[str, list[np.ndarray]] = {name: [] for name in DISTURBANCES}
    for row in track(sessions.select("session_id", "path", "reading").to_dicts(), "disturbed"):
        try:
            session = read_row(cohort, row, config)
        except RecordingError:
            continue  # told, and counted, by the evaluation
        reference = vqgan.config.reference
        own = reading_of(session, reference=reference)
        coded = reconstruct(vqgan, own)
        for name, change in DISTURBANCES.items():
            other = reading_of(change(session), reference=reference)
            if (compared := compare(own, coded, other, reconstruct(vqgan, other))) is not None:
                sums[name].append(compared)
    return [summed(name, np.array(rows)) for name, rows in sums.items() if rows]


def compare(own: Reading, coded: Reconstruction, other: Reading, recoded: Reconstruction) -> np.ndarray | None:
    """Different codes of both, level errors of both, cell errors of both, share of equal tokens (7,); None: no column.

    `own`, `coded`: as recorded, and after its codes · `other`, `recoded`: the same disturbed
    """
    # a reading ends with its last valid second, which may be cut out
    columns = min(len(coded.counted), len(recoded.counted))
    frames = min(len(own.valid), len(other.valid)) // 10 * 10
    both = coded.counted[:columns] & recoded.counted[:columns]
    ok, valid = (own.channel_ok & other.channel_ok).numpy(), (own.valid[:frames] & other.valid[:frames]).numpy()
    if not both.any() or not valid.reshape(-1, 10).all(1).any():
        return None
    tokens = [one.tokens[:, :columns][:, both] for one in (coded, recoded)]
    errors = []
    for reading, one in ((own, coded), (other, recoded)):
        x, y = (cells(s[ok][..., :frames], valid) for s in (reading.spec.numpy(), one.rebuilt))
        errors.append((np.abs(x.mean(-1) - y.mean(-1)).mean(), np.abs(x - y).mean()))
    (level, cell), (level_after, cell_after) = errors
    counts = [float(len(np.unique(t))) for t in tokens]
    return np.array([*counts, level, level_after, cell, cell_after, float((tokens[0] == tokens[1]).mean())])


def summed(name: str, rows: np.ndarray) -> dict[str, Any]:
    """A row of the table from what `compare` gave (n, 7), and which bars hold."""
    codes = float((rows[:, 1] / rows[:, 0]).mean())
    level = float(rows[:, 3].sum() / rows[:, 2].sum())
    return {
        **{"disturbance": name, "recordings": len(rows), "codes": codes, "level_error": level},
        **{"level_db": float(rows[:, 2].mean()), "level_db_after": float(rows[:, 3].mean())},
        **{"cell_db": float(rows[:, 4].mean()), "cell_db_after": float(rows[:, 5].mean())},
        **{"equal_tokens": float(rows[:, 6].mean())},
        **{"codes_hold": abs(codes - 1) <= CODES_WITHIN, "level_holds": level <= LEVEL_TIMES},
    }
