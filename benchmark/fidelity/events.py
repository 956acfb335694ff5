"""Events: what is lost of each kind of planted event, before the quantiser and in it.

For each kind one number is measured in a session's spectrogram as recorded, as rebuilt from the vectors before they
become codes, and as rebuilt from codes. It is what a reader of spectrograms would look at; no model is fitted:

| kind          | sessions with                 | number, dB                                                         |
|---------------|-------------------------------|--------------------------------------------------------------------|
| grda          | rhythmic delta                | frontal 1–3 Hz, 90th percentile over seconds above the 10th        |
| spikes        | focal spikes                  | 4–16 Hz of an electrode above its median, 98th percentile; largest |
| spindles      | spindles, above their median  | 11–15 Hz less its neighbours at C3 Cz C4, 95th percentile          |
| seizures      | seizures                      | 2–8 Hz of an electrode above its median, mean of 20 s; largest     |
| bursts        | burst suppression             | 1–20 Hz of all electrodes, 90th percentile above the 10th          |
| focal slowing | slowing of a lobe             | 1–4 Hz of a lobe against the other side; largest                   |
| alpha         | alpha above its median        | 8–13 Hz at O1 O2 less 5–7 and 15–20 Hz                             |

AUROC says how well the number tells sessions with from those without; **kept** is the difference of the two means over
that of the originals. The rest of a session's truth differs, too, and is left as it is: read each row against its first
column. Shapes: C channels · F = 128 bins · T' valid frames.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmark.encoders.quantities import FRONT_CHANNELS
from benchmark.fidelity.passes import reconstruct
from benchmark.fidelity.truth import Redraws, contrasts
from benchmark.scores.statistics.auroc import auroc
from tokenizer.base.progress import track
from tokenizer.cells import HZ, Array, channel_indices
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, Spectrograms
from tokenizer.vqgan import VQGAN

LEAST, LEAST_SECONDS = 3, 20
"""Sessions with and without an event below which nothing is said of it; seconds of a session that counts."""
WAYS = ("original", "unquantised", "rebuilt")


def band(spec: Array, low: float, high: float) -> Array:
    """Mean dB in a band: (C, F, T') -> (C, T')."""
    return spec[:, (low <= HZ) & (high > HZ)].mean(1)


def _range(level: Array, high: float = 90, low: float = 10) -> Array:
    return np.percentile(level, high, axis=-1) - np.percentile(level, low, axis=-1)


def _rise(level: Array) -> Array:
    return level - np.median(level, axis=-1, keepdims=True)


def _sustained(level: Array) -> Array:
    return np.stack([np.convolve(row, np.full(20, 0.05), "valid") for row in _rise(level)])


def _over_neighbours(spec: Array, inside: tuple[float, float], beside: tuple[tuple[float, float], ...]) -> Array:
    return band(spec, *inside) - np.mean([band(spec, *edges) for edges in beside], axis=0)


FRONT, CENTRE, BACK = (channel_indices(n) for n in (FRONT_CHANNELS, ("C3", "Cz", "C4"), ("O1", "O2")))
KINDS: dict[str, tuple[str, Callable[[Array], float]]] = {
    "grda": ("grda_share", lambda s: _range(band(s[FRONT], 1, 3).mean(0))),
    "spikes": ("spike_rate", lambda s: np.percentile(_rise(band(s, 4, 16)), 98, axis=-1).max()),
    "spindles": (
        "spindle_rate",
        lambda s: np.percentile(_over_neighbours(s[CENTRE], (11, 15), ((7, 9), (17, 20))).mean(0), 95),
    ),
    "seizures": ("seizures", lambda s: _sustained(band(s, 2, 8)).max()),
    "bursts": ("suppression", lambda s: _range(band(s, 1, 20).mean(0))),
    "focal slowing": ("focal", lambda s: np.abs(contrasts(band(s, 1, 4).mean(-1))).max()),
    "alpha": ("alpha_uv", lambda s: _over_neighbours(s[BACK], (8, 13), ((5, 7), (15, 20))).mean()),
}
COMMON = ("spindles", "alpha")
"""Kinds that nearly everybody has: the half with more against the half with less."""


@torch.no_grad()
def unquantised(vqgan: VQGAN, reading: Reading) -> Array:
    """The reading rebuilt from its vectors before they become codes, (C, F, T) dB."""
    width, frames = vqgan.config.frames_per_token, reading.spec.shape[-1]
    short = -frames % width
    spec, valid = torch.nn.functional.pad(reading.spec, (0, short))[None], reading.valid
    valid, ok = torch.nn.functional.pad(valid, (0, short))[None], reading.channel_ok[None]
    device = vqgan.mean_db.device
    spec, valid, ok = spec.float().to(device), valid.to(device), ok.to(device)
    level = vqgan.level(spec, valid, ok)
    z, _ = vqgan.features(vqgan.levelled(spec, level), valid, ok)
    rebuilt = vqgan.put_back(vqgan.join(vqgan.reconstruct(vqgan.codebook.direction(z), valid)), level)
    return rebuilt[0, ..., :frames].cpu().numpy()


def events(
    cohort: str, sessions: pl.DataFrame, config: ReadingConfig, vqgan: VQGAN, redraws: Redraws
) -> list[dict[str, Any]]:
    """A row for each kind of planted event, from `sessions` with all 19 channels."""
    source, scores, truth = Spectrograms(cohort, sessions, config, vqgan.config.reference), [], []
    for i in track(range(len(source)), "events"):
        reading = source[i]
        if reading.reason or not reading.channel_ok.all() or reading.valid.sum() < LEAST_SECONDS:
            continue
        valid = reading.valid.numpy()
        versions = reading.spec.numpy(), unquantised(vqgan, reading), reconstruct(vqgan, reading).rebuilt
        scores.append([[score(v[..., valid]) for _, score in KINDS.values()] for v in versions])
        truth.append(redraws.latents(source.rows[i]["session_id"]))
    return (
        [row for j, kind in enumerate(KINDS) if (row := _row(kind, np.array(scores)[..., j], truth))] if scores else []
    )


def _row(kind: str, scores: Array, truth: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Scores (n, 3 ways) of one kind; None with too few sessions on a side."""
    if not len(scores):
        return None
    amount = np.array([float(z[KINDS[kind][0]]) for z in truth])
    ill = amount > (np.median(amount) if kind in COMMON else 0)
    if min(ill.sum(), (~ill).sum()) < LEAST:
        return None
    rise = scores[ill].mean(0) - scores[~ill].mean(0)
    numbers = {way: float(auroc(ill, scores[:, i])[0]) for i, way in enumerate(WAYS)}
    kept = {f"kept_{way}": float(rise[i] / rise[0]) for i, way in enumerate(WAYS) if i and rise[0] > 0}
    return {"kind": kind, "with": int(ill.sum()), "without": int((~ill).sum())} | numbers | kept
