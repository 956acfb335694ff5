"""A suite of one's own that is wrong stops with one line that names the file, the task, the key and what was due."""

import pytest

from benchmark.tasksets.suites import read_suite
from tokenizer.base.cli import ConfigError

GOOD = "- {task: Epilepsy, family: phenotype, codes: [ICD10CM//G40]}\n"


def row(**changes):
    """A task's row of YAML in which some keys are changed; None takes a key away."""
    keys = {"task": "x", "family": "phenotype", "codes": "[ICD10CM//G41]"} | changes
    return "- {" + ", ".join(f"{k}: {v}" for k, v in keys.items() if v is not None) + "}\n"


def suite(tmp_path, text):
    (tmp_path / "mine.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_suite(str(tmp_path / "mine.yaml"), [])


WRONG_ROWS = {
    "a string for a list": (row(codes="ICD10CM//G41"), "a text ('ICD10CM//G41'); expected a list, as [ICD10CM//G41]"),
    "no codes": (row(codes="[]"), "codes: an empty list; expected one code or more"),
    "codes left out": (row(codes=None), "codes: nothing; expected a list of codes"),
    "a code without namespace": (row(codes="[G41]"), "codes: 'G41' has no namespace; expected ICD10CM//…"),
    "a namespace of another family": (row(codes="[ATC//N03A]"), "codes: 'ATC//N03A' is no code of family phenotype"),
    "a namespace nobody knows": (row(codes="[ICD9//345]"), "codes: 'ICD9//345' is no code of family phenotype"),
    "a namespace and nothing else": (row(codes="[ICD10CM//]"), "codes: 'ICD10CM//' names no code after its namespace"),
    "a blank code": (row(codes="[ICD10CM//G41, ' ']"), "codes: ' ' has no namespace"),
    "a number for a code": (row(codes="[401]"), "codes: a number (401); expected a text"),
    "a label without column": (row(family="label", codes="[LABEL//group]"), "expected LABEL//SITE//COLUMN//VALUE"),
    "labels of two columns": (
        row(family="label", codes="[LABEL//a//group//x, LABEL//b//group//x]"),
        "codes: LABEL//a//group and LABEL//b//group are two columns; expected the values of one",
    ),
    "an unknown family": (row(family="illness"), "family: 'illness'; expected one of phenotype, medication, finding"),
    "a family in capitals": (row(family="Phenotype"), "family: 'Phenotype'; expected one of"),
    "an unknown key": (row(windows="90"), "windows: there is no such key; did you mean window?"),
    "an unknown window": (row(window="after"), "window: 'after'; expected one of ever, before, around"),
    "a number for a window": (row(window=90), "window: 90; expected one of ever, before, around"),
    "the whole record within days": (
        row(window="ever", window_days=9),
        "window: ever is the whole record, but 9 days were",
    ),
    "around without days": (
        row(window="around"),
        "window: around, but no window_days; expected days, 0 or more, around",
    ),
    "days that are none": (row(window="before", window_days="-1"), "window_days: -1; expected days, 0 or more"),
    "a window of a finding": (
        row(family="finding", codes="[FINDING//seizure]", window="before"),
        "window: a finding belongs to its session and has no window; take the key out",
    ),
    "days of a label": (
        row(family="label", codes="[LABEL//a//b//c]", window_days=30),
        "window_days: a label belongs to its session and has no window; take the key out",
    ),
    "a text to exclude": (row(exclude="ICD10CM//G40"), "exclude: a text ('ICD10CM//G40'); expected a list, as [ICD10C"),
    "nothing to exclude": (row(exclude="null"), "exclude: nothing; expected a list of codes, or [] for nobody"),
    "a bare code to exclude": (row(exclude="[G40]"), "exclude: 'G40' is no code; expected one that begins with ICD10C"),
    "everybody to exclude": (row(exclude="[ICD10CM//]"), "exclude: 'ICD10CM//' is no code; expected one that begins"),
    "an empty group": (row(group="''"), "group: an empty text; expected a name"),
    "a number for a group": (row(group="7"), "group: a number (7); expected a text, in quotes"),
    "a task without name": (row(task=None), "task: missing; expected a name"),
    "a number for a name": (row(task="17"), "task: a number (17); expected a text, in quotes"),
    "a name that YAML takes for yes": (row(task="on"), "task: yes or no (True); expected a text, in quotes"),
    "an empty name": (row(task="''"), "task: an empty text; expected a name"),
    "a negative window": (row(window_days="-3"), "window_days: -3; expected days, 0 or more, or null"),
    "a word for a window": (row(window_days="ninety"), "window_days: 'ninety'; expected days"),
    "yes for a window": (row(window_days="true"), "window_days: True; expected days"),
    "a window without end": (row(window_days=".inf"), "window_days: inf; expected days"),
    "a window that is no number": (row(window_days=".nan"), "window_days: nan; expected days"),
    "a text for a row": ("- Epilepsy\n", "a text ('Epilepsy'); expected a task with the keys task, family, codes"),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_a_wrong_row_is_named_with_its_key(name, tmp_path):
    text, words = WRONG_ROWS[name]
    with pytest.raises(ConfigError) as caught:
        suite(tmp_path, "tasks:\n" + GOOD + text)
    line = str(caught.value)
    assert line.startswith("mine.yaml, task 2") and words in line and "\n" not in line


WRONG_FILES = {
    "empty": ("", "mine.yaml: the file is empty; expected `tasks:`"),
    "a remark alone": ("# to do\n", "mine.yaml: the file is empty"),
    "a list": (GOOD, "mine.yaml: a list; expected the key `tasks` or `rule` at the top"),
    "a word": ("clinical\n", "mine.yaml: a text ('clinical'); expected the key `tasks` or `rule`"),
    "an unknown key": ("task:\n" + GOOD, "mine.yaml, task: there is no such key; did you mean tasks?"),
    "a number": ("5\n", "mine.yaml: a number (5); expected the key `tasks` or `rule`"),
    "a program": ("tasks: !!python/object/apply:os.getcwd []\n", "mine.yaml: not readable YAML (line 1: "),
    "both": ("rule: labels\ntasks:\n" + GOOD, "mine.yaml: it has both `tasks` and `rule`; keep one"),
    "no tasks": ("tasks:\n", "mine.yaml, tasks: nothing; expected a list of tasks"),
    "tasks that are no list": ("tasks: {task: x}\n", "mine.yaml, tasks: keys and values; expected a list of tasks"),
    "an empty list": ("tasks: []\n", "mine.yaml, tasks: an empty list; expected a list of tasks"),
    "an unknown rule": ("rule: label\n", "mine.yaml, rule: 'label'; expected one of concepts, labels"),
    "a list of rules": ("rule: [labels]\n", "mine.yaml, rule: ['labels']; expected one of concepts, labels"),
    "no YAML": ("tasks:\n- {task: x\nrule: labels\n", "mine.yaml: not readable YAML (line 3: "),
    "a tab": ("tasks:\n\t- x\n", "mine.yaml: not readable YAML (line 2: "),
    "a key twice": ("tasks:\n" + GOOD + "tasks: []\n", "mine.yaml: not readable YAML (line 3: 'tasks' twice)"),
    "a date": ("tasks:\n- 2020-01-01\n", "mine.yaml, task 1: a text ('2020-01-01'); expected a task"),
    "not UTF-8": (b"tasks:\n- {task: \xe4}\n", "mine.yaml: no text in UTF-8; save it as UTF-8"),
    "a task twice": ("tasks:\n" + 2 * GOOD, "mine.yaml, task 2 ('Epilepsy'): a task of this name stands in it twice"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_named_with_the_place(name, tmp_path):
    text, words = WRONG_FILES[name]
    with pytest.raises(ConfigError) as caught:
        suite(tmp_path, text)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_dollars_and_braces_are_text(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "planted")
    names = ["${oc.env:SECRET}", "\\${oc.env:SECRET}", "${SECRET", "$ 5 {a}", "${tasks.0.task}"]
    rows = "".join(row(task=f"'{name}'", codes=f"['ICD10CM//{name}']") for name in names)
    tasks = suite(tmp_path, "tasks:\n" + rows)
    assert [t.task for t in tasks] == names
    assert [t.codes for t in tasks] == [(f"ICD10CM//{name}",) for name in names]


def test_a_window_and_its_default(tmp_path):
    rows = row(task="a", window_days=0) + row(task="b", window_days="2.5") + row(task="c", window_days="null")
    drug = row(task="d", family="medication", codes="[ATC//N03A]")
    finding = row(task="e", family="finding", codes="[FINDING//seizure]", window_days=1)
    tasks = suite(tmp_path, "tasks:\n" + rows + drug + finding)
    assert [t.window_days for t in tasks] == [0, 2.5, None, 90, None], "as files of before there was `window` have it"
    assert [t.window for t in tasks] == ["around", "around", "ever", "around", None]


def test_what_a_row_leaves_out(tmp_path):
    rows = row(task="a", codes="[ICD10CM//G40.3, ICD10CM//R56]") + row(task="b", exclude="[]", group="mine")
    rows += row(task="c", family="medication", codes="[ATC//N03AX14]", window="before")
    rows += row(task="d", family="label", codes="[LABEL//x//group//a]") + row(task="e", window="ever")
    a, b, c, d, _ = suite(tmp_path, "tasks:\n" + rows)
    assert a.exclude == ("ICD10CM//G40", "ICD10CM//R56") and a.group == "G00-G99 Nervous system"
    assert (b.exclude, b.group) == ((), "mine") and (c.exclude, c.group) == (("ATC//N03AX",), "N Nervous system")
    assert (c.window, c.window_days) == ("before", None) and (d.exclude, d.group, d.window) == ((), "labels", None)
    before = read_suite(str(tmp_path / "mine.yaml"), [], "before", 365)
    assert [(t.window, t.window_days) for t in before] == [("before", 365)] * 2 + [
        ("before", None),
        (None, None),
        ("ever", None),
    ]
    with pytest.raises(ConfigError, match="expected one of ever, before, around"):
        read_suite(str(tmp_path / "mine.yaml"), [], "after")
