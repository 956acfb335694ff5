"""The token store: what goes in comes out, and what does not fit is refused in one line."""

import contextlib
import errno
import json
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import torch
import zarr

from tests.helpers import snapshot, spectrogram
from tokenizer import store
from tokenizer.base.files import fingerprint
from tokenizer.digests import description_digest, shard_digest, store_digest
from tokenizer.store import DONE, REFUSED, SHARD, TODO, TokenStore, create_store, text_bytes
from tokenizer.vqgan import VQGAN, VQGANConfig

N = 300  # two shards


@pytest.fixture(scope="module")
def vqgan():
    torch.manual_seed(0)
    return VQGAN(VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=32, code_dimension=4)).eval()


def sessions(n=N):
    split = np.array(["train", "val", "test"])[np.arange(n) % 3]
    names = [f"Sitzung-{i:03d}-ä" for i in range(n)]
    return pl.DataFrame({"session_id": names, "subject_id": np.arange(n) + 2**62, "split": split})


def rows(shard, n=N, seed=0):
    size = min(n, (shard + 1) * SHARD) - shard * SHARD
    rng = np.random.default_rng((seed, shard))
    status = np.where(np.arange(size) % 10 == 7, REFUSED, DONE).astype(np.uint8)
    return {
        "tokens": rng.integers(0, 2**16, (size, 16, 128)).astype(np.uint16),
        "valid": rng.random((size, 128)).astype(np.float16),
        "channel_ok": rng.random((size, 19)) < 0.9,
        "level": np.where(status == DONE, rng.normal(0, 8, size), np.nan).astype(np.float32),
        "reason": np.stack([text_bytes(f"refused ü {i}" if s == REFUSED else "", 240) for i, s in enumerate(status)]),
        "status": status,
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory, vqgan):
    path = tmp_path_factory.mktemp("store") / "tokens.zarr"
    create_store(path, sessions(), vqgan, {"crop": "start"})
    opened = TokenStore(path, writable=True)
    for shard in (1, 0):
        opened.write_shard(shard, rows(shard))
    return path


def test_rows_names_subjects_and_splits_come_back(written):
    tokens, table = TokenStore(written).load(), sessions()
    every = {k: np.concatenate([rows(s)[k] for s in (0, 1)]) for k in ("tokens", "valid", "level", "status")}
    done = every["status"] == DONE
    assert len(tokens) == done.sum() == 271
    np.testing.assert_array_equal(tokens.tokens, every["tokens"][done])
    np.testing.assert_array_equal(tokens.valid, every["valid"][done] >= 0.5)
    np.testing.assert_array_equal(tokens.level, every["level"][done])
    for column in ("session_id", "subject_id", "split"):
        assert getattr(tokens, column).tolist() == table[column].to_numpy()[done].tolist(), column


def test_where_keeps_every_field_in_step(written):
    tokens = TokenStore(written).load()
    some = tokens.where(tokens.split == "val")
    assert set(some.split) == {"val"} and len(some) == (tokens.split == "val").sum()
    assert [n % 3 for n in (some.subject_id - 2**62)] == [1] * len(some)
    assert [int(s.split("-")[1]) for s in some.session_id] == (some.subject_id - 2**62).tolist()


def test_refused_rows_say_why(written):
    refused = TokenStore(written).refused()
    assert len(refused) == 29 and refused["Sitzung-007-ä"] == "refused ü 7"


def test_reasons_are_cut_between_characters():
    assert bytes(text_bytes("ä" * 3, 5)) == "ää".encode() + b"\0"


def test_the_tokenizer_inside_gives_identical_tokens(written, vqgan):
    inside = TokenStore(written).tokenizer
    spec = spectrogram(2, 100)
    assert torch.equal(inside.encode(spec), vqgan.encode(spec))
    assert inside.to_bytes() == vqgan.to_bytes() and not inside.training


def test_the_fingerprint_is_that_of_the_tokenizers_bytes(written, vqgan):
    assert TokenStore(written).fingerprint == fingerprint(*vqgan.to_bytes())
    torch.manual_seed(1)
    assert fingerprint(*VQGAN(vqgan.config).to_bytes()) != fingerprint(*vqgan.to_bytes())


def test_attributes_say_how_tokens_were_made(written):
    about = TokenStore(written).attributes
    assert about["reading"] == {"crop": "start"} and about["tokenizer"]["codes"] == 32 and about["format"] == 3


def test_an_unfinished_store_is_not_loaded(tmp_path, vqgan):
    create_store(tmp_path / "t.zarr", sessions(), vqgan, {})
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    opened.write_shard(0, rows(0))
    with pytest.raises(ValueError, match=r"44 of 300 sessions are not encoded yet; run the same"):
        TokenStore(tmp_path / "t.zarr").load()


