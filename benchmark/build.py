"""Make a benchmark's tasks from a cohort: who has the code, and matched controls who do not.

    python -m benchmark.build cohort=COHORT suite=clinical|demo|labels matched=true out=tasks.parquet [folds=5]

Cases and controls have the same sex, site and setting and are within five years of age, within each split of the
cohort. For small cohorts `folds=5` leaves the cohort's split aside and puts whole matched sets into five folds;
`crossfit=DIR` takes the folds of a model that was cross-fitted on them (clef.crossfit) and matches within each.
`matched=false` takes the same cases with controls drawn at random: what a benchmark without matching would show.
"""

import dataclasses
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import polars as pl

from benchmark.report.terminal.counts import counts_table
from benchmark.tasksets.balance import UNBALANCED, Balance, balance_of, unbalanced
from benchmark.tasksets.covariates import MATCH_ON
from benchmark.tasksets.labelling import EventIndex, label_sessions
from benchmark.tasksets.matching import MATCHES, assign_folds, draw_sets, match_sets, matching_in_words
from benchmark.tasksets.suites import Definition, read_suite
from benchmark.tasksets.unaskable import event_lines, find_unaskable, unaskable_lines
from clef.cohort import Cohort
from clef.folds import in_folds
from clef.tasks import SCHEMA, check_tasks, write_tasks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, fingerprint
from tokenizer.base.progress import track
from tokenizer.sessions import SPLITS

log = logging.getLogger(__name__)


@dataclasses.dataclass
class BuildConfig:
    cohort: str = "???"
    """Cohort folder."""
    out: str = "???"
    """The task file to write, tasks.parquet."""
    suite: str = "clinical"
    """clinical (234 tasks), demo (every concept with enough cases), labels (every labelled column), or a YAML file."""
    matched: bool = True
    """Match controls to cases on sex, site, setting and age; false: the same cases, random controls."""
    match: Literal["exact", "propensity"] = "exact"
    """exact: equal values, and age within 5 years; propensity: within 0.2 sd of the logit of being a case."""
    match_on: list[str] = dataclasses.field(default_factory=lambda: list(MATCH_ON))
    """What cases and controls share: any of sex, site, setting, age (within 5 years). Fewer of them keep more cases."""
    controls: int = 1
    """Most controls per case; cases with fewer count as much, each control of k then 1/k."""
    folds: int = 0
    """0: keep the cohort's split. N: leave it aside and put whole matched sets into N folds, for small cohorts."""
    splits: list[str] = dataclasses.field(default_factory=lambda: list(SPLITS))
    """Take subjects of these splits only, e.g. splits=[test] folds=5 where a model was trained on the others."""
    min_cases: int = 10
    """Matched cases a task needs in train and in test; with folds= in all, and two in each; crossfit= in all."""
    max_cases: int = 2000
    """Most cases of a task per split, drawn at random beyond that; 0: all."""
    seed: int = 0
    """Draws: one session per subject, folds, random controls."""
    crossfit: str | None = None
    """Folder of clef.crossfit: its folds take the place of the cohort's split, and of folds=."""
    window: str = "ever"
    """When a diagnosis has to be on record, where the suite does not say: ever, before (the session) or around (it)."""
    window_days: float | None = None
    """Days that window= reaches from the session's start; none: window=before reaches back as far as the record."""


def make_tasks(
    cohort: str | Path, suite: str = "clinical", matched: bool = True, folds: int = 0, **settings: Any
) -> pl.DataFrame:
    """The tasks of `suite` for a cohort folder, in the form of `tasks.parquet` (see clef.tasks).

    `settings`: match, match_on, controls, splits, min_cases, max_cases, seed, crossfit, window, window_days, as for
    `python -m benchmark.build`.
    Raises ValueError with one line for a cohort or a suite that is none, or if no task has enough cases.
    """
    config = BuildConfig(str(cohort), "", suite, matched=matched, folds=folds, **settings)
    tasks, _ = build_tasks(config)
    check_tasks(tasks)
    return tasks


