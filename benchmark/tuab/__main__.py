"""TUAB in one command: the official eval part, in the units and by the probes that others report, never mixed.

    python -m benchmark.tuab root=tuh_eeg_abnormal/v3.0.1 out=DIR models=[mine=RUN] encoders=[elm=CHECKPOINT]
    python -m benchmark.tuab root=tuh_eeg_epilepsy/v2.0.1 out=DIR models=[mine=RUN] probes=[people]
    python -m benchmark.tuab cohort=COHORT out=DIR models=[mine=RUN] encoders=[eegclip=RUN2] shares=[0.5,0.1,0.02]

Imports the corpus into OUT/cohort (or takes a cohort that is imported already, with its own splits), turns every
session into vectors by each model, each encoder and band power, and asks EEG-CLIP's four questions: abnormal, older
than 50, male, medication (of sessions with a report); of TUEP whether the person has epilepsy. OUT/tuab.md holds the
tables with their protocol, OUT/tuab.json the same for `benchmark.leaderboard`, OUT/predictions.parquet each
probability. Models of short windows are shown pooled over a session, and probed window by window; what was aligned with
reports, a model of ours or a run of stage=windows, is also asked in words alone. Vectors are kept in OUT: the same
command goes on where it stopped.

Cost: every recording is read once for the models, once for band power against each reference and once for each encoder.
A reading takes about 0.2 s of one core for 20 minutes of EEG, ELM's network about 10 s for an hour of EEG; TUAB has
1,100 hours, so such an encoder asks for some 3 hours of one core, or for a GPU.
"""

import dataclasses
import logging
from pathlib import Path

import polars as pl

from benchmark.encoders.encoder import Inputs
from benchmark.models.asked import ask, parse_models
from benchmark.models.others import parse_others
from benchmark.models.settings import ModelsConfig
from benchmark.tuab.asking import Vectors, ask_all, ask_few
from benchmark.tuab.page import Result, as_json, as_markdown
from benchmark.tuab.probes import PROBES
from benchmark.tuab.questions import QUESTIONS, Question
from benchmark.tuab.report_space import ReportSpace, report_spaces
from benchmark.tuab.rows import of_encoders, of_models, without_training
from benchmark.tuab.scratch import from_scratch
from benchmark.tuab.words import ask_in_words, leaks
from clef.cohort import Cohort
from clef.importers.tuh.importer import TUHImport
from clef.importers.tuh.importer import main as import_corpus
from clef.network.waveform.encoder import NETWORKS
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, write_json, write_text
from tokenizer.base.progress import track
from tokenizer.base.tables import write_table
from tokenizer.base.values import MISSING

log = logging.getLogger(__name__)


@dataclasses.dataclass
class TUABConfig(ModelsConfig):
    """Settings of `python -m benchmark.tuab`."""

    root: Path | None = None
    """Folder of the corpus: the one that holds edf/."""
    cohort: Path | None = None
    """Ask the same of this cohort instead."""
    out: Path = MISSING
    """Folder for the tables, the cohort and the vectors; the same folder goes on."""
    windows: int = 10
    """Windows of a session that are probed one by one, evenly spread; 0: none are."""
    probes: list[str] = dataclasses.field(default_factory=lambda: [*PROBES])
    """Which probes: logistic, perceptron, people."""
    scratch: list[str] = dataclasses.field(default_factory=list)
    """Networks trained from scratch on each question, and on each draw of few labels: elm, eegclip."""
    scratch_steps: int = 300
    """Steps of 64 windows of each of them: on one core 20 minutes of eegclip, 70 of elm, for each question and draw."""
    shares: list[float] = dataclasses.field(default_factory=list)
    """Few labels: shares of the people of train, as [0.5,0.1,0.01]; EEG-CLIP's pool is a quarter of them."""
    draws: int = 5
    """How often each share is drawn."""
    val_share: float = 0.1
    """Share of the people of train that probes are chosen on."""


