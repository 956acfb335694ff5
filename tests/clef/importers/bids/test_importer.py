"""An EEG-BIDS tree -> a cohort: what is found, whose it is, what its tables say, what is left out and said."""

from pathlib import Path

import polars as pl
import pytest

from tests.clef.importers.bids.tree import SITE, add_visit, imported, make_tree, write_json
from tokenizer.reading.read import read_row
from tokenizer.sessions import subject_number


def test_a_tree_becomes_sessions(tree, tmp_path, caplog):
    caplog.set_level("INFO")
    table = imported(tree, tmp_path, site=None)
    visits = ((1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (6, 1), (6, 2))
    names = [f"sub-0{person}_ses-0{visit}" for person, visit in visits]
    assert table["session_id"].to_list() == [f"{SITE}_{name}_task-rest" for name in names]
    assert table["subject_id"].to_list() == [subject_number(SITE, name[:6]) for name in names]
    assert table["age"].to_list() == [41, 42, 43, 43, 44, 40, 41, 41]
    assert table["sex"].to_list() == ["M", "F", "M", "M", "M", "F", "M", "M"]
    assert [str(t) for t in table["start_time"][2:4]] == ["2021-01-04 09:30:00", "2021-02-04 09:30:00"]
    assert set(table["site"]) == {SITE} and read_row(tmp_path, table.row(0, named=True)).seconds == 12
    for line in (
        f"site: {SITE}, from the Name",
        "found 8 recordings of 6 people: .edf 8; tasks: rest 8",
        "start times: 8 of 8 recordings",
        "participants.tsv: 4 columns not imported: group, diagnosis, drugs, hand",
        "phenotype/: 1 tables not imported: moca.tsv",
        "0 of 8 recordings left out",
    ):
        assert line in caplog.text, line
    assert caplog.messages[-1].startswith("next: ")


def test_twelve_people_make_a_benchmark(tmp_path):
    """All three splits, and in train and test two patients with controls of their sex and age."""
    from benchmark.build import BuildConfig
    from benchmark.build import main as build

    make_tree(tmp_path / "tree", 12, 10)
    table = imported(tmp_path / "tree", tmp_path / "out", site=None, targets=["group"])
    assert set(table["split"]) == {"train", "val", "test"}
    build(BuildConfig(cohort=tmp_path / "out", out=tmp_path / "tasks.parquet", suite="labels", min_cases=2))
    tasks = pl.read_parquet(tmp_path / "tasks.parquet")
    assert set(tasks["task"]) == {f"LABEL//{SITE}//group//patient"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"root": Path("/nowhere")}, "root=/nowhere: there is no such folder"),
        ({"targets": ["phenotype/mmse.total"]}, "phenotype/mmse.tsv: there is no such table; there are: moca"),
        ({"targets": ["phenotype/moca.sum"]}, "moca.tsv: no column 'sum'; it has participant_id, total"),
        ({"tasks": ["sleep"]}, "tasks=sleep: no such recordings; there are: rest"),
        ({"site": "a/b"}, "site='a/b'"),
    ],
)
def test_wrong_arguments_stop_with_one_line(tree, tmp_path, change, said):
    with pytest.raises(ValueError, match=said):
        imported(change.pop("root", tree), tmp_path / "out", **change)
    assert not (tmp_path / "out").exists()


def test_the_wrong_folder_stops_with_one_line(tree, tmp_path):
    with pytest.raises(ValueError, match=r"no folder sub-… in it; .*did you mean root=.*Müller \(2021\)"):
        imported(tree.parent, tmp_path)
    add_visit(tmp_path / "tree", "sub-01")
    with pytest.raises(ValueError, match=r"site= must be given: dataset_description\.json has no Name"):
        imported(tmp_path / "tree", tmp_path, site=None)
    write_json(tmp_path / "tree" / "dataset_description.json", DatasetType="derivative")
    with pytest.raises(ValueError, match="expected the raw data set"):
        imported(tmp_path / "tree", tmp_path)
