"""The session that is drawn: which one, and what if it cannot be read."""

import numpy as np
import polars as pl

from benchmark.report.session import choose_session, session_picture
from clef.cohort import Cohort
from tokenizer.sessions import read_sessions, write_sessions
from tokenizer.store import TokenStore


def lengths(store):
    return (np.asarray(store.valid[:], np.float32) >= 0.5).sum(1)


def test_the_longest_of_test_is_chosen_and_ties_go_by_name(tiny_cohort, tiny_store):
    store, sessions = TokenStore(tiny_store), read_sessions(tiny_cohort)
    length = dict(zip(map(str, store.session_id), lengths(store).tolist(), strict=True))
    test = sessions.filter(pl.col("split") == "test")["session_id"].to_list()
    row = choose_session(sessions.reverse(), store)
    assert row["session_id"] == min(test, key=lambda name: (-length[name], name))
    assert row["columns"] == length[row["session_id"]] and store.session_id[row["index"]] == row["session_id"]


def test_without_a_test_session_another_is_chosen_and_without_any_none(tiny_cohort, tiny_store):
    store, train = TokenStore(tiny_store), read_sessions(tiny_cohort, "train")
    assert choose_session(train, store)["split"] == "train"
    assert choose_session(train.with_columns(session_id="x" + train["session_id"]), store) is None


def test_a_picture_is_drawn_or_the_reason_said(tiny_cohort, tiny_store, tmp_path, caplog):
    picture = session_picture(Cohort(tiny_cohort), str(tiny_store))
    assert picture["image"].startswith("data:image/png;base64,") and picture["split"] == "test"
    caplog.set_level("INFO")
    write_sessions(tmp_path, read_sessions(tiny_cohort).with_columns(path=pl.lit("gone.edf")))
    assert session_picture(Cohort(tmp_path), str(tiny_store)) is None
    assert "no picture of a session" in caplog.text
