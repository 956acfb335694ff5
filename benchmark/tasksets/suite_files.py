"""Suite files: the YAML of a suite, checked key by key before a task is made of it.

    tasks:
    - {task: "Epilepsy (G40)", family: phenotype, codes: [ICD10CM//G40], window: before}

or one line, `rule: concepts`. People write these files by hand, and a slip would change a benchmark without a word: a
text where a list belongs is a list of letters, and a code without its namespace matches nobody. So whatever does not
fit is a ConfigError of one line with the file, the task and the key. Values are taken literally: `${…}` is text.
"""

import difflib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clef.tasks import FAMILIES
from tokenizer.base.cli import ConfigError
from tokenizer.base.values import read_yaml

NAMESPACES = {"phenotype": "ICD10CM//", "medication": "ATC//", "finding": "FINDING//", "label": "LABEL//"}
KEYS = ("task", "family", "codes", "group", "exclude", "window", "window_days")
WINDOWS = ("ever", "before", "around")


def read_suite_file(path: Path, rules: Iterable[str]) -> dict[str, Any]:
    """The tree of a suite file: `tasks`, a list of checked rows, or `rule`, one of `rules`. Raises ConfigError."""
    tree, known, name = _load(path), list(rules), path.name
    if not tree:
        one_of = ", ".join(known)
        raise ConfigError(f"{name}: the file is empty; expected `tasks:` and a list, or `rule:` and one of {one_of}")
    if not isinstance(tree, dict):
        raise ConfigError(f"{name}: {_spoken(tree)}; expected the key `tasks` or `rule` at the top")
    _check_keys(tree, ("tasks", "rule"), name)
    if len(tree) == 2:
        raise ConfigError(f"{name}: it has both `tasks` and `rule`; keep one")
    if "rule" in tree and tree["rule"] not in known:
        raise ConfigError(f"{name}, rule: {tree['rule']!r}; expected one of {', '.join(known)}")
    if "tasks" in tree:
        _check_tasks(tree["tasks"], name)
    return tree


def _load(path: Path) -> Any:
    try:
        return read_yaml(path)
    except ValueError as error:
        raise ConfigError(f"{str(error).replace(str(path), path.name)}; compare with clinical.yaml") from None


def _check_tasks(rows: Any, name: str) -> None:
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"{name}, tasks: {_spoken(rows)}; expected a list of tasks, each `- {{task: …, …}}`")
    taken = set()
    for number, row in enumerate(rows, 1):
        place = f"{name}, task {number}"
        if not isinstance(row, dict):
            raise ConfigError(f"{place}: {_spoken(row)}; expected a task with the keys {', '.join(KEYS[:3])}")
        title = row.get("task")
        place += f" ({title!r})" if isinstance(title, str) and title else ""
        _check_row(row, place)
        if title in taken:
            raise ConfigError(f"{place}: a task of this name stands in it twice; give every task its own")
        taken.add(title)


def _check_row(row: dict[Any, Any], place: str) -> None:
    _check_keys(row, KEYS, place)
    if not _is_filled(title := row.get("task")):
        raise ConfigError(f"{place}, task: {_wanted(title, 'a name')}")
    if (family := row.get("family")) not in FAMILIES:
        missing = "missing" if family is None else repr(family)
        raise ConfigError(f"{place}, family: {missing}; expected one of {', '.join(FAMILIES)}")
    _check_codes(row.get("codes"), family, f"{place}, codes")
    _check_excluded(row.get("exclude", []), f"{place}, exclude")
    if "group" in row and not _is_filled(row["group"]):
        raise ConfigError(f"{place}, group: {_wanted(row['group'], 'a name')}")
    _check_time(row, family, place)


def _check_time(row: dict[Any, Any], family: str, place: str) -> None:
    days = row.get("window_days")
    if family in ("finding", "label"):
        # files of before there was `window` say one day here, meaning at the session
        if "window" in row or ("window_days" in row and not (_is_days(days) and days <= 1)):
            key = "window" if "window" in row else "window_days"
            raise ConfigError(f"{place}, {key}: a {family} belongs to its session and has no window; take the key out")
    elif "window" in row:
        check_window(row["window"], days, f"{place}, window")
    else:
        _check_days(days, f"{place}, window")


