"""The large store: whole and as large as asked for, and every line about it."""

import logging

import numpy as np
import pytest

from clef.embeddings import read_embeddings
from tokenizer.base.cli import ConfigError
from tokenizer.store import TokenStore
from tools.large_store import Cost, LargeStore, check, draw_sessions, main

SMALL = {"sessions": 300, "subjects": 120, "columns": 6, "embedded": 5, "batch": 4, "batches": 2, "width": 8}


def test_a_small_large_store_is_whole_and_every_step_says_what_it_took(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    main(LargeStore(**SMALL, out=tmp_path))
    tokens = TokenStore(tmp_path / "tokens.zarr").load()
    assert len(tokens) == 300 and len(np.unique(tokens.subject_id)) == 120
    assert (tokens.valid.sum(1) == 6).all() and not tokens.tokens[:, :, 6:].any() and tokens.tokens.max() < 1024
    assert len(np.unique(tokens.tokens[256:, :, :6])) > 900  # the second shard, too
    assert read_embeddings(tmp_path / "embeddings.parquet").vectors.shape == (300, 8)
    lines = [record.getMessage() for record in caplog.records if "of processor time" in record.getMessage()]
    assert [line.partition(":")[0] for line in lines] == [
        *("write the store", "open it, digest of names, people and splits"),
        *("check every shard, as a resumed encode does", "open, check and load it"),
        *("stage=recon",) * 3,
        *("embed 5 sessions with an encoder tiny", "write the embedding file", "read the embedding file"),
    ]
    with pytest.raises(ValueError, match="remove it, or give another folder"):
        main(LargeStore(**SMALL, out=tmp_path))


def test_a_person_is_in_one_split_and_has_a_session_or_more():
    table = draw_sessions(LargeStore(sessions=900, subjects=400), np.random.default_rng(0))
    people = table.group_by("subject_id").n_unique()
    assert len(people) == 400 and (people["split"] == 1).all() and people["session_id"].sum() == 900
    assert set(table["split"]) == {"train", "val", "test"}


def test_numbers_that_make_no_store_are_refused():
    with pytest.raises(ConfigError, match="subjects=9: expected 1 to sessions=5"):
        check(LargeStore(sessions=5, subjects=9))
    with pytest.raises(ConfigError, match="must be 1 or more"):
        check(LargeStore(batches=0))


def test_a_line_names_times_and_memory():
    line = Cost("load", 1.234, 0.5, 2.5e9).line("; 3 shards")
    assert line == "load: 1.23 s, 0.5 s of processor time, 2.50 GB of memory at the most so far; 3 shards"
