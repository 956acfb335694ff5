"""What a leaderboard is made of: single numbers, each with its protocol, read from the score files of our programs.

| file | program |
|---|---|
| `open.json` | `benchmark.open` |
| `tuab.json` | `benchmark.tuab` |
| `verdict.json` | `benchmark.run` |

A kind of file is a row of `READERS`; nothing else names one.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

CONTROLS = ("bandpower", "metadata", "acquisition", "truth")
"""Rows that are no system, by the start of their name; so are `NAME untrained`, `NAME codes` and the like."""
ABLATIONS = ("untrained", "codes", "rebuilt")
HEADLINE = ("pathological", "session", "logistic", "AUROC")
"""The column of TUAB that stands in the first table."""
SAW = "saw people of this data set in training, or does not say whom it saw"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A number in a cell.

    protocol: the table it stands in · column: its place there, as question, unit and metric in words
    low, high: 95 % interval · source: a file of ours, or a citation · literature: read, not run by us
    remark: what has to be known of it · headline: it stands in the first table, too
    """

    protocol: str
    column: str
    system: str
    value: float
    source: str
    low: float | None = None
    high: float | None = None
    literature: bool = False
    remark: str = ""
    headline: bool = False

    @property
    def control(self) -> bool:
        """Whether the row is what a system has to beat."""
        words = self.system.split(" · ")[0].split()
        return words[0].rstrip(",") in CONTROLS or words[-1] in ABLATIONS


@dataclasses.dataclass
class Scores:
    """The numbers of a file and how they came about, in lines; synthetic: of people drawn by a program."""

    entries: list[Entry]
    protocol: dict[str, list[str]]
    synthetic: bool = False


def read_scores(path: Path) -> list[Scores]:
    """The score files in a folder, or the one named. Raises ValueError in one line if there is none that is known."""
    files = [path] if path.is_file() else [path / name for name in READERS if (path / name).is_file()]
    known = [file for file in files if file.name in READERS]
    if not known:
        raise ValueError(f"scores={path}: holds none of {', '.join(READERS)}; give folders that our programs wrote")
    return [_read(file) for file in known]


def _read(path: Path) -> Scores:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return READERS[path.name](held, path.parent.name)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise ValueError(f"scores={path}: is no {path.name} of this version ({what}); write it again") from None


def of_open(held: Mapping[str, Any], folder: str) -> Scores:
    """`benchmark.open`: a column for each question, and the mean."""
    name = "Open recordings: seven questions (AUROC, session)"
    saw = {each["model"] for each in held["saw"] if each["people"] != 0}

    def entry(column: str, system: str, value: list[float], headline: bool = False) -> Entry:
        remark = SAW if any(system == model or system.startswith(f"{model} ") for model in saw) else ""
        return Entry(name, column, system, value[0], folder, *value[1:], remark=remark, headline=headline)

    entries = [
        entry(question["what"], system, value)
        for question in held["questions"]
        for system, value in (question["auroc"] or {}).items()
    ]
    entries += [entry("mean", system, value, headline=True) for system, value in held["means"].items()]
    return Scores(entries, {name: list(held["protocol"])})


def of_tuab(held: Mapping[str, Any], folder: str) -> Scores:
    """`benchmark.tuab`: a row for each system and probe; a table of its own for few labels."""
    name = held.get("name", "tuab")
    whole = "TUAB, official eval" if name == "tuab" else f"EEG-CLIP's questions of {name}"
    few = f"{'TUAB' if name == 'tuab' else name}, few labels (AUROC, session, mean over draws)"
    entries, drawn = [], {}
    for score in held["scores"]:
        remark = "" if score["saw"] == 0 else SAW
        if score["draw"] or score["share"] != 1:
            key = score["question"], f"{100 * score['share']:g} % of train's people", score["row"], remark
            drawn.setdefault(key, []).append(score["auroc"])
            continue
        row = f"{score['row']} · {score['probe']}"
        for metric, value, ends in (
            ("AUROC", score["auroc"], (score["low"], score["high"])),
            ("balanced accuracy", score["balanced_accuracy"], (None, None)),
        ):
            column = f"{score['question']}, {score['level']}, {metric}"
            first = (score["question"], score["level"], score["probe"], metric) == HEADLINE
            entries.append(Entry(whole, column, row, value, folder, *ends, remark=remark, headline=first))
    for (question, share, row, remark), values in drawn.items():
        mean, ends = sum(values) / len(values), (min(values), max(values))
        entries.append(Entry(few, f"{question}, {share}", row, mean, folder, *ends, remark=remark))
    probes = [f"{probe}: {words}" for probe, words in held["probes"].items()]
    counts = [f"{split}: {n:,} sessions of {people:,} people" for split, (n, people) in held["counts"].items()]
    not_asked = [f"{question}: not asked, {why}" for question, why in held["not_asked"].items()]
    lines = [*counts, *probes, *not_asked]
    of_draws = {few: ["intervals: least and largest of the draws", *lines]} if drawn else {}
    return Scores(entries, {whole: lines} | of_draws, bool(held.get("synthetic")))


def of_run(held: Mapping[str, Any], folder: str) -> Scores:
    """`benchmark.run`: mean AUROC with all labels, by family, and with few."""
    name = f"Matched tasks: {folder} (mean AUROC over {held['tasks']} tasks)"
    entries = []
    for system, mean in held["means"].items():
        remark = SAW if mean.get("overlap") else ""
        known = {"system": system, "source": folder, "remark": remark}
        ends = {"low": mean["low"], "high": mean["high"]}
        entries.append(Entry(name, "all labels", value=mean["auroc"], headline=True, **known, **ends))
        families = sorted(mean["families"].items())
        entries += [Entry(name, f"{family}s", value=value, **known) for family, value in families]
    for row in held["few_labels"]:
        if row["labels"] != "all":
            ends = row["lowest"], row["highest"]
            entries.append(Entry(name, f"{row['labels']} cases", row["embedding"], row["auroc"], folder, *ends))
    lines = [
        f"{held['subjects']:,} people of split {held['scored_on']}, {held['seeds']} seeds, controls matched; the same "
        f"probe for every row",
        "intervals: 95 % by matched set and person; with few labels the least and the largest of the seeds",
    ]
    return Scores(entries, {name: lines}, bool(held.get("synthetic")))


READERS: dict[str, Callable[[Mapping[str, Any], str], Scores]] = {
    "open.json": of_open,
    "tuab.json": of_tuab,
    "verdict.json": of_run,
}


def literature(entries: list[Mapping[str, Any]], name: str) -> Iterator[Entry]:
    """Entries of a file of numbers that others published. Raises ValueError in one line for what is none."""
    wanted = {"protocol", "column", "system", "value", "source"}
    for i, given in enumerate(entries, 1):
        fits = isinstance(given, Mapping) and wanted <= given.keys() <= wanted | {"remark"}
        if not fits or not isinstance(given["value"], (int, float)) or not 0 <= given["value"] <= 1:
            raise ValueError(f"{name}: entry {i}: expected {', '.join(sorted(wanted))} (the value from 0 to 1)")
        yield Entry(**{k: str(v) if k != "value" else float(v) for k, v in given.items()}, literature=True)
