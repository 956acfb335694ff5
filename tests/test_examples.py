"""The scripts in examples/ run on a folder like that of the demo, say what they promise, and stay short."""

import runpy
import sys

import pytest

import clef
from clef.embeddings import write_embeddings
from tests.helpers import ROOT, must, run

NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory, tiny_cohort, tiny_store, tiny_align):
    """What `make demo` writes and the scripts read, tiny."""
    folder = tmp_path_factory.mktemp("demo")
    for path in (tiny_cohort, tiny_store, tiny_align):
        (folder / path.name).symlink_to(path)
    settings = {"suite": "demo", "min_cases": 2, "match_on": "[sex]", "out": folder / "tasks.parquet"}
    must(run(folder / "said", "benchmark.build", cohort=tiny_cohort, **settings))
    write_embeddings(folder / "embeddings.parquet", clef.load(tiny_align).embeddings(tiny_store))
    return folder


def start(name, demo, folder, monkeypatch, *more):
    """Run a script in `folder` as `python examples/NAME.py demo more…` would."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", str(demo), *more])
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")


SAID = {
    "picture": "different tokens; wrote session.png",
    "probe": "recordings, AUROC ",
    "score": "CLEF",
    "search": "those most like “generalised slowing” first",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_does_what_it_says(name, demo, tmp_path, monkeypatch, capsys):
    start(name, demo, tmp_path, monkeypatch)
    assert SAID[name] in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == (["session.png"] if name == "picture" else [])


def test_search_asks_what_it_is_given(demo, tmp_path, monkeypatch, capsys):
    start("search", demo, tmp_path, monkeypatch, "beta activity")
    lines = capsys.readouterr().out.splitlines()
    assert "“beta activity”" in lines[0] and len(lines) == 7


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_short_and_says_how_to_start_it(name):
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert f"python examples/{name}.py [runs/demo]" in text and text.count("\n") < 40
    assert "runs/demo" in text and name in (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
