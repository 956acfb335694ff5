"""The people of the synthetic cohort, their visits, and their records as MEDS events.

How many codes somebody has is drawn first, from age and setting alone, and the diseases and drugs of
`clef.importers.synthetic.concepts` are filled up with background codes: so that the number of *other* codes on record
tells nothing of a concept once age and setting are matched. Background codes are so many that none becomes a task.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtri

from clef.importers.synthetic.concepts import (
    CONCEPTS,
    COURSE_DISEASES,
    COURSE_DRUGS,
    DISEASES,
    DRUGS,
    concepts_of,
    has_course,
)
from tokenizer.recording import SECONDS
from tokenizer.sessions import split_of, subject_number

SETTINGS = {"A": (0.46, 0.10, 0.38, 0.06), "B": (0.48, 0.22, 0.25, 0.05), "C": (0.58, 0.06, 0.30, 0.06)}
SETTING_NAMES = ("routine", "emu", "icu", "ambulatory")
AGES = {"routine": 58.0, "emu": 46.0, "icu": 62.0, "ambulatory": 52.0}
FIRST_YEAR = {"A": 2013, "B": 2017, "C": 2010}
SPREAD = 6.0
"""Standard deviation of how many ICD-10 and how many ATC codes people of one age and setting have: wide, as in records
of patients, so that half a code more or less tells little."""
ADDED = 0.5
"""The part of the planted codes that comes on top of the number drawn; the rest takes the place of background codes.

