"""What a model embeds: every kind of source, alone and in lists, in the order given; nothing is lost without a word."""

import shutil

import mne
import numpy as np
import polars as pl
import pytest

import clef
import tokenizer
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.recording import RecordingError
from tokenizer.sessions import read_sessions, write_sessions
from tokenizer.store import DONE, REFUSED, TokenStore, create_store, text_bytes

RATE = 200


@pytest.fixture(scope="module")
def model(tiny_align):
    return clef.load(tiny_align)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three recordings of 35, 40 and 45 s in two folders, and a text."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "ward").mkdir()
    write_edf(folder / "b.edf", eeg(35, seed=1))
    write_edf(folder / "ward" / "a.edf", eeg(40, seed=2))
    write_edf(folder / "ward" / "b.edf", eeg(45, seed=3))
    (folder / "notes.txt").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def files(archive):
    return [archive / name for name in ("b.edf", "ward/a.edf", "ward/b.edf")]


@pytest.fixture(scope="module")
def vectors(model, files):
    """What the three recordings give one by one."""
    return np.concatenate([model.embed(file) for file in files])


@pytest.fixture(scope="module")
def raw(files):
    return mne.io.read_raw_edf(files[0], preload=True, verbose="error")


@pytest.fixture
def damaged(archive, tmp_path):
    """The archive with a file that is no recording between the others."""
    shutil.copytree(archive, tmp_path / "damaged")
    (tmp_path / "damaged" / "c.edf").write_text("this is no EDF")
    return tmp_path / "damaged"


# ---- lists and folders
def test_a_folder_and_lists_give_a_row_for_every_recording_in_order(model, archive, files, vectors):
    assert len(np.unique(vectors.round(4), axis=0)) == 3
    names = [str(file) for file in files]
    for source in (archive, str(archive), files, tuple(names), np.array(names), pl.Series(names)):
        np.testing.assert_array_equal(model.embed(source), vectors)
    np.testing.assert_array_equal(model.embed([files[2], archive / "ward", files[0]]), vectors[[2, 1, 2, 0]])


def test_workers_change_nothing(model, files, vectors):
    np.testing.assert_array_equal(model.embed(files * 2, workers=1), np.tile(vectors, (2, 1)))


def test_a_list_may_hold_all_kinds(model, files, vectors, raw, tiny_store):
    session, store = tokenizer.read(files[1]), TokenStore(tiny_store)
    rows = model.embed([session, files[0], store, raw, tiny_store, files[2]])
    assert rows.shape == (4 + 2 * 36, vectors.shape[1])
    np.testing.assert_array_equal(rows[[0, 1, -1]], vectors[[1, 0, 2]])
    np.testing.assert_array_equal(rows[2:38], model.embed(store))
    np.testing.assert_array_equal(rows[38:39], model.embed(raw))
    np.testing.assert_array_equal(rows[39:75], rows[2:38])


def test_a_cohort_gives_its_sessions_in_the_order_of_its_table(model, tiny_cohort, tiny_store, tmp_path):
    table = read_sessions(tiny_cohort)[[7, 3, 30]]
    write_sessions(tmp_path, table.with_columns(path=pl.lit(f"{tiny_cohort}/") + pl.col("path")))
    embeddings = model.embeddings(tmp_path)
    assert embeddings.session_id == table["session_id"].to_list()
    np.testing.assert_allclose(embeddings.vectors, model.embed(tiny_store)[[7, 3, 30]], atol=1e-5)


def test_token_states_of_many(model, files):
    states = model.embed(files[:2], tokens=True)
    assert states.shape == (2, 2048, 32)
    np.testing.assert_array_equal(states[1:], model.embed(files[1], tokens=True))


