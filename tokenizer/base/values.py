"""Values of settings: what was typed, as the type of a dataclass's field, and YAML files of them. All text is literal.

Nothing in a value is looked up, computed or replaced: `${HOME}` is seven characters, in every field and every file.
"""

import re
import types
import typing
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

MISSING: Any = "???"
"""The default of a setting that must be given."""
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
NONE = ("null", "none", "")
LARGEST = 2**63 - 1
"""Largest whole number that tensors and tables hold."""


def convert(value: Any, wanted: Any) -> Any:
    """`value`, text as typed or a plain value of a YAML file, as the type `wanted` of a dataclass's field.

    Raises ValueError with what was expected instead.
    """
    kind = typing.get_origin(wanted)
    if kind in (types.UnionType, typing.Union):
        empty = value is None or (isinstance(value, str) and value in NONE)
        return None if empty else convert(value, next(t for t in typing.get_args(wanted) if t is not type(None)))
    if kind is list:
        return [convert(part, typing.get_args(wanted)[0]) for part in _parts(value)]
    if kind is typing.Literal:
        return _choice(value, typing.get_args(wanted))
    if isinstance(value, list | dict) or value is None:
        raise ValueError(f"expected one value, got {'nothing' if value is None else f'a {type(value).__name__}'}")
    return {str: str, Path: _path, bool: _truth, int: _whole, float: _number}[wanted](value)


def _path(value: Any) -> Path:
    if "\0" in str(value):
        raise ValueError("expected a path; this holds a zero byte")
    return Path(str(value))


def _parts(value: Any) -> list[Any]:
    """The elements of a list, typed as [a,b] or a,b."""
    if isinstance(value, str):
        return [part.strip() for part in value.strip("[]").split(",") if part.strip()]
    return value if isinstance(value, list) else [value]


def _choice(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if str(choice) == str(value):
            return choice
    raise ValueError(f"expected one of {', '.join(map(str, choices))}")


def _truth(value: Any) -> bool:
    word = str(value).lower()
    if word not in TRUE + FALSE:
        raise ValueError("expected true or false")
    return word in TRUE


def _whole(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except ValueError:  # also of too many digits
        number = None
    if number is None or abs(number) > LARGEST:
        raise ValueError("expected a whole number")
    return number


def _number(value: Any) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    if number != number:
        raise ValueError("expected a number")
    return number


# ---- YAML
class _Loader(yaml.SafeLoader):
    """Plain values alone: 1e-3 is a number (YAML 1.2), a date is text, and a key stands once."""

    yaml_implicit_resolvers: typing.ClassVar = {
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; a key that stands twice is an error."""
        taken = set()
        for key, _ in node.value:
            if str(key.value) in taken:
                raise yaml.constructor.ConstructorError(problem=f"{key.value!r} twice", problem_mark=key.start_mark)
            taken.add(str(key.value))
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes so that `_Loader` reads the same."""

    def ignore_aliases(self, data: Any) -> bool:
        """Values are written out, however often they stand."""
        return True


NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$")
LINE_ENDS = re.compile("[\x7f-\xa0\u2028\u2029\ufeff]")
"""Characters that YAML takes for the end of a line or drops, unless they are written as escapes."""
for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))


def read_yaml(path: str | Path) -> Any:
    """The plain values of a YAML file. Raises ValueError with one line if it is damaged or something else."""
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{path}: not readable YAML ({line}{error.problem})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: no text in UTF-8; save it as UTF-8") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{path}: not readable YAML ({type(error).__name__})") from None


def to_yaml(tree: dict[str, Any]) -> str:
    """Plain values as YAML, which `read_yaml` gives back exactly."""
    text = yaml.dump(tree, Dumper=_Dumper, allow_unicode=True, sort_keys=False)
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False) if LINE_ENDS.search(text) else text
