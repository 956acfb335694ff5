"""One spelling of medical codes, their blocks, chapters and lengths."""

import pytest

from clef.codes import block, chapter, code_lengths, is_icd9, normalise_code


@pytest.mark.parametrize(
    "code",
    (
        *("G40909", "g40.909", "ICD10CM//G40909", "ICD10CM//G40.909", "DIAGNOSIS//ICD//10//G40909", "ICD10//G40.909"),
        *("ICD-10-CM//G40909", " ICD10GM//G40.909*", "ICD10GM//G40.909†", "ICD10//G40.909!"),
    ),
)
def test_spellings_of_one_diagnosis(code):
    assert normalise_code(code) == "ICD10CM//G40.909"


def test_codes_of_other_lengths_and_other_things():
    assert normalise_code("ICD10//I10") == normalise_code("ICD10//I10.-") == "ICD10CM//I10"
    assert normalise_code("ICD10CM//W1830XD") == "ICD10CM//W18.30XD"
    assert [normalise_code(f"atc//{value}") for value in ("N", "N03", "N03A", "N03AX", "N03AX14")] == [
        *("ATC//N", "ATC//N03", "ATC//N03A", "ATC//N03AX", "ATC//N03AX14")
    ]
    others = ("DIAGNOSIS//ICD//9//3331", "ICD9CM//345.90", "LAB//51087//UNK", "MEDICATION//Keppra", "GENDER//F")
    others += ("MEDS_BIRTH", "ATC//Keppra", "ATC//N0", "", "FINDING//spikes", "LABEL//S//G40//1", "LABEL//ICD10CM//G40")
    assert not any(normalise_code(code) for code in others)
    assert [code for code in (*others, "ICD10CM//G40") if is_icd9(code)] == list(others[:2])


def test_blocks():
    diagnoses = ("ICD10CM//G40.309", "ICD10CM//G40309", "ICD10CM//G40.3", "ICD10CM//G40", "ICD10CM//G4")
    assert [block(code) for code in diagnoses] == [*["ICD10CM//G40"] * 4, "ICD10CM//G4"]
    drugs = ("ATC//N03AX14", "ATC//N03AX", "ATC//N03A", "ATC//N03", "ATC//N")
    assert [block(code) for code in drugs] == ["ATC//N03AX", "ATC//N03A", "ATC//N03A", "ATC//N03", "ATC//N"]
    assert block("FINDING//seizure") == "FINDING//seizure"


def test_chapters():
    codes = ("A00", "B99.9", "C71.9", "D49.9", "D50", "G40.209", "H59", "H60.1", "O9A.2", "T88", "Z99", "G4")
    first = [chapter(f"ICD10CM//{code}").split()[0] for code in codes]
    expected = ["A00-B99", "A00-B99", "C00-D49", "C00-D49", "D50-D89", "G00-G99", "H00-H59", "H60-H95", "O00-O9A"]
    assert first == [*expected, "S00-T88", "Z00-Z99", "G00-G99"]
    assert chapter("ATC//N03AX14") == "N Nervous system" == chapter("ATC//N")
    assert chapter("FINDING//seizure") == chapter("LABEL//x//y//z") == chapter("ATC//9") == ""


def test_lengths_are_those_of_known_codes():
    codes = ["ICD10CM//G40.309", "G40", "ICD10//G41", "ICD10CM//S52.501A", "ATC//N03AX", "LAB//1", "ATC//what"]
    diagnoses = {"ICD10CM//": {3, 6, 7}, "ICD10CM//G": {3, 6}, "ICD10CM//S": {7}}
    assert code_lengths(codes) == diagnoses | {"ATC//": {5}, "ATC//N": {5}}
