"""A large cohort of records without recordings, and the time and memory that building its tasks takes.

    python -m tools.large_cohort subjects=108000 sessions=260000
    python -m tools.large_cohort subjects=10000 sessions=24000 suite=demo out=runs/large

The sizes of the paper's archive: sessions of four sites and four settings, about 15 ICD-10 codes, 10 ATC codes and, at
each session, some findings. Half of the codes are of the clinical suite; how common a code is depends on age, sex and
site, so that matching has work to do. `benchmark.build` then runs in a process of its own, as a user would start it.
"""

import datetime
import logging
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmark.tasksets.suites import read_suite
from clef.cohort import write_cohort
from tokenizer.base.cli import program
from tokenizer.sessions import SETTINGS

log = logging.getLogger(__name__)

SITES = ("S0001", "S0002", "I0002", "I0003")
SPLITS = {"train": 0.7, "val": 0.1, "test": 0.2}
START = datetime.datetime(2012, 1, 1)
DAYS = 3650
PER_PERSON = {"phenotype": 15, "medication": 10, "finding": 4}
"""Events of a person, of a person, and of a session, on average."""
COMMON = {
    "phenotype": [f"ICD10CM//{letter}{number:02d}.{digit}" for letter in "EIJKMNZ" for number in range(0, 99, 3)
                  for digit in (0, 9)],
    "medication": [f"ATC//{group}{number:02d}" for group in ("A02BC", "A10BA", "B01AC", "C03CA", "C07AB", "C09AA",
                   "C10AA", "J01CA", "M01AE", "R03AC") for number in range(1, 9)],
    "finding": [],
}  # fmt: skip
"""Codes that the suite does not ask for: of the hospital around neurology."""


@dataclass
class LargeCohort:
    subjects: int = 108_000
    """People."""
    sessions: int = 260_000
    """Sessions of them, one or more each."""
    suite: str = "clinical"
    """Suite to build, and whose codes half of the records are."""
    seed: int = 0
    """Seed of the people and their records."""
    out: Path | None = None
    """Folder to keep the cohort and its tasks in; by default both are removed."""


def main(config: LargeCohort) -> None:
    """Make, build, and print the lines."""
    if config.out:
        lines = time_in(config.out, config.subjects, config.sessions, config.seed, config.suite)
    else:
        lines = time_build(config.subjects, config.sessions, config.seed, config.suite)
    for line in lines:
        log.info(line)


def time_build(subjects: int, sessions: int, seed: int, suite: str = "clinical") -> list[str]:
    """Lines that say how long `benchmark.build` takes for so many people and sessions, and how much memory."""
    with tempfile.TemporaryDirectory() as folder:
        return time_in(Path(folder), subjects, sessions, seed, suite)


def time_in(folder: Path, subjects: int, sessions: int, seed: int, suite: str) -> list[str]:
    """As `time_build`, with the cohort and tasks.parquet left in `folder`. Raises ValueError if the build fails."""
    began = time.perf_counter()
    write_large_cohort(folder / "cohort", subjects, sessions, seed, suite)
    made = time.perf_counter() - began
    arguments = [f"cohort={folder / 'cohort'}", f"suite={suite}", f"out={folder / 'tasks.parquet'}", f"seed={seed}"]
    run = run_measured([sys.executable, "-m", "benchmark.build", *arguments])
    if run.code:
        raise ValueError(f"benchmark.build ended with exit code {run.code}: {run.output.strip().splitlines()[-1]}")
    kept = next(line for line in run.output.splitlines() if "tasks kept" in line)
    return [
        f"cohort of {subjects:,} people and {sessions:,} sessions made in {made:.0f} s",
        f"benchmark.build suite={suite}: {run.seconds:.0f} s ({run.processor:.0f} s of processor time), "
        f"peak memory {run.peak / 1e9:.1f} GB; {kept}",
    ]


@dataclass
class Run:
    """A program's run: exit code, wall and processor time in s, peak memory in bytes (Linux; elsewhere 0), output."""

    code: int
    seconds: float
    processor: float
    peak: float
    output: str


def run_measured(command: list[str]) -> Run:
    """Run a program and measure it."""
    began, before, peak = time.perf_counter(), os.times(), 0.0
    with tempfile.TemporaryFile("w+") as output:
        running = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while running.poll() is None:
            peak = max(peak, peak_memory(running.pid))
            time.sleep(0.02)
        seconds, after = time.perf_counter() - began, os.times()
        processor = after.children_user + after.children_system - before.children_user - before.children_system
        output.seek(0)
        return Run(running.returncode, seconds, processor, peak, output.read())


