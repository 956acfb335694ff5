"""Sums over explained sessions: who is asked by which probe, p-values, mean maps, and where the highest region is."""

import numpy as np
import polars as pl
import pytest

from benchmark.explain.asking import drawn, in_folds, probes
from benchmark.explain.page import as_markdown
from benchmark.explain.sessions import METHODS, Explained, Kept
from benchmark.explain.summary import deletion_rows, in_bands, mean_maps, p_above, place_rows
from clef.embeddings import Embeddings, any_seen
from clef.explanations.occlusion import regions
from tokenizer.channels import CHANNELS


def session(name: str, label: bool, gain: float, region: str = "left temporal") -> Explained:
    """A session whose attributions fall by `gain` more than controls, and whose delta at a region carries it."""
    shares = np.zeros((19, 16))
    shares[regions()[region], 1] = 1.0 + label
    drops = [float(name == region) for name in regions()]
    areas, moved = dict.fromkeys(METHODS, gain), dict.fromkeys(METHODS, 0.0)
    return Explained(name, label, 1.0, 0.0, areas, 0.0, moved, shares.tolist(), {"others": drops, "mirror": drops})


def test_p_is_that_of_a_signed_rank_test():
    gains = np.arange(1, 11) / 10
    rows = deletion_rows([session(str(i), True, gain) for i, gain in enumerate(gains)])
    assert {(row["method"], row["control"]) for row in rows} == {(m, c) for m in METHODS for c in ("random", "moved")}
    assert all(row["p"] == pytest.approx(2.0**-10) and row["above"] == 10 for row in rows)
    assert p_above(-gains) > 0.99 and p_above(gains[:3]) is None


def test_maps_are_means_of_cases_minus_controls():
    maps = mean_maps([session("a", True, 1), session("b", True, 1), session("c", False, 1)])
    t3, delta = CHANNELS.index("T3"), 0
    assert maps["cases − controls"][t3, delta] == 1.0 and maps["cases"].sum() == 4.0
    assert in_bands(np.eye(16)[None, 4].repeat(19, 0))[0].tolist() == [0, 0, 1, 0]  # 8 to 10 Hz


def test_places_count_lobe_and_side():
    some = [session("a", True, 1), session("b", True, 1, "left frontal"), session("c", True, 1, "right temporal")]
    rows = place_rows(some, {"a": "left temporal", "b": "left temporal", "c": "left temporal"})
    assert all(row["place"] == pytest.approx(1 / 3) and row["side"] == pytest.approx(2 / 3) for row in rows)
    assert {row["way"] for row in rows} >= {"gradients", "made like mirror"}


def test_nobody_is_asked_by_a_probe_that_was_fitted_on_them():
    rng = np.random.default_rng(0)
    ids = [f"s{i}" for i in range(40)]
    match = [f"s{i % 20}" for i in range(40)]
    rows = pl.DataFrame({"session_id": ids, "subject_id": range(40), "label": [i < 20 for i in range(40)],
                         "split": ["test"] * 40, "match_id": match})  # fmt: skip
    folded = in_folds(rows, 4)
    assert folded.group_by("match_id").agg(pl.col("split").n_unique())["split"].max() == 1
    embeddings = Embeddings(ids, rng.normal(size=(40, 5)), "e")
    seen = []
    for probe, asked in probes("t", folded, embeddings):
        assert not any_seen(probe.trained_on, asked["subject_id"]) and probe.cases + len(asked) // 2 == 20
        seen += asked["session_id"].to_list()
    assert sorted(seen) == sorted(ids)
    few = drawn(rows, 10, 0)
    assert len(few) == 10 and few["label"].sum() == 5
    assert set(drawn(rows, 6, 0)["session_id"]) <= set(few["session_id"])  # more is the same and others
    with pytest.raises(ValueError, match="cases and"):
        list(probes("t", rows.with_columns(split=pl.lit("train")), embeddings))


def test_what_is_kept_is_read_again_with_the_same_settings_alone(tmp_path):
    one = session("a", True, 1)
    Kept(tmp_path, {"seed": 0}).write(one, "probe")
    assert Kept(tmp_path, {"seed": 0}).read("a", "probe") == one
    assert Kept(tmp_path, {"seed": 1}).read("a", "probe") is None and Kept(tmp_path, {"seed": 0}).read("a", "p") is None


def test_the_tables_are_markdown():
    done = [session("a", True, 1), session("b", False, 2)]
    maps = {name: values.tolist() for name, values in mean_maps(done).items()}
    text = as_markdown({"task": "x", "unit": "log-odds", "notes": ["n"], "deletion": deletion_rows(done), "maps": maps,
                        "places": place_rows(done, {"a": "left temporal"})})  # fmt: skip
    assert "| gradients | random | 2 |" in text and "T3 +1.000" in text and "made like mirror | 1 | 1.00 | 1.00" in text
    assert "Research only" in text