# ---- numbers in memory
def test_an_array_is_the_raw_it_came_from(model, raw):
    of_raw, volts = model.embed(raw), raw.get_data()
    stated = {"rate": RATE, "channels": raw.ch_names}
    np.testing.assert_array_equal(model.embed(volts, unit="V", **stated), of_raw)
    np.testing.assert_allclose(model.embed(volts * 1e6, **stated), of_raw, atol=1e-5)
    single = model.embed((volts * 1e6).astype(np.float32), **stated)
    np.testing.assert_allclose(single, of_raw, atol=1e-5)
    rows = model.embed([volts, raw, volts], unit="V", **stated)
    np.testing.assert_array_equal(rows, np.tile(of_raw, (3, 1)))
    np.testing.assert_array_equal(model.embed(np.stack([volts, volts]), unit="V", **stated), rows[:2])


def test_each_epoch_is_a_session(model, raw):
    epochs = mne.make_fixed_length_epochs(raw, 12, preload=True, verbose="error")
    rows = model.embed(epochs)
    assert rows.shape == (2, 2 * 16) and np.abs(rows[0] - rows[1]).max() > 1e-3
    second = raw.copy().crop(12, 24, include_tmax=False)
    np.testing.assert_allclose(rows[1:], model.embed(second), atol=1e-5)
    assert model.embeddings(epochs).session_id == ["session 1", "session 2"]


def test_epochs_too_short_to_be_sessions_are_refused(model, raw):
    epochs = mne.make_fixed_length_epochs(raw, 2, preload=True, verbose="error")
    with pytest.raises(RecordingError, match=r"session 1: 2\.0 s of signal; expected at least 10 s") as caught:
        model.embed(epochs)
    assert "\n" not in str(caught.value)
    with pytest.raises(RecordingError, match="session 1: no 10 s of it are at least half real signal"):
        model.embed(epochs, min_seconds=1)


ODD_ARRAYS = {
    "nothing said": (eeg(12), {}, r"an array \(19, 2400\) does not say what it is; give rate= in Hz and channels="),
    "no channels": (eeg(12), {"rate": RATE}, "give rate= in Hz and channels="),
    "turned": (eeg(12).T, {"rate": RATE, "channels": CHANNELS}, r"\(2400, 19\) for 19 channel names; .* turn it"),
    "too few names": (eeg(12), {"rate": RATE, "channels": CHANNELS[:4]}, r"\(19, 2400\) for 4 channel names"),
    "a string of names": (eeg(12), {"rate": RATE, "channels": "Fp1"}, "expected a list of channel names"),
    "no electrodes": (
        eeg(12),
        {"rate": RATE, "channels": [f"x{i}" for i in range(19)]},
        "not named after electrodes; expected Fp1",
    ),
    "rate 0": (eeg(12), {"rate": 0, "channels": CHANNELS}, "rate=0: expected a sampling rate in Hz"),
    "a word for a rate": (eeg(12), {"rate": "256", "channels": CHANNELS}, "rate='256': expected a sampling rate"),
    "no unit": (eeg(12), {"rate": RATE, "channels": CHANNELS, "unit": "volts"}, "unit=volts: expected one of uV"),
    "V taken for µV": (
        eeg(12) / 1e6,
        {"rate": RATE, "channels": CHANNELS},
        "probably not in the stated unit; give uni",
    ),
    "NaN": (np.where(eeg(12) > 40, np.nan, eeg(12)), {"rate": RATE, "channels": CHANNELS}, "samples that are not numb"),
    "complex": (eeg(12) * 1j, {"rate": RATE, "channels": CHANNELS}, "an array of complex128; expected real numbers"),
    "one channel": (eeg(12)[0], {"rate": RATE, "channels": CHANNELS}, r"an array \(2400,\) for 19 channel names"),
}


@pytest.mark.parametrize("name", ODD_ARRAYS)
def test_an_array_that_cannot_be_eeg_is_refused_in_one_line(model, name):
    samples, stated, words = ODD_ARRAYS[name]
    with pytest.raises(ValueError, match=words) as caught:
        model.embed(samples, **stated)
    assert "\n" not in str(caught.value)


