"""The page: what it says, that it needs nothing beside it, and what its tables and pictures do in a browser."""

import dataclasses
import json
import re

import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.page import write_report
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks
from tests.benchmark.report.made import HOSTILE, made_up
from tests.browser import Browser, chromium


@pytest.fixture(scope="module")
def scored():
    tasks = make_tasks(2)
    stores = {"ours & theirs": make_embeddings(tasks, 2.0), "known": make_embeddings(tasks, 0.0)}
    return score_tasks(tasks, stores, resamples=20)


def page(tmp_path, results):
    return " ".join(write_report(tmp_path, results).read_text(encoding="utf-8").split())


def test_the_page_is_of_one_piece_and_escapes_names(scored, tmp_path):
    text = page(tmp_path, Results(scored, {"suite": "demo"}))
    assert text.count("<svg") >= 3 and "ours &amp; theirs" in text and "ours & theirs" not in text
    for loading in ("<link", ' src="http', "@import", "url(http", "fetch(", "XMLHttpRequest"):
        assert loading not in text
    assert "default-src 'none'" in text and sorted(p.name for p in tmp_path.iterdir()) == [
        *("report.html", "report.md", "scores.csv")
    ]


def test_synthetic_data_are_called_so(scored, tmp_path):
    assert "<strong>Synthetic data.</strong>" in page(tmp_path, Results(scored, {}, synthetic=True))
    assert "<strong>Synthetic data.</strong>" not in page(tmp_path, Results(scored, {}))


def test_rows_that_are_no_competitors_stand_apart(tmp_path):
    results = made_up({"ours": 1.0, "metadata": 0.1, "truth": 2.0}, tasks=3)
    results.unmatched = made_up({"metadata": 0.5}).scored
    results.about["ceilings"] = {"ICD10CM//G41": 0.9}
    text = page(tmp_path, results)
    for name in ("metadata, unmatched controls", "truth (reference)", "planted ceiling"):
        assert re.search(rf'<tr class="[a-z ]*apart"><th scope="row">{re.escape(name)}</th>', text), name
    assert '<tr class="judged"><th scope="row">ours</th>' in text and '<tr><th scope="row">metadata</th>' in text


def test_the_page_says_in_words_what_was_shown(scored, tmp_path):
    text = page(tmp_path, Results(scored, {}, encoders={"known": ENCODERS["untrained"]}))
    assert "<h2>Verdict</h2>" in text and "ours &amp; theirs 0." in text
    assert "is above the best control (known 0." in text and "next: train again" in text
    assert text.index("What is not shown here") < text.index("<h2>Verdict") < text.index("Mean over tasks")


def test_every_part_is_there_only_with_what_it_shows(tmp_path):
    parts = ("How much it learns", "mean what they say", "Are cases and controls alike", "Groups of people")
    text = page(tmp_path, made_up(tasks=3))
    assert all(part in text for part in parts) and "standardised mean difference of" not in text
    bare = made_up(tasks=3)
    table = bare.scored.scores.filter(bare.scored.scores["labels"] == "all")
    bare.scored = dataclasses.replace(bare.scored, scores=table, predictions={})
    bare.about.pop("balance")
    bare.subgroups = bare.subgroups.clear()
    text = page(tmp_path, bare)
    assert [part for part in parts if part in text] == ["Are cases and controls alike"]
    assert "says nothing of balance" in text and "No test of single tasks was made" in text


def test_nobodys_session_and_no_name_is_markup(tmp_path):
    text = write_report(tmp_path, made_up(hostile=True, tasks=3)).read_text(encoding="utf-8")
    assert "secret-session" not in text and HOSTILE not in text and "<b>" not in text
    assert len(re.findall("<script", text)) == 3  # the points and the page's own two
    points = json.loads(re.search(r'<script type="application/json" id="points">(.*?)</script>', text, re.S)[1])
    assert HOSTILE in points["embeddings"] and any(task.startswith(HOSTILE) for task in points["tasks"])


VISIBLE = "[...document.querySelectorAll('#table tbody tr')].filter(row => !row.hidden)"
CIRCLES = "[...document.querySelectorAll('#cloud circle')]"
SET = """((id, value) => {{
    const field = document.getElementById(id);
    field.value = value;
    field.dispatchEvent(new Event('{}', {{bubbles: true}}));
}})"""


def test_in_a_browser_tables_sort_filter_and_search_and_the_scatter_changes(tmp_path):
    chromium()
    results = made_up(hostile=True, cases=60)
    file = write_report(tmp_path, results)
    with Browser() as browser:
        browser.open(file)
        assert browser.complaints == [] and browser.requests == []
        assert browser.run("document.title") == "CLEF benchmark"
        assert browser.run("document.querySelectorAll('b').length") == 0

        names = f"{VISIBLE}.map(row => row.cells[0].textContent.trim())"
        first = f"{VISIBLE}.map(row => +row.cells[1].dataset.v)"
        click = "document.querySelectorAll('#table thead button')[{}].click()"
        assert len(browser.run(names)) == 12 and HOSTILE in browser.run(names)
        browser.run(click.format(1))
        assert browser.run(first) == sorted(browser.run(first), reverse=True)
        assert browser.run("document.querySelectorAll('#table th')[1].getAttribute('aria-sort')") == "descending"
        browser.run(click.format(1))
        assert browser.run(first) == sorted(browser.run(first))
        browser.run(click.format(0))
        assert sorted(browser.run(names), key=str.casefold)[-1] == browser.run(names)[-1]

        choose = SET.format("input")
        browser.run(f"{choose}('family', 'finding')")
        assert browser.run("document.getElementById('count').textContent") == "4 of 12 tasks"
        browser.run(f"{choose}('flag', 'is unbalanced')")
        assert browser.run(f"{VISIBLE}.every(row => row.textContent.includes('unbalanced'))") is True
        browser.run(f"{choose}('family', ''), {choose}('flag', ''), {choose}('group', {json.dumps(HOSTILE)})")
        assert browser.run(names) == [HOSTILE]
        browser.run(f"{choose}('group', ''), {choose}('search', 'STATUS g41')")
        assert browser.run(names) == ["Status epilepticus (G41)"]
        browser.run(f"{choose}('search', ''), {choose}('outcome', 'win')")
        assert 0 < len(browser.run(names)) < 12

        places = f"{CIRCLES}.map(c => c.getAttribute('cx') + ' ' + c.getAttribute('cy'))"
        before, change = browser.run(places), SET.format("change")
        assert len(before) == 12 and HOSTILE in browser.run("document.getElementById('legend').parentNode.textContent")
        browser.run(f"{change}('up', '3')")
        assert len(browser.run(places)) == 12 and browser.run(places) != before
        title = browser.run("document.querySelector('#cloud circle title').textContent")
        assert "(n=60): " in title and "[" in title
        key = "document.getElementById('cloud').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))"
        browser.run(key)
        assert browser.run("document.getElementById('point').textContent") == title

        for width in (1280, 400):
            browser.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
            )
            assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
        assert browser.complaints == [] and browser.requests == []
