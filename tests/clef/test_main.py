"""The command `clef`: what it lists, how it finds a program, and that it runs it as `python -m` would."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clef.__main__ import STEPS, programs, resolve, short
from tests.helpers import ROOT
from tokenizer.store import TokenStore

NAMES = ["clef.embed", "clef.importers.bids", "clef.importers.folder", "tokenizer.encode", "benchmark.encode"]


def clef(*arguments, cwd=ROOT, home=ROOT):
    """Run `python -m clef …` of the packages in `home`."""
    environment = os.environ | {"PYTHONPATH": str(home)}
    command = [sys.executable, "-m", "clef", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=120)


# ---- the list
@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_the_list_has_every_program_of_every_room_with_its_docstring(arguments, tmp_path):
    done = clef(*arguments, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr
    for name in ("embed", "pretrain", "importers.folder", "importers.synthetic", "tokenizer.encode", "benchmark.run"):
        assert re.search(rf"^  {re.escape(name)} +[A-Z]", done.stdout, re.M), name
    assert re.search(r"^  embed +Embed sessions with a trained model", done.stdout, re.M)


def test_the_list_has_what_calls_program_and_nothing_else():
    calls = r"^ +program\((?!schema)"
    files = [p for room in ("clef", "tokenizer", "benchmark") for p in (ROOT / room).rglob("*.py")]
    of_rooms = {p for p in files if re.search(calls, p.read_text(), re.M) and p != ROOT / "clef" / "__main__.py"}
    modules = {p.parent if p.name == "__main__.py" else p.with_suffix("") for p in of_rooms}
    expected = {".".join(p.relative_to(ROOT).parts) for p in modules}
    assert set(programs()) == {name for name in expected if name.startswith("clef.importers.") or name.count(".") == 1}


def test_the_list_follows_the_order_of_the_work():
    listed = clef().stdout
    heads = [line for line in listed.splitlines() if line in STEPS]
    assert heads == ["import", "train", "embed", "benchmark", "look", "share"]
    order = ["importers.folder", "pretrain", "tokenizer.encode", "embed", "benchmark.build", "benchmark.run", "inpaint"]
    places = [listed.index(f"\n  {name} ") for name in [*order, "tokenizer.deidentify"]]
    assert places == sorted(places)


def test_the_list_loads_no_program():
    assert clef("--help").returncode == 0
    ask = "import sys; from clef.__main__ import overview; overview(); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in ("torch", "numpy", "polars", "yaml", "clef.embed", "tokenizer.base.cli"):
        assert f"'{name}'" not in loaded


def test_a_new_program_is_listed_and_runs_without_a_line_elsewhere(tmp_path):
    for room in ("clef", "tokenizer", "benchmark"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    text = (
        '"""Count the sessions.\n\nMore of it."""\nimport sys\n\ndef program(name):\n    print(name, sys.argv[1:])\n\n'
    )
    for path in ("benchmark/count.py", "clef/importers/attic.py", "tokenizer/shelf/__main__.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text + 'if __name__ == "__main__":\n    program(__name__)\n')
    (tmp_path / "tokenizer" / "program_words.py").write_text('"""Speaks of program(…) and calls none."""\n')
    listed = clef(home=tmp_path, cwd=tmp_path).stdout
    assert (
        len(
            re.findall(
                r"^  (?:benchmark\.count|importers\.attic|tokenizer\.shelf) +Count the sessions\.$", listed, re.M
            )
        )
        == 3
    )
    assert "program_words" not in listed
    done = clef("shelf", "a=1", home=tmp_path, cwd=tmp_path)
    assert done.stdout == "__main__ ['a=1']\n"


@pytest.mark.parametrize("arguments", [["clef"], ["clef", "embed", "--help"], ["clef.embed", "--help"]])
def test_help_is_shown_where_the_locale_has_no_utf_8(arguments):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | plain, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"usage: " in done.stdout and b"name=value ?" in done.stdout


def test_the_version_is_that_of_the_package():
    import clef as package

    assert clef("--version").stdout == f"clef {package.__version__}\n"


def test_the_installed_command_is_this_one():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"clef": "clef.__main__:main"}


# ---- names
@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("embed", "clef.embed"),
        ("clef.embed", "clef.embed"),
        ("importers.folder", "clef.importers.folder"),
        ("encode", "tokenizer.encode"),  # of clef, tokenizer and benchmark the first that has it
        ("benchmark.encode", "benchmark.encode"),
    ],
)
def test_a_name_is_looked_up_in_clef_then_tokenizer_then_benchmark(typed, name):
    assert resolve(typed, NAMES) == name


def test_every_program_has_the_name_it_is_listed_under():
    assert all(resolve(short(name), list(programs())) == name for name in programs())


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("embd", "there is no such program; did you mean embed?"),
        ("benchmark.rum", "did you mean benchmark.run"),
        ("folder", "did you mean importers.folder?"),
        ("clef.importers", "did you mean importers.bids, importers.folder,"),
        ("importers", "this is a part of a name; did you mean importers.bids,"),
        ("clef.cohort", "there is no such program"),
        ("zzzzzz", "clef --help lists the programs"),
        ("--halp", "there is no such program"),
    ],
)
def test_a_name_that_is_none_is_one_line_and_exit_code_2(typed, message):
    done = clef(typed, "out=x")
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"clef {typed}: ") and done.stderr.count("\n") == 1, done.stderr
    assert message in done.stderr


# ---- running
@pytest.mark.parametrize("name", ("embed", "importers.folder", "tokenizer.encode", "benchmark.run"))
def test_help_of_a_program_names_it_as_typed(name):
    done = clef(name, "--help")
    assert done.returncode == 0 and f"\nusage: clef {name} name=value …\n" in done.stdout, done.stderr
    assert "out=(required)" in done.stdout


@pytest.mark.parametrize("program", ("clef.summarise", "clef.search"))
def test_what_an_archive_takes_is_in_the_help(program):
    place = importlib.util.find_spec(program)
    place = importlib.util.find_spec(f"{program}.__main__") if place.submodule_search_locations else place
    doc = ast.get_docstring(ast.parse(Path(place.origin).read_text(encoding="utf-8")))
    assert re.search(r"260,000 .* \d+(\.\d+)? (s|minutes|hours)\b", " ".join(doc.split())), doc


def test_mistakes_keep_their_exit_codes_and_name_the_program_as_typed(tmp_path):
    wrong = clef("embed", "modle=x", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr == "clef embed: modle: there is no such setting; did you mean model?\n"
    missing = clef("benchmark.run", f"tasks={tmp_path / 'none'}", f"cohort={tmp_path}", "out=x", cwd=tmp_path)
    assert missing.returncode == 1 and missing.stderr.startswith("clef benchmark.run: ")
    assert missing.stderr.count("\n") == 1


@pytest.mark.slow
def test_spawned_workers_of_a_program_find_its_functions(tiny_cohort, tmp_path):
    done = clef("quality", f"cohort={tiny_cohort}", "out=q", "workers=2", cwd=tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert pl.read_parquet(tmp_path / "q" / "quality.parquet")["reason"].null_count() == 36 * 19


@pytest.mark.slow
def test_forked_workers_of_a_program_start_and_make_the_same_tokens(tiny_cohort, tiny_tokenizer, tiny_store, tmp_path):
    done = clef(
        "encode", f"cohort={tiny_cohort}", f"tokenizer={tiny_tokenizer}", "out=t.zarr", "workers=1", cwd=tmp_path
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert np.array_equal(TokenStore(tmp_path / "t.zarr").load().tokens, TokenStore(tiny_store).load().tokens)