def peak_memory(process: int) -> float:
    """The most memory of a running process so far, in bytes; 0 where the system does not say.

    Its `ru_maxrss` would not do: a child inherits that of the process that started it.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM")]
    return 1024.0 * float(lines[0][1]) if lines else 0.0


def write_large_cohort(out: Path, subjects: int, sessions: int, seed: int, suite: str = "clinical") -> None:
    """A cohort folder with sessions and events alone. Raises ValueError for fewer sessions than people."""
    if not 0 < subjects <= sessions:
        raise ValueError(f"sessions={sessions}: expected subjects={subjects} or more, and at least one of both")
    rng = np.random.default_rng(seed)
    table = draw_sessions(subjects, sessions, rng)
    write_cohort(out, "Synthetic records without recordings", table, draw_events(table, suite, rng))


def draw_sessions(subjects: int, sessions: int, rng: np.random.Generator) -> pl.DataFrame:
    """The session table: a person has one site, sex and split, and several sessions over some years."""
    extra = rng.integers(0, subjects, sessions - subjects)
    person = np.sort(np.concatenate([np.arange(subjects), extra]))
    first = rng.integers(0, DAYS, subjects)
    later = np.where(np.diff(person, prepend=-1) > 0, 0, rng.integers(1, 700, sessions))
    # age falls into two humps, of children and of the old, as in an archive of clinical EEG
    born = np.where(rng.random(subjects) < 0.25, rng.uniform(0, 18, subjects), rng.normal(55, 20, subjects))
    site = np.array(SITES)[rng.choice(4, subjects, p=[0.45, 0.3, 0.15, 0.1])]
    split = np.array(list(SPLITS))[rng.choice(3, subjects, p=list(SPLITS.values()))]
    return pl.DataFrame(
        {
            "session_id": [f"s{i:07d}" for i in range(sessions)],
            "subject_id": person,
            "path": [f"s{i:07d}.edf" for i in range(sessions)],
            "start_time": np.datetime64(START, "us") + (first[person] + later).astype("timedelta64[D]"),
            "age": np.clip(born[person] + later / 365.25, 0, 100).astype(np.float32),
            "sex": np.array(["F", "M"])[rng.integers(0, 2, subjects)][person],
            "site": site[person],
            "setting": np.array(SETTINGS)[rng.choice(4, sessions, p=[0.5, 0.2, 0.2, 0.1])],
            "split": split[person],
        }
    )


def draw_events(sessions: pl.DataFrame, suite: str, rng: np.random.Generator) -> pl.DataFrame:
    """Events of all people: diagnoses and drugs around their first session, findings at each session."""
    definitions = read_suite(suite, [code for codes in COMMON.values() for code in codes])
    people = sessions.unique("subject_id", keep="first", maintain_order=True)
    parts = []
    for family, mean in PER_PERSON.items():
        codes = sorted({complete(code) for task in definitions if task.family == family for code in task.codes})
        codes += [code for code in COMMON[family] if code not in codes]
        if codes:
            parts.append(_draw_family(sessions if family == "finding" else people, codes, mean, family, rng))
    return pl.concat(parts)


def complete(code: str) -> str:
    """A code of the length that records have, of the prefix that a task names: G40 -> G40.9, N03AX -> N03AX01."""
    system, _, value = code.partition("//")
    if system == "ATC" and len(value) < 7:
        return f"ATC//{(value + 'AA01')[:5]}01"
    return f"{code}.9" if system == "ICD10CM" and len(value) == 3 else code


def _draw_family(
    rows: pl.DataFrame, codes: list[str], mean: float, family: str, rng: np.random.Generator
) -> pl.DataFrame:
    """Events (subject_id, time, code) of one family, one draw of codes for each row of `rows`."""
    chance = np.minimum(_chances(rows, len(codes), mean, rng), 0.9)
    parts = []
    for code, column in zip(codes, chance.T, strict=True):
        drawn = rows.filter(pl.Series(rng.random(len(rows)) < column)).select("subject_id", "start_time")
        days = 0 if family == "finding" else rng.integers(-60, 60, len(drawn))
        shift = pl.Series(np.broadcast_to(days, len(drawn)).astype("timedelta64[D]").astype("timedelta64[us]"))
        parts.append(drawn.select("subject_id", time=pl.col("start_time") + shift, code=pl.lit(code)))
    return pl.concat(parts)


def _chances(rows: pl.DataFrame, codes: int, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Chance (n, codes) of each code at each row: few are common; log odds vary with age, sex and site."""
    age = (rows["age"].to_numpy() - 45) / 25
    common = 1 / np.arange(2, codes + 2) ** 0.8
    odds = np.log(rng.permutation(common / common.sum()))[None] + np.outer(age, rng.normal(0, 0.5, codes))
    odds += np.outer((rows["sex"] == "F").to_numpy(), rng.normal(0, 0.4, codes))
    odds += rng.normal(0, 0.4, (len(SITES), codes))[rows["site"].cast(pl.Enum(SITES)).to_physical().to_numpy()]
    chance = np.exp(odds - odds.max()).astype(np.float32)
    return chance * mean / chance.sum(1).mean()


if __name__ == "__main__":
    program(LargeCohort, main, "tools.large_cohort")
