"""The public model: whatever goes in, the same session gives the same embedding."""

import numpy as np
import pytest
import torch

import clef
import tokenizer
from tests.helpers import must, run
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore
from tokenizer.vqgan import VQGAN

WIDTH = 32


@pytest.fixture(scope="module")
def model(tiny_align):
    return clef.load(tiny_align)


@pytest.fixture(scope="module")
def recording(tiny_cohort):
    return tiny_cohort / read_sessions(tiny_cohort)["path"][3]


def test_a_recording_gives_one_embedding(model, recording):
    found = model.embed(recording)
    assert found.shape == (1, 2 * 16) and found.dtype == np.float32 and np.isfinite(found).all()
    assert model.embed(recording, pool="rows+sd").shape == (1, 2 * 16 * WIDTH)
    assert np.array_equal(found, model.embed(str(recording)))
    assert model.embed(recording, pool="mean").shape == (1, WIDTH)


def test_a_store_gives_the_embeddings_of_its_recordings(model, tiny_store, tiny_cohort):
    found = model.embed(TokenStore(tiny_store))
    table = read_sessions(tiny_cohort)
    assert found.shape == (len(table), 2 * 16)
    for i in (0, 3, 17, 35):
        np.testing.assert_allclose(model.embed(tiny_cohort / table["path"][i])[0], found[i], atol=1e-5)
    assert np.abs(found[0] - found[3]).max() > 1e-3  # and they differ


def test_tokens_gives_the_state_of_every_token(model, recording, tiny_store):
    states = model.embed(recording, tokens=True)
    assert states.shape == (1, 2048, WIDTH)
    valid = model.tokenise(recording).valid[0]
    grid = states.reshape(16, 128, WIDTH)
    assert 2 <= valid.sum() < 128 and (grid[:, ~valid] == 0).all() and (np.abs(grid[:, valid]).sum(-1) > 0).all()
    np.testing.assert_allclose(grid[:, valid].mean(1).reshape(1, -1), model.embed(recording, pool="rows"), atol=1e-5)


def test_session_and_mne_raw_give_the_embedding_of_their_file(model, tmp_path):
    mne = pytest.importorskip("mne")
    path = write_edf(tmp_path / "a.edf", eeg(35, seed=4))
    plain = model.embed(path)
    np.testing.assert_allclose(model.embed(tokenizer.read(path)), plain, atol=1e-6)
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    tokens, of_raw = model.tokenise(path).tokens, model.tokenise(raw).tokens
    assert (tokens == of_raw).mean() > 0.999  # the reader scales in another order
    np.testing.assert_allclose(model.embed(raw), plain, atol=0.05)


def test_a_model_is_loaded_from_the_run_its_model_folder_and_a_string(tiny_align, recording):
    found = [clef.load(path).embed(recording) for path in (tiny_align, tiny_align / "model", str(tiny_align))]
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_texts_are_unit_vectors_and_similarity_their_cosine(model, recording, tiny_store):
    texts = ["generalised slowing", "normal recording", ""]
    vectors = model.text(texts)
    assert vectors.shape == (3, 16) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    store = TokenStore(tiny_store)
    found = model.similarity(store, texts)
    assert found.shape == (36, 3) and np.abs(found).max() <= 1 + 1e-5
    np.testing.assert_allclose(model.similarity(model.embed(store), texts), found, atol=1e-6)
    with torch.no_grad():
        projected = model.heads.to_report(torch.from_numpy(model.embed(recording, pool="rows")))[0].numpy()
    plain = projected @ vectors.T / np.linalg.norm(projected)
    np.testing.assert_allclose(model.similarity(recording, texts)[0], plain, atol=1e-5)


def test_a_model_of_stage_recon_embeds_and_refuses_text_in_one_line(tiny_recon, recording):
    model = clef.load(tiny_recon)
    assert model.embed(recording).shape == (1, 2 * 16 * WIDTH) and model.heads is None
    for call in (lambda: model.text(["x"]), lambda: model.similarity(recording, ["x"])):
        with pytest.raises(ValueError, match=r"no alignment heads; train them with") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_the_store_of_another_tokenizer_is_refused(model, tiny_cohort, tiny_tokenizer, tmp_path):
    other = VQGAN.from_pretrained(str(tiny_tokenizer / "model" / "tokenizer"))
    other.codebook.vectors.copy_(other.codebook.vectors.flip(0))
    other.save_pretrained(tmp_path / "other")
    settings = {"cohort": tiny_cohort, "tokenizer": tmp_path / "other", "workers": 0, "out": tmp_path / "t.zarr"}
    must(run(tmp_path / "said", "tokenizer.encode", **settings))
    with pytest.raises(ValueError, match=r"t\.zarr: made with tokenizer .* the model was trained on tokens of"):
        model.embed(TokenStore(tmp_path / "t.zarr"))


def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path, tiny_tokenizer):
    for path in (tmp_path, tmp_path / "nowhere", tiny_tokenizer):
        with pytest.raises(ValueError, match=r"no encoder here; give the folder of a finished"):
            clef.load(path)


def test_what_is_no_recording_is_refused_in_one_line(model, tmp_path):
    (tmp_path / "text.edf").write_text("this is no EDF")
    for path in (tmp_path / "text.edf", tmp_path / "nowhere.edf"):
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            model.embed(path)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)


def test_controls_have_no_training_in_them(model, tiny_recon, tiny_store):
    sessions = model.tokenise(TokenStore(tiny_store))
    untrained = model.embed_tokens(sessions, kind="untrained")
    assert np.array_equal(untrained, clef.load(tiny_recon).embed_tokens(sessions, kind="untrained"))
    assert np.abs(untrained - model.embed_tokens(sessions)).max() > 1e-3
    codes = model.embed_tokens(sessions, kind="codes")
    vectors = model.encoder.codes.numpy()
    i = 5
    plain = vectors[sessions.tokens[i][:, sessions.valid[i]].astype(int)].mean(1).ravel()
    np.testing.assert_allclose(codes[i], plain, atol=1e-5)