class CutOff(dict):
    """Rows of a shard whose writer dies when it comes to `last`."""

    def __init__(self, rows, last):
        super().__init__(rows)
        self.last = last

    def __getitem__(self, name):
        if name == self.last:
            raise InterruptedError
        return super().__getitem__(name)


@pytest.mark.parametrize("last", ("valid", "channel_ok", "level", "reason"))
def test_a_shard_that_was_cut_off_is_still_to_do(tmp_path, vqgan, last):
    """Status is written last: with every other array cut off before it, no row may pass for done."""
    create_store(tmp_path / "t.zarr", sessions(), vqgan, {})
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    opened.write_shard(1, rows(1))
    with pytest.raises(InterruptedError):
        opened.write_shard(0, CutOff(rows(0), last))
    status = TokenStore(tmp_path / "t.zarr").status
    assert (status[:SHARD] == TODO).all() and (status[SHARD:] != TODO).all()
    assert (opened.tokens[:SHARD] == rows(0)["tokens"]).all()  # the test did cut in the middle


def test_one_shard_leaves_the_files_of_others_alone(tmp_path, vqgan):
    create_store(tmp_path / "t.zarr", sessions(), vqgan, {})
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    opened.write_shard(0, rows(0))
    before = snapshot(tmp_path / "t.zarr")
    opened.write_shard(1, rows(1))
    after = snapshot(tmp_path / "t.zarr")
    assert all(after[name] == before[name] for name in before)
    assert sorted(set(after) - set(before)) == sorted(
        f"{k}/c/1{tail}"
        for k, tail in [
            ("tokens", "/0/0"),
            ("digest", "/0/0"),
            ("valid", "/0"),
            ("channel_ok", "/0"),
            ("level", ""),
            ("reason", "/0"),
            ("status", ""),
        ]
    )


def test_what_is_no_store_is_refused_in_one_line(tmp_path, written):
    with pytest.raises(ValueError, match=r"there is no token store here; `python -m tokenizer.encode` writes one"):
        TokenStore(tmp_path / "nowhere.zarr")
    for text in ("no json", "{}", '{"zarr_format": 3, "node_type": "array"}', '{"zarr_format": 2}'):
        (tmp_path / "bad.zarr").mkdir(exist_ok=True)
        (tmp_path / "bad.zarr" / "zarr.json").write_text(text)
        with pytest.raises(ValueError) as caught:
            TokenStore(tmp_path / "bad.zarr")
        assert "bad.zarr" in str(caught.value) and "\n" not in str(caught.value), text


def test_a_store_that_lacks_an_array_is_refused_in_one_line(tmp_path, written):
    shutil.copytree(written, tmp_path / "t.zarr")
    shutil.rmtree(tmp_path / "t.zarr" / "valid")
    with pytest.raises(ValueError, match=r"t\.zarr.*valid"):
        TokenStore(tmp_path / "t.zarr")


def test_another_format_is_refused(tmp_path, written):
    shutil.copytree(written, tmp_path / "t.zarr")
    about = json.loads((tmp_path / "t.zarr" / "zarr.json").read_text())
    about["attributes"]["format"] = store.FORMAT + 1
    (tmp_path / "t.zarr" / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"t\.zarr: store format 4, this version reads 2 and 3"):
        TokenStore(tmp_path / "t.zarr")


# ---- what is not as it was written
FILES = [
    *("zarr.json", "tokens/zarr.json", "split/zarr.json", "session_id/c/0/0", "subject_id/c/0", "split/c/0"),
    *(
        "tokenizer/c/0",
        "tokens/c/0/0/0",
        "valid/c/1/0",
        "channel_ok/c/0/0",
        "level/c/0",
        "reason/c/0/0",
        "status/c/1",
        "digest/c/0/0/0",
    ),
]


