"""tokenizer.encode: the same tokens however the work is cut, one writer, and what it says at the end."""

import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tests.helpers import meeting_point, must, run, slow_loop, snapshot, start, wait_until
from tokenizer.base.files import fingerprint
from tokenizer.encode import EncodeConfig, EncodingPace, invalid_shares, reading_settings, rows_of, say_refused, waiting
from tokenizer.sessions import read_sessions
from tokenizer.store import TODO, TokenStore, create_store
from tokenizer.tokens import Tokenised
from tokenizer.vqgan import VQGAN

ARRAYS = ("tokens", "valid", "channel_ok", "status", "reason", "session_id", "subject_id", "split")


def arrays(path):
    """Everything a store holds of its sessions."""
    group = TokenStore(path).group
    return {name: group[name][:] for name in ARRAYS}


def same(path, other):
    ours, theirs = arrays(path), arrays(other)
    return all(np.array_equal(ours[name], theirs[name]) for name in ARRAYS)


@pytest.fixture
def small_shards(tiny_cohort, tiny_tokenizer, tmp_path):
    """An empty store of the tiny cohort's 36 sessions in 9 shards, and the settings that fill it."""
    settings = {"cohort": str(tiny_cohort), "tokenizer": str(tiny_tokenizer), "out": str(tmp_path / "t.zarr")}
    vqgan = VQGAN.from_pretrained(str(tiny_tokenizer / "model" / "tokenizer"))
    reading = reading_settings(EncodeConfig(**settings))
    create_store(settings["out"], read_sessions(tiny_cohort), vqgan, reading, shard=4)
    return settings | {"workers": 0}


def test_encode_writes_every_session_of_the_cohort(tiny_cohort, tiny_store, tiny_tokenizer):
    opened = TokenStore(tiny_store)
    table = pl.read_parquet(tiny_cohort / "sessions.parquet")
    tokens = opened.load()
    assert tokens.session_id.tolist() == table["session_id"].to_list()
    assert tokens.subject_id.tolist() == table["subject_id"].to_list()
    assert tokens.split.tolist() == table["split"].to_list()
    assert tokens.valid.sum(1).min() >= 2 and (tokens.tokens.transpose(0, 2, 1)[~tokens.valid] == 0).all()
    trained = VQGAN.from_pretrained(str(tiny_tokenizer / "model" / "tokenizer"))
    assert opened.fingerprint == fingerprint(*trained.to_bytes())


def test_encoding_a_finished_store_again_changes_nothing(tiny_cohort, tiny_tokenizer, tiny_store, tmp_path):
    before = snapshot(tiny_store)
    settings = {"cohort": tiny_cohort, "tokenizer": tiny_tokenizer, "out": tiny_store, "workers": 0}
    done = run(tmp_path, "tokenizer.encode", **settings)
    assert done.code == 0 and "already finished, nothing changed" in done.err
    assert snapshot(tiny_store) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"reading.mains": "50"}, "reading settings"), ({"blank_below": 2}, "reading settings"), ({}, "tokenizer")],
)
def test_a_store_made_in_another_way_is_not_gone_on_with(
    tiny_cohort, tiny_tokenizer, tiny_store, tmp_path, changes, said
):
    before = snapshot(tiny_store)
    tokenizer = tiny_tokenizer
    if not changes:
        other = VQGAN.from_pretrained(str(tiny_tokenizer / "model" / "tokenizer"))
        other.mean_db += 1
        other.save_pretrained(tokenizer := tmp_path / "other")
    settings = {"cohort": tiny_cohort, "tokenizer": tokenizer, "out": tiny_store, "workers": 0} | changes
    done = run(tmp_path / "said", "tokenizer.encode", **settings)
    assert done.code == 1 and f"made with another {said}; give another out=" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err and snapshot(tiny_store) == before


def test_a_damaged_shard_is_encoded_again(small_shards, tiny_store, tmp_path):
    must(run(tmp_path / "said", "tokenizer.encode", **small_shards))
    out = TokenStore(small_shards["out"]).path
    (out / "tokens" / "c" / "3" / "0" / "0").unlink()
    (out / "status" / "c" / "7").write_bytes(b"")
    done = must(run(tmp_path / "said", "tokenizer.encode", **small_shards))
    assert "shard 3 of 4 rows is damaged" in done.err and "encoded 8 sessions" in done.err
    assert same(out, tiny_store)


# ---- the same tokens however the work is cut
def test_killed_between_shards_and_started_again(small_shards, tiny_store, tmp_path):
    done = TokenStore(small_shards["out"])
    running = start(tmp_path / "said", "tokenizer.encode", **small_shards)
    assert wait_until(lambda: len(done.to_do()) < 7, running)
    running.kill()
    running.process.join()
    left = done.to_do()
    assert 0 < len(left) < 7 and left[-1] == 8
    there = {name: content for name, content in snapshot(done.path).items() if "/c/0" in name}
    said = must(run(tmp_path / "said", "tokenizer.encode", **small_shards)).err
    assert f"encoded {4 * len(left)} sessions" in said
    assert same(small_shards["out"], tiny_store)
    assert {name: snapshot(done.path)[name] for name in there} == there  # what was done was not done again


