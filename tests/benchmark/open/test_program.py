"""The program from recordings to the page, and the same command again."""

import json

import pytest

from benchmark.open.__main__ import OpenConfig, main
from tests.benchmark.open.folder import write_open_data
from tests.helpers import must, run, snapshot

SPREAD = """
from benchmark.encoders.windows import WindowModel

ENCODER = WindowModel("s", channels=("O1-average",), rate=50, window=2, embed=lambda windows: windows.std(axis=2))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_open_data(tmp_path_factory.mktemp("open"), 12, 12)


@pytest.mark.slow
def test_from_recordings_to_the_page_and_again(data, tiny_recon, tmp_path):
    given = {"data": data, "out": tmp_path / "out", "models": f"[tiny={tiny_recon}]", "folds": 2, "seeds": 1}
    (tmp_path / "spread.py").write_text(SPREAD)
    given |= {"encoders": f"[spread={tmp_path / 'spread.py'}]"}
    given |= {"workers": 0, "device": "cpu", "gains": "[2]", "retention": True}
    must(run(tmp_path / "one", "benchmark.open", **given))
    result = json.loads((tmp_path / "out" / "open.json").read_text())
    scored = {q["name"]: q for q in result["questions"] if not q["refused"]}
    assert {"alzheimer", "depression", "depression, all bins", "adhd", "eyes open"} <= scored.keys()
    rows = {
        "metadata",
        "acquisition",
        "bandpower",
        "bandpower average",
        "spread",
        "tiny",
        "tiny codes",
        "tiny untrained",
        "tiny x2",
    }
    assert rows <= scored["alzheimer"]["auroc"].keys() and scored["alzheimer"]["seconds"] == 10
    kept = snapshot(tmp_path / "out" / "ds004504" / "tiny")
    must(run(tmp_path / "two", "benchmark.open", **given))
    assert snapshot(tmp_path / "out" / "ds004504" / "tiny") == kept
    assert json.loads((tmp_path / "out" / "open.json").read_text()) == result


@pytest.mark.parametrize(
    "wrong,text",
    (
        ({"gains": [1.0]}, "gains: 1 is none"),
        ({"folds": 1}, "folds must be 2 or more"),
        ({"seconds": 5.0}, "seconds=5"),
        ({"datasets": ["eegmat"]}, "no question is asked of eegmat"),
        ({"models": ["x"]}, "there is no such folder"),
        (
            {"encoders": ["elm"]},
            "no NAME=WEIGHTS of elm, eegclip, labram, biot, cbramod, eegpt, bendr, reve, no NAME=RUN",
        ),
        ({"encoders": ["deep9=random"]}, "no NAME=WEIGHTS"),
        ({"encoders": ["elm=nowhere.pt"]}, "there is no such file"),
        ({"encoders": ["elm=random", "elm=random"]}, "the name of another row"),
        ({"encoders": ["metadata=mine.py"]}, "the name of another row"),
    ),
)
def test_what_makes_no_sense_is_one_line_and_nothing_is_written(wrong, text, data, tmp_path):
    with pytest.raises(ValueError, match=text):
        main(OpenConfig(**({"data": data, "out": tmp_path / "out"} | wrong)))
    assert not (tmp_path / "out").exists()