# ---- what cannot be used
def test_one_bad_recording_stops_a_folder_and_is_named(model, damaged):
    with pytest.raises(RecordingError, match=r"^c\.edf: .*; or on_error='nan' for a row of NaN in its place$"):
        model.embed(damaged)
    with pytest.raises(RecordingError) as caught:
        model.embed(damaged / "c.edf")
    assert "on_error" not in str(caught.value)


def test_or_it_keeps_its_place_as_a_row_of_nan(model, damaged, vectors, caplog):
    rows = model.embed(damaged, on_error="nan")
    np.testing.assert_array_equal(rows[[0, 2, 3]], vectors)
    assert np.isnan(rows[1]).all() and caplog.messages[0].startswith("no embedding: c.edf: ")
    states = model.embed(damaged, on_error="nan", tokens=True)
    assert np.isnan(states[1]).all() and not np.isnan(states[[0, 2, 3]]).any()
    nothing = model.embed([damaged / "c.edf", damaged / "gone.edf"], on_error="nan", pool="mean")
    assert nothing.shape == (2, 32) and np.isnan(nothing).all()


def test_refused_sessions_of_a_store_are_not_lost_either(model, tiny_cohort, tmp_path):
    table = read_sessions(tiny_cohort)[:3]
    create_store(tmp_path / "t.zarr", table, model.vqgan, {})
    store = TokenStore(tmp_path / "t.zarr", writable=True)
    rows = {"status": np.array([DONE, REFUSED, DONE], np.uint8), "tokens": np.full((3, 16, 128), 5, np.uint16)}
    rows |= {"valid": np.full((3, 128), [[1], [0], [1]], np.float16), "channel_ok": np.ones((3, 19), bool)}
    rows |= {
        "level": np.array([3, np.nan, -4]),
        "reason": np.stack([text_bytes(r, 240) for r in ("", "too short", "")]),
    }
    store.write_shard(0, rows)
    name = table["session_id"][1]
    with pytest.raises(RecordingError, match=f"^{name}: too short; or on_error='nan'"):
        model.embed(tmp_path / "t.zarr")
    rows = model.embed(tmp_path / "t.zarr", on_error="nan")
    assert np.isnan(rows).any(1).tolist() == [False, True, False]
    kept = model.embeddings(tmp_path / "t.zarr", on_error="skip")
    assert kept.session_id == table["session_id"].gather([0, 2]).to_list() and len(kept.vectors) == 2
    assert model.tokenise(store).level.tolist() == [3, -4]
    create_store(tmp_path / "empty.zarr", table, model.vqgan, {})
    with pytest.raises(ValueError, match="3 of 3 sessions are not encoded yet"):
        model.embed(tmp_path / "empty.zarr", on_error="nan")


ODD_SOURCES = {
    "a number": (5, "cannot embed an object of type int; expected a path, a folder"),
    "nothing": (None, "cannot embed an object of type NoneType"),
    "a table": (pl.DataFrame({"file": ["a.edf"]}), "cannot embed an object of type polars DataFrame"),
    "a set": ({"a.edf"}, "cannot embed an object of type set"),
    "an empty list": ([], "nothing to embed: an empty list; expected a path"),
    "a list in a list": ([["a.edf"]], "cannot embed an object of type list"),
    "numbers in a list": ([1.5, 2.5], "cannot embed an object of type float"),
}


@pytest.mark.parametrize("name", ODD_SOURCES)
def test_what_is_no_source_is_refused_in_one_line(model, name):
    source, words = ODD_SOURCES[name]
    with pytest.raises(ValueError, match=words) as caught:
        model.embed(source)
    assert "\n" not in str(caught.value)


