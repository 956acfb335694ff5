"""What the documentation says of the code: programs, settings, presets, modules, names and files exist."""

import ast
import functools
import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from sklearn.pipeline import Pipeline

from clef.__main__ import programs, resolve
from clef.dataset import TokenDataset
from clef.embeddings import Embeddings
from clef.estimator import EEGEmbedder
from clef.model import Model
from tests.helpers import ROOT
from tokenizer.base.cli import ConfigError, all_fields, field_type, parse, preset_groups
from tokenizer.reading.read import ReadingConfig
from tokenizer.store import TokenStore

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ROOMS = "clef|tokenizer|benchmark|tools|tests"
COMMAND = re.compile(r"(?:-m|\bclef) ((?:[a-z_]+\.)*[a-z_]+)((?: +[^\s`#…]+)*)")
OTHERS = {"pip", "pytest", "ruff", "venv"}
"""Foreign programs that the pages start with `python -m`."""
KEYWORDS = {"check_unit": ReadingConfig, "crop": ReadingConfig, "writable": TokenStore, "trained_on": Embeddings}
KEYWORDS |= {
    "on_error": Model.embed,
    "channels": Model.embed,
    "most_seconds": ReadingConfig,
    "reading": EEGEmbedder,
    "session_id": TokenDataset,
    "memory": Pipeline,
}
"""Arguments of functions that the pages write as settings are written."""


def text_of(page):
    """A page's text, with commands of several lines put together."""
    return re.sub(r" *\\\n\s*|\n {20,}(?=\[)", " ", page.read_text(encoding="utf-8"))


def code_of(page):
    """The code of a page: the lines of its fenced blocks without remarks, and its code spans on one line each."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```", text_of(page), re.M | re.S)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S))
    shell = [re.sub(r"\s#\s.*", "", line) for kind, block in fences if kind != "python" for line in block.splitlines()]
    python = [block for kind, block in fences if kind == "python"]
    return shell, [" ".join(span.split()) for span in spans], python


def commands(page):
    """The commands of a page: module or short name, and its arguments as (setting, value)."""
    shell, spans, _ = code_of(page)
    for line in shell + spans:
        for name, arguments in COMMAND.findall(line):
            if name not in OTHERS and re.search(r"python -m|torchrun|^\S*clef ", line):
                yield name, [settings_of(argument) for argument in arguments.split() if "=" in argument]


def settings_of(argument):
    """`name=value`, also in quotes or in the brackets of what may be left out."""
    argument = argument.strip("\"'")
    if re.match(r"\[[a-z_.]+=", argument):
        argument = argument[1:-1]
    return argument.partition("=")[::2]


@functools.cache
def schema_of(name):
    """The module of a program and the dataclass of its settings."""
    module = name if name.startswith("tools.") else resolve(name, list(programs()))
    spec = importlib.util.find_spec(module)
    if spec.submodule_search_locations:
        spec = importlib.util.find_spec(f"{module}.__main__")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (call,) = (node for node in calls if getattr(node.func, "id", "") == "program")
    return module, getattr(importlib.import_module(spec.name), call.args[0].id)


def page_id(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_name_programs_and_settings_that_exist(page):
    for name, settings in commands(page):
        module, schema = schema_of(name)
        for key, _ in settings:
            if key not in preset_groups(module):
                field_type(schema, key)  # a ConfigError names the setting


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_values_in_commands_are_of_their_settings_type(page):
    for name, settings in commands(page):
        module, schema = schema_of(name)
        given = [f"{key}={value}" for key, value in settings if not re.search(r"[|…]|^N$|^$", value)]
        try:
            parse(schema, module, given)
        except ConfigError as error:
            assert "must be given" in str(error), f"{name} {given}: {error}"


@functools.cache
def every_setting():
    """The names of the settings and presets of all programs."""
    tools = (f"tools.{p.stem}" for p in (ROOT / "tools").glob("*.py") if " program(" in p.read_text(encoding="utf-8"))
    names = set()
    for program in (*programs(), *tools):
        module, schema = schema_of(program)
        names |= {name for name, _ in all_fields(schema)} | set(preset_groups(module))
    return names


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_settings_in_the_text_exist(page):
    _, spans, _ = code_of(page)
    setting = re.compile(r"(?<![\w.{/\"-])([a-z_]\w*(?:\.\w+)*)=")
    spoken_of = {name for span in spans for name in setting.findall(re.sub(r"\[.*?\]", "", span))}  # in lists: values
    assert sorted(spoken_of - every_setting() - set(KEYWORDS)) == []


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_keywords_in_the_text_exist(keyword):
    function = KEYWORDS[keyword]
    assert keyword in inspect.signature(function).parameters or f"{keyword}=" in inspect.getdoc(function)


def test_wrong_commands_are_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "`clef embed modle=x`\n```\npython -m clef.embde out=x\nclef embed pool=some \\\n  layer=encoder\n```\n"
    )
    assert list(commands(page)) == [
        ("clef.embde", [("out", "x")]),
        ("embed", [("pool", "some"), ("layer", "encoder")]),
        ("embed", [("modle", "x")]),
    ]
    for wrong in (("clef.embde", []), ("embed", ["pool=some"]), ("embed", ["modle=x"])):
        with pytest.raises(ValueError):
            module, schema = schema_of(wrong[0])
            parse(schema, module, ["model=m", "out=o", *wrong[1]])


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_exist(page):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text_of(page))
    missing = [link for link in links if not (page.parent / link).exists()]
    _, spans, _ = code_of(page)
    pattern = re.compile(rf"(?<![\w./-])(?:{ROOMS}|configs|docs|\.ci)/[\w./-]*")
    paths = [path for span in spans for path in pattern.findall(span) if "NAME" not in path]
    assert missing + [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_modules_and_names_that_are_spoken_of_exist(page):
    _, spans, python = code_of(page)
    for name in {n for span in spans for n in re.findall(rf"^(?:{ROOMS})(?:\.\w+)+", span)}:
        if not is_file_or_key(name):
            reach(name)
    for block in python:
        for node in ast.walk(ast.parse(block.replace("[...]", "[]"))):
            if isinstance(node, ast.ImportFrom) and re.match(ROOMS, node.module):
                for alias in node.names:
                    reach(f"{node.module}.{alias.name}")


def is_file_or_key(name):
    """Whether a dotted name is that of a file a program writes, or of a key in the metadata of a store."""
    sources = (path for room in ("clef", "tokenizer", "benchmark") for path in (ROOT / room).rglob("*.py"))
    return any(f'"{name}"' in path.read_text(encoding="utf-8") for path in sources)


def reach(name):
    """The module or the attribute of that dotted name; an error if there is none."""
    parts = name.split(".")
    for i in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:i]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, parts[i:], thing)
    raise ModuleNotFoundError(name)