def main(config: TUABConfig) -> None:
    """Import, embed, ask, print, write."""
    check(config)
    models = parse_models(config.models)
    others = parse_others(config.encoders, list(models))
    check_out(config.out, "folder")
    device = ranks.set_up(config.device)
    cohort = imported(config) if config.root else Cohort(config.cohort)
    name = cohort.sessions["site"][0] if config.root else cohort.path.name
    people = set(cohort.sessions.filter(pl.col("split") == "test")["subject_id"])
    asked = [ask(row, path, name, people, config.allow_overlap) for row, path in models.items()]
    for one in asked:
        one.model.to(device)
    saw = {row: one.seen(people, name, config.allow_overlap) for row, one in others.items()}
    home, workers = config.out / "vectors", config.workers
    inputs = Inputs(cohort, home, workers=workers, device=config.device, upsample=config.upsample)
    rows = [*without_training(inputs), *of_models(inputs, asked), *of_encoders(inputs, others, saw, config.windows)]
    most, steps = max(1, config.windows), config.scratch_steps
    rows += [
        from_scratch(network, cohort, home / "windows", most, steps, device, workers) for network in config.scratch
    ]
    report(config, ask_everything(config, name, cohort, rows, report_spaces(asked, others)))


def ask_everything(
    config: TUABConfig, name: str, cohort: Cohort, rows: list[Vectors], spaces: dict[str, ReportSpace]
) -> Result:
    """Every question of every row: by probes, in words, and of few labels."""
    questions, not_asked = askable(cohort)
    answers = list(track(ask_all(questions, rows, cohort, config.probes), "probes"))
    answers += ask_in_words(questions, rows, spaces, cohort)
    few = list(track(ask_few(questions, rows, cohort, config.shares, config.draws), "few labels"))
    leaking = [leak for question in questions for leak in leaks(question, cohort)]
    for question in questions:
        if not any(one.question == question.name for one in answers):
            not_asked[question.name] = "one of the two groups is missing in train or in eval"
    parts = {split: cohort.sessions.filter(pl.col("split") == split) for split in ("train", "val", "test")}
    counts = {split: (len(part), part["subject_id"].n_unique()) for split, part in parts.items() if len(part)}
    seen = {row.name: row.seen for row in rows}
    return Result(name, cohort.is_synthetic, not_asked, answers, few, counts, seen, leaking)


def report(config: TUABConfig, result: Result) -> None:
    """Print the page, and write it with all that is behind it."""
    if predictions := [one.predictions for one in result.asked if one.predictions is not None]:
        write_table(config.out / "predictions.parquet", pl.concat(predictions))
    write_json(config.out / "tuab.json", as_json(result))
    text = as_markdown(result)
    write_text(config.out / "tuab.md", text)
    print(text)
    log.info("wrote %s, tuab.json and predictions.parquet; next: benchmark.leaderboard", config.out / "tuab.md")


def check(config: TUABConfig) -> None:
    """ConfigError for settings that make no sense."""
    if (config.root is None) == (config.cohort is None):
        raise ConfigError("give root=FOLDER of the corpus, or cohort=COHORT, one of the two")
    if wrong := [probe for probe in config.probes if probe not in PROBES]:
        raise ConfigError(f"probes: {wrong[0]!r} is none; expected some of {', '.join(PROBES)}")
    if wrong := [share for share in config.shares if not 0 < share <= 1]:
        raise ConfigError(f"shares: {wrong[0]:g} is none; expected shares above 0, up to 1")
    if wrong := [network for network in config.scratch if network not in NETWORKS]:
        raise ConfigError(f"scratch: {wrong[0]!r} is none; expected some of {', '.join(NETWORKS)}")
    if config.scratch_steps < 1:
        raise ConfigError("scratch_steps must be 1 or more")
    if config.windows < 0 or config.draws < 1:
        raise ConfigError("windows must be 0 or more, and draws 1 or more")


def imported(config: TUABConfig) -> Cohort:
    """The corpus as a cohort, imported again each time: it reads headers alone, and notices what has changed."""
    given = {"root": config.root, "out": config.out / "cohort", "val_share": config.val_share}
    import_corpus(TUHImport(**given))
    return Cohort(config.out / "cohort")


def askable(cohort: Cohort) -> tuple[list[Question], dict[str, str]]:
    """The questions that the corpus can answer, and why not the others."""
    asked, not_asked = [], {}
    for question in QUESTIONS:
        known = question.answers(cohort)["answer"].drop_nulls()
        if len(known):
            asked.append(question)
        elif question.name == "medication":
            not_asked[question.name] = "no session has a report; TUH gives none out any more"
        else:
            not_asked[question.name] = "no session says it"
    return asked, not_asked


if __name__ == "__main__":
    program(TUABConfig, main, "benchmark.tuab")
