"""Which package may import which: benchmark -> clef -> tokenizer, and one file per foreign package."""

import ast
import graphlib
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
    "mne": {f"tokenizer/reading/{name}.py" for name in ("mne_files", "mne_gaps", "formats", "read", "arrays")}
    | {"tokenizer/tokens.py"},
    "edfio": set(),  # EDF is read here; tests hold it against edfio
    "zarr": {"tokenizer/store.py"},
    "wandb": {"clef/training/mirror.py"},
    "xformers": {"clef/network/attention.py"},
    "transformers": {"clef/network/language_model.py", "clef/reports/summarisers/hf.py"},
    "peft": {"clef/network/language_model.py"},
    "braindecode": {"benchmark/encoders/windows/pretrained/library.py"},
}

FLOORS = {
    "tokenizer": [
        *("base", "recording", "channels", "filters", "edf", "reading", "multitaper", "cells", "maps", "quality"),
        *("codebook", "quantisers", "level", "reference", "vqgan", "sessions", "digests", "store", "stretches"),
        *("readings", "twins", "tokens", "shards"),
    ],
    "clef": [
        "bundle",
        *("codes", "cohort", "placing", "tasks", "vectors", "embeddings", "folds", "fold_embeddings"),
        *("readout", "reports", "descriptions", "waveform", "trials", "network", "sources", "model", "explanations"),
        "narratives",
        *(
            "stages",
            "training",
            "crossfit",
            "inpainting",
            "estimator",
            "dataset",
            "importers",
            "pages",
            "search",
            "completion",
        ),
    ],
    "benchmark": [
        *("tasksets", "encoders", "models", "scores", "protocols", "texts", "report", "fidelity", "open", "tuab"),
        *("leaderboard", "topomaps", "trials", "explain", "narrate"),
    ],
}
"""Files and folders of each room from the ground up; above them stand its programs, which nobody imports."""


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


def arrows() -> dict[str, set[str]]:
    """Every module of the three rooms -> the modules of theirs that it imports, also inside functions and for types."""
    modules = {name_of(file): file for room in FLOORS for file in files(room)}
    return {
        name: {target for target in targets(file.read_text()) if target in modules} for name, file in modules.items()
    }


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def targets(text: str) -> set[str]:
    """Full names that a source text imports; of `from a import b` both a and a.b, one of which is a module."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            own = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {node.module, *own}
    return names


def backward(graph: dict[str, set[str]]) -> list[str]:
    """The imports that run upwards: from a lower floor of a room to a higher one, or of a program by anybody."""
    wrong = []
    for source, imports in graph.items():
        for target in imports - {source}:
            (room, *inside), (other, *there) = source.split("."), target.split(".")
            if not there or room != other or not inside:
                continue  # a room's face imports lazily; between rooms the first test decides
            if inside[0] != there[0] and floor(room, inside[0]) <= floor(room, there[0]):
                wrong.append(f"{source} -> {target}")
    return sorted(wrong)


def floor(room: str, name: str) -> int:
    return FLOORS[room].index(name) if name in FLOORS[room] else len(FLOORS[room])


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a loop, or nothing."""
    sorter = graphlib.TopologicalSorter({name: imports - {name} for name, imports in graph.items()})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_inside_a_room_imports_run_downwards():
    assert backward(arrows()) == []


def test_no_module_imports_itself_through_others():
    assert circle(arrows()) == []


def test_nobody_imports_a_program():
    graph = arrows()
    programs = {n for n in graph if n.count(".") == 1 and floor(*n.split(".")) == len(FLOORS[n.split(".")[0]])}
    programs |= {n for n in graph if n.endswith(".__main__")}
    assert {
        "clef.pretrain",
        "clef.embed",
        "tokenizer.encode",
        "benchmark.run",
        "benchmark.fidelity.__main__",
    } <= programs
    users = {f"{s} -> {t}" for s, imports in graph.items() for t in imports & programs if s != t and "." in s}
    assert users == set()


def test_every_floor_is_there():
    for room, names in FLOORS.items():
        assert {p.stem for p in (ROOT / room).iterdir()} >= set(names)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("tokenizer.base.files", "tokenizer.channels"),
        ("tokenizer.edf.reader", "tokenizer.reading.read"),
        ("clef.network.encoder", "clef.stages.masks"),
        ("clef.model", "clef.pretrain"),
        ("benchmark.scores.bench", "benchmark.report.terminal.tables"),
    ],
)
def test_one_import_against_the_order_is_seen(source, target):
    graph = arrows()
    assert {source, target} <= set(graph)
    before = backward(graph)
    graph[source] = graph[source] | {target}
    assert set(backward(graph)) - set(before) == {f"{source} -> {target}"}


def test_a_circle_is_seen():
    graph = arrows()
    graph["tokenizer.recording"] = graph["tokenizer.recording"] | {"tokenizer.reading.read"}
    assert set(circle(graph)) >= {"tokenizer.recording", "tokenizer.reading.read"}


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


def test_mne_is_imported_lazily_and_by_three_of_its_files_for_a_type_hint_only():
    for name in OWNERS["mne"]:
        top = [n for n in ast.parse((ROOT / name).read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
        assert "mne" not in imported(ast.unparse(ast.Module(top, []))), f"{name} loads mne at once"
    for name in ("formats", "read", "arrays"):
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
