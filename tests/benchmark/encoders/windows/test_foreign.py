"""An encoder of a stranger: a file of 10 lines, embedded and scored by the same commands."""

import numpy as np
import pytest

from clef.embeddings import read_embeddings
from tests.helpers import must, run

FILE = """
from benchmark.encoders.windows import WindowModel


def spread(windows):
    return windows.std(axis=2)


ENCODER = WindowModel("mine", channels=("Fp1-F7", "O2-average"), rate=100, window=4, embed=spread)
"""


def test_a_file_is_an_encoder(recorded, tmp_path):
    (tmp_path / "my encoder.py").write_text(FILE)
    settings = {"cohort": recorded, "workers": 0, "encoder": tmp_path / "my encoder.py"}
    done = must(run(tmp_path / "s", "benchmark.encode", **settings, out=tmp_path / "e.parquet"))
    assert "wrote" in done.err and "5 sessions x 2 dimensions (mine)" in done.err
    mine = read_embeddings(tmp_path / "e.parquet")
    assert mine.name == "mine" and mine.config["kind"] == "foreign" and np.isfinite(mine.vectors).all()


def test_a_function_gets_weights_and_device(recorded, tmp_path):
    with_weights = FILE.replace(
        "ENCODER = WindowModel(", "def encoder(weights, device):\n    return WindowModel(weights + "
    )
    (tmp_path / "e.py").write_text(with_weights)
    settings = {"cohort": recorded, "workers": 0, "encoder": tmp_path / "e.py", "weights": "their "}
    must(run(tmp_path / "s", "benchmark.encode", **settings, out=tmp_path / "e.parquet"))
    assert read_embeddings(tmp_path / "e.parquet").name == "their mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "it defines nothing; expected ENCODER"),
        ("ENCODER = 3", "it defines int"),
        ("import nothing_like_this", "it failed: ModuleNotFoundError"),
        (FILE.replace('"O2-average"', '"A1"'), "cannot be made of the 19"),
        (None, "there is no such file"),
    ],
)
def test_a_file_that_is_none_is_one_line(text, said, recorded, tmp_path):
    if text is not None:
        (tmp_path / "e.py").write_text(text)
    out = tmp_path / "out" / "e.parquet"
    done = run(tmp_path / "s", "benchmark.encode", cohort=recorded, encoder=tmp_path / "e.py", out=out, workers=0)
    assert done.code == 1 and done.one_line and said in done.err, done
    assert not out.exists()