def use(path):
    """All that programs ask of a store."""
    opened = TokenStore(path)
    tokens = opened.load()
    fields = [getattr(tokens, name) for name in ("tokens", "valid", "level", "session_id", "subject_id", "split")]
    return [*opened.tokenizer.to_bytes(), opened.attributes, *fields, opened.channel_ok[:], opened.refused()]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def refusal(path, act=use):
    with pytest.raises(ValueError) as caught:
        act(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    assert "python -m tokenizer.encode" in str(caught.value)
    return str(caught.value)


@pytest.fixture
def copy(written, tmp_path):
    shutil.copytree(written, tmp_path / "t.zarr")
    return tmp_path / "t.zarr"


@pytest.mark.parametrize("name", [f for f in FILES if f != "zarr.json"])
def test_a_file_that_is_gone_is_refused_and_never_zeros(copy, name):
    (copy / name).unlink()
    said = refusal(copy)
    assert name.split("/")[0] in said or "names, subjects, splits" in said or "status" in said or "encoded yet" in said


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused(copy, name):
    whole = (copy / name).read_bytes()
    for place in (len(whole) // 3, len(whole) // 2, len(whole) - 5):
        (copy / name).write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        refusal(copy)


@pytest.mark.parametrize(
    "name", ("tokens/c/{}/0/0", "valid/c/{}/0", "channel_ok/c/{}/0", "level/c/{}", "reason/c/{}/0", "status/c/{}")
)
def test_shards_that_changed_places_are_refused(copy, name):
    """Each passes its own checksum."""
    first, second = copy / name.format(0), copy / name.format(1)
    first.rename(copy / "x")
    second.rename(first)
    (copy / "x").rename(second)
    assert "shard 0 is gone, or is not what was written" in refusal(copy)


@pytest.mark.parametrize(
    "name", ("session_id", "subject_id", "split", "tokenizer", "zarr.json", "tokens/c/0", "digest")
)
def test_a_file_of_another_store_is_refused(copy, vqgan, tmp_path, name):
    table = sessions().with_columns(pl.col("subject_id") - 7, pl.col("session_id").str.replace("Si", "si"))
    other = VQGAN(vqgan.config)
    create_store(tmp_path / "u.zarr", table.with_columns(split=pl.col("split").reverse()), other, {})
    opened = TokenStore(tmp_path / "u.zarr", writable=True)
    for shard in (0, 1):
        opened.write_shard(shard, rows(shard, seed=1))
    if (copy / name).is_dir():
        shutil.rmtree(copy / name)
        shutil.copytree(tmp_path / "u.zarr" / name, copy / name)
    else:
        shutil.copy(tmp_path / "u.zarr" / name, copy / name)
    refusal(copy)


@pytest.mark.parametrize("key", ("format", "tokenizer", "fingerprint", "reading", "digest", "descriptions"))
@pytest.mark.parametrize("value", (None, 7, "x", [], {}))
def test_attributes_that_are_not_those_written_are_refused(copy, key, value):
    group = json.loads((copy / "zarr.json").read_text())
    group["attributes"][key] = value
    (copy / "zarr.json").write_text(json.dumps(group))
    with pytest.raises(ValueError, match=r"t\.zarr: ") as caught:
        use(copy)
    assert "\n" not in str(caught.value)


def test_a_row_is_checked_with_its_shard(copy, written):
    assert (TokenStore(copy).tokens[-1] == TokenStore(written).tokens[:][299]).all()
    assert TokenStore(copy).tokens[3:7, 2].shape == (4, 128) and TokenStore(copy).valid[5:5].shape == (0, 128)
    assert (TokenStore(copy).valid[290:2:-50] == TokenStore(written).valid[:][290:2:-50]).all()
    with pytest.raises(IndexError):
        TokenStore(copy).tokens[300]
    (copy / "tokens/c/0/0/0").unlink()
    assert TokenStore(copy).tokens[299].any()
    assert "tokens is damaged or incomplete (shard 0" in refusal(copy, lambda path: TokenStore(path).tokens[3])


@pytest.mark.parametrize("name", ("tokens/c/1/0/0", "valid/c/1/0", "level/c/1", "status/c/1", "digest/c/1/0/0"))
@pytest.mark.parametrize("how", ("gone", "cut"))
def test_a_damaged_shard_is_to_do_and_can_be_written_again(copy, written, name, how):
    data = (copy / name).read_bytes()
    (copy / name).unlink() if how == "gone" else (copy / name).write_bytes(data[:9])
    opened = TokenStore(copy, writable=True)
    assert opened.to_do() == [1]
    opened.write_shard(1, rows(1))
    assert opened.to_do() == [] and same(use(copy), use(written))


def to_format_2(path):
    """What format 2 wrote: no level, so one digest less for each shard, and other descriptions."""
    kept = [i for i, name in enumerate(store.ROWS) if name != "level"]
    group, digests = zarr.open_group(path, mode="r+"), TokenStore(path)._arrays["digest"][:]
    arrays = {name: group[name][:] for name in store.ROWS if name != "level"}
    shutil.rmtree(path / "level")
    shutil.rmtree(path / "digest")
    shape = (len(digests), len(kept), digests.shape[2])
    made = group.create_array("digest", shape=shape, dtype="uint8", chunks=(1, *shape[1:]), fill_value=0)
    names = [*arrays, *store.FIXED, "digest"]
    about = {k: v for k, v in group.attrs.items() if k != "digest"}
    about |= {"format": 2, "descriptions": description_digest(path, names)}
    fixed = {name: group[name][:] for name in store.FIXED}
    group.attrs.update(about | {"digest": store_digest(about, fixed)})
    own, size = group.attrs["digest"], SHARD
    for shard in range(len(digests)):
        rows_of = {name: values[shard * size : (shard + 1) * size] for name, values in arrays.items()}
        made[shard] = np.stack([shard_digest(own, name, shard, values) for name, values in rows_of.items()])


def test_a_store_of_format_2_is_read_checked_and_continued(copy, written):
    to_format_2(copy)
    old, new = TokenStore(copy, writable=True), TokenStore(written)
    assert old.attributes["format"] == 2 and np.isnan(old.level).all() and len(old.level) == N
    loaded = old.load()
    assert np.array_equal(loaded.tokens, new.load().tokens) and np.isnan(loaded.level).all()
    assert loaded.level.dtype == np.float32 and old.to_do() == [] and same([old.refused()], [new.refused()])
    old.write_shard(1, rows(1, seed=1))
    assert TokenStore(copy).to_do() == [] and not (copy / "level").exists()
    (copy / "valid/c/0/0").unlink()
    assert TokenStore(copy).to_do() == [0] and "shard 0 is gone" in refusal(copy)


def test_rows_that_are_not_done_have_no_level(tmp_path, vqgan):
    create_store(tmp_path / "t.zarr", sessions(30), vqgan, {}, shard=16)
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    opened.write_shard(0, {k: v[:16] for k, v in rows(0).items()})
    assert np.isnan(opened.level).nonzero()[0].tolist() == [7, *range(16, 30)]


# ---- one writer for a shard
HOLD = "import sys; from tokenizer.store import TokenStore; s = TokenStore(sys.argv[1], writable=True); \
print(s.claim([int(n) for n in sys.argv[2:]]), flush=True); sys.stdin.read()"


@contextlib.contextmanager
def holding(path, *shards):
    """Another process that claims `shards`, says whether it got them, and holds them until it is killed."""
    command = [sys.executable, "-c", HOLD, str(path), *map(str, shards)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip() == "True"
    finally:
        process.kill()
        process.wait()


def test_a_shard_has_one_writer_and_is_free_when_that_is_killed(tmp_path, vqgan):
    create_store(tmp_path / "t.zarr", sessions(30), vqgan, {}, shard=4)
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    with holding(tmp_path / "t.zarr", 1, 3) as got:
        assert got and opened.claim([0, 2, 7]) and not opened.claim([0, 3])
        with holding(tmp_path / "t.zarr", 0, 2) as others:
            assert others  # the refused claim let go of what it had taken, and of what was claimed before
    assert opened.claim([0, 1, 2, 3])
    with holding(tmp_path / "t.zarr", 4) as got:
        assert got
    with holding(tmp_path / "t.zarr", 4, 3) as got:
        assert not got


def test_reading_a_store_does_not_free_its_shards(tmp_path, vqgan):
    """Record locks of a file end when the process closes that file, however it came to open it."""
    create_store(tmp_path / "t.zarr", sessions(30), vqgan, {}, shard=4)
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    assert opened.claim([2])
    other = TokenStore(tmp_path / "t.zarr")
    snapshot(tmp_path / "t.zarr" / "tokens")
    assert len(other.status) == 30 and other.refused() == {} and other.to_do() == list(range(8))
    opened.write_shard(2, {k: v[:4] for k, v in rows(0).items()})
    with holding(tmp_path / "t.zarr", 2) as got:
        assert not got


def test_shards_are_as_large_as_the_store_says(tmp_path, vqgan):
    create_store(tmp_path / "t.zarr", sessions(30), vqgan, {}, shard=4)
    opened = TokenStore(tmp_path / "t.zarr", writable=True)
    opened.write_shard(7, {k: v[:2] for k, v in rows(0).items()})
    assert opened.shard == 4 and opened.to_do() == list(range(7))
    assert (opened.tokens[28:] == rows(0)["tokens"][:2]).all() and (opened.tokens[:28] == 0).all()
    assert set(dict(opened.group.arrays())) >= {"tokens", "valid", "status"}


def test_a_store_that_is_there_is_not_made_again(tmp_path, vqgan):
    create_store(tmp_path / "t.zarr", sessions(30), vqgan, {})
    before = snapshot(tmp_path / "t.zarr")
    with pytest.raises(OSError) as caught:
        create_store(tmp_path / "t.zarr", sessions(31), vqgan, {})
    assert caught.value.errno == errno.ENOTEMPTY and snapshot(tmp_path / "t.zarr") == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.zarr"]
