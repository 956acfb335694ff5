"""Tables as people write them: encodings, quotes, contradictions, and tables that are none."""

import pytest

from tests.clef.importers.bids.tree import add_visit, codes_of, imported, write_json, write_lines


def test_tables_as_people_write_them(tmp_path, caplog):
    caplog.set_level("INFO")
    root = tmp_path / "tree"
    for number in range(1, 8):
        add_visit(root, f"sub-0{number}")
    lines = ["\ufeffParticipant_ID\t AGE \tGender\tGroup\t", 'sub-01\t408\t"F"\tx\t\t', "02\tn/a\tFemale\t x "]
    lines += ["sub-03\tolder", "sub-04\t12\tm\tx\r", "", "sub-06\t1068+\tdivers\tN/A"]
    lines += [f"sub-05\t{age}\tm\t{group}" for age, group in (("12", "x"), ("n/a", "y"), ("12", "x"))]
    write_lines(root / "participants.tsv", lines)
    write_json(root / "participants.json", AGE={"Units": "months"}, Gender="said elsewhere")
    table = imported(root, tmp_path / "out", targets=["Group"])
    assert table["age"].to_list() == [34, None, None, 1, 1, None, None]
    assert table["sex"].to_list() == ["F", "F", None, "M", "M", None, None]
    labels = [[c for c in codes_of(tmp_path / "out", f"sub-0{i}") if "LABEL" in c] for i in range(1, 8)]
    assert labels == [["LABEL//here//Group//x"]] * 2 + [[]] + [["LABEL//here//Group//x"]] + [[]] * 3
    for line in (
        "age: 2 values not understood",
        "sex: 1 values not understood",
        "participants.tsv: 1 cells left empty: lines contradict each other",
        "participants.tsv: no line for 1 of 7 people",
        "start times: 0 of 7",
    ):
        assert line in caplog.text, line


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_tables_in_any_usual_encoding(tmp_path, encoding):
    add_visit(tmp_path, "sub-01")
    write_lines(tmp_path / "participants.tsv", ["participant_id\tgroup", "sub-01\tÄrztin"], encoding)
    imported(tmp_path, tmp_path / "out", targets=["group"])
    assert codes_of(tmp_path / "out", "sub-01") == ["LABEL//here//group//Ärztin"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["participant_id,age", "sub-01,3"],
            "no column participant_id, with tabs .*; it has participant_id,age",
        ),
        (["sub-01\tAnna A"], "participants.tsv: no column .*; it has no line of column names"),
        (["participant_id\tage\tage", "sub-01\t3\t4"], "participants.tsv: column 'age' stands there twice"),
        (["participant_id\tgroup", "sub-01\t3\t4"], "participants.tsv: a line of 3 cells under a header of 2"),
        ([""], "participants.tsv: is empty; expected a line of column names"),
        (["participant_id\tage", "sub-01\t3"], "participants.tsv: no column 'group'; it has participant_id, age"),
        (["/annex/objects/MD5E-s1--aa.tsv"], "participants.tsv: content not fetched: run `datalad get`"),
    ],
)
def test_a_wrong_participants_table_stops_with_one_line(tmp_path, lines, said):
    add_visit(tmp_path, "sub-01")
    write_lines(tmp_path / "participants.tsv", lines)
    with pytest.raises(ValueError, match=said):
        imported(tmp_path, tmp_path / "out", targets=["group"])
    assert not (tmp_path / "out").exists()
