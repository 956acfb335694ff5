"""Open data sets, honestly: seven clinical questions answered by models that never saw the people they are asked of.

    python -m benchmark.open data=DIR out=DIR2 models=[recon=RUN] [gains=[0.25,0.5,2,4]] [retention=true]
    python -m benchmark.open data=DIR out=DIR2 models=[lodo=FOLDER,bundle=RUN] allow_overlap=true
    python -m benchmark.open data=DIR out=DIR2 models=[lodo=FOLDER] encoders=[elm=CHECKPOINT,mine=FILE.py] upsample=true

DIR holds the data sets, each a folder with its recordings and labels.csv (docs/open.md). They are imported, every
recording of a data set is cut to the same length, and each question is asked in repeated folds of people: of every
model, of the same encoder untrained, of its codes, of band power, and of what is known without the EEG. OUT/open.md is
the table with the whole protocol, OUT/open.json the same for programs. Vectors are kept in OUT, so the same command
goes on where it stopped. Cost on one core: about 4 minutes to read 141 recordings of 1 to 7 minutes, twice (for the
models and for band power), less than a minute more for each model and each gain, and a minute or two of probes. Band
power is measured against two references since, and each of encoders= reads once more: half of that again for each.
"""

import dataclasses
import logging
from collections import defaultdict
from pathlib import Path

import polars as pl

from benchmark.encoders.bandpower import BANDPOWER
from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import with_role
from benchmark.models.asked import Asked, ask, parse_models
from benchmark.models.others import Other, parse_others
from benchmark.models.settings import ModelsConfig
from benchmark.models.views import KINDS, REBUILT, View, make_vectors, read_view
from benchmark.open.answers import Answer, answer
from benchmark.open.datasets import DATA_SETS, DataSet, import_data_set, in_folder, people_of, read_labels, shortest
from benchmark.open.page import BASELINES, Result, as_json, as_markdown
from benchmark.open.questions import QUESTIONS, Question, task_of
from clef.cohort import Cohort
from clef.embeddings import Embeddings
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_json, write_text
from tokenizer.base.values import MISSING

log = logging.getLogger(__name__)


@dataclasses.dataclass
class OpenConfig(ModelsConfig):
    """Settings of `python -m benchmark.open`."""

    models: list[str] = dataclasses.field(default_factory=list)
    """Runs to ask, [name=RUN,…]; lodo=FOLDER of benchmark.leave_out: each data set gets the run without it."""
    data: Path = MISSING
    """Folder of the open data sets."""
    out: Path = MISSING
    """Folder for the table, the cohorts and the vectors; the same folder goes on."""
    datasets: list[str] = dataclasses.field(default_factory=list)
    """Data sets to ask of; without any all that have questions and are in data=."""
    seconds: float = 0.0
    """Use so many seconds of every recording; 0: as many as the shortest of its data set has."""
    folds: int = 5
    """Parts that people are put into; each is scored by probes fitted on the others."""
    seeds: int = 5
    """Repetitions with other folds; AUROCs are means over them."""
    gains: list[float] = dataclasses.field(default_factory=list)
    """Ask again with all recordings times so much in amplitude, as another amplifier would give them."""
    retention: bool = False
    """Ask band power of the spectrograms that the tokens give back, too."""


def main(config: OpenConfig) -> None:
    """Import, encode, ask, print, write."""
    models = parse_models(config.models)
    others = parse_others(config.encoders, list(models))
    datasets = checked(config)
    check_out(config.out, "folder")
    device = ranks.set_up(config.device)
    result = Result(list(models), config.gains, config.retention, config.folds, config.seeds, others=list(others))
    for dataset in datasets:
        asked = [ask_of(name, path, dataset, config) for name, path in models.items()]
        for one in asked:
            one.model.to(device)
        result.seen |= {(one.name, dataset.name): one.seen if one.known else None for one in asked}
        result.runs |= {(one.name, dataset.name): one.model.fingerprint for one in asked}
        result.references |= {(one.name, dataset.name): one.model.vqgan.config.reference for one in asked}
        people = people_of(config.data, dataset)
        overlap = [one.seen(people, dataset.name, config.allow_overlap) for one in others.values()]
        result.seen |= {(name, dataset.name): seen for name, seen in zip(others, overlap, strict=True)}
        result.answers += ask_data_set(dataset, asked, list(others.values()), config)
    text = as_markdown(result)
    write_json(config.out / "open.json", as_json(result))
    write_text(config.out / "open.md", text)
    print(text)
    log.info("wrote %s and open.json; next: read the lines below the first table", config.out / "open.md")


