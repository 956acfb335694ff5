"""The diseases and drugs of the synthetic cohort: who has them, and which brings which.

Each concept is a logistic model on what is drawn before it: age, sex, site, setting and earlier concepts. The
dependence on site and setting is planted on purpose: unmatched questions can be answered from it, matched ones not.
All numbers are made up to resemble a hospital's archive; none is an estimate of anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

SITES = ("A", "B", "C")


@dataclass(frozen=True)
class Concept:
    """A disease or drug: `base` probability for a man of 58 at site A in routine; the rest are log odds added to it."""

    name: str
    code: str
    words: str
    base: float
    age: float = 0.0
    """Per 15 years of age."""
    female: float = 0.0
    icu: float = 0.0
    emu: float = 0.0
    ambulatory: float = 0.0
    site_b: float = 0.0
    site_c: float = 0.0
    causes: dict[str, float] = field(default_factory=dict)
    """Earlier concepts (by name) and what having each adds."""

    def probability(self, people: dict[str, np.ndarray]) -> np.ndarray:
        """Probability (n,) of having it, given a table of people with the earlier concepts as bool columns."""
        odds = np.log(self.base / (1 - self.base)) + self.age * (people["age"] - 58) / 15
        odds = odds + self.female * (people["sex"] == "F")
        odds = odds + self.site_b * (people["site"] == "B") + self.site_c * (people["site"] == "C")
        for setting in ("icu", "emu", "ambulatory"):
            odds = odds + getattr(self, setting) * (people["setting"] == setting)
        odds = odds + sum(extra * people[cause] for cause, extra in self.causes.items())
        return 1 / (1 + np.exp(-odds))


def _icd(name: str, code: str, words: str, base: float, **effects) -> Concept:
    return Concept(name, f"ICD10CM//{code}", words, base, **effects)


def _atc(name: str, code: str, base: float, **effects) -> Concept:
    return Concept(name, f"ATC//{code}", name.capitalize(), base, **effects)


DISEASES = (
    _icd("hypertension", "I10", "Essential hypertension", 0.35, age=0.6, icu=0.3),
    _icd("diabetes", "E11.9", "Type 2 diabetes mellitus", 0.18, age=0.3, icu=0.3, site_b=0.4),
    _icd("migraine", "G43.909", "Migraine, unspecified", 0.17, age=-0.5, female=0.7, icu=-1.0, emu=0.2),
    _icd("stroke", "I63.9", "Cerebral infarction, unspecified", 0.11, age=0.5, icu=1.0, emu=-0.5),
    _icd("tumour", "C71.9", "Malignant neoplasm of brain, unspecified", 0.08, icu=0.3, site_c=1.3),
    _icd("subdural", "I62.00", "Nontraumatic subdural haemorrhage", 0.07, age=0.3, icu=1.2, site_c=0.3),
    _icd("anoxia", "G93.1", "Anoxic brain damage", 0.01, icu=3.6, site_b=0.3),
    _icd("encephalopathy", "G93.41", "Metabolic encephalopathy", 0.08, age=0.3, icu=1.9, emu=-1.5),
    _icd("hydrocephalus", "G91.9", "Hydrocephalus, unspecified", 0.09, age=0.3, icu=0.6, emu=-0.7, site_c=0.9),
    _icd(
        "focal_epilepsy",
        "G40.209",
        "Focal epilepsy",
        0.10,
        age=-0.3,
        emu=1.8,
        ambulatory=1.0,
        site_b=0.7,
        causes={"stroke": 0.3, "tumour": 0.7},
    ),
    _icd(
        "generalised_epilepsy",
        "G40.309",
        "Generalised epilepsy",
        0.12,
        age=-0.6,
        emu=1.1,
        icu=-1.2,
        site_b=0.6,
        causes={"focal_epilepsy": -2.0},
    ),
    _icd("alzheimer", "G30.9", "Alzheimer's disease, unspecified", 0.15, age=1.2, icu=-0.3, emu=-1.0, site_b=0.5),
    _icd("parkinson", "G20.A1", "Parkinson's disease", 0.13, age=0.6, female=-0.3, emu=-1.0, site_c=0.3),
    _icd("alcohol", "F10.20", "Alcohol dependence", 0.16, female=-0.8, icu=0.4, site_c=0.6),
    _icd("apnoea", "G47.33", "Obstructive sleep apnoea", 0.21, age=0.2, female=-0.7, icu=-0.5, site_b=0.5),
    _icd("depression", "F32.9", "Major depressive disorder", 0.16, female=0.6, emu=0.4, icu=-0.4, site_b=0.5),
    _icd(
        "anxiety",
        "F41.9",
        "Anxiety disorder, unspecified",
        0.16,
        age=-0.4,
        female=0.5,
        icu=-0.6,
        causes={"depression": 0.7},
    ),
    _icd("schizophrenia", "F20.9", "Schizophrenia, unspecified", 0.10, age=-0.4, female=-0.3, emu=-0.5, site_c=0.8),
)

DRUGS = (
    _atc(
        "levetiracetam",
        "N03AX14",
        0.07,
        icu=0.5,
        causes={"focal_epilepsy": 2.2, "generalised_epilepsy": 1.0, "tumour": 1.2, "subdural": 0.8, "stroke": 0.4},
    ),
    _atc("valproate", "N03AG01", 0.05, female=-0.4, causes={"generalised_epilepsy": 2.6, "focal_epilepsy": 1.0}),
    _atc(
        "lamotrigine",
        "N03AX09",
        0.045,
        female=0.6,
        site_b=0.6,
        causes={"focal_epilepsy": 1.6, "generalised_epilepsy": 1.8},
    ),
    _atc(
        "carbamazepine",
        "N03AF01",
        0.07,
        icu=-0.8,
        site_c=0.9,
        causes={"focal_epilepsy": 1.8, "generalised_epilepsy": -1.0},
    ),
    _atc("lorazepam", "N05BA06", 0.10, icu=1.2, emu=0.4, causes={"anxiety": 0.7, "alcohol": 0.8}),
    _atc("clonazepam", "N03AE01", 0.09, icu=-0.6, site_c=0.9, causes={"generalised_epilepsy": 0.7, "parkinson": 0.7}),
    _atc("clobazam", "N05BA09", 0.06, emu=0.8, site_b=0.8, causes={"focal_epilepsy": 1.2, "generalised_epilepsy": 0.7}),
    _atc("propofol", "N01AX10", 0.006, icu=4.2, causes={"anoxia": 0.5}),
    _atc("dexmedetomidine", "N05CM18", 0.006, icu=4.1, causes={"propofol": -0.8}),
    _atc("fentanyl", "N02AB03", 0.02, icu=3.2, causes={"propofol": 0.5}),
    _atc("clozapine", "N05AH02", 0.04, icu=-0.5, causes={"schizophrenia": 3.4}),
    _atc(
        "quetiapine",
        "N05AH04",
        0.09,
        icu=0.4,
        site_b=0.6,
        causes={"schizophrenia": 1.0, "alzheimer": 0.6, "depression": 0.5},
    ),
    _atc("sertraline", "N06AB06", 0.08, female=0.4, site_b=0.5, causes={"depression": 1.8, "anxiety": 0.9}),
    _atc("zolpidem", "N05CF02", 0.12, icu=-0.9, site_c=0.8, causes={"apnoea": -0.4, "depression": 0.4}),
    _atc("levodopa", "N04BA02", 0.015, causes={"parkinson": 4.6}),
    _atc("donepezil", "N06DA02", 0.015, causes={"alzheimer": 4.4}),
    _atc("metoprolol", "C07AB02", 0.18, age=0.3, icu=0.4, causes={"hypertension": 0.5}),
)
CONCEPTS = DISEASES + DRUGS

COURSE_DISEASES = (
    _icd("restless_legs", "G25.81", "Restless legs syndrome", 0.13, age=0.3, site_b=0.4),
    _icd("hypersomnia", "F51.11", "Primary hypersomnia", 0.13, age=-0.3, site_c=0.5),
)
COURSE_DRUGS = (
    _atc("melatonin", "N05CH01", 0.14, age=0.2, site_c=0.4),
    _atc("venlafaxine", "N06AX16", 0.13, female=0.4, site_b=0.4),
    _atc("methylphenidate", "N06BA04", 0.14, age=-0.4, icu=-2.0),
    _atc("midazolam", "N05CD08", 0.03, icu=3.0),
)
"""Concepts of a cohort with a course (`clef.importers.synthetic.course`): nothing causes them but age, sex, site and
setting, and they change nothing but the order of events. No other concept shares a block with one of them."""


def concepts_of(columns: Mapping[str, np.ndarray]) -> tuple[tuple[Concept, ...], tuple[Concept, ...]]:
    """The diseases and the drugs that a table of people or visits has: those of a course only where they were drawn."""
    diseases, drugs = DISEASES + COURSE_DISEASES, DRUGS + COURSE_DRUGS
    return tuple(c for c in diseases if c.name in columns), tuple(c for c in drugs if c.name in columns)


def has_course(columns: Mapping[str, np.ndarray]) -> bool:
    """Whether a table of people or visits was drawn with a course."""
    return COURSE_DRUGS[0].name in columns
