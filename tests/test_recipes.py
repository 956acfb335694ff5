"""The recipe of clef-open: each of its commands is one that the program understands, and data that lack are named."""

import os
import shlex
import subprocess

import pytest

from clef.completion import schema_of
from tests.helpers import ROOT
from tokenizer.base.cli import parse

RECIPE = ROOT / "configs" / "recipes" / "clef-open.sh"
SITES = ("ds004504", "mdd_husm", "eegmat", "adhd_nasrabadi")


def follow(data, **settings):
    """The recipe with a Python that only says how it is called."""
    environment = {"PATH": os.environ["PATH"], "DATA": str(data), "PYTHON": "echo"} | settings
    return subprocess.run(["bash", RECIPE], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture
def data(tmp_path):
    for site in SITES:
        (tmp_path / "data" / site).mkdir(parents=True)
        (tmp_path / "data" / site / "labels.csv").write_text("file,subject\n")
    return tmp_path / "data"


def test_every_command_fits_its_program(data):
    done = follow(data, MORE="threads=1 device=cpu")
    assert done.returncode == 0, done.stderr
    commands = [shlex.split(line) for line in done.stdout.splitlines()]
    assert [module.split(".")[-1] for _, module, *_ in commands] == [
        *["folder"] * 4,
        *("synthetic", "join_cohorts", "pretrain", "encode", "pretrain", "pretrain", "bundle"),
    ]
    for _, module, *arguments in commands:
        parse(schema_of(module), module, arguments)  # raises for a name or a value that the program does not know


def test_units_and_rates_that_files_do_not_say_are_given(data):
    imports = {line.split("site=")[1].split()[0]: line for line in follow(data).stdout.splitlines() if "site=" in line}
    assert set(imports) == set(SITES) and all("key=none" in line for line in imports.values())
    assert "rate=128 unit=0.1uV" in imports["adhd_nasrabadi"]
    assert not any("unit=" in imports[site] for site in SITES[:3])


def test_data_that_lack_are_named_in_one_line(data):
    (data / "eegmat" / "labels.csv").unlink()
    done = follow(data)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "no eegmat/labels.csv" in done.stderr
    assert follow("").returncode != 0 and "give DATA=DIR" in follow("").stderr
