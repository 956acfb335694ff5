"""How much of what band power tells is left after coding: the same probes on originals and on reconstructions.

Features are those of the benchmark's `bandpower` row (benchmark.encoders.quantities). They are taken from the original
and from the rebuilt spectrogram of the same sessions, and scored by `benchmark.scores.scoring` on the same tasks,
splits, matched sets and bootstrap draws. Retention is

    (mean AUROC of the reconstruction − 0.5) / (mean AUROC of the original − 0.5)

over all tasks that could be scored, none left out for its result; its 95 % interval comes from the paired replicates of
both means, resampled by matched set.
"""

from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.bandpower import band_vectors
from benchmark.encoders.quantities import quantities
from benchmark.scores.scoring import score_tasks
from benchmark.scores.statistics.auroc import RESAMPLES, interval

Features = dict[str, list[float]]
FEW_SUBJECTS = 400
"""People below which retention says little: its interval is as wide as what it measures."""


def features(spec: np.ndarray, valid: np.ndarray, ok: np.ndarray) -> list[float]:
    """Band power of one spectrogram (C, F, T) in dB, as the benchmark's baseline measures it."""
    return list(quantities(spec[:, :, valid], ok).values())


def retention(
    tasks: pl.DataFrame,
    original: Features,
    rebuilt: Features,
    seen: dict[str, list[str]],
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Retention over tasks, with each family's, and the mean AUROC of both; features by session.

    `seen` are the hashed subjects of the tokenizer's training: overlap with the scored is counted, not refused.
    """
    stores = {"original": band_vectors(_table(original), {}), "rebuilt": band_vectors(_table(rebuilt), {})}
    stores["rebuilt"].trained_on = seen
    stores["rebuilt"].config |= {"kind": "rebuilt"}
    scored = score_tasks(tasks, stores, allow_overlap=True, resamples=resamples)
    means = scored.scores.group_by("embedding", "task", "family").agg(pl.col("auroc").mean())
    overlap = scored.scores.filter(pl.col("embedding") == "rebuilt")["overlap"].max()
    low, high = _interval(scored.replicates)
    return {
        "retention": [_ratio(means), low, high],
        "retention_by_family": {f[0]: _ratio(part) for f, part in sorted(means.group_by("family"))},
        "auroc": dict(means.group_by("embedding").agg(pl.col("auroc").mean()).iter_rows()),
        "tasks": len(scored.tasks),
        "subjects": tasks["subject_id"].n_unique(),
        "overlap": overlap,
        "notes": scored.notes,
    }


def _table(features: Features) -> pl.DataFrame:
    return pl.DataFrame({"session_id": list(features), "quantities": list(features.values())})


def _ratio(means: pl.DataFrame) -> float | None:
    by = dict(means.group_by("embedding").agg(pl.col("auroc").mean() - 0.5).iter_rows())
    return by["rebuilt"] / by["original"] if by["original"] > 0 else None


def _interval(replicates: np.ndarray) -> tuple[float | None, float | None]:
    """95 % interval of the ratio from replicates (tasks, embeddings, R), unless the original may be at chance."""
    original, rebuilt = (np.nanmean(replicates[:, i], axis=0) - 0.5 for i in (0, 1))
    if np.percentile(original, 2.5) <= 0:
        return None, None
    return interval(rebuilt / original)