def test_wrong_arguments_are_refused_in_one_line(model, files, tmp_path):
    with pytest.raises(ValueError, match=r"no recording in this folder; looked for .*edf"):
        model.embed(tmp_path)
    with pytest.raises(RecordingError, match=r"gone\.edf: there is no such file; check the path"):
        model.embed(tmp_path / "gone.edf")
    with pytest.raises(ValueError, match="channels= names the rows of an array, and no array was given"):
        model.embed(files[0], channels=CHANNELS)
    with pytest.raises(ValueError, match="on_error='ignore': expected 'raise' or 'nan'"):
        model.embed(files[0], on_error="ignore")
    with pytest.raises(ValueError, match="pool=row: expected auto or rows or"):
        model.embed(files[0], pool="row")
    with pytest.raises(TypeError, match="there is no argument 'units'; how recordings are read say: crop, mains"):
        model.embed(files[0], units="V")
    with pytest.raises(ValueError, match=r"e\.parquet: a table, not a recording; `similarity` takes embedding files"):
        model.embed(tmp_path / "e.parquet")


# ---- embeddings, with names
def test_embeddings_name_their_rows_and_can_be_written(model, archive, files, vectors, tmp_path):
    ours = model.embeddings(archive, name="mine")
    assert ours.session_id == ["b.edf", "ward/a.edf", "ward/b.edf"] and ours.name == "mine"
    np.testing.assert_array_equal(ours.vectors, vectors)
    assert model.embeddings([files[2], files[1]]).session_id == ["b.edf", "a.edf"]
    assert model.embeddings([files[2], tokenizer.read(files[0])]).session_id == ["b.edf", "session 2"]
    assert ours.trained_on == model.encoder.about["trained_on"] and ours.trained_on["train"]
    write_embeddings(tmp_path / "mine.parquet", ours)
    assert read_embeddings(tmp_path / "mine.parquet").config["pool"] == "rows"
    with pytest.raises(ValueError, match=r"^b\.edf: given twice; expected every session once"):
        model.embeddings([files[0], files[0]])


def test_embeddings_leave_out_only_when_told_to(model, damaged, caplog):
    with pytest.raises(RecordingError, match=r"^c\.edf: "):
        model.embeddings(damaged)
    assert model.embeddings(damaged, on_error="skip").session_id == ["b.edf", "ward/a.edf", "ward/b.edf"]
    assert "c.edf" in caplog.text
    with pytest.raises(ValueError, match="none of 1 sessions could be used; the first: "):
        model.embeddings([damaged / "c.edf"], on_error="skip")


# ---- similarity
def test_similarity_takes_what_embed_takes_and_its_own_vectors(model, archive, raw, tmp_path):
    texts = ["generalised slowing", "normal recording"]
    scores = model.similarity(archive, texts)
    assert scores.shape == (3, 2)
    ours = model.embeddings(archive)
    write_embeddings(tmp_path / "mine.parquet", ours)
    for known in (
        ours,
        ours.vectors,
        ours.vectors.astype(float),
        tmp_path / "mine.parquet",
        str(tmp_path / "mine.parquet"),
    ):
        np.testing.assert_allclose(model.similarity(known, texts), scores, atol=1e-6)
    volts = model.similarity(raw.get_data(), texts, rate=RATE, channels=raw.ch_names, unit="V")
    np.testing.assert_allclose(volts, model.similarity(raw, texts), atol=1e-6)


def test_vectors_of_another_model_are_not_compared_with_texts(model, tiny_recon, archive, tmp_path):
    recon = clef.load(tiny_recon).embeddings(archive, name="recon")
    with pytest.raises(ValueError, match=r"^recon: embeddings of model \w+, this one is \w+; embed the sessions"):
        model.similarity(recon, ["x"])
    other = Embeddings(["a"], np.ones((1, 512), np.float32), "theirs")
    with pytest.raises(ValueError, match=r"^theirs: embeddings of model unknown"):
        model.similarity(other, ["x"])
    mean = model.embeddings(archive, pool="mean")
    with pytest.raises(ValueError, match=r"embeddings with pool=mean; texts are compared with pool=rows"):
        model.similarity(mean, ["x"])
    with pytest.raises(
        ValueError, match=r"an array \(19, 2400\); expected vectors of this model, \(n, D\) with D one of 16, 32, 512"
    ):
        model.similarity(eeg(12), ["x"])
    with pytest.raises(ValueError, match="there is no such embedding file"):
        model.similarity(tmp_path / "gone.parquet", ["x"])
