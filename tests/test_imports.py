"""Which package may import which: benchmark -> clef -> tokenizer, and one file per foreign package."""

import ast
import importlib
from pathlib import Path

import pytest

from tests.helpers import ROOT

PACKAGES = ("tokenizer", "clef", "benchmark", "tools", "tests")
MAY = {
    "tokenizer": {"tokenizer"},
    "clef": {"clef", "tokenizer"},
    "benchmark": {"benchmark", "clef", "tokenizer"},
    "tools": {"tools", "benchmark", "clef", "tokenizer"},
    "tests": {"tests", "tools", "benchmark", "clef", "tokenizer"},
}
OWNERS = {
    "mne": {f"tokenizer/reading/{name}.py" for name in ("mne_files", "mne_gaps", "formats", "read")},
    "edfio": set(),  # EDF is read here; tests hold it against edfio
    "zarr": {"tokenizer/store.py"},
    "wandb": {"clef/training/mirror.py"},
    "xformers": {"clef/network/attention.py"},
    "transformers": {"clef/network/report_encoder.py"},
}


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(text: str) -> set[str]:
    """Top-level names of every module a source text imports, also inside functions and by name."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the arrows"
            names.add(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            *("import_module", "__import__", "run_module"),
        ):
            named = node.args[0]
            if isinstance(named, ast.Constant):
                names.add(named.value)
            elif isinstance(named, ast.JoinedStr) and isinstance(named.values[0], ast.Constant):
                names.add(named.values[0].value)
    return {name.split(".")[0] for name in names}


def test_the_reader_of_imports_sees_lazy_ones():
    text = "def f():\n    import clef.model\n    from tools import x\n    importlib.import_module(f'benchmark.{y}')\n"
    assert imported(text) == {"clef", "tools", "benchmark"}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package):
    assert files(package)
    for file in files(package):
        ours = imported(file.read_text()) & set(PACKAGES)
        assert ours <= MAY[package], f"{file.relative_to(ROOT)} imports {sorted(ours - MAY[package])}"


@pytest.mark.parametrize("name", OWNERS)
def test_a_foreign_package_has_one_home(name):
    found = {
        str(file.relative_to(ROOT))
        for package in ("tokenizer", "clef", "benchmark")
        for file in files(package)
        if name in imported(file.read_text()) and "importers" not in file.parts
    }
    assert found <= OWNERS[name], f"{name} is imported in {sorted(found - OWNERS[name])}"


def test_mne_is_imported_lazily_and_by_two_of_its_files_for_a_type_hint_only():
    for name in OWNERS["mne"]:
        top = [n for n in ast.parse((ROOT / name).read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
        assert "mne" not in imported(ast.unparse(ast.Module(top, []))), f"{name} loads mne at once"
    for name in ("formats", "read"):
        tree = ast.parse((ROOT / f"tokenizer/reading/{name}.py").read_text())
        guarded = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
        rest = ast.Module([n for n in tree.body if n not in guarded], [])
        assert "mne" not in imported(ast.unparse(rest)), f"{name}.py needs mne for more than a type hint"


@pytest.mark.parametrize("package", ("tokenizer", "clef", "benchmark"))
def test_no_public_name_hides_a_submodule(package):
    """`clef.embed` must be the module or the function, not whichever was imported last."""
    module = importlib.import_module(package)
    modules = {p.stem for p in files(package) if p.parent == ROOT / package} | {
        p.name for p in (ROOT / package).iterdir() if p.is_dir()
    }
    public = set(getattr(module, "__all__", [])) | set(getattr(module, "_HOMES", {}))
    assert public and not public & modules


@pytest.mark.parametrize("package", ("tokenizer", "clef", "benchmark"))
def test_every_public_name_can_be_had(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_import_clef_and_tokenizer_is_light():
    """Reading workers and command lines pay for what they use, not for torch."""
    import subprocess
    import sys

    ask = "import sys, clef, tokenizer; print([m for m in ('torch', 'mne', 'zarr', 'polars') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, cwd=Path(ROOT), check=True)
    assert done.stdout.strip() == "[]"