At 0 whoever has a concept has one *other* code less than the controls (AUROC of that number 0.47, 40,000 people); at 1
a finding, which diseases cause, goes with more codes. Half of each keeps a probe on that number near 0.51.
"""
DEFAULT_MINUTES, LONG_SECONDS = 5.0, 1200
CHAPTERS = {
    "K": "digestive",
    "M": "musculoskeletal",
    "L": "skin",
    "N": "genitourinary",
    "H": "eye or ear",
    "J": "respiratory",
    "D": "blood",
    "Z": "health-service",
}
ANATOMY = {
    "A": "alimentary",
    "B": "blood",
    "D": "skin",
    "G": "genitourinary",
    "H": "hormonal",
    "J": "anti-infective",
    "M": "musculoskeletal",
    "R": "respiratory",
    "S": "eye or ear",
}
BACKGROUND_ICD = {
    f"ICD10CM//{c}{n:02d}.{d}": f"Background diagnosis ({words})"
    for c, words in CHAPTERS.items()
    for n in range(10, 95)
    for d in (0, 9)
}
BACKGROUND_ATC = {
    f"ATC//{a}{g:02d}{s}A{n:02d}": f"Background drug ({words})"
    for a, words in ANATOMY.items()
    for g in range(1, 10)
    for s in "AB"
    for n in (1, 2, 3, 4)
}


@dataclass(frozen=True)
class Dice:
    """Named columns of random numbers, each from its own generator: a new column, or more rows, changes no other."""

    seed: int
    n: int

    def rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def uniform(self, name: str) -> np.ndarray:
        """(n,) numbers in [0, 1)."""
        return self.rng(name).random(self.n)

    def normal(self, name: str) -> np.ndarray:
        """(n,) standard normal numbers."""
        return ndtri(np.clip(self.uniform(name), 1e-9, 1 - 1e-9))

    def choice(self, name: str, values: tuple, weights: np.ndarray | tuple) -> np.ndarray:
        """(n,) of `values` with `weights` (len(values),) or (n, len(values))."""
        edges = np.cumsum(np.broadcast_to(weights, (self.n, len(values))), axis=1)
        return np.array(values)[(self.uniform(name)[:, None] * edges[:, -1:] >= edges).sum(1).clip(0, len(values) - 1)]


def draw_people(seed: int, n: int, course: bool = False) -> dict[str, np.ndarray]:
    """Columns (n,) of subjects: site, setting, age (years), sex, one bool per concept, and how many codes they have.

    With `course` they have the concepts that shape the order of events, too; everything else of them stays the same.
    """
    dice = Dice(seed, n)
    people = {"site": dice.choice("site", ("A", "B", "C"), (0.5, 0.3, 0.2))}
    people["setting"] = dice.choice("setting", SETTING_NAMES, np.array([SETTINGS[s] for s in people["site"]]))
    mean = np.array([AGES[s] for s in people["setting"]]) + 5 * (people["site"] == "B") - 3 * (people["site"] == "C")
    people["age"] = np.clip(mean + 13 * dice.normal("age"), 18, 89)
    people["sex"] = np.where(dice.uniform("sex") < 0.5, "F", "M")
    for concept in CONCEPTS + (COURSE_DISEASES + COURSE_DRUGS if course else ()):
        people[concept.name] = dice.uniform(concept.name) < concept.probability(people)
    people["sessions"] = 1 + (dice.uniform("repeat") < 0.15) + (dice.uniform("repeat") < 0.03)
    icu = people["setting"] == "icu"
    expected = 14 + (people["age"] - 58) / 15 + 2 * icu
    people["n_icd"] = np.round(expected + SPREAD * dice.normal("n_icd")).astype(int).clip(3, 28)
    people["n_atc"] = np.round(expected - 2 + 2 * icu + SPREAD * dice.normal("n_atc")).astype(int).clip(3, 28)
    return people


def draw_visits(people: dict[str, np.ndarray], seed: int, minutes: float) -> dict[str, np.ndarray]:
    """Columns (n sessions,): everything of the person, `person` (row), `visit`, `start` (µs), `seconds`, and age then.

    Duration and year depend on site and setting only; `minutes` is the shortest. With a course no session is longer
    than the grid of tokens, so that all of its course can be seen.
    """
    person = np.repeat(np.arange(len(people["age"])), people["sessions"])
    visits = {name: column[person] for name, column in people.items()} | {"person": person}
    visits["visit"] = np.concatenate([np.arange(k) for k in people["sessions"]])
    dice = Dice(seed, len(person))
    tail = np.where(visits["setting"] == "icu", 0.085, 0.045) + 0.02 * (visits["site"] == "B")
    seconds = 60 * minutes * (1 + np.minimum(-tail * np.log1p(-dice.uniform("duration")), 0.6))
    seconds = np.where(dice.uniform("long") < 0.016, LONG_SECONDS * minutes / DEFAULT_MINUTES, seconds)
    if has_course(people):
        seconds = np.minimum(seconds, SECONDS)
    visits["seconds"] = np.round(seconds).astype(int)
    first = Dice(seed, len(people["age"])).uniform("first day")[person] * 5 * 365
    days = first + visits["visit"] * 240
    year = np.array([FIRST_YEAR[s] for s in visits["site"]]) - 1970
    clock = np.round((8 + 10 * dice.uniform("clock")) * 3600).astype("timedelta64[s]")
    midnight = year.astype("datetime64[Y]").astype("datetime64[D]") + days.astype(int)
    visits["start"] = (midnight.astype("datetime64[s]") + clock).astype("datetime64[us]")
    visits["age"] = visits["age"] + (visits["visit"] * 240) / 365.25
    return visits


def session_table(visits: dict[str, np.ndarray], seed: int) -> pl.DataFrame:
    """The rows of `sessions.parquet`, in the order of the visits; the split is 52 / 8 / 40 % of the subjects."""
    ids = subject_ids(visits, seed)
    names = session_names(visits, seed)
    return pl.DataFrame({
        "session_id": names, "subject_id": ids, "path": [f"recordings/{name}.edf" for name in names],
        "start_time": visits["start"], "age": visits["age"].astype(np.float32), "sex": visits["sex"],
        "site": visits["site"], "setting": visits["setting"],
        "split": [split_of(int(i), seed, train=0.52, val=0.08) for i in ids],
    })  # fmt: skip


def session_names(visits: dict[str, np.ndarray], seed: int) -> list[str]:
    """What the sessions are called, in the order of the visits; as subjects, in no two seeds the same."""
    return [f"synthetic-{seed}-{p:05d}-{v + 1}" for p, v in zip(visits["person"], visits["visit"], strict=True)]


def subject_ids(visits: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """(n sessions,) int64 ids, different for each seed so that two synthetic cohorts can be joined."""
    return np.array(
        [
            subject_number(str(s), f"synthetic-{seed}-{p}")
            for s, p in zip(visits["site"], visits["person"], strict=True)
        ],
        np.int64,
    )


def record_events(visits: dict[str, np.ndarray], findings: dict[str, np.ndarray], seed: int) -> pl.DataFrame:
    """MEDS events: birth and gender, diagnoses before the first session, drugs and findings at each session."""
    ids, names, rows = subject_ids(visits, seed), session_names(visits, seed), []
    diseases, medicines = concepts_of(visits)
    for i, (subject, start) in enumerate(zip(ids.tolist(), visits["start"], strict=True)):
        rng = np.random.default_rng([seed, 2, int(visits["person"][i])])
        drugs = _fill(rng, visits, i, medicines, "n_atc", tuple(BACKGROUND_ATC))
        rows += [(subject, start, code, None) for code in drugs]
        rows += [(subject, start, code, names[i]) for code, present in findings.items() if present[i]]
        if visits["visit"][i] == 0:
            birth = start - np.timedelta64(round(float(visits["age"][i]) * 365.25), "D")
            rows += [(subject, birth, "MEDS_BIRTH", None), (subject, None, f"GENDER//{visits['sex'][i]}", None)]
            for code in _fill(rng, visits, i, diseases, "n_icd", tuple(BACKGROUND_ICD)):
                rows.append((subject, start - np.timedelta64(int(rng.integers(0, 700)), "D"), code, None))
    subject, time, code, session = zip(*rows, strict=True)
    time = np.array([np.datetime64("NaT") if t is None else t for t in time], "datetime64[us]")
    columns = {"subject_id": np.array(subject, np.int64), "time": time, "code": list(code)}
    return pl.DataFrame(columns | {"session_id": pl.Series(session, dtype=pl.String)})


def _fill(rng: np.random.Generator, visits: dict, i: int, concepts: tuple, total: str, background: tuple) -> list[str]:
    """The codes a person has of `concepts`, filled up with background codes to the number drawn and `ADDED` ones."""
    codes = [concept.code for concept in concepts if visits[concept.name][i]]
    free = max(int(visits[total][i] + ADDED * len(codes) + rng.random()) - len(codes), 0)
    return codes + [background[k] for k in rng.choice(len(background), free, replace=False)]


def descriptions(course: bool = False) -> dict[str, str]:
    """Words for every ICD-10 and ATC code that can occur, and for the categories of the diseases."""
    categories: dict[str, list[str]] = {}
    diseases, drugs = DISEASES + COURSE_DISEASES * course, DRUGS + COURSE_DRUGS * course
    for disease in diseases:
        categories.setdefault(disease.code.split(".")[0], []).append(disease.words)
    words = {category: " or ".join(names) for category, names in categories.items()}
    return words | {concept.code: concept.words for concept in diseases + drugs} | BACKGROUND_ICD | BACKGROUND_ATC
