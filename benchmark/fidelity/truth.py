"""What only a synthetic cohort can tell: reconstructions against the expected spectrum, and planted focal slowing.

**Expected spectrum.** A session of `clef.importers.synthetic` can be drawn again with the same latents, states and
events at the same times, but other noise (`clef.importers.synthetic.waves.Streams`). The mean E of the dB spectrograms
of `draws` such recordings, read as the cohort's own are, estimates what the recorded one scatters around. Its own
scatter, σ²/draws per bin, is left in the mean errors (the floor printed beside them: √(2/π) σ/√draws) and taken out of
the dynamics, whose terms are those of benchmark.fidelity.measures with E in place of the other twin.

**Focal slowing.** For a session with planted focal slowing, the level at 1–4 Hz over that lobe minus the same over the
other side's, each a mean weighted by the topography the slowing was planted with. `side_right`: share of sessions in
which it is positive. `kept`: its mean in the reconstructions over its mean in the originals. `auroc`: how well the
largest difference over the four lobes tells sessions with focal slowing from those without. Sessions with a planted
loss of voltage on one side (`attenuation`) are left out: it takes away there what the slowing adds.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.fidelity.measures import LEAST_COLUMNS
from benchmark.fidelity.passes import reconstruct
from benchmark.fidelity.summary import Recording, ratio
from benchmark.scores.statistics.auroc import auroc
from clef.importers.synthetic.drawing import draw_recording
from clef.importers.synthetic.latents import LOBES, draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits, session_table
from clef.importers.synthetic.waves import Streams, lobe
from tokenizer.base.progress import track
from tokenizer.cells import BANDS, Array, cells
from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import read
from tokenizer.readings import Spectrograms
from tokenizer.reference import Reference, referenced
from tokenizer.vqgan import VQGAN

DELTA = list(BANDS).index("delta")
DIFFERENT_DB = 0.1
"""Median difference between a recording and its redraw above which another version must have drawn it."""


class Redraws:
    """The synthetic sessions of a cohort, to be drawn again."""

    def __init__(self, cohort: str | Path, options: dict[str, Any]):
        settings = json.loads((Path(cohort) / "truth" / "settings.json").read_text(encoding="utf-8"))
        self.seed, self.options = settings["seed"], options
        people = draw_people(self.seed, settings["subjects"], settings.get("course", False))
        self.visits = draw_visits(people, self.seed, settings["minutes"])
        self.truth = draw_latents(self.visits, self.seed)
        names = session_table(self.visits, self.seed)["session_id"].to_list()
        self.row = {name: i for i, name in enumerate(names)}

    def latents(self, session_id: str) -> dict[str, Any]:
        """Everything planted in a session."""
        return {name: column[self.row[session_id]].item() for name, column in self.truth.items()}

    def write(self, session_id: str, number: int, path: Path) -> None:
        """Write the EDF of the session as recorded (number 0) or with other noise (1, 2, …)."""
        row = self.row[session_id]
        visit = {name: self.visits[name][row].item() for name in ("site", "seconds")}
        streams = Streams.of_session(self.seed, row, number)
        draw_recording(path, self.latents(session_id), visit | {"start": self.visits["start"][row]}, streams)

    def draw(self, session_id: str, number: int, reference: Reference = "recorded") -> Array:
        """Spectrogram (C, F, T) in dB of what `write` writes, read with the options of the cohort's own recordings."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "redrawn.edf"
            self.write(session_id, number, path)
            spec, _ = session_spectrogram(referenced(read(path, **self.options), reference))
        return spec.numpy()


def is_synthetic(cohort: str | Path) -> bool:
    """Whether the cohort says what was planted in it."""
    return (Path(cohort) / "truth" / "settings.json").is_file()


def expected(
    vqgan: VQGAN, redraws: Redraws, sessions: Spectrograms, redrawn: int, draws: int
) -> tuple[dict[str, float | None] | None, list[str]]:
    """Numbers against the expected spectrum of the first `redrawn` sessions, and notes; None where there is none."""
    sums: list[dict[str, Array]] = []
    for i in track(range(min(redrawn, len(sessions))), "drawn again"):
        name, read = sessions.rows[i]["session_id"], sessions[i]
        if read.reason:
            continue
        ok, spec, again = read.channel_ok.numpy(), read.spec.numpy(), redraws.draw(name, 0, vqgan.config.reference)
        if again.shape != spec.shape or np.median(np.abs(again - spec)[ok]) > DIFFERENT_DB:
            return None, [
                f"expected spectrum left out: {name} was drawn by another version of clef.importers.synthetic"
            ]
        others = [redraws.draw(name, k) for k in range(1, draws + 1)]
        sums.append(against_expected(spec, reconstruct(vqgan, read).rebuilt, others, read.valid.numpy(), ok))
    return (expected_numbers(sums, draws) if sums else None), []


