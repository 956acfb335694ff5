"""Suites: lists, rules, and files of one's own."""

import pytest

from benchmark.tasksets.suites import Definition, read_suite, suite_names
from tokenizer.base.cli import ConfigError


def test_clinical_suite_holds_234_distinct_questions():
    tasks = read_suite("clinical", [])
    count = {f: sum(t.family == f for t in tasks) for f in ("phenotype", "medication", "finding")}
    assert count == {"phenotype": 120, "medication": 99, "finding": 15}
    assert len({t.codes for t in tasks}) == 234


def test_unknown_suite_says_which_there_are():
    assert {"clinical", "demo", "labels"} <= set(suite_names())
    with pytest.raises(ConfigError, match="there are: clinical, controls, demo, labels, substances"):
        read_suite("clinicl", [])


def test_rules_make_tasks_from_codes():
    codes = ["ICD10CM//G40.909", "ICD10CM//G40.1", "ATC//N03AX14", "ATC//N03", "FINDING//spikes", "GENDER//F"]
    assert {d.task for d in read_suite("demo", codes)} == {"ICD10CM//G40", "ATC//N03AX14", "FINDING//spikes"}
    labels = ["LABEL//x//group//control", "LABEL//x//group//adhd", "LABEL//x//c//1", "LABEL//x//c//0", "LABEL//x//k//a"]
    assert {d.task for d in read_suite("labels", labels)} == {"LABEL//x//group//adhd", "LABEL//x//c//1"}
    assert len(read_suite("labels", [f"LABEL//x//stage//{v}" for v in "abc"])) == 3


def test_a_suite_of_ones_own_is_one_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("tasks:\n- {task: Epilepsy, family: phenotype, codes: [ICD10CM//G40, ICD10CM//R56]}\n")
    (task,) = read_suite(str(file), [])
    codes, group = ("ICD10CM//G40", "ICD10CM//R56"), "G00-G99 Nervous system"
    assert task == Definition("Epilepsy", "phenotype", codes, "ever", None, codes, group, "ICD10CM//")
    file.write_text("rule: concepts\n")
    assert [d.task for d in read_suite(str(file), ["FINDING//spikes"])] == ["FINDING//spikes"]