def build_tasks(config: BuildConfig) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The tasks and what their file says about them: suite, protocol, counts of what was left out, balance, cohort.

    Not checked yet: `write_tasks` does that to whatever it writes, and `make_tasks` to what it returns.
    """
    _check(config)
    cohort = Cohort(config.cohort)
    sessions = cohort.sessions.filter(pl.col("split").is_in(config.splits))
    if config.crossfit:
        sessions, _ = in_folds(sessions, config.crossfit)
    index = EventIndex(sessions, _events(cohort))
    definitions = read_suite(config.suite, index.codes, config.window, config.window_days)
    unaskable = find_unaskable(definitions, index.codes)
    for line in [*event_lines(index.counts), *unaskable_lines(definitions, unaskable, index.codes)]:
        log.warning(line)
    parts, counts, balance = [], {}, {}
    for definition in track(definitions, "tasks"):
        part, counts[definition.task], table = _one_task(index, definition, config)
        if len(part):
            parts.append(part)
            balance[definition.task] = table
    if not parts:
        raise ValueError(_nothing(config, counts))
    tasks = pl.concat(parts).sort("task", "split", "match_id", "label", "session_id")
    about = _about(config, cohort, tasks, definitions, counts)
    return tasks, about | {"balance": balance, "unaskable": unaskable, "events": index.counts}


def _nothing(config: BuildConfig, counts: dict[str, Any]) -> str:
    lost = sum(c["dropped"] > 0 for c in counts.values())
    less = f"match on less ({lost} tasks had the cases, but no controls alike in {', '.join(config.match_on)}), "
    return (
        f"suite={config.suite}: none of {len(counts)} tasks has {config.min_cases} matched cases where it needs them; "
        f"{less if lost else ''}lower min_cases, use folds=5 for a small cohort, or choose another suite"
    )


def _check(config: BuildConfig) -> None:
    if config.folds == 1 or config.folds < 0:
        raise ConfigError(f"folds={config.folds}: use 0 for the cohort's own split, or 2 and more")
    if config.folds and config.crossfit:
        raise ConfigError("folds= and crossfit=: give one; crossfit= brings folds of its own")
    if config.controls < 1 or config.min_cases < 2:
        raise ConfigError("controls must be 1 or more and min_cases 2 or more")
    if config.max_cases < 0:
        raise ConfigError(f"max_cases={config.max_cases}: use 0 for all cases, or the most of a task in a split")
    if config.match not in MATCHES:
        raise ConfigError(f"match={config.match}: there is no such matching; there are: {', '.join(MATCHES)}")
    if odd := sorted(set(config.match_on) - set(MATCH_ON)):
        raise ConfigError(f"match_on={odd[0]}: cannot be matched on; there are: {', '.join(MATCH_ON)}")
    if odd := sorted(set(config.splits) - set(SPLITS)):
        raise ConfigError(f"splits={odd[0]}: there is no such split; there are: {', '.join(SPLITS)}")
    if not config.folds and not config.crossfit and not {"train", "test"} <= set(config.splits):
        raise ConfigError(f"splits={','.join(config.splits)}: without folds a task needs train and test")


def _events(cohort: Cohort) -> pl.DataFrame:
    if not len(cohort.events):
        raise ValueError(f"cohort={cohort.path}: it holds no events (data/*.parquet), so there is nothing to ask")
    return cohort.events


def _one_task(
    index: EventIndex, task: Definition, config: BuildConfig
) -> tuple[pl.DataFrame, dict[str, Any], dict[str, Balance]]:
    """Rows of one task (none if it has too few cases), its counts, and its balance in each split."""
    seed = int(fingerprint(task.task, str(config.seed)), 16)
    labelled = label_sessions(index, task, seed).with_columns(
        pl.lit("all").alias("split") if config.folds else pl.col("split")
    )
    on_record = _cases_by_split(labelled)
    counts = {"family": task.family, "cases": sum(on_record.values()), "matched": 0, "kept": False}
    if not _enough(on_record, config, matched=False):  # most codes of a rule's suite: no matching could help them
        return pl.DataFrame(schema=SCHEMA), counts | {"surplus": 0, "dropped": 0, "splits": {}}, {}
    rows = pl.concat([_sets_of(part, config, seed) for _, part in labelled.group_by("split", maintain_order=True)])
    together = [part.with_columns(split=pl.lit("all")) if config.crossfit else part for part in (labelled, rows)]
    if config.folds:
        folds = assign_folds(rows.filter("label")["case"].to_list(), config.folds, seed)
        rows = rows.with_columns(pl.col("case").replace_strict(folds, return_dtype=pl.String).alias("split"))
    cases = _cases_by_split(rows)
    surplus = sum(max(0, n - config.max_cases) for n in on_record.values()) if config.max_cases else 0
    counts |= {"matched": sum(cases.values()), "kept": _enough(cases, config), "surplus": surplus, "splits": cases}
    counts["dropped"] = counts["cases"] - surplus - counts["matched"]
    columns = {"task": pl.lit(task.task), "family": pl.lit(task.family), "match_id": pl.col("case")}
    rows = rows.with_columns(**columns).select(*SCHEMA).head(len(rows) if counts["kept"] else 0)
    return rows, counts, balance_of(*together) if counts["kept"] else {}


def _cases_by_split(rows: pl.DataFrame) -> dict[str, int]:
    return dict(sorted(rows.filter("label").group_by("split").len().iter_rows()))


def _sets_of(labelled: pl.DataFrame, config: BuildConfig, seed: int) -> pl.DataFrame:
    """Matched sets of one split, or their unmatched twins: session rows with `label` and `case`."""
    cases = labelled.filter("label")
    if 0 < config.max_cases < len(cases):
        labelled = pl.concat([cases.sample(config.max_cases, seed=seed % 2**32), labelled.filter(~pl.col("label"))])
    sets = match_sets(labelled, config.controls, seed, config.match_on, config.match)
    if not config.matched:
        sets = draw_sets(labelled, sets.filter("label")["case"].to_list(), config.controls, seed)
    return labelled.drop("label").join(sets, on="session_id")


def _enough(cases: dict[str, int], config: BuildConfig, matched: bool = True) -> bool:
    """Whether a task with so many matched cases in each split or fold is kept; or could be, of cases on record."""
    if not config.crossfit and not config.folds:
        return min(cases.get("train", 0), cases.get("test", 0)) >= config.min_cases
    if sum(cases.values()) < config.min_cases or not matched:
        return sum(cases.values()) >= config.min_cases
    if config.crossfit:  # its folds are given: one without a case of this task is not scored, the others are
        return len(cases) > 1
    return len(cases) == config.folds and min(cases.values()) >= 2


def _about(
    config: BuildConfig, cohort: Cohort, tasks: pl.DataFrame, definitions: list[Definition], counts: dict[str, Any]
) -> dict[str, Any]:
    """File metadata: enough to repeat the building and to judge a score."""
    made = set(tasks["task"])
    paths = ("cohort", "out", "suite", "crossfit")  # whoever gets the file learns nothing of our folders
    settings = {k: v for k, v in dataclasses.asdict(config).items() if k not in paths}
    settings |= {"crossfit": tasks["split"].n_unique()} if config.crossfit else {}
    return {
        "suite": config.suite,
        "cohort": {"name": cohort.path.resolve().name, "fingerprint": cohort.fingerprint},
        "protocol": settings
        | {
            "matching": matching_in_words(config.match, config.match_on, config.controls)
            if config.matched
            else "none: random controls of the same split",
            "unit": "session, one per subject and task",
            "definitions": {d.task: dataclasses.asdict(d) for d in definitions},
        },
        "names": {d.task: name for d in definitions if d.task in made and (name := _words(d, cohort.descriptions))},
        "counts": counts,
    }


def _words(task: Definition, words: dict[str, str]) -> str:
    """The cohort's words for a task's code, or for its children where they all say the same; else nothing."""
    if task.codes[0] in words:
        return words[task.codes[0]]
    children = {text for code, text in words.items() if code.startswith(task.codes)}
    return children.pop() if len(children) == 1 else ""


def main(config: BuildConfig) -> None:
    check_out(config.out, "file")
    tasks, about = build_tasks(config)
    write_tasks(config.out, tasks, about)
    print(counts_table(about["counts"]))
    for line in _closing(config, tasks, about):
        log.info(line)


def _closing(config: BuildConfig, tasks: pl.DataFrame, about: dict[str, Any]) -> list[str]:
    counts = about["counts"].values()
    few, kept = [c for c in counts if not c["kept"]], [c for c in counts if c["kept"]]
    total = {k: sum(c[k] for c in kept) for k in ("cases", "dropped", "surplus")}
    none = sum(c["cases"] == 0 for c in few)
    cases = f"{config.min_cases} {'matched ' if config.matched else ''}cases"
    where = "in all" if config.folds or config.crossfit else "in train or in test"
    return [
        *_windows(about["protocol"]["definitions"].values()),
        f"{len(kept)} tasks kept; {len(few)} left out: {none} have no case in this cohort"
        + (f" ({len(unaskable)} of them cannot)" if (unaskable := about["unaskable"]) else "")
        + f", {len(few) - none} fewer than {cases} {where}",
        f"{total['dropped']:,} of {total['cases']:,} cases have no control alike in "
        + (", ".join(config.match_on) or "their split")
        + f"; {total['surplus']:,} were not drawn (max_cases={config.max_cases})" * (total["surplus"] > 0),
        _balance_line(about),
        f"{tasks['subject_id'].n_unique()} subjects; checked: no subject and no matched set in two splits of a task",
        f"wrote {config.out}; "
        f"next: python -m benchmark.run tasks={config.out} embeddings=… out=… cohort={config.cohort}",
    ]


def _windows(definitions: Iterable[dict[str, Any]]) -> list[str]:
    """When a code has to be on record, in words: a line per family that has a window."""
    windows: dict[str, Counter[str]] = defaultdict(Counter)
    for task in definitions:
        if task["window"] == "ever":
            windows[task["family"]]["anywhere in the record (window=ever)"] += 1
        elif task["window"]:
            days = "" if task["window_days"] is None else f"{task['window_days']:g} days "
            place = "around" if task["window"] == "around" else "before"
            windows[task["family"]][f"{days}{place} the session's start (window={task['window']})"] += 1
    return [
        f"{family} tasks: a code counts {', '.join(f'{words}: {n}' for words, n in counts.items())}"
        for family, counts in windows.items()
    ]


def _balance_line(about: dict[str, Any]) -> str:
    apart = f"cases and controls differ by more than {UNBALANCED} standard deviations of a covariate"
    if not (worst := unbalanced(about)):
        return f"balance: in no task do {apart}"
    where = ", ".join(f"{len(tasks)} in {split} (most in {tasks[0]})" for split, tasks in worst.items())
    return f"balance: {apart} in some of {len(about['balance'])} tasks: {where}; benchmark.run flags them"


if __name__ == "__main__":
    program(BuildConfig, main, "benchmark.build")
