"""A synthetic cohort kept as tokens: those of its recordings, shard by shard, and what is refused."""

import logging

import numpy as np
import polars as pl
import pytest

from clef.importers.synthetic.__main__ import Jobs, MakeCohort, main
from clef.importers.synthetic.encoding import READING, encode_sessions, open_tokens
from clef.importers.synthetic.latents import draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits
from tokenizer.encode import EncodeConfig
from tokenizer.encode import main as encode
from tokenizer.sessions import read_sessions
from tokenizer.shards import reading_settings
from tokenizer.store import TokenStore, create_store
from tokenizer.tokens import load_tokenizer

SETTINGS = {"subjects": 10, "seed": 3, "workers": 1, "minutes": 0.5}


@pytest.fixture
def jobs():
    visits = draw_visits(draw_people(3, 10, course=True), 3, 0.5)
    return Jobs(3, visits, draw_latents(visits, 3))


def test_tokens_are_those_of_the_recordings_and_the_tables_the_same(cohort, tiny_tokenizer, tmp_path):
    """Sessions of every site: the recordings are quantised before they are forgotten, so nothing differs."""
    out = tmp_path / "kept"
    config = MakeCohort(out=str(out), keep="tokens", tokenizer=str(tiny_tokenizer), **SETTINGS)
    main(config)
    encode(EncodeConfig(str(cohort), str(tiny_tokenizer), str(tmp_path / "t.zarr"), workers=0, threads=1))
    mine, theirs = TokenStore(out / "tokens.zarr"), TokenStore(tmp_path / "t.zarr")
    assert mine.attributes == theirs.attributes and (mine.status == theirs.status).all() and mine.status.all()
    assert np.array_equal(mine.tokens[:], theirs.tokens[:]) and np.array_equal(mine.valid[:], theirs.valid[:])
    assert len(np.unique(mine.tokens[:])) > 1
    for name in ("truth/latents.parquet", "truth/ceilings.parquet", "reports.parquet"):
        assert pl.read_parquet(out / name).equals(pl.read_parquet(cohort / name))
    assert read_sessions(out).equals(read_sessions(cohort)) and not (out / "recordings").exists()
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    main(config)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps
    with pytest.raises(ValueError, match=r"keep \(was tokens, now recordings\)"):
        main(MakeCohort(out=str(out), **SETTINGS))


def test_a_stopped_run_goes_on_with_the_shard_it_was_in(cohort, tiny_tokenizer, jobs, tmp_path):
    path, sessions, drawn = tmp_path / "t.zarr", read_sessions(cohort).head(6), []
    vqgan = load_tokenizer(str(tiny_tokenizer))
    create_store(path, sessions, vqgan, reading_settings(READING), shard=2)

    def stops(row):
        if row == 5:
            raise InterruptedError
        return jobs(row)

    def counted(row):
        drawn.append(row)
        return jobs(row)

    with pytest.raises(InterruptedError):
        encode_sessions(open_tokens(path, sessions, vqgan), str(tiny_tokenizer), stops, 1)
    assert TokenStore(path).status.tolist() == [1, 1, 1, 1, 0, 0]
    encode_sessions(open_tokens(path, sessions, vqgan), str(tiny_tokenizer), counted, 1)
    assert drawn == [4, 5] and TokenStore(path).status.all()
    with pytest.raises(ValueError, match="a token store of other sessions"):
        open_tokens(path, sessions.reverse(), vqgan)


def test_tokens_want_a_tokenizer_and_recordings_none(tmp_path):
    for settings in ({"keep": "tokens"}, {"tokenizer": "run"}):
        with pytest.raises(ValueError, match="keep=tokens wants tokenizer=RUN"):
            main(MakeCohort(out=str(tmp_path / "x"), subjects=2, **settings))
    with pytest.raises(ValueError):
        main(MakeCohort(out=str(tmp_path / "x"), subjects=2, keep="tokens", tokenizer=str(tmp_path / "nothing")))
    assert not list(tmp_path.iterdir())


def test_a_forecast_says_what_it_costs_and_writes_nothing(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        main(MakeCohort(out=str(tmp_path / "x"), subjects=20_000, minutes=0.5, forecast=True))
    assert "GB of EDF" in caplog.text and "nothing was written" in caplog.text
    assert not list(tmp_path.iterdir())
