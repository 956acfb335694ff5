"""clef.embed: what the program writes is what the function returns, from a store and from recordings."""

import numpy as np
import pytest

import clef
from clef.embeddings import read_embeddings
from tests.helpers import must, run
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.store import TokenStore


def test_the_program_writes_what_the_function_returns(tiny_align, tiny_store, tmp_path):
    model = clef.load(tiny_align)
    settings = {"model": tiny_align, "out": tmp_path / "e.parquet"}
    must(run(tmp_path / "said", "clef.embed", tokens=tiny_store, **settings))
    embeddings = read_embeddings(tmp_path / "e.parquet")
    assert embeddings.session_id == TokenStore(tiny_store).session_id.tolist() and embeddings.model == model.fingerprint
    np.testing.assert_allclose(embeddings.vectors, model.embed(TokenStore(tiny_store)), atol=1e-5)
    assert set(embeddings.trained_on) == {"train", "val"} and embeddings.config["pool"] == "rows"
    (tmp_path / "r").mkdir()
    write_edf(tmp_path / "r" / "good.edf", eeg(20))
    (tmp_path / "r" / "bad.edf").write_text("no EDF")
    done = run(tmp_path / "said", "clef.embed", recordings=tmp_path / "r", **settings)
    assert done.code == 1 and "left out bad.edf" in done.err and "Traceback" not in done.err
    assert read_embeddings(tmp_path / "e.parquet").session_id == ["good.edf"]


@pytest.mark.parametrize("workers", [0, 2])
def test_recordings_are_read_by_processes_in_order_and_a_bad_one_is_left_out(tiny_align, tmp_path, workers):
    (tmp_path / "r").mkdir()
    names = [f"{i}.edf" for i in range(6)]
    for i, name in enumerate(names):
        write_edf(tmp_path / "r" / name, eeg(12 + i, seed=i))
    (tmp_path / "r" / "3.edf").write_text("no EDF")
    settings = {"model": tiny_align, "recordings": tmp_path / "r", "out": tmp_path / "e.parquet", "workers": workers}
    done = run(tmp_path / "said", "clef.embed", **settings)
    assert done.code == 1 and "left out 3.edf" in done.err
    embeddings, model = read_embeddings(tmp_path / "e.parquet"), clef.load(tiny_align)
    assert embeddings.session_id == [name for name in names if name != "3.edf"]
    alone = np.concatenate([model.embed(tmp_path / "r" / name) for name in embeddings.session_id])
    np.testing.assert_array_equal(embeddings.vectors, alone)


def test_what_is_to_be_embedded_is_said_once(tiny_align, tiny_store, tmp_path):
    settings = {"model": tiny_align, "out": tmp_path / "e.parquet"}
    for more in ({}, {"tokens": tiny_store, "recordings": tmp_path}):
        done = run(tmp_path / "said", "clef.embed", **settings, **more)
        assert done.code == 2 and done.one_line and "give either tokens=STORE or recordings=DIR" in done.err
