"""clef.view: a page of a recording and of a session, opened in a browser; mistakes in one line; nobody's name."""

import numpy as np
import pytest
from markupsafe import escape

from clef.cohort import Cohort
from clef.embeddings import Embeddings, write_embeddings
from clef.model import load
from clef.readout import Readout
from clef.view import ViewConfig, main
from tests.browser import Browser, chromium
from tokenizer.base.cli import ConfigError
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore


@pytest.fixture(scope="module")
def embedded(tiny_recon, tiny_store, tmp_path_factory):
    """The tiny cohort's embeddings, as clef.embed writes them."""
    model, sessions = load(tiny_recon), TokenStore(tiny_store).load()
    vectors = model.embed_tokens(sessions, "rows")
    file = tmp_path_factory.mktemp("embedded") / "e.parquet"
    about = model.about("trained", Readout(pool="rows"))
    write_embeddings(file, Embeddings(sessions.session_id.tolist(), vectors, "e", model.fingerprint, about))
    return file


def test_a_session_of_a_cohort_opens_and_loads_nothing(tiny_recon, tiny_cohort, embedded, tmp_path, caplog):
    chromium()
    session = read_sessions(tiny_cohort)["session_id"][0]
    out, given = tmp_path / "page.html", {"model": str(tiny_recon), "embeddings": str(embedded)}
    caplog.set_level("INFO")
    main(ViewConfig(str(out), cohort=str(tiny_cohort), session=session, **given))
    assert "MB" in caplog.text and out.stat().st_size < 1.5e6
    with Browser() as browser:
        browser.open(out)
        assert browser.complaints == [] and browser.requests == []
        assert browser.run("document.querySelector('h1').textContent") == session
        assert browser.run("[...document.images].every(i => i.naturalWidth > 800)") is True
        assert browser.run("document.images.length") == 3
        assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
        words = browser.run("document.body.innerText")
    assert "text of reports" not in words  # nobody asked for it
    assert "Nearest sessions" in words and "Synthetic data" in words and "Research only" in words


def test_a_recording_is_embedded_as_the_file_was_and_not_named(tiny_recon, tiny_cohort, embedded, tmp_path):
    row = read_sessions(tiny_cohort).row(0, named=True)
    named = tmp_path / "Planted-Name.edf"
    named.write_bytes((tiny_cohort / row["path"]).read_bytes())
    config = ViewConfig(str(tmp_path / "page.html"), str(named), model=str(tiny_recon), embeddings=str(embedded))
    assert main(config) is None
    text = (tmp_path / "page.html").read_text()
    assert "Planted" not in text and str(tmp_path) not in text and "<h1>EEG session</h1>" in text
    assert f"<td>{row['session_id']}</td><td>1.000</td>" in text  # itself, in the file


def test_reports_of_nearest_sessions_are_shown_if_asked_for(tiny_recon, tiny_cohort, embedded, tmp_path):
    session = read_sessions(tiny_cohort)["session_id"][0]
    given = {"model": str(tiny_recon), "embeddings": str(embedded), "cohort": str(tiny_cohort), "session": session}
    main(ViewConfig(str(tmp_path / "page.html"), **given, reports=True))
    text = (tmp_path / "page.html").read_text()
    texts = dict(Cohort(tiny_cohort).reports.select("session_id", "text").iter_rows())
    shown = [name for name, words in texts.items() if words and str(escape(words)) in text]
    assert "This page holds text of reports" in text and shown and session not in shown
    main(ViewConfig(str(tmp_path / "page.html"), **given))
    text = (tmp_path / "page.html").read_text()
    assert "text of reports" not in text and not any(str(escape(words)) in text for words in texts.values() if words)


def test_another_models_embeddings_are_refused(tiny_recon, tiny_cohort, tmp_path):
    write_embeddings(tmp_path / "e.parquet", Embeddings(["a", "b"], np.eye(2), "e", "another"))
    out, file = tmp_path / "page.html", str(tiny_cohort / read_sessions(tiny_cohort)["path"][0])
    config = ViewConfig(str(out), file, model=str(tiny_recon), embeddings=str(tmp_path / "e.parquet"))
    with pytest.raises(ConfigError, match=r"made by model another, and model=.* is"):
        main(config)
    assert not out.exists()


@pytest.mark.parametrize(
    "settings, words",
    (
        ({}, "give either recording=FILE, or"),
        ({"recording": "x.edf", "session": "s"}, "give either recording=FILE, or"),
        ({"session": "s"}, "give cohort=COHORT with it"),
        ({"recording": "x.edf", "embeddings": "e.parquet"}, "embeddings= needs model="),
        ({"cohort": "tiny", "session": "nobody"}, "name one of the 36"),
        ({"recording": "x.edf", "reports": True}, "reports=true shows those of the nearest sessions"),
        ({"recording": "nowhere.edf"}, "there is no such file"),
        ({"recording": "x.edf", "out": "."}, "this is a folder"),
    ),
)
def test_mistakes_are_one_line(tiny_cohort, tmp_path, monkeypatch, settings, words):
    monkeypatch.setattr("clef.bundle.FOLDER", tmp_path / "no weights")
    if settings.get("cohort"):
        settings = settings | {"cohort": str(tiny_cohort)}
    with pytest.raises(ValueError, match=words) as caught:
        main(ViewConfig(**({"out": str(tmp_path / "page.html")} | settings)))
    assert "\n" not in str(caught.value) and not (tmp_path / "page.html").exists()
