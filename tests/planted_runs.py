"""The table of runs on planted recordings: a row for every program there is, and what each is given.

A new program needs a row here, after those whose output it reads; `tests/test_privacy.py` fails without one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from clef.cohort import REPORTS, seal
from clef.narratives.texts import Place, write_texts
from tests.benchmark.open.folder import write_open_data
from tests.clef.importers.bids import tree as bids
from tests.clef.importers.heedb import tree as heedb
from tests.clef.importers.tuh import tree as tuh
from tests.clef.network.language_models import write_bert
from tests.clef.trials.made import SMALL, write_trials
from tests.helpers import TINY, Done, run
from tests.planted import NAMED, RATE, Person, make_recordings, plant
from tokenizer.base.tables import write_table
from tokenizer.sessions import read_sessions

OWN = ("threads", "workers", "device")
"""Settings of clef.crossfit and benchmark.leave_out themselves; the other TINY ones they hand on."""


@dataclass(frozen=True)
class At:
    """Where things are: recordings and tables in `root`, what programs write in `out`, what they say in `said`."""

    root: Path
    out: Path
    said: Path

    def named(self, kind: str) -> Path:
        """A recording with a name in its name: the largest, as some are cut short, and folders have no order."""
        return max(self.root.glob(f"rec*{NAMED}*{kind}"), key=lambda path: (path.stat().st_size, path.name))


@dataclass(frozen=True)
class Run:
    """One row: a name for its folder in `said`, the program, its settings.

    code: 1 where some recordings cannot be read · after: what is done before the next row · slow: for make test-all
    """

    name: str
    program: str
    settings: Callable[[At], dict[str, object]]
    code: int = 0
    after: Callable[[At], None] = lambda at: None
    slow: bool = False


def _train(stage: str, **settings: object) -> dict[str, object]:
    return {"stage": stage} | TINY | settings


def _labels(at: At, name: str, **more: object) -> dict[str, object]:
    return {"root": at.root, "out": at.out / "cohort", "targets": "[group]", "labels": at.root / f"{name}.txt"} | more


def _with_align(at: At) -> dict[str, object]:
    return {"model": at.out / "align", "embeddings": at.out / "embed.parquet", "cohort": at.out / "cohort"}


def _settings() -> str:
    """The TINY settings that a program hands on."""
    return "[" + ",".join(f"{k}={v}" for k, v in TINY.items() if k not in OWN) + "]"


def _open_data(root: Path) -> Path:
    """Open data sets with planted people, whose study codes are all that may be told of them."""
    write_open_data(root, 12, 12)
    for number, path in enumerate(sorted(root.rglob("*.edf"))):
        plant(path, Person(number % 12))
    for path in root.rglob("labels.csv"):
        table = pl.read_csv(path, infer_schema=False)
        table.with_columns(comment=pl.Series([Person(i % 12).note for i in range(len(table))])).write_csv(path)
    return root


def _beside(at: At) -> Path:
    """Where trials are: not in `root`, whose files are all taken for recordings."""
    return at.root.with_name(f"{at.root.name}_trials")


def _trials(root: Path) -> Path:
    """Trials whose lists of pictures lie in planted people's folders, and whose JSON files name them."""
    write_trials(root, each=8, channels=4, samples=60)
    for number, path in enumerate(sorted(root.rglob("*_image.csv"))):
        person = Person(number)
        path.write_text(path.read_text().replace("images", f"C:\\Users\\{person.surname}"))
        sidecar = path.with_name(path.name.replace("image.csv", "1000Hz.json"))
        sidecar.write_text(json.dumps({"SamplingFrequency": 1000, "comment": f"{person.note} {person.born}"}))
    return root


def first_task(path: Path) -> str:
    """The name of the first task of a file."""
    return str(pl.read_parquet(path)["task"][0])


