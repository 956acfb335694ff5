"""The torch Dataset over a token store: what its items are, which there are, and that workers give the same."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import clef
from tests.helpers import snapshot
from tokenizer.sessions import read_sessions
from tokenizer.store import DONE, REFUSED, TokenStore, create_store, text_bytes
from tokenizer.vqgan import VQGAN


@pytest.fixture(scope="module")
def tokens(tiny_store):
    return TokenStore(tiny_store).load()


@pytest.fixture
def holed(tiny_cohort, tiny_tokenizer, tmp_path):
    """A store of three sessions: one good, one refused, one without a valid column."""
    table = read_sessions(tiny_cohort)[:3]
    vqgan = VQGAN.from_pretrained(str(tiny_tokenizer / "model" / "tokenizer"))
    create_store(tmp_path / "t.zarr", table, vqgan, {})
    rows = {"status": np.array([DONE, REFUSED, DONE], np.uint8), "tokens": np.full((3, 16, 128), 5, np.uint16)}
    rows |= {"valid": np.full((3, 128), [[1], [0], [0]], np.float16), "channel_ok": np.ones((3, 19), bool)}
    rows |= {"level": np.zeros(3), "reason": np.stack([text_bytes(r, 240) for r in ("", "too short", "")])}
    TokenStore(tmp_path / "t.zarr", writable=True).write_shard(0, rows)
    return tmp_path / "t.zarr", table["session_id"].to_list()


def test_items_are_the_stores_rows_as_tensors(tiny_store, tokens):
    dataset = clef.TokenDataset(tiny_store)
    assert len(dataset) == 36
    item = dataset[3]
    assert item["tokens"].dtype == torch.int64 and item["tokens"].shape == (16, 128)
    np.testing.assert_array_equal(item["tokens"], tokens.tokens[3])
    np.testing.assert_array_equal(item["valid"], tokens.valid[3])
    assert item["session_id"] == tokens.session_id[3] and item["subject_id"] == tokens.subject_id[3]
    with pytest.raises(IndexError):
        dataset[36]


def test_splits_share_no_session_and_hold_all(tiny_store, tokens):
    ids = {
        split: [item["session_id"] for item in clef.TokenDataset(tiny_store, split)]
        for split in ("train", "val", "test")
    }
    assert all(ids[s] == tokens.session_id[tokens.split == s].tolist() for s in ids)
    assert sum(map(len, ids.values())) == 36 and all(map(len, ids.values()))


def test_sessions_that_are_named_come_in_that_order(tiny_store, tokens):
    wanted = tokens.session_id[[9, 2, 5]].tolist()
    assert [item["session_id"] for item in clef.TokenDataset(tiny_store, session_id=wanted)] == wanted
    assert len(clef.TokenDataset(tiny_store, session_id=[])) == 0


def test_a_loader_with_workers_gives_the_same_batches(tiny_store):
    dataset = clef.TokenDataset(tiny_store, session_id=TokenStore(tiny_store).session_id[:6].tolist())
    plain, others = (list(DataLoader(dataset, batch_size=4, num_workers=workers)) for workers in (0, 2))
    assert plain[0]["tokens"].shape == (4, 16, 128) and plain[0]["valid"].shape == (4, 128)
    assert plain[1]["session_id"] == [item["session_id"] for item in dataset][4:]
    for one, other in zip(plain, others, strict=True):
        assert torch.equal(one["tokens"], other["tokens"]) and torch.equal(one["subject_id"], other["subject_id"])


def test_a_process_is_sent_a_few_words_and_reads_the_store_itself(tiny_store):
    dataset = clef.TokenDataset(tiny_store, "val")
    sent = pickle.dumps(dataset)
    assert len(sent) < 1000
    assert [item["session_id"] for item in pickle.loads(sent)] == [item["session_id"] for item in dataset]


def test_changing_an_item_changes_neither_the_set_nor_the_store(tiny_store):
    before, dataset = snapshot(tiny_store), clef.TokenDataset(tiny_store)
    item = dataset[0]
    item["tokens"][:], item["valid"][:] = 7, False
    assert dataset[0]["valid"].any() and not (dataset[0]["tokens"] == 7).all()
    assert snapshot(tiny_store) == before


def test_what_has_no_tokens_is_left_out_and_said(holed, caplog):
    path, ids = holed
    with caplog.at_level("INFO"):
        assert [item["session_id"] for item in clef.TokenDataset(path)] == ids[:1]
    assert "t.zarr: 2 of 3 sessions hold no tokens: left out" in caplog.text


def test_mistakes_are_one_line(holed, tiny_store, tokens, tmp_path):
    path, ids = holed
    train = tokens.session_id[tokens.split == "train"][0]
    wrong = {
        r"split='training': expected one of train, val, test": lambda: clef.TokenDataset(tiny_store, "training"),
        r"there is no token store here": lambda: clef.TokenDataset(tmp_path / "gone.zarr"),
        r"expected a list of ids": lambda: clef.TokenDataset(tiny_store, session_id="s1"),
        r"session 'nobody' cannot be had: it is not in": lambda: clef.TokenDataset(tiny_store, session_id=["nobody"]),
        r"cannot be had: too short": lambda: clef.TokenDataset(path, session_id=ids[1:2]),
        r"is of split train, not of test": lambda: clef.TokenDataset(tiny_store, "test", [train]),
    }
    for words, call in wrong.items():
        with pytest.raises(ValueError, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)
