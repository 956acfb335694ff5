"""Tasks that a cohort's codes cannot answer, and what is said of its events."""

import pytest

from benchmark.tasksets.suites import read_suite
from benchmark.tasksets.unaskable import event_lines, find_unaskable, unaskable_lines

SUITE = """tasks:
- {task: epilepsy, family: phenotype, codes: [ICD10CM//G40]}
- {task: generalised, family: phenotype, codes: [ICD10CM//G40.3]}
- {task: status, family: phenotype, codes: [ICD10CM//G40.301, ICD10CM//G40.901]}
- {task: either, family: phenotype, codes: [ICD10CM//G40.301, ICD10CM//G41]}
- {task: mental, family: phenotype, codes: [ICD10CM//R41.82]}
- {task: levetiracetam, family: medication, codes: [ATC//N03AX14]}
- {task: statins, family: medication, codes: [ATC//C10AA05, ATC//C10AA]}
- {task: seizure, family: finding, codes: [FINDING//seizure]}
"""


@pytest.fixture
def tasks(tmp_path):
    (tmp_path / "suite.yaml").write_text(SUITE)
    return read_suite(str(tmp_path / "suite.yaml"), [])


def test_codes_of_the_who_and_of_groups_of_drugs(tasks):
    codes = ["ICD10CM//G40.3", "ICD10CM//G41.0", "ICD10CM//S52.50", "ATC//N03AX", "FINDING//normal"]
    why = find_unaskable(tasks, codes)
    assert why == {
        "status": "it asks for 6 characters, and the cohort's ICD-10 codes of G have 4 at most (it seems to be WHO's "
        "ICD-10: G41 is on record)",
        "levetiracetam": "it asks for 7 characters, and the cohort's ATC codes have 5 at most",
    }, "of R nothing is on record: nobody has it"
    lines = unaskable_lines(tasks, why, codes)
    assert [line[: line.index(":")] for line in lines] == [
        "1 of 5 phenotype tasks cannot be asked (first",
        "1 of 2 medication tasks cannot be asked (first",
    ]


def test_a_family_that_nobody_can_ask_for(tasks):
    drugs = [task for task in tasks if task.task == "levetiracetam"]
    why = find_unaskable(drugs, ["ATC//N03AX"])
    assert unaskable_lines(drugs, why, ["ATC//N03AX"])[-1] == (
        "this cohort's drugs are coded by group: suite=clinical asks for groups of five characters"
    )
    assert len(unaskable_lines(drugs, find_unaskable(drugs, ["ATC//N"]), ["ATC//N"])) == 1


def test_families_without_any_code(tasks):
    why = find_unaskable(tasks, ["ICD10CM//G40.301", "ATC//N03AX14"])
    assert why == {"seizure": "the cohort holds no findings"}
    assert find_unaskable(tasks[:1], ["FINDING//x"]) == {"epilepsy": "the cohort holds no ICD-10 codes"}
    assert find_unaskable(tasks, ["ICD10CM//G40.301", "ATC//N03AX14", "FINDING//seizure"]) == {}


def test_what_is_said_of_events():
    counts = {"icd9": 3, "events": {"ICD10CM//": 9, "ATC//": 5}, "undated": {"ICD10CM//": 9, "ATC//": 0}}
    lines = event_lines(counts | {"unplaced": {"FINDING//": 2, "LABEL//": 0}})
    assert [line.split(" ")[0] for line in lines] == ["3", "ICD-10:", "2"] and "9 of 9 codes carry no date" in lines[1]
    assert "2 findings could not be given to one session" in lines[2]