def against_expected(original: Array, rebuilt: Array, draws: list[Array], valid: Array, ok: Array) -> dict[str, Array]:
    """Sums of one session: `errors` (2, 5) over bins and over cells, `dynamics` (6,) as measure_twins, over all cells.

    errors: |rebuilt − E|, |original − E|, |own median − E|, the variance of E, and the count
    """
    stack = np.stack(draws)[:, ok][..., valid]
    own = [s[ok][..., valid] for s in (rebuilt, original)]
    in_cells = np.stack([cells(d[ok], valid) for d in draws])
    own_cells = [cells(s[ok], valid) for s in (rebuilt, original)]
    return {
        "errors": np.stack([_errors(stack, *own), _errors(in_cells, *own_cells)]),
        "dynamics": _dynamics(in_cells, *own_cells),
    }


def _errors(draws: Array, rebuilt: Array, original: Array) -> Array:
    if not original.shape[-1]:
        return np.zeros(5)
    expected, static = draws.mean(0), np.median(original, axis=-1, keepdims=True)
    errors = [np.abs(s - expected).sum(dtype=np.float64) for s in (rebuilt, original, static)]
    return np.array([*errors, draws.var(0, ddof=1).sum(dtype=np.float64) / len(draws), expected.size])


def _dynamics(draws: Array, rebuilt: Array, original: Array) -> Array:
    if original.shape[-1] < LEAST_COLUMNS:
        return np.zeros(6)
    x, y, each = (c - c.mean(-1, keepdims=True) for c in (original, rebuilt, draws))
    expected, freedom = each.mean(0), original.shape[0] * original.shape[1] * (original.shape[2] - 1)
    scatter = ((each - expected) ** 2).sum() / (len(draws) - 1)
    true = (expected**2).sum() - scatter / len(draws)
    return np.array([true, (expected * y).sum(), (x * y).sum(), (y**2).sum(), true + scatter, freedom])


def expected_numbers(sums: list[dict[str, Array]], draws: int) -> dict[str, float | None]:
    """Numbers of the redrawn sessions together; None for what is not defined."""
    errors = sum(s["errors"] for s in sums)
    numbers: dict[str, float] = {}
    for name, (mine, original, static, variance, count) in zip(("raw", "cell"), errors, strict=True):
        numbers |= {
            f"{name}_mae": mine / count,
            f"{name}_mae_original": original / count,
            f"{name}_mae_static": static / count,
            f"{name}_mae_floor": float(np.sqrt(2 / np.pi * variance / count)),
        }
    true, across, own, y2, x2, freedom = sum(s["dynamics"] for s in sums)
    noise = x2 - true
    numbers |= {
        "dynamics_r2": ratio(2 * across - y2, true),
        "dynamics_r2_original": 1 - ratio(noise, true),
        "signal_slope": ratio(across, true),
        "noise_copied": ratio(own - across, noise),
        "dynamics_db": np.sqrt(np.maximum(ratio(true, freedom), 0)),
        "cell_noise_db": np.sqrt(ratio(noise, freedom)),
    }
    plain = {k: float(v) if np.isfinite(v) else None for k, v in numbers.items()}
    return {"sessions": len(sums), "draws": draws} | plain


def contrasts(level: Array) -> Array:
    """Right minus left of each lobe, (…, C) dB -> (…, 4), weighted by the topographies of focal slowing."""
    right, left = (np.stack([lobe(side, name, 0.38) for name in LOBES]) for side in (1, -1))
    return level @ (right / right.sum(1, keepdims=True) - left / left.sum(1, keepdims=True)).T


def focal_slowing(recordings: list[Recording], latents: list[dict[str, Any]]) -> dict[str, float]:
    """How much of planted focal slowing the reconstructions keep; see the module's docstring."""
    both = [(r.sums["band"][:, DELTA], z) for r, z in zip(recordings, latents, strict=True) if not z["attenuation"]]
    both = [(level, z) for level, z in both if np.isfinite(level).all()]
    ill = np.array([z["focal"] > 0 for _, z in both])
    if not ill.any():
        return {"sessions": 0}
    differences = np.stack([contrasts(level) for level, _ in both])  # (n, original and rebuilt, lobes)
    where = [(LOBES.index(z["focal_lobe"]), z["focal_side"]) for _, z in both if z["focal"] > 0]
    planted = np.array([side * c[:, place] for c, (place, side) in zip(differences[ill], where, strict=True)])
    original, rebuilt = planted.mean(0)
    numbers = {"sessions": int(ill.sum()), "without": int((~ill).sum()), "kept": float(rebuilt / original)}
    for i, name in enumerate(("original", "rebuilt")):
        numbers[f"difference_db_{name}"] = float(planted[:, i].mean())
        numbers[f"side_right_{name}"] = float((planted[:, i] > 0).mean())
        if (~ill).any():
            numbers[f"auroc_{name}"] = float(auroc(ill, np.abs(differences[:, i]).max(1))[0])
    return numbers
