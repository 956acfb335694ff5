"""clef.explain: a page of a recording and of a session in a browser, its table, mistakes in one line."""

import numpy as np
import polars as pl
import pytest

from clef.embeddings import Embeddings, subject_hash
from clef.explain import ExplainConfig, main
from clef.explanations.explanation import ExplainingConfig
from clef.explanations.probes import fit_probe, write_probe
from clef.model import load
from clef.readout import Readout
from tests.browser import Browser, chromium
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore

QUICK = ExplainingConfig(steps=1, block=4, draws=2)


@pytest.fixture(scope="module")
def probe(tiny_recon, tiny_store, tiny_cohort, tmp_path_factory):
    """A probe of which half of the sessions a session is, said to be fitted on all people."""
    model, tokens = load(tiny_recon), TokenStore(tiny_store).load()
    how = Readout(pool="rows+sd", head="none")
    vectors, about = model.read(tokens, how), model.about("trained", how)
    named = Embeddings(tokens.session_id.tolist(), vectors, "e", model.fingerprint, about)
    people = [subject_hash(person) for person in read_sessions(tiny_cohort)["subject_id"]]
    file = tmp_path_factory.mktemp("probe") / "probe.json"
    write_probe(file, fit_probe("which half", named, np.arange(len(vectors)) % 2 == 0, {"train": people}))
    return file


def test_a_recording_is_explained_by_prompts_and_not_named(tiny_align, tiny_cohort, tmp_path, caplog):
    chromium()
    caplog.set_level("INFO")
    named = tmp_path / "Planted-Name.edf"
    named.write_bytes((tiny_cohort / read_sessions(tiny_cohort)["path"][0]).read_bytes())
    out, prompts = tmp_path / "page.html", ["beta activity", "<script>alert(1)</script>"]
    main(ExplainConfig(str(out), str(tiny_align), str(named), prompts=prompts, explaining=QUICK, device="cpu"))
    assert "wrote" in caplog.text and "2 explained" in caplog.text
    text = out.read_text()
    assert "Planted" not in text and str(tmp_path) not in text and "<script" not in text
    with Browser() as browser:
        browser.open(out)
        assert browser.complaints == [] and browser.requests == []
        assert browser.run("document.images.length") == 6
        assert browser.run("[...document.images].every(i => i.naturalWidth > 800)") is True
        assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
        words = browser.run("document.body.innerText")
    assert "Research only" in words and "beta activity" in words and "Cosine" in words and "not known" in words


def test_a_session_is_explained_by_a_probe_with_a_table(tiny_recon, tiny_cohort, probe, tmp_path):
    session = read_sessions(tiny_cohort)["session_id"][0]
    out, table = tmp_path / "page.html", tmp_path / "shares.csv"
    given = {"cohort": str(tiny_cohort), "session": session, "probe": str(probe), "table": str(table)}
    main(ExplainConfig(str(out), str(tiny_recon), **given, explaining=QUICK, device="cpu"))
    text = out.read_text()
    assert f"<h1>{session}</h1>" in text and "which half" in text and "Synthetic data" in text
    assert "The probe was fitted on this person" in text and "Log-odds" in text
    rows = pl.read_csv(table)
    assert set(rows["of"]) == {"frequency", "time", "electrode"} and set(rows["target"]) == {"which half"}


@pytest.mark.parametrize(
    ("settings", "words"),
    (
        ({}, "give either recording=FILE, or"),
        ({"recording": "x.edf"}, "nothing to explain"),
        ({"session": "s", "prompts": ["x"]}, "give cohort=COHORT with it"),
        ({"recording": "x.edf", "prompts": ["x"], "out": "."}, "this is a folder"),
        ({"recording": "x.edf", "probe": "nowhere.json"}, "no such file of a probe"),
        ({"recording": "x.edf", "prompts": ["x"]}, "no alignment heads"),
        ({"cohort": "tiny", "session": "nobody", "probe": "probe"}, "name one of the 36"),
    ),
)
def test_mistakes_are_one_line(tiny_recon, tiny_cohort, probe, tmp_path, settings, words):
    stands_for = {"tiny": str(tiny_cohort), "probe": str(probe)}
    given = {"out": str(tmp_path / "page.html"), "model": str(tiny_recon), "device": "cpu"}
    given |= {k: stands_for.get(v, v) if isinstance(v, str) else v for k, v in settings.items()}
    with pytest.raises(ValueError, match=words) as caught:
        main(ExplainConfig(**given))
    assert "\n" not in str(caught.value) and not (tmp_path / "page.html").exists()
