"""The program clef.search: what it prints and writes, what it keeps to itself, and what it refuses."""

import html
import re

import pytest

from clef.cohort import Cohort
from tests.helpers import must, run, snapshot


@pytest.fixture(scope="module")
def known(tiny_align, tiny_store):
    return {"model": tiny_align, "tokens": tiny_store, "device": "cpu"}


def test_a_query_ranks_sessions_and_a_denial_the_other_way_round(known, tmp_path):
    settings = known | {"index": tmp_path / "index.parquet", "top": 40}
    near = must(run(tmp_path / "said", "clef.search", "focal", "slowing", **settings, out="none"))
    before = snapshot(tmp_path)["index.parquet"]
    far = must(run(tmp_path / "said", "clef.search", "no focal slowing", **settings, out="none"))
    assert snapshot(tmp_path)["index.parquet"] == before, "an index that is there is read, not made again"
    assert ranked(near.out) == ranked(far.out)[::-1] and len(ranked(near.out)) == 36
    assert 'read as: far from "focal slowing"' in far.out and "read as" not in near.out


def ranked(out: str) -> list[str]:
    """Sessions in the order in which they were printed."""
    return re.findall(r"^ +\d+ +-?\d\.\d{3}  (\S+)", out, re.M)


def test_a_session_finds_others_and_reports_whose_text_is_on_the_page_alone(known, tiny_cohort, tmp_path):
    cohort, page = Cohort(tiny_cohort), tmp_path / "page.html"
    own = cohort.sessions["session_id"][0]
    settings = known | {"session": own, "cohort": tiny_cohort, "reports": True, "top": 3, "out": page}
    done = must(run(tmp_path / "said", "clef.search", **settings, index=tmp_path / "i.parquet"))
    assert own not in ranked(done.out.partition("nearest reports")[0]) and (tmp_path / "i.reports.parquet").is_file()
    text, shown = html.unescape(page.read_text()), ranked(done.out.partition("nearest reports")[2])
    texts = dict(cohort.reports.select("session_id", "text").iter_rows())
    assert text.count("data:image/webp") == 3
    assert "This page holds text of reports" in text and all(texts[name].split("\n")[0] in text for name in shown)
    sentences = {s for text in texts.values() for s in re.split(r"(?<=\.)\s", text) if len(s) > 20}
    assert not any(sentence in done.out + done.err for sentence in sentences)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "say what to look for"),
        ({"query": "a", "session": "b"}, "give query= or session=, not both"),
        ({"query": "a", "tokens": "none"}, "give tokens=STORE or embeddings=FILE"),
        ({"query": "a", "reports": True}, "reports=true needs cohort=COHORT"),
        ({"query": "a", "top": 0}, "top=0: expected a whole number from 1"),
        ({"index": "a.txt"}, "expected the name of a .parquet file"),
        ({"query": "?"}, "expected words, as query="),
    ],
)
def test_settings_that_do_not_fit_are_one_line(known, changes, said, tmp_path):
    done = run(tmp_path / "said", "clef.search", **(known | {"out": tmp_path / "page.html"} | changes))
    assert done.code and done.one_line and said in done.err and not (tmp_path / "page.html").exists()


def test_a_model_without_words_is_refused_before_anything_is_embedded(known, tiny_recon, tmp_path):
    done = run(
        tmp_path / "said", "clef.search", "spikes", **(known | {"model": tiny_recon, "out": tmp_path / "a.html"})
    )
    assert done.code == 1 and "no alignment heads; train them with" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err and not (tmp_path / "a.html").exists()
