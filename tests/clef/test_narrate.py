"""clef.narrate: tables and pages from recordings and stores, what is marked red, bad files."""

import shutil

import pytest

from clef.narrate import NarrateConfig, main
from clef.narratives.checking import check
from clef.narratives.texts import texts_of
from clef.pages.narratives import Line, narratives_page
from tests.helpers import run
from tokenizer.base.cli import ConfigError
from tokenizer.edf.writer import eeg, write_edf


def test_what_the_signal_denies_is_marked_and_what_it_is_silent_on_is_not():
    checked = check("REM sleep. Alpha dominates. Theta is low.", "Delta dominates, steady against what came before.")
    assert checked.sentences == [("REM sleep.", False), ("Alpha dominates.", True), ("Theta is low.", False)]
    assert checked.contradicted == ("dominant band: alpha; the signal says delta",)
    same = check("Delta dominates, rising.", "Delta dominates, steady against what came before.")
    assert same.contradicted == ("trend, delta: up; the signal says same",) and same.sentences[0][1]
    assert (
        check("Delta dominates.", "Delta dominates.").contradicted == check("Alpha dominates.", None).contradicted == ()
    )


def test_the_page_shows_it_in_red_and_escapes_what_it_is_given():
    lines = {
        "<b>": [Line(0, 60, check("Alpha dominates. REM <i>.", "Delta dominates.")), Line(60, 120, check("a", None))]
    }
    page = narratives_page(lines, "abc")
    assert '<span class="wrong">Alpha dominates.</span>' in page and "<span>REM &lt;i&gt;.</span>" in page
    assert "<h2>&lt;b&gt;</h2>" in page and "Research only" in page and "1:00–2:00" in page
    assert "2 texts" in page and 'contradicts <strong class="wrong">1</strong>' in page and "not measured" in page


def test_recordings_get_a_table_texts_and_a_page(tiny_narrate, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_edf(folder / "a.edf", eeg(23), 200)
    (folder / "b.edf").write_text("no recording")
    done = run(
        tmp_path / "said", "clef.narrate", model=tiny_narrate, recordings=folder, out=tmp_path / "out", workers=0
    )
    assert done.code == 1 and "left out b.edf" in done.err and "2 texts on 1 sessions; of 2 the signal" in done.err, (
        done.err
    )
    texts = texts_of(tmp_path / "out" / "narratives.parquet", "segment")
    assert list(texts) == [("a.edf", 0), ("a.edf", 1)]
    text = (tmp_path / "out" / "narratives.txt").read_text()
    assert text.startswith("For research only") and "\na.edf\n0:00–0:10 " in text
    assert "contradicts" in (tmp_path / "out" / "narratives.html").read_text()


def test_a_store_is_written_on_without_its_signal(tiny_narrate, tiny_store, tmp_path):
    assert main(NarrateConfig(str(tiny_narrate), str(tmp_path / "out"), tokens=str(tiny_store), device="cpu")) == 0
    texts = texts_of(tmp_path / "out" / "narratives.parquet", "segment")
    assert len({place.session for place in texts}) > 20
    assert "held\nagainst no signal" in (tmp_path / "out" / "narratives.html").read_text()


def test_bad_input_is_one_line(tiny_narrate, tiny_recon, tmp_path):
    given = {"model": str(tiny_narrate), "out": str(tmp_path / "out"), "device": "cpu"}
    with pytest.raises(ConfigError, match="give either recordings=FILE_OR_DIR or tokens=STORE"):
        main(NarrateConfig(**given))
    with pytest.raises(ValueError, match="there is no such file or folder"):
        main(NarrateConfig(**given, recordings=str(tmp_path / "nowhere")))
    with pytest.raises(ValueError, match="no narrator in this model"):
        main(NarrateConfig(**given | {"model": str(tiny_recon)}, tokens="x"))
    (tmp_path / "b.edf").write_text("no recording")
    with pytest.raises(ValueError, match="none of 1 recordings could be read"):
        main(NarrateConfig(**given, recordings=str(tmp_path / "b.edf"), workers=0))
    broken = tmp_path / "broken"
    shutil.copytree(tiny_narrate / "model", broken)
    shutil.rmtree(broken / "align")
    with pytest.raises(ValueError, match="narrator/ reads states of another encoder/ or align/"):
        main(NarrateConfig(**given | {"model": str(broken)}, tokens="x"))
    assert not (tmp_path / "out").exists()
