"""clef-open, the model where none is named: found wherever CLEF is, and used where no model is named."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

import clef
from clef import embed, inpaint, view
from clef.bundle import NAME, bundled, model_folder
from clef.embeddings import read_embeddings
from clef.search import __main__ as search
from tests.test_packaging import PACKAGES, copy_packages
from tokenizer.edf.writer import eeg, write_edf

SAY_WHERE = "import site; site.addsitedir({!r}); from clef.bundle import bundled; print(bundled())"


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    monkeypatch.setattr("clef.bundle.FOLDER", tmp_path / "no weights")


@pytest.fixture
def weights(monkeypatch, tiny_align):
    """The tiny aligned model where the weights of clef-open are."""
    monkeypatch.setattr("clef.bundle.FOLDER", tiny_align / "model")
    return tiny_align / "model"


@pytest.fixture
def recordings(tmp_path):
    (tmp_path / "r").mkdir()
    write_edf(tmp_path / "r" / "a.edf", eeg(20))
    return tmp_path / "r"


# ---- where it is
@pytest.mark.parametrize("layout", ["checkout", "wheel", "editable"])
def test_the_weights_are_found_from_another_folder(layout, tmp_path):
    """As the current folder, in site-packages, and through the .pth file of an editable install."""
    site = tmp_path / "site"
    home = site if layout == "wheel" else tmp_path / "home"
    copy_packages(home, *PACKAGES)
    shutil.rmtree(home / "clef" / "weights", ignore_errors=True)
    (home / "clef" / "weights" / NAME / "encoder").mkdir(parents=True)
    site.mkdir(exist_ok=True)
    if layout == "editable":
        (site / "clef_eeg.pth").write_text(f"{home}\n")
    # -S: no site-packages but this one, so that no other installation of CLEF is seen
    command = [sys.executable, "-S", "-c", SAY_WHERE.format(str(site))]
    done = subprocess.run(
        command, cwd=home if layout == "checkout" else tmp_path, env={}, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(home / "clef" / "weights" / NAME), done.stderr


def test_a_copy_without_weights_says_how_to_get_them(no_weights, recordings, tmp_path):
    for ask in (clef.load, lambda: clef.load(NAME), bundled, clef.EEGEmbedder()._opened):
        with pytest.raises(ValueError, match=r"no clef-open .*model=RUN.*make open DATA=DIR") as caught:
            ask()
        assert "\n" not in str(caught.value)
    out = tmp_path / "e.parquet"
    with pytest.raises(ValueError, match="no clef-open"):
        embed.main(embed.EmbedConfig(recordings=str(recordings), out=str(out)))
    assert not out.exists()


def test_a_folder_of_that_name_comes_first(weights, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert model_folder(NAME) == weights
    (tmp_path / NAME).mkdir()
    assert str(model_folder(NAME)) == NAME and str(model_folder("RUN")) == "RUN"


# ---- what asks for a model and is given none
def test_load_without_argument_is_the_bundled_model(weights):
    model = clef.load()
    assert model.fingerprint == clef.load(weights).fingerprint == clef.load(NAME).fingerprint
    assert clef.EEGEmbedder()._opened().fingerprint == model.fingerprint


def test_embed_needs_no_model(weights, recordings, tmp_path, caplog):
    caplog.set_level("INFO")
    out = tmp_path / "e.parquet"
    assert embed.main(embed.EmbedConfig(recordings=str(recordings), out=str(out))) == 0
    embeddings = read_embeddings(out)
    np.testing.assert_array_equal(embeddings.vectors, clef.load(weights).embed(recordings))
    assert embeddings.model == clef.load().fingerprint and "no model named: clef-open" in caplog.text


def test_pages_and_search_need_no_model(weights, recordings, tiny_store, tmp_path, capsys):
    file, out = str(recordings / "a.edf"), str(tmp_path / "e.parquet")
    embed.main(embed.EmbedConfig(tokens=str(tiny_store), out=out))
    page = tmp_path / "page.html"
    view.main(view.ViewConfig(str(page), file, embeddings=out))
    assert "tokenizer" in page.read_text() and "earest" in page.read_text()
    search.main(search.SearchConfig(query="spikes", tokens=str(tiny_store), top=1, out=None))
    assert "spikes" in capsys.readouterr().out
    inpaint.check(inpaint.InpaintConfig(out=str(tmp_path / "i"), recording=file, hertz=[8, 14]))


def test_view_draws_the_tokens_of_a_model_called_by_its_name(weights, recordings, tmp_path):
    page = tmp_path / "page.html"
    view.main(view.ViewConfig(str(page), str(recordings / "a.edf"), model=NAME))
    assert f"tokenizer {clef.load().encoder.about['tokenizer']}" in page.read_text()
