"""Every program's settings and help, by its name, for tests that go over all of them."""

import inspect
import sys
from functools import cache

from clef.__main__ import programs
from clef.completion import schema_of
from tokenizer.base.cli import all_fields, help_text


@cache
def schemas() -> dict[str, type]:
    """The dataclass of settings of every program that `clef` lists."""
    return {name: schema_of(name) for name in programs()}


def settings_of(name: str) -> set[str]:
    """The dotted names of a program's settings."""
    return {field for field, _ in all_fields(schemas()[name])}


def help_of(name: str) -> str:
    """What `--help` prints."""
    schema = schemas()[name]
    module = next(sys.modules[n] for n in (f"{name}.__main__", name) if n in sys.modules)
    return help_text(schema, name, inspect.getdoc(module) or "")
