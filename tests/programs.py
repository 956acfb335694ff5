"""Every program's settings and help, by its name, for tests that go over all of them."""

import ast
import importlib
import inspect
from functools import cache
from pathlib import Path
from types import ModuleType

from clef.__main__ import programs
from tests.helpers import ROOT
from tokenizer.base.cli import all_fields, help_text


@cache
def schemas() -> dict[str, type]:
    """The dataclass of settings of every program that `clef` lists."""
    return {name: getattr(module_of(name), _call(name).args[0].id) for name in programs()}


def module_of(name: str) -> ModuleType:
    return importlib.import_module(".".join(_file(name).relative_to(ROOT).with_suffix("").parts))


def settings_of(name: str) -> set[str]:
    """The dotted names of a program's settings."""
    return {field for field, _ in all_fields(schemas()[name])}


def help_of(name: str) -> str:
    """What `--help` prints."""
    return help_text(schemas()[name], name, inspect.getdoc(module_of(name)) or "")


def _file(name: str) -> Path:
    path = ROOT / name.replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def _call(name: str) -> ast.Call:
    calls = (node for node in ast.walk(ast.parse(_file(name).read_text())) if isinstance(node, ast.Call))
    return next(call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "program")
