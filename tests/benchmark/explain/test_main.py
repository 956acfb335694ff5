"""benchmark.explain on the tiny cohort: tables and picture, going on where it stopped, mistakes in one line."""

import json

import numpy as np
import polars as pl
import pytest

from benchmark.explain.__main__ import ExplainCohortConfig, main
from clef.embeddings import Embeddings, write_embeddings
from clef.explanations.explanation import ExplainingConfig
from clef.model import load
from clef.readout import Readout
from clef.tasks import SCHEMA, write_tasks
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore


@pytest.fixture(scope="module")
def given(tiny_recon, tiny_store, tiny_cohort, tmp_path_factory):
    """Embeddings of the tiny cohort, and a task in two folds that says nothing."""
    folder = tmp_path_factory.mktemp("explain")
    model, tokens = load(tiny_recon), TokenStore(tiny_store).load()
    how = Readout(pool="rows", head="none")
    named = Embeddings(tokens.session_id.tolist(), model.read(tokens, how), "e", model.fingerprint)
    named.config, named.trained_on = model.about("trained", how), model.encoder.about["trained_on"]
    write_embeddings(folder / "e.parquet", named)
    people = read_sessions(tiny_cohort).unique("subject_id", keep="first", maintain_order=True).head(24)
    at = np.arange(len(people))
    names = people["session_id"].to_list()
    folds, sets = [f"fold{i // 2 % 2}" for i in at], [names[i - i % 2] for i in at]
    tasks = people.select("session_id", "subject_id").with_columns(
        pl.Series("label", at % 2 == 0), pl.Series("split", folds), pl.Series("match_id", sets),
        task=pl.lit("odd"), family=pl.lit("label"),
    )  # fmt: skip
    write_tasks(folder / "tasks.parquet", tasks.select(*SCHEMA), {"suite": "test"})
    return {"cohort": str(tiny_cohort), "model": str(tiny_recon), "embeddings": str(folder / "e.parquet"),
            "tasks": str(folder / "tasks.parquet"), "task": "odd", "device": "cpu", "allow_overlap": True,
            "explaining": ExplainingConfig(steps=1, block=4, draws=2)}  # fmt: skip


def test_it_writes_tables_and_a_picture_and_goes_on(given, tmp_path, capsys):
    out = tmp_path / "out"
    config = ExplainCohortConfig(out=out, sessions=4, **given)
    main(config)
    text, plain = (out / "explain.md").read_text(), json.loads((out / "explain.json").read_text())
    assert "## Deletion test" in text and text in capsys.readouterr().out
    assert len(plain["sessions"]) == 4 and sum(one["label"] for one in plain["sessions"]) == 2
    assert (out / "explain.png").read_bytes()[:4] == b"\x89PNG" and "saw" in text
    kept = {path: path.stat().st_mtime_ns for path in (out / "sessions").iterdir()}
    assert len(kept) == 4
    main(config)
    assert {path: path.stat().st_mtime_ns for path in (out / "sessions").iterdir()} == kept
    assert json.loads((out / "explain.json").read_text()) == plain


@pytest.mark.parametrize(
    ("settings", "words"),
    (
        ({"task": "even"}, "there is none in tasks=; there are: odd"),
        ({"folds": 1}, "folds 2 or more"),
        ({"prompt": "spikes"}, "give either embeddings=FILE"),
        ({"prompt": "spikes", "embeddings": None}, "no alignment heads"),
        ({"allow_overlap": False}, "leave it out, or show it marked with allow_overlap=true"),
        ({"places": "p.csv"}, "'left ear' is no region"),
    ),
)
def test_mistakes_are_one_line(given, tmp_path, monkeypatch, settings, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("session_id,lobe,side\na,ear,left\n")
    with pytest.raises(ValueError, match=words) as caught:
        main(ExplainCohortConfig(**given | {"out": tmp_path / "out"} | settings))
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()