def check_window(window: Any, days: Any, place: str) -> None:
    """Raise ConfigError (one line that begins with `place`) unless `window` and `days` go together."""
    if window not in WINDOWS:
        raise ConfigError(f"{place}: {window!r}; expected one of {', '.join(WINDOWS)}")
    _check_days(days, place)
    if window == "ever" and days is not None:
        raise ConfigError(f"{place}: ever is the whole record, but {days!r} days were given too; leave them out")
    if window == "around" and days is None:
        raise ConfigError(f"{place}: around, but no window_days; expected days, 0 or more, around the session's start")


def _check_days(days: Any, place: str) -> None:
    if days is not None and not _is_days(days):
        raise ConfigError(f"{place}_days: {days!r}; expected days, 0 or more, or null for no limit")


def _is_days(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0


def _check_excluded(codes: Any, place: str) -> None:
    if not isinstance(codes, list):
        example = f", as [{codes}]" if isinstance(codes, str) else " of codes, or [] for nobody"
        raise ConfigError(f"{place}: {_spoken(codes)}; expected a list{example}")
    for code in codes:
        spaces = tuple(NAMESPACES.values())
        if not isinstance(code, str) or not code.startswith(spaces) or not code.partition("//")[2].strip():
            raise ConfigError(f"{place}: {code!r} is no code; expected one that begins with {', '.join(spaces)}")


def _check_codes(codes: Any, family: str, place: str) -> None:
    if not isinstance(codes, list):
        example = f", as [{codes}]" if isinstance(codes, str) else " of codes"
        raise ConfigError(f"{place}: {_spoken(codes)}; expected a list{example}")
    if not codes:
        raise ConfigError(f"{place}: an empty list; expected one code or more")
    for code in codes:
        _check_code(code, family, place)
    columns = sorted({code.rpartition("//")[0] for code in codes}) if family == "label" else []
    if len(columns) > 1:  # controls are people with another value of the same column: there must be one
        raise ConfigError(f"{place}: {columns[0]} and {columns[1]} are two columns; expected the values of one")


def _check_code(code: Any, family: str, place: str) -> None:
    namespace = NAMESPACES[family]
    if not isinstance(code, str):
        raise ConfigError(f"{place}: {_spoken(code)}; expected a text, as {namespace}…, in quotes if need be")
    if "//" not in code:
        raise ConfigError(f"{place}: {code!r} has no namespace; expected {namespace}…")
    if not code.startswith(namespace):
        raise ConfigError(f"{place}: {code!r} is no code of family {family}; expected {namespace}…")
    if not code.removeprefix(namespace).strip():
        raise ConfigError(f"{place}: {code!r} names no code after its namespace; it would mean every one")
    parts = code.split("//", 3)
    if family == "label" and not (len(parts) == 4 and all(parts)):
        raise ConfigError(f"{place}: {code!r} is no label; expected LABEL//SITE//COLUMN//VALUE")


def _check_keys(tree: dict[Any, Any], known: tuple[str, ...], place: str) -> None:
    for key in tree:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise ConfigError(f"{place}, {key}: there is no such key; {hint}")


def _is_filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _wanted(value: Any, what: str) -> str:
    """What is wrong with a value that had to be a text that says something."""
    if value is None:
        return f"missing; expected {what}"
    return (
        f"an empty text; expected {what}" if isinstance(value, str) else f"{_spoken(value)}; expected a text, in quotes"
    )


def _spoken(value: Any) -> str:
    """What YAML made of what somebody wrote, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):  # before numbers, which it also is
        return f"yes or no ({value})"
    if isinstance(value, int | float):
        return f"a number ({value})"
    if isinstance(value, str):
        return f"a text ({value!r})"
    return ("a list" if value else "an empty list") if isinstance(value, list) else "keys and values"
