"""Columns that become events."""

from clef.cohort import read_code_descriptions, read_events
from tests.clef.importers.bids.tree import codes_of, imported


def test_columns_become_events(tree, tmp_path):
    asked = {"targets": ["group", "phenotype/moca.total"], "icd10": ["diagnosis"], "atc": ["drugs"]}
    imported(tree, tmp_path, **asked)
    labels = ["LABEL//here//group//patient", "LABEL//here//moca.total//20"]
    assert sorted(set(codes_of(tmp_path, "sub-03"))) == sorted(
        ["ATC//N03AX14", "GENDER//M", "ICD10CM//F32.9", "ICD10CM//G40.909", *labels]
    )
    assert "LABEL//here//group//control" in codes_of(tmp_path, "sub-01")
    assert not any(code.startswith("ATC") for code in codes_of(tmp_path, "sub-01"))
    assert read_events(tmp_path)["time"].null_count() == len(read_events(tmp_path))  # facts about people
    assert read_code_descriptions(tmp_path) == {
        "LABEL//here//group//patient": "epilepsy, by two neurologists",
        "LABEL//here//group//control": "no disease",
    }
