"""The leaderboard: every number of the score files in its cell, nothing else, and a page that a browser opens."""

import copy
import json
from pathlib import Path

import pytest

from benchmark.leaderboard.entries import SAW, Entry, read_scores
from benchmark.leaderboard.page import overview, tables
from tests.browser import Browser, chromium
from tests.helpers import must, run

OPEN = {
    "questions": [
        {"what": "ill against <b>healthy</b>", "auroc": {"mine": [0.81, 0.7, 0.9], "mine codes": [0.7, 0.6, 0.8]}},
        {"what": "not scored", "auroc": {}},
    ],
    "means": {"mine": [0.81, 0.7, 0.9], "mine codes": [0.7, 0.6, 0.8], "elm": [0.6, 0.5, 0.7]},
    "saw": [{"model": "mine", "people": 0}, {"model": "elm", "people": None}],
    "protocol": ["five folds"],
}
SCORE = {"question": "pathological", "row": "mine", "probe": "logistic", "share": 1.0, "draw": 0, "level": "session"}
SCORE |= {"cases": 5, "controls": 6, "auroc": 0.9, "low": 0.8, "high": 0.95, "balanced_accuracy": 0.85, "saw": 0}
TUAB = {
    "scores": [SCORE, SCORE | {"share": 0.1, "auroc": 0.6}, SCORE | {"share": 0.1, "draw": 1, "auroc": 0.8}],
    "probes": {"logistic": "ours"},
    "counts": {"test": [11, 10]},
    "not_asked": {"medication": "no reports"},
}
MEAN = {"auroc": 0.75, "low": 0.7, "high": 0.8, "families": {"finding": 0.7}, "overlap": 0}
RUN = {"tasks": 50, "subjects": 100, "scored_on": "test", "seeds": 3, "synthetic": True, "means": {"mine": MEAN}}
RUN |= {"few_labels": [{"embedding": "mine", "labels": "25", "auroc": 0.65, "lowest": 0.6, "highest": 0.7}]}
FILES = {"open.json": OPEN, "tuab.json": TUAB, "verdict.json": RUN}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, held in FILES.items():
        (tmp_path / name).write_text(json.dumps(held))
    return tmp_path


def cells(folder, published=()):
    """(table, row, column) -> number."""
    made = tables(read_scores(folder), published)
    return {
        (table.name, row, column): cell
        for table in made
        for row, _, values in table.rows
        for column, cell in zip(table.columns, values, strict=True)
        if cell
    }


def test_every_number_stands_in_its_cell_and_no_other(folder):
    found = {key: cell.value for key, cell in cells(folder).items()}
    opened, tuab, few = (f"{n}" for n in ("Open recordings: seven questions (AUROC, session)", "TUAB, official eval",
                         "TUAB, few labels (AUROC, session, mean over draws)"))  # fmt: skip
    matched = f"Matched tasks: {folder.name} (mean AUROC over 50 tasks)"
    assert found == {
        (opened, "mine", "ill against <b>healthy</b>"): "0.810",
        (opened, "mine codes", "ill against <b>healthy</b>"): "0.700",
        **{
            (opened, name, "mean"): value
            for name, value in (("mine", "0.810"), ("mine codes", "0.700"), ("elm", "0.600"))
        },
        (tuab, "mine · logistic", "pathological, session, AUROC"): "0.900",
        (tuab, "mine · logistic", "pathological, session, balanced accuracy"): "0.850",
        (few, "mine", "pathological, 10 % of train's people"): "0.700",
        (matched, "mine", "all labels"): "0.750",
        (matched, "mine", "findings"): "0.700",
        (matched, "mine", "25 cases"): "0.650",
    }


def test_systems_stand_above_controls_and_those_above_what_was_published(folder):
    published = [
        Entry("TUAB, official eval", "pathological, session, AUROC", "theirs", 0.99, "a paper", literature=True)
    ]
    made = {table.name: table for table in tables(read_scores(folder), published)}
    assert [(name, kind) for name, kind, _ in made["Open recordings: seven questions (AUROC, session)"].rows] == [
        ("mine", "system"), ("elm", "system"), ("mine codes", "control"),
    ]  # fmt: skip
    assert [name for name, _, _ in made["TUAB, official eval"].rows] == ["mine · logistic", "theirs"]
    assert "Synthetic people" in made[f"Matched tasks: {folder.name} (mean AUROC over 50 tasks)"].protocol[0]


def test_one_name_is_one_row_of_the_first_table(folder):
    first = overview(read_scores(folder))
    rows = {name: [cell.value if cell else "" for cell in values] for name, _, values in first.rows}
    assert rows == {"mine": ["0.810", "0.900", "0.750"], "elm": ["0.600", "", ""], "mine codes": ["0.700", "", ""]}


def test_who_may_have_seen_the_people_is_marked(folder):
    found = cells(folder)
    marked = {row for (_, row, _), cell in found.items() if cell.marked}
    assert marked == {"elm"} and all(SAW in cell.title for (_, row, _), cell in found.items() if row == "elm")


def test_two_numbers_for_one_cell_are_refused(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    changed = copy.deepcopy(OPEN)
    changed["means"]["mine"][0] = 0.5
    (other / "open.json").write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="mine has two numbers for") as caught:
        tables([*read_scores(folder), *read_scores(other)], [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("held", "said"), [("{}", "is no open.json"), ("nothing", "is no open.json"), (None, "holds none")]
)
def test_what_is_no_score_file_is_one_line(held, said, tmp_path):
    if held is not None:
        (tmp_path / "open.json").write_text(held)
    done = run(tmp_path / "said", "benchmark.leaderboard", scores=f"[{tmp_path}]", out=tmp_path / "page.html")
    assert done.code == 1 and said in done.err and "Traceback" not in done.err and not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    "text", ["- 3", "- {system: a}", "- {protocol: a, column: b, system: c, value: 87, source: d}"]
)
def test_what_is_no_published_number_is_one_line(text, folder, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    settings = {"scores": f"[{folder}]", "literature": tmp_path / "mine.yaml", "out": tmp_path / "page.html"}
    done = run(tmp_path / "said", "benchmark.leaderboard", **settings)
    assert done.code == 1 and "mine.yaml: entry 1: expected" in done.err and "Traceback" not in done.err


def test_the_page_opens_in_a_browser_and_loads_nothing(folder, tmp_path):
    chromium()
    page = tmp_path / "page.html"
    said = must(run(tmp_path / "said", "benchmark.leaderboard", scores=f"[{folder}]", out=page)).err
    assert "11 numbers of" in said and "13 published" in said
    with Browser() as browser:
        browser.open(page)
        assert browser.complaints == [] and browser.requests == []
        assert browser.run("document.querySelectorAll('table').length") == 5
        assert browser.run("document.querySelectorAll('b').length") == 0, "what a name holds stays text"
        rows = "[...document.querySelectorAll('tr.literature')].map(r => getComputedStyle(r.cells[0]).color)"
        assert set(browser.run(rows)) == {"rgb(138, 138, 138)"}
        empty = browser.run("[...document.querySelectorAll('td')].filter(c => c.textContent.trim() === '').length")
        assert empty > 0
        assert browser.picture(tmp_path / "page.png").stat().st_size > 10_000