def _write_reports(at: At) -> None:
    sessions = read_sessions(at.out / "cohort")
    texts = [Person(int(Path(path).name[3:5])).phrase for path in sessions["path"]]
    reports = {"session_id": sessions["session_id"], "text": texts, "summary": None, "summariser": None}
    write_table(at.out / "cohort" / "reports.parquet", pl.DataFrame(reports, schema=REPORTS), {"clef.format": "1"})
    seal(at.out / "cohort")


def _texts(at: At) -> Path:
    """Texts on 10 s of every session of the cohort, each with the name of a person, as reports may have."""
    sessions, path = read_sessions(at.out / "cohort"), at.root / "texts.parquet"
    if not path.exists():
        phrases = [Person(int(Path(each).name[3:5])).phrase for each in sessions["path"]]
        named = zip(sessions["session_id"], phrases, strict=True)
        write_texts(path, [(Place(name, i), phrase) for name, phrase in named for i in range(3)], "segment")
    return path


RUNS = (
    Run("labels", "clef.importers.folder", lambda at: _labels(at, "labels", site="here")),
    Run(
        *("tables", "clef.importers.folder"),
        lambda at: _labels(at, "tables", site="there", rate=RATE, unit="uV"),
        after=_write_reports,
    ),
    Run("summarise", "clef.summarise", lambda at: {"cohort": at.out / "cohort", "summariser": "rules"}),
    Run(
        *("bids", "clef.importers.bids"),
        lambda at: {"root": at.root / "bids", "out": at.out / "bids", "targets": "[group]", "icd10": "[diagnosis]"},
    ),
    Run("tuh", "clef.importers.tuh", lambda at: {"root": at.root / "tuh", "out": at.out / "tuh"}),
    Run(
        *("heedb", "clef.importers.heedb"),
        lambda at: {"root": at.root / "heedb", "out": at.out / "heedb", "reports": at.root / "heedb" / "reports"},
    ),
    Run(
        *("synthetic", "clef.importers.synthetic"),
        lambda at: {"out": at.out / "synthetic", "subjects": 4, "minutes": 0.5, "workers": 1},
        slow=True,  # it reads nothing that could leak
    ),
    Run(
        *("tokenizer", "clef.pretrain"),
        lambda at: _train("tokenizer", out=at.out / "tokenizer", cohort=at.out / "cohort", steps=4),
    ),
    Run(
        *("encode", "tokenizer.encode"),
        lambda at: (
            {"cohort": at.out / "cohort", "tokenizer": at.out / "tokenizer"}
            | {"out": at.out / "tokens.zarr", "workers": 0}
        ),
    ),
    Run(
        *("recon", "clef.pretrain"),
        lambda at: _train("recon", out=at.out / "recon", tokens=at.out / "tokens.zarr", steps=2),
    ),
    Run(
        *("align", "clef.pretrain"),
        lambda at: (
            _train("align", out=at.out / "align", tokens=at.out / "tokens.zarr", cohort=at.out / "cohort")
            | {"init": at.out / "recon", "steps": 2, "report_encoder.vocabulary": 4000, "wandb": "offline"}
        ),
    ),
    Run(
        *("narrate_stage", "clef.pretrain"),
        lambda at: (
            _train("narrate", out=at.out / "narrate_stage", tokens=at.out / "tokens.zarr", cohort=at.out / "cohort")
            | {"init": at.out / "align", "steps": 2, "narrate.texts": _texts(at), "narrate.scope": "segment"}
            | {"narrator.maps": True}
        ),
    ),
    Run(
        *("narrate", "clef.narrate"),
        lambda at: {"model": at.out / "narrate_stage", "tokens": at.out / "tokens.zarr", "out": at.out / "narrate"},
    ),
    Run(
        *("narrate_scores", "benchmark.narrate"),
        lambda at: (
            {"models": f"[tiny={at.out / 'narrate_stage'}]", "tokens": at.out / "tokens.zarr", "device": "cpu"}
            | {"cohort": at.out / "cohort", "texts": _texts(at), "out": at.out / "narrate_scores"}
            | {"allow_overlap": True}
        ),
    ),
    Run(
        *("bundle", "tools.bundle"),
        lambda at: (
            {"runs": f"[{at.out / 'tokenizer'},{at.out / 'recon'},{at.out / 'align'}]", "out": at.out / "bundle"}
            | {"cohorts": f"[{at.out / 'cohort'}]", "tokens": f"[{at.out / 'tokens.zarr'}]"}
        ),
        code=1,  # it is written, but nothing was measured: it may not ship
    ),
    Run(
        *("joint", "clef.pretrain"),
        lambda at: (
            _train("joint", out=at.out / "joint", tokens=at.out / "tokens.zarr", cohort=at.out / "cohort")
            | {"steps": 2, "align.multiple_instance": True, "align.heldout_concepts": 0.5}
            | {"record_encoder.hierarchy": True}
        ),
        slow=True,  # what it writes is what align writes
    ),
    Run(
        *("language_model", "clef.pretrain"),
        lambda at: (
            _train("align", out=at.out / "language_model", tokens=at.out / "tokens.zarr", cohort=at.out / "cohort")
            | {"init": at.out / "recon", "steps": 2, "text": "hf", "report_encoder.length": 32}
            | {"report_encoder.name": write_bert(at.root / "bert"), "align.multiple_instance": True}
        ),
        slow=True,
    ),
    Run(
        *("embed", "clef.embed"),
        lambda at: {"model": at.out / "align", "out": at.out / "embed.parquet", "tokens": at.out / "tokens.zarr"},
    ),
    Run(
        *("embed_files", "clef.embed"),
        lambda at: {"model": at.out / "align", "out": at.out / "embed_files.parquet", "recordings": at.root},
        code=1,
    ),
    Run(
        *("build", "benchmark.build"),
        lambda at: (
            {"cohort": at.out / "cohort", "suite": "labels", "folds": 2, "min_cases": 2, "match_on": "[sex]"}
            | {"out": at.out / "tasks.parquet"}
        ),
    ),
    Run(
        *("run", "benchmark.run"),
        lambda at: (
            {"tasks": at.out / "tasks.parquet", "embeddings": at.out / "embed.parquet", "allow_overlap": True}
            | {"cohort": at.out / "cohort", "tokens": at.out / "tokens.zarr", "out": at.out / "scores", "workers": 0}
        ),
    ),
    Run(
        *("compare", "benchmark.align"),
        lambda at: (
            {"runs": f"[{at.out / 'recon'},{at.out / 'align'}]", "tokens": at.out / "tokens.zarr"}
            | {"cohort": at.out / "cohort", "out": at.out / "worth", "device": "cpu"}
        ),
    ),
    Run(
        *("bandpower", "benchmark.encode"),
        lambda at: (
            {"encoder": "bandpower", "cohort": at.out / "cohort", "out": at.out / "bandpower" / "it.parquet"}
            | {"workers": 0}
        ),
    ),
    Run(
        *("fidelity", "benchmark.fidelity"),
        lambda at: (
            {"tokenizer": at.out / "tokenizer", "cohort": at.out / "cohort", "out": at.out / "fidelity"}
            | {"split": "all", "sessions": 4, "workers": 0}
        ),
        slow=True,
    ),
    Run(
        *("topomaps", "benchmark.topomaps"),
        lambda at: (
            {"tokenizer": at.out / "tokenizer", "cohort": at.out / "cohort", "out": at.out / "topomaps", "head": False}
            | {"workers": 0, "device": "cpu"}
        ),
        slow=True,
    ),
    Run(
        *("open", "benchmark.open"),
        lambda at: (
            {"data": _open_data(at.root / "open"), "out": at.out / "open", "models": f"[tiny={at.out / 'recon'}]"}
            | {"folds": 2, "seeds": 1, "workers": 0, "device": "cpu", "gains": "[2]", "retention": True}
        ),
        slow=True,
    ),
    Run(
        *("windows", "clef.pretrain"),
        lambda at: (
            _train("windows", cohort=at.out / "cohort", out=at.out / "windows", steps=2, ema=0)
            | {"windows.seconds": 5, "windows.hidden": 8}
        ),
    ),
    Run(
        *("topomaps_stage", "clef.pretrain"),
        lambda at: _train("topomaps", cohort=at.out / "cohort", out=at.out / "topomaps_stage", steps=2, ema=0),
    ),
    Run(
        *("topomaps_voltage", "benchmark.topomaps"),
        lambda at: (
            {"encoder": at.out / "topomaps_stage", "cohort": at.out / "cohort"}
            | {"out": at.out / "topomaps_voltage", "workers": 0, "device": "cpu"}
        ),
    ),
    Run(
        *("trials", "clef.pretrain"),
        lambda at: (
            {"stage": "trials", "trials.root": _trials(_beside(at)), "out": at.out / "trials"} | SMALL | {"steps": 2}
        ),
    ),
    Run(
        *("trials_scored", "benchmark.trials"),
        lambda at: (
            {"data": _beside(at), "model": at.out / "trials", "out": at.out / "trials_scored", "device": "cpu"}
        ),
    ),
    Run(
        *("tuab", "benchmark.tuab"),
        lambda at: (
            {"root": at.root / "tuh", "out": at.out / "tuab", "models": f"[tiny={at.out / 'recon'}]"}
            | {"encoders": f"[elm={at.out / 'windows'}]", "workers": 0, "device": "cpu", "allow_overlap": True}
        ),
        slow=True,
    ),
    Run(
        *("leaderboard", "benchmark.leaderboard"),
        lambda at: {"scores": f"[{at.out / 'scores'}]", "out": at.out / "leaderboard.html"},
    ),
    Run(
        *("quality", "clef.quality"),
        lambda at: {"cohort": at.out / "cohort", "out": at.out / "quality", "workers": 0},
        code=1,
    ),
    Run(
        *("describe", "clef.describe"),
        lambda at: {"cohort": at.out / "cohort", "out": at.out / "describe", "workers": 0},
        code=1,
    ),
    Run(
        *("inpaint", "clef.inpaint"),
        lambda at: (
            {"model": at.out / "align", "recording": at.named("edf"), "hertz": "[8,14]"} | {"out": at.out / "inpaint"}
        ),
    ),
    Run(
        *("inpaint_broken", "clef.inpaint"),
        lambda at: (
            {"model": at.out / "align", "recording": at.named("fif"), "hertz": "[8,14]"}
            | {"out": at.out / "inpaint_broken"}
        ),
        code=1,
    ),
    Run(
        *("explain", "clef.explain"),
        lambda at: (
            {"model": at.out / "align", "recording": at.named("edf"), "prompts": "[slowing]", "device": "cpu"}
            | {"explaining.steps": 1, "explaining.draws": 1, "out": at.out / "explain.html"}
            | {"table": at.out / "explain.csv"}
        ),
    ),
    Run(
        *("explain_cohort", "benchmark.explain"),
        lambda at: (
            {"model": at.out / "align", "cohort": at.out / "cohort", "embeddings": at.out / "embed.parquet"}
            | {"tasks": at.out / "tasks.parquet", "task": first_task(at.out / "tasks.parquet"), "sessions": 2}
            | {"explaining.steps": 1, "explaining.draws": 1, "allow_overlap": True, "device": "cpu"}
            | {"out": at.out / "explain_cohort"}
        ),
        slow=True,  # it says of sessions what clef.explain says
    ),
    Run(
        *("view", "clef.view"),
        lambda at: _with_align(at) | {"recording": at.named("edf"), "out": at.out / "view.html"},
    ),
    Run(
        *("map", "clef.map"),
        lambda at: _with_align(at) | {"out": at.out / "map", "pages": 2, "method": "pca", "workers": 0},
    ),
    Run(
        *("search", "clef.search"),
        lambda at: (
            {"model": at.out / "align", "tokens": at.out / "tokens.zarr", "index": at.out / "index.parquet"}
            | {"cohort": at.out / "cohort", "query": "no spikes", "top": 2, "out": at.out / "search.html"}
        ),
    ),
    Run(
        *("crossfit", "clef.crossfit"),
        lambda at: (
            {"cohort": at.out / "cohort", "out": at.out / "crossfit", "folds": 2, "threads": 1}
            | {"workers": 0, "device": "cpu", "tokenizer": "[steps=2]", "recon": "[steps=2]"}
            | {"settings": _settings()}
        ),
        slow=True,  # each of its programs has a row
    ),
    Run(
        *("leave_out", "benchmark.leave_out"),
        lambda at: (
            {"data": _open_data(at.root / "open"), "out": at.out / "leave_out", "leave": "[ds004504]"}
            | {"workers": 0, "threads": 1, "device": "cpu", "tokenizer": "[steps=2]", "recon": "[steps=2]"}
            | {"settings": _settings()}
        ),
        slow=True,
    ),
    Run("deidentify", "tokenizer.deidentify", lambda at: {"root": at.root, "out": at.out / "shared"}, code=1),
)


