"""The recipe of clef-open: each of its commands is one that the program understands, and data that lack are named."""

import os
import shlex
import subprocess

import pytest

from benchmark.leave_out import STAGES, parse_stage
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
    done = follow(data)
    assert done.returncode == 0, done.stderr
    commands = [shlex.split(line) for line in done.stdout.splitlines()]
    assert [module for _, module, *_ in commands] == ["clef.importers.synthetic", "benchmark.leave_out", "tools.bundle"]
    for _, module, *arguments in commands:
        parse(schema_of(module), module, arguments)  # raises for a name or a value that the program does not know


def test_settings_of_the_stages_are_ones_of_pretrain(data):
    """They are words in a list, which the program that passes them on reads only later."""
    line = next(line for line in follow(data).stdout.splitlines() if "leave_out" in line)
    config = parse(schema_of("benchmark.leave_out"), "benchmark.leave_out", shlex.split(line)[2:])
    for stage in STAGES:
        parse_stage(config, stage, data)


def test_data_that_lack_are_named_in_one_line(data):
    (data / "eegmat" / "labels.csv").unlink()
    done = follow(data)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "no eegmat/labels.csv" in done.stderr
    assert follow("").returncode != 0 and "give DATA=DIR" in follow("").stderr
