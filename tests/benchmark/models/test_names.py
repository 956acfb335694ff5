"""Names of folders on a command line: given, or the folder's own; none twice, none that is no file's."""

from pathlib import Path

import pytest

from benchmark.models.names import named_folders


def test_names_of_runs(tmp_path):
    (tmp_path / "a=b" / "model").mkdir(parents=True)
    assert named_folders([f"x={tmp_path / 'c'}", str(tmp_path / "a=b")]) == {
        "x": tmp_path / "c",
        "a=b": tmp_path / "a=b",
    }
    assert named_folders([str(tmp_path / "a=b" / "model")]) == {"a=b": tmp_path / "a=b" / "model"}
    assert named_folders(["x=some/run"]) == {"x": Path("some/run")}
    for wrong in (["x=a", "x=b"], ["a/b=c"], ["=c"], [f"{'long' * 20}=c"], ["a,heads=c"]):
        with pytest.raises(ValueError, match="runs"):
            named_folders(wrong)


def test_a_name_of_another_row_is_refused():
    with pytest.raises(ValueError, match="models=bandpower=x: another row is called 'bandpower'"):
        named_folders(["bandpower=x"], "models", ["bandpower"])
