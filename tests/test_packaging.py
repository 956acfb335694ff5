"""What an installation must keep: presets are found, the siblings are ours, public names are there and typed."""

import importlib.metadata
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import benchmark
import clef
import tokenizer
from tests.helpers import ROOT
from tests.test_imports import imported

PACKAGES = ("clef", "tokenizer", "benchmark")


def python(code, cwd, *path):
    """Run `code` in a fresh interpreter in `cwd` with `path` first on sys.path, as the finished process."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True)


def copy_packages(to, *names):
    for name in names:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))


# ---- presets
SAY_PRESETS = """
import tokenizer
from tokenizer.base.cli import preset_groups, preset_root
from benchmark.tasksets.suites import suite_names
groups = preset_groups("clef.pretrain")
print(tokenizer.__file__, preset_root(), groups["stage"], "tiny" in groups["model"], suite_names(), sep="|")
"""


@pytest.mark.parametrize("layout", ["checkout", "wheel"])
def test_presets_are_found_from_another_folder(layout, tmp_path):
    home = tmp_path / "home"
    copy_packages(home, *PACKAGES)
    configs = home / "configs" if layout == "checkout" else home / "tokenizer" / "configs"
    shutil.copytree(ROOT / "configs", configs)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    done = python(SAY_PRESETS, elsewhere, home)
    assert done.returncode == 0, done.stderr
    module, root, stages, tiny, suites = done.stdout.strip().split("|")
    assert Path(module).is_relative_to(home) and Path(root) == configs
    assert (
        stages == "['align', 'joint', 'narrate', 'recon', 'tokenizer', 'topomaps', 'trials', 'windows']"
        and tiny == "True"
    )
    assert {"clinical", "demo", "labels"} <= set(re.findall(r"\w+", suites))


def test_presets_are_found_in_this_installation():
    from tokenizer.base.cli import preset_groups

    assert "tiny" in preset_groups("clef.pretrain")["model"]


def test_every_preset_fits_its_program():
    from clef.training.settings import PretrainConfig
    from tokenizer.base.cli import parse, preset_groups

    for group, names in preset_groups("clef.pretrain").items():
        for name in names:
            given = {"stage": "recon", "out": "run"} | {group: name}
            parse(PretrainConfig, "clef.pretrain", [f"{k}={v}" for k, v in given.items()])


# ---- the siblings
@pytest.mark.parametrize("name", ["tokenizer", "benchmark"])
def test_a_foreign_sibling_is_refused_in_one_line(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    done = python("import clef", tmp_path, tmp_path, ROOT)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and repr(name) in last and "environment of its own" in last


def test_a_missing_sibling_is_refused_in_one_line(tmp_path):
    copy_packages(tmp_path, "clef")
    hide = f"import sys; sys.path = [p for p in sys.path if p not in ('', {str(ROOT)!r})]; import clef"
    done = python(hide, tmp_path, tmp_path)
    if "another one" not in done.stderr:  # where this checkout is installed too, Python finds that one
        assert "needs its own package 'tokenizer' beside it, but Python found none" in done.stderr
    assert done.returncode == 1


# ---- the public surface
@pytest.mark.parametrize("package", [clef, tokenizer, benchmark], ids=lambda p: p.__name__)
def test_every_public_name_is_there_and_typed(package):
    assert package.__all__ == sorted(set(package.__all__), key=package.__all__.index)
    for name in package.__all__:
        assert untyped(getattr(package, name), f"{package.__name__}.{name}") == []
    assert (Path(package.__file__).parent / "py.typed").is_file()


def untyped(thing, name):
    """Names of what lacks a type hint: parameters and results of a function, or of a class's public methods."""
    if inspect.isclass(thing):
        public = {k: v for k, v in vars(thing).items() if k == "__init__" or not k.startswith("_")}
        methods = {k: getattr(v, "__func__", getattr(v, "fget", v)) for k, v in public.items()}
        return [bare for k, v in methods.items() if inspect.isfunction(v) for bare in untyped(v, f"{name}.{k}")]
    if not inspect.isfunction(thing):
        return []
    signature = inspect.signature(thing)
    bare = [f"{name}({p})" for p, q in signature.parameters.items() if q.annotation is q.empty and p not in SELF]
    return bare + [f"{name} ->"] * (signature.return_annotation is signature.empty and not name.endswith("__init__"))


SELF = ("self", "cls")


@pytest.mark.parametrize("package", [clef, tokenizer, benchmark], ids=lambda p: p.__name__)
def test_a_name_that_is_not_there_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = package.nonsense


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_nothing_heavy(package, tmp_path):
    heavy = ("torch", "mne", "zarr", "polars", "sklearn", "transformers", "matplotlib", "wandb")
    done = python(f"import sys, {package}; print([m for m in {heavy} if m in sys.modules])", tmp_path, ROOT)
    assert done.stdout.strip() == "[]", done.stderr


# ---- the version
def test_the_version_is_the_newest_of_the_changelog():
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == clef.__version__


def test_the_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {clef.__version__}\n" in citation


# ---- the dependencies
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FOR_OTHERS = {"pymatreader"}
"""What mne imports, for EEGLAB files, without requiring it."""
OF_EXTRAS = {"xformers", "peft", "braindecode"}
"""What is asked for before it is imported."""


def canonical(requirement):
    return re.match(r"[\w.-]+", requirement).group().lower().replace("_", "-")


def test_dependencies_are_what_the_packages_import():
    homes = importlib.metadata.packages_distributions()
    roots = set().union(*(imported(file.read_text()) for room in PACKAGES for file in (ROOT / room).rglob("*.py")))
    foreign = roots - set(sys.stdlib_module_names) - set(PACKAGES) - OF_EXTRAS
    used = {canonical(homes[root][0]) for root in foreign}
    assert {canonical(d) for d in PROJECT["dependencies"]} - FOR_OTHERS == used


def test_constraints_pin_every_dependency_and_nothing_local():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert {canonical(w) for w in wanted} <= {canonical(pin) for pin in pins}
    assert all(re.fullmatch(r"[\w.]+", version) for version in pins.values())  # no +cpu, no path, no address