def test_two_processes_give_the_tokens_of_one(small_shards, tiny_store, tmp_path):
    ranks = [{"WORLD_SIZE": "2", "RANK": r, "LOCAL_RANK": r} for r in "01"]
    meet = meeting_point()
    both = [start(tmp_path / r["RANK"], "tokenizer.encode", environ=r | meet, **small_shards) for r in ranks]
    first, second = [must(running.wait()) for running in both]
    assert "encoded 36 sessions" in first.err and "36 sessions, 0 refused" in first.err and second.err == ""
    assert same(small_shards["out"], tiny_store)


@pytest.mark.slow
def test_torchrun_gives_the_tokens_of_one(small_shards, tiny_store):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command += ["-m", "tokenizer.encode", *(f"{k}={v}" for k, v in small_shards.items())]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert same(small_shards["out"], tiny_store)


def test_another_batch_and_workers_give_the_same_tokens(small_shards, tiny_store, tmp_path):
    """The batch divides neither the shards nor the cohort; the store compared with has batch 1 and no workers."""
    must(run(tmp_path / "said", "tokenizer.encode", **small_shards | {"batch": 16, "workers": 1}))
    assert same(small_shards["out"], tiny_store)


def test_rows_of_a_store():
    tokenised = [
        Tokenised(np.ones((2, 3), np.uint16), np.ones(3, np.float16), np.ones(19, bool), 2.5, r) for r in ("", "no")
    ]
    rows = rows_of(tokenised)
    assert rows["status"].tolist() == [1, 2] and rows["status"].dtype == np.uint8
    assert bytes(rows["reason"][1]).rstrip(b"\0") == b"no" and rows["tokens"].shape == (2, 2, 3)
    assert rows["level"].tolist() == [2.5, 2.5] and rows["level"].dtype == np.float32


# ---- one writer
def test_a_second_program_on_the_same_store_is_refused(small_shards, tiny_store, tmp_path):
    mine = TokenStore(small_shards["out"], writable=True)
    assert mine.claim([5])
    done = run(tmp_path / "said", "tokenizer.encode", **small_shards)
    assert done.code == 1 and "another process is writing this store" in done.err.splitlines()[-1]
    assert (mine.status == TODO).all()
    mine._claims.close()
    must(run(tmp_path / "said", "tokenizer.encode", **small_shards))
    assert same(small_shards["out"], tiny_store)


def test_two_programs_started_at_once_lose_no_row(tiny_cohort, tiny_tokenizer, tiny_store, tmp_path):
    settings = {"cohort": tiny_cohort, "tokenizer": tiny_tokenizer, "out": tmp_path / "t.zarr", "workers": 0}
    both = [start(tmp_path / name, "tokenizer.encode", **settings) for name in "ab"]
    ended = [running.wait() for running in both]
    assert sorted(done.code for done in ended) in ([0, 0], [0, 1])  # one may come when the other has finished
    assert all("another process is writing" in done.err for done in ended if done.code)
    assert same(tmp_path / "t.zarr", tiny_store)
    assert not list(tmp_path.glob(".t.zarr*"))


# ---- what it says
def test_it_says_what_was_done_and_how_fast(tiny_cohort, tiny_tokenizer, tmp_path):
    settings = {"cohort": tiny_cohort, "tokenizer": tiny_tokenizer, "out": tmp_path / "t.zarr", "workers": 0}
    pace, wrote, after = must(run(tmp_path / "said", "tokenizer.encode", **settings)).err.splitlines()[-3:]
    assert pace.startswith("encoded 36 sessions: ") and " % of the time waiting for recordings" in pace
    valid = TokenStore(tmp_path / "t.zarr").valid[:] >= 0.5
    assert f": 36 sessions, 0 refused; {100 * (1 - valid.mean()):.1f} % of the 20-minute grid lies beyond" in wrote
    assert after.startswith("next: python -m clef.pretrain stage=recon tokens=")


def test_invalid_columns_are_told_from_padding():
    valid = np.zeros((2, 10), np.float16)
    valid[0, :8], valid[1, :2] = 1, 0.5
    valid[0, 3:5] = 0.4
    assert invalid_shares(valid) == (0.5, 0.2)
    assert invalid_shares(valid[:0]) == (0.0, 0.0) and invalid_shares(valid * 0) == (1.0, 0.0)


def test_reasons_are_counted_by_kind(caplog):
    reasons = {f"s{i}": f"has {i}.5 s of signal, expected at least 10 s" for i in range(3)}
    reasons |= {"gone": "there is no such file"} | {f"x{i}": f"reason {chr(97 + i)}" for i in range(20)}
    with caplog.at_level(logging.WARNING):
        say_refused(SimpleNamespace(refused=lambda: reasons, path=SimpleNamespace(name="t.zarr")))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "refused 3 sessions, as s0: has 0.5 s of signal, expected at least 10 s"
    assert lines[1] == "refused gone: there is no such file" and len(lines) == 21
    assert lines[-1].startswith("… and 2 other reasons; TokenStore('t.zarr').refused()")


def test_waiting_is_measured():
    pace = EncodingPace()
    least, most = slow_loop(lambda source: waiting(source, pace))
    assert least <= pace.waited <= most