def run_all(at: At, slow: bool = False) -> dict[str, Done]:
    """Every quick row in turn, or every slow one after those, and how it ended."""
    done = {}
    for row in (row for row in RUNS if row.slow == slow):
        done[row.name] = run(at.said / row.name, row.program, **row.settings(at))
        row.after(at)
    return done


# ---- what they are given
def make_planted(root: Path) -> None:
    """The recordings with their labels, and a tree for every importer of a known archive."""
    rows = [_label(Person(i), path) for i, path in enumerate(make_recordings(root))]
    labels = pl.DataFrame(rows)
    is_table = pl.col("file").str.ends_with(".csv")
    labels.filter(~is_table).write_csv(root / "labels.txt")
    labels.filter(is_table).write_csv(root / "tables.txt")
    for name, tree in (("bids", bids), ("tuh", tuh), ("heedb", heedb)):
        tree.make_tree(root / name, 6, 12)
        for number, path in enumerate(sorted((root / name).rglob("*.edf"))):
            plant(path, Person(number))
    _plant_tables(root)


def _label(person: Person, path: Path) -> dict:
    """A line of the labels; people are called by their names, and some cells hold what does not belong there."""
    odd, half = person.number % 5 == 0, person.number // 2 % 2
    about = {"age": person.note if odd else str(30 + person.number), "sex": "FM"[person.number % 2]}
    about |= {
        "start": f"{person.born} in town" if odd else "2021-06-01 10:00",
        "setting": person.surname if odd else "routine",
    }
    about |= {"split": ("train", "train", "val", "test")[person.number // 2 % 4], "group": "ab"[half]}
    return {"file": path.name, "subject": f"{person.surname} {person.born}"} | about | {"comment": person.note}


def _plant_tables(root: Path) -> None:
    """A column of notes in every table of the trees, and a name where an age and a code belong; notes in reports."""
    for path in (p for suffix in ("tsv", "csv") for p in root.glob(f"*/**/*.{suffix}")):
        separator = "\t" if path.suffix == ".tsv" else ","
        table = pl.read_csv(path, separator=separator, infer_schema=False)
        notes = [Person(i).note for i in range(len(table))]
        odd = {
            name: pl.Series([Person(7).surname, *table[name][1:]]) for name in {"age", "diagnosis"} & set(table.columns)
        }
        table.with_columns(**odd, comment=pl.Series(notes)).write_csv(path, separator=separator)
    for number, path in enumerate(sorted(root.glob("*/**/*.txt"))):
        path.write_text(path.read_text() + Person(number).note)
