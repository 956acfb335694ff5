"""The planted ceilings of tasks."""

import polars as pl

from benchmark.scores.ceilings import planted_ceilings
from benchmark.tasksets.suites import read_suite
from tokenizer.base.files import write_json
from tokenizer.base.tables import write_table


def about(tasks):
    return {"protocol": {"definitions": {task: {"codes": codes} for task, codes in tasks.items()}}}


def test_every_task_of_the_demo_has_its_ceiling(tmp_path):
    """A category of diseases stands beside its diseases; so 30 of 45 tasks had one."""
    diseases = ["G40.209", "G40.309", "G30.9", "G93.1", "G93.41", "I10"]
    codes = [f"ICD10CM//{code}" for code in diseases] + ["ATC//N03AX14", "FINDING//seizure"]
    categories = sorted({code.split(".")[0] for code in codes if "." in code})
    values = {code: 0.5 + 0.01 * i for i, code in enumerate(codes + categories)}
    table = pl.DataFrame({"code": list(values), "ceiling": list(values.values())})
    (tmp_path / "truth").mkdir()
    write_table(tmp_path / "truth" / "ceilings.parquet", table)
    tasks = {task.task: task.codes for task in read_suite("demo", codes)}
    assert planted_ceilings(tmp_path, about(tasks)) == {task: values[task] for task in tasks}
    assert set(tasks) == {"ICD10CM//G30", "ICD10CM//G40", "ICD10CM//G93", "ICD10CM//I10", *codes[-2:]}
    others = {"one": ["ICD10CM//G402"], "two": ["ICD10CM//G40.2", "ICD10CM//G40.3"], "none": ["ICD10CM//F32"]}
    assert planted_ceilings(tmp_path, about(others)) == {"one": values["ICD10CM//G40.209"]}


def test_unknown_ceilings_and_real_people(tmp_path):
    assert planted_ceilings(tmp_path, about({"x": ["ICD10CM//I10"]})) == {}
    write_json(tmp_path / "truth" / "settings.json", {})
    codes = ["ICD10CM//I10", "ICD10CM//I63", "ICD10CM//I63.9"]
    write_table(
        tmp_path / "truth" / "ceilings.parquet",
        pl.DataFrame({"code": codes, "ceiling": [None, float("nan"), 0.7]}),
    )
    assert planted_ceilings(tmp_path, about({"a": codes[:1], "b": codes[1:2]})) == {}
    assert planted_ceilings(tmp_path, {}) == {}