def checked(config: OpenConfig) -> list[DataSet]:
    """The data sets that are asked of. ConfigError for settings that make no sense, ValueError for absent data."""
    if config.folds < 2 or config.seeds < 1:
        raise ConfigError("folds must be 2 or more, and seeds 1 or more")
    if config.seconds and not 10 <= config.seconds <= 1280:
        raise ConfigError(f"seconds={config.seconds:g}: expected 10 to 1,280, or 0 for the shortest recording's")
    if wrong := [gain for gain in config.gains if not 0.01 <= gain <= 100 or gain == 1]:
        raise ConfigError(f"gains: {wrong[0]:g} is none; expected 0.01 to 100, and not 1, which is always asked")
    with_questions = {question.dataset for question in QUESTIONS}
    if bare := [name for name in config.datasets if name in DATA_SETS and name not in with_questions]:
        raise ConfigError(f"datasets: no question is asked of {bare[0]}; there are {', '.join(sorted(with_questions))}")
    present = in_folder(config.data, config.datasets or None)
    if not (kept := [dataset for dataset in present if dataset.name in with_questions]):
        raise ValueError(f"data={config.data}: none of {', '.join(sorted(with_questions))} is in it")
    return kept


def ask_of(name: str, path: Path, dataset: DataSet, config: OpenConfig) -> Asked:
    """The model of a name for a data set, checked against its people."""
    return ask(name, path, dataset.name, people_of(config.data, dataset), config.allow_overlap)


def ask_data_set(dataset: DataSet, asked: list[Asked], others: list[Other], config: OpenConfig) -> list[Answer]:
    """The answers to all questions of a data set, in the order of the table of questions."""
    home = config.out / dataset.name
    seconds = config.seconds or shortest(config.data, dataset)
    cohort = imported(dataset, seconds, home / "cohort", config)
    labels = labels_of(config.data, dataset)
    groups: dict[float, list[Question]] = defaultdict(list)
    for question in QUESTIONS:
        if question.dataset == dataset.name:
            groups[question.blank_below].append(question)
    views = [View(blank, gain) for blank in groups for gain in (1.0, *config.gains)]
    make_vectors(cohort, asked, views, home, config.retention, config.workers)
    answers = []
    for blank, questions in groups.items():
        rows = rows_of(cohort, asked, others, blank, home, config)
        tasks = [(question, task_of(question, labels, cohort.sessions)) for question in questions]
        answers += answer(tasks, rows, seconds, config.folds, config.seeds)
    return sorted(answers, key=lambda one: QUESTIONS.index(one.question))


def imported(dataset: DataSet, seconds: float | None, path: Path, config: OpenConfig) -> Cohort:
    """The data set as a cohort in which every recording is cut to the same length."""
    how = {"most_seconds": seconds} if seconds else {}
    import_data_set(config.data, dataset, path, split="test", **how)
    return Cohort(path)


def labels_of(data: Path, dataset: DataSet) -> pl.DataFrame:
    """The labels of a data set with the names that its sessions have in a cohort."""
    stem = pl.col("file").str.split("/").list.last().str.replace(r"\.[^.]*$", "")
    return read_labels(data, dataset).with_columns(session_id=pl.lit(f"{dataset.name}_") + stem)


def rows_of(
    cohort: Cohort, asked: list[Asked], others: list[Other], blank: float, home: Path, config: OpenConfig
) -> dict[str, Embeddings]:
    """Everything that answers: what needs no model of ours, then each model with its controls, gains, rebuilt rows."""
    keep = home / f"above{blank:g}Hz" if blank else home
    inputs = Inputs(cohort, keep, blank, config.workers, device=config.device, upsample=config.upsample)
    rows = {encoder.name: encoder.embed(inputs) for encoder in with_role("baseline")}
    rows[BASELINES["average"]] = BANDPOWER.embed(dataclasses.replace(inputs, reference="average"))
    rows |= {other.name: other.rows(inputs) for other in others}
    for one in asked:
        for gain in (1.0, *config.gains):
            view, mark = View(blank, gain), f" x{gain:g}" if gain != 1 else ""
            rows |= {one.name + KINDS[kind] + mark: must_have(cohort, one, view, home, kind) for kind in KINDS}
        if config.retention:
            rows[one.name + REBUILT] = must_have(cohort, one, View(blank), home, "rebuilt")
    return rows


def must_have(cohort: Cohort, one: Asked, view: View, home: Path, kind: str) -> Embeddings:
    """Vectors that were made before."""
    store = read_view(cohort, one, view, home, kind)
    assert store is not None, "make_vectors writes all of them"
    return store


if __name__ == "__main__":
    program(OpenConfig, main, "benchmark.open")
