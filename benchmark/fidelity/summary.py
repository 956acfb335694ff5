"""Numbers of a group of recordings, with intervals, from the sums of `benchmark.fidelity.measures`.

Errors and dynamics pool all cells of the group: every valid second counts the same. R² across recordings is

    R² = 1 − Σ (x − y)² / Σ (x − m)²,   m the mean over the group's recordings at each place (pair, row, band, channel)

so that a tokenizer that gives everybody the same spectrum gets 0, however lopsided the average head is; R² against zero
(m = 0) stands beside it and is the easier one. For asymmetry and gradient each recording is one observation, for band
power each 60-s block. Intervals are 95 %, percentiles of a bootstrap over people: a person brings all recordings.
Codes: usage is the share of the codebook that occurs, perplexity exp(H) of the distribution of codes (nats); H from few
tokens is too small, so the number of tokens stands beside it. Bits per second: tokens/s x log2 K, and x H / ln 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.encoders.quantities import BACK_CHANNELS, FRONT_CHANNELS, LEFT, PAIRS, RIGHT
from benchmark.scores.statistics.auroc import RESAMPLES, interval
from tokenizer.cells import BANDS, CELL_NOISE_DB, Array, channel_indices, rows_of
from tokenizer.channels import CHANNELS

LEAST_RECORDINGS, LEAST_PEOPLE = 3, 5
"""Fewer recordings have no R² across them, fewer people no interval."""
CLEAR_DB, LEAST_TRUE = 3.0, 0.1


@dataclass
class Recording:
    """One evaluated recording: who, where, its sums, and its valid tokens."""

    session_id: str
    subject_id: int
    site: str
    seconds: float
    sums: dict[str, Array]
    tokens: np.ndarray = field(repr=False)


def summarise(recordings: Sequence[Recording], codes: int, tokens_per_second: float, seed: int = 0) -> dict[str, Any]:
    """`numbers` (name -> [value, low, high], NaN as None), `details` (tables by band, channel, pair) and `count`."""
    weights = resample([r.subject_id for r in recordings], seed)
    sums = {name: np.stack([r.sums[name] for r in recordings]) for name in recordings[0].sums}
    numbers = _errors(sums, weights) | _dynamics(sums, weights) | _static(sums, weights) | _alpha(sums, weights)
    numbers |= _codes(recordings, codes, tokens_per_second)
    details = {
        "dynamics_r2_by_band_and_channel": _dynamics_table(sums),
        "asymmetry_r2_by_pair": _by_pair(sums),
        "band_power_r2_by_band_and_channel": _band_power_table(sums),
    }
    count = {
        "people": len({r.subject_id for r in recordings}),
        "recordings": len(recordings),
        "hours": sum(r.seconds for r in recordings) / 3600,
        "tokens": sum(len(r.tokens) for r in recordings),
    }
    return {"count": count, "numbers": {k: with_interval(v) for k, v in numbers.items()}, "details": details}


def resample(subjects: Sequence[int], seed: int) -> Array:
    """Weights (1 + RESAMPLES, n) of recordings: once each, then people drawn with replacement."""
    _, person = np.unique(subjects, return_inverse=True)
    people = person.max() + 1
    if people < LEAST_PEOPLE:
        return np.ones((1, len(person)))
    drawn = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), RESAMPLES)
    return np.concatenate([np.ones((1, people)), drawn])[:, person]


def with_interval(values: Array) -> list[float | None]:
    """[value, low, high] of values over weights (1 + R,); None for what is not defined."""
    values = np.atleast_1d(values)
    ends = interval(values[1:]) if len(values) > 1 and np.isfinite(values[1:]).mean() > 0.9 else (np.nan, np.nan)
    return [float(v) if np.isfinite(v) else None for v in (values[0], *ends)]


def ratio(above: Array, below: Array) -> Array:
    """above / below, NaN where there is nothing below."""
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 1e-9)


def _errors(sums: dict[str, Array], weights: Array) -> dict[str, Array]:
    raw, cell = (weights @ sums[k].reshape(*sums[k].shape[:2], -1).sum(2) for k in ("raw", "cell"))  # (1 + R, 3)
    numbers = {}
    for name, total in (("raw", raw), ("cell", cell)):
        numbers |= {
            f"{name}_mae": ratio(total[:, 0], total[:, 2]),
            f"{name}_mae_static": ratio(total[:, 1], total[:, 2]),
        }
    return numbers


def dynamics(single: Array, twins: Array) -> dict[str, Array]:
    """R² of the true course from sums (3, …) of recordings and (6, …) of their twins; dB; share of scatter copied.

    No R² where the true course varies less than a tenth as much as the scatter.
    """
    error, total = ratio(single[0], single[2]), ratio(single[1], single[2])
    both, across, own, _, x2, freedom = twins
    noise, copied = ratio(x2 - both, freedom), ratio(own - across, x2 - both)
    true = np.where(total - noise > LEAST_TRUE * noise, total - noise, np.nan)
    credited = 1 - (error - CELL_NOISE_DB**2) / np.where(true > 0, total - CELL_NOISE_DB**2, np.nan)
    return {
        "dynamics_r2": 1 - (error - (1 - 2 * copied) * noise) / true,
        "dynamics_db": np.sqrt(true),
        "cell_noise_db": np.sqrt(np.maximum(noise, 0)),
        "noise_copied": copied,
        "dynamics_r2_credited": credited,
        "dynamics_r2_uncorrected": 1 - ratio(error, total),
    }


def _dynamics(sums: dict[str, Array], weights: Array) -> dict[str, Array]:
    each = [np.moveaxis(sums[name], 1, 0) for name in ("single", "twins")]  # (3 or 6, n, C, R)
    numbers = dynamics(*(np.stack([weights @ part.sum((1, 2)) for part in s]) for s in each))
    for band in BANDS:
        parts = [np.stack([weights @ part[:, :, rows_of(band)].sum((1, 2)) for part in s]) for s in each]
        numbers[f"dynamics_r2_{band}"] = dynamics(*parts)["dynamics_r2"]
    return numbers


def _dynamics_table(sums: dict[str, Array]) -> dict[str, dict[str, float | None]]:
    total = [sums[name].sum(0) for name in ("single", "twins")]  # (3 or 6, C, R)
    by_band = {band: dynamics(*(t[:, :, rows_of(band)].sum(2) for t in total))["dynamics_r2"] for band in BANDS}
    return {band: _named(values, CHANNELS) for band, values in by_band.items()}


def _named(values: Array, names: Sequence[str]) -> dict[str, float | None]:
    return {name: float(v) if np.isfinite(v) else None for name, v in zip(names, values, strict=True)}


def asymmetry(level: Array) -> Array:
    """Left minus right of each pair: (…, C, R) dB -> (…, 8, R)."""
    return level[..., channel_indices(LEFT), :] - level[..., channel_indices(RIGHT), :]


def gradient(level: Array) -> Array:
    """Front minus back: (…, C, R) dB -> (…, 1, R), over the electrodes there are; NaN without any of one group."""
    front, back = (_nan_mean(level[..., channel_indices(names), :]) for names in (FRONT_CHANNELS, BACK_CHANNELS))
    return (front - back)[..., None, :]


def _nan_mean(level: Array) -> Array:
    finite = np.isfinite(level)
    return ratio(np.where(finite, level, 0).sum(-2), finite.sum(-2).astype(float))


def across(weights: Array, error: Array, x: Array, x2: Array, count: Array, around_mean: bool = True) -> Array:
    """R² across recordings from their sums (n, groups, places): pooled over places, (1 + R, groups)."""
    around = spread(weights, x, x2, count) if around_mean else np.tensordot(weights, x2, 1)
    return 1 - ratio(weights @ error.sum(-1), around.sum(-1))


def spread(weights: Array, x: Array, x2: Array, count: Array) -> Array:
    """Sums of squares around the mean at each place, (1 + R, groups, places).

    Recordings drawn again lie closer to their own mean than the group to its, by 1 − 1/n; that is made good.
    """
    x, x2, count = (np.tensordot(weights, s, 1) for s in (x, x2, count))
    around = np.where(count > 0, np.maximum(x2 - x**2 / np.maximum(count, 1), 0), 0)
    n = weights.shape[1]
    around[1:] *= n / max(n - 1, 1)
    return around


def _observed(sums: dict[str, Array], what: Any) -> tuple[Array, Array, Array, Array]:
    """Sums of (n, groups, places) for one observation per recording: squared error, x, x², count."""
    x, y = what(sums["level"][:, 0]), what(sums["level"][:, 1])
    finite = np.isfinite(x)
    x, y = np.where(finite, x, 0), np.where(finite, y, 0)
    return (x - y) ** 2, x, x**2, finite.astype(float)


def _enough(values: Array, observed: tuple[Array, ...]) -> Array:
    """NaN for groups that too few recordings have."""
    return np.where(observed[3].sum(0).max(-1) >= LEAST_RECORDINGS, values, np.nan)


def _pooled(parts: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(p.reshape(len(p), 1, -1) for p in parts)


def _static(sums: dict[str, Array], weights: Array) -> dict[str, Array]:
    numbers = {}
    for name, what in (("asymmetry", asymmetry), ("gradient", gradient)):
        parts = _pooled(_observed(sums, what))
        numbers[f"{name}_r2"] = _enough(across(weights, *parts), parts)[:, 0]
        numbers[f"{name}_db"] = np.sqrt(ratio(spread(weights, *parts[1:]).sum((1, 2)), weights @ parts[3].sum((1, 2))))
        numbers[f"{name}_r2_zero"] = _enough(across(weights, *parts, around_mean=False), parts)[:, 0]
    blocks = np.moveaxis(sums["blocks"], 1, 0)  # (4, n, bands, C)
    enough = (blocks[3].max((1, 2)) > 0).sum() >= LEAST_RECORDINGS
    power = across(weights, *blocks)
    return numbers | {f"band_power_r2_{b}": np.where(enough, power[:, i], np.nan) for i, b in enumerate(BANDS)}


def _by_pair(sums: dict[str, Array]) -> dict[str, float | None]:
    parts, once = _observed(sums, asymmetry), np.ones((1, len(sums["level"])))
    return _named(_enough(across(once, *parts), parts)[0], [f"{left}-{right}" for left, right in PAIRS])


def _band_power_table(sums: dict[str, Array]) -> dict[str, dict[str, float | None]]:
    once, blocks = np.ones((1, len(sums["blocks"]))), np.moveaxis(sums["blocks"], 1, 0)
    each = [across(once, *(s[:, i, :, None] for s in blocks))[0] for i in range(len(BANDS))]
    return {band: _named(values, CHANNELS) for band, values in zip(BANDS, each, strict=True)}


def _alpha(sums: dict[str, Array], weights: Array) -> dict[str, Array]:
    (hz, height), (found_hz, found_height) = np.moveaxis(sums["alpha"], 0, -1)  # (2, 2, n)
    clear = height >= CLEAR_DB
    kept = clear & (found_height >= CLEAR_DB)
    error = np.abs(hz - found_hz)
    near = kept & (error <= 0.5)
    clear_ones = weights @ clear
    return {
        "alpha_peaks": np.array([clear.sum()], float),
        "alpha_peak_kept": ratio(weights @ kept, clear_ones),
        "alpha_peak_error_hz": np.array([np.median(error[kept]) if kept.any() else np.nan]),
        "alpha_peak_within_half_hz": ratio(weights @ near, clear_ones),
    }


def _codes(recordings: Sequence[Recording], codes: int, tokens_per_second: float) -> dict[str, Array]:
    count = sum(np.bincount(r.tokens, minlength=codes) for r in recordings)
    share = count[count > 0] / max(count.sum(), 1)
    entropy = float(-(share * np.log(share)).sum())
    values = {
        "codes_used": (count > 0).mean(),
        "perplexity": np.exp(entropy),
        "bits_per_second": tokens_per_second * np.log2(codes),
        "bits_per_second_entropy": tokens_per_second * entropy / np.log(2),
    }
    return {name: np.array([value]) for name, value in values.items()}
