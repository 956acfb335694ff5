"""Retention of band-power probes: nothing lost, everything lost."""

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.quantities import feature_names
from benchmark.fidelity.probes import retention
from clef.embeddings import subject_hash


def bench(n, seed=0):
    """Matched pairs in train and test, and features of which one knows the label."""
    rng = np.random.default_rng(seed)
    label = np.tile([True, False], n // 2)
    ids = [f"s{i}" for i in range(n)]
    tasks = pl.DataFrame({
        "task": ["t"] * n, "family": ["finding"] * n, "session_id": ids, "subject_id": np.arange(n), "label": label,
        "split": np.where(np.arange(n) < n // 2, "train", "test"), "match_id": [f"m{i // 2}" for i in range(n)],
    })  # fmt: skip
    width = len(feature_names())
    noise = rng.standard_normal((n, width))
    knows = noise + 1.2 * label[:, None] * (np.arange(width) % 3 == 0)
    as_rows = lambda x: dict(zip(ids, x.tolist(), strict=True))
    return tasks, as_rows(knows), as_rows(noise)


def test_retention_is_1_if_nothing_is_lost_and_about_0_if_all_is():
    tasks, knows, blind = bench(240)
    kept = retention(tasks, knows, knows, {"train": []}, resamples=200)
    assert kept["retention"] == pytest.approx([1, 1, 1]) and kept["auroc"]["original"] > 0.65
    lost = retention(tasks, knows, blind, {"train": [subject_hash(239)]}, resamples=200)
    assert abs(lost["retention"][0]) < 0.4 and lost["retention"][2] < 1 and lost["overlap"] == 1
    assert kept["overlap"] == 0 and kept["subjects"] == 240 and kept["tasks"] == 1
