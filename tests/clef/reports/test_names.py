"""Names of drugs and illnesses: every suite's, their synonyms, and no summary that says one."""

import re

import numpy as np
import pytest

from clef.importers.synthetic.concepts import CONCEPTS
from clef.importers.synthetic.reports import Dictation
from clef.reports.name_words import DRUGS, ILLNESSES, OF_THE_TRACING
from clef.reports.names import names, one_pattern, title_names
from clef.reports.rules import condense
from tokenizer.base.cli import preset_root
from tokenizer.base.values import read_yaml

SUITES = ("clinical", "substances", "controls")
PLANTED = (
    "Generalised slowing in a patient with {}.",
    "Left temporal spikes, consistent with {}.",
    "{} was noted, with left temporal slowing.",
    "Diffuse slowing of the background due to {}.",
    "No epileptiform discharges and no {}.",
    "Burst suppression after {}.",
    "Excess beta activity ({}).",
    "The background is slow; {} is suspected.",
)
SYNONYMS = """
    glioblastoma stroke edema oedema meningioma astrocytoma metastases cirrhosis dementia keppra dilantin acyclovir
    aspirin acetaminophen tylenol ativan valproate ifosfamide tacrolimus steroids encephalopathic epileptics
"""
SEEN = """
    pdr awake drowsy diffuse_beta generalised_slowing spindles low_voltage focal_slowing spikes gpd lpd grda seizure
    burst_suppression breach attenuation abnormal normal
"""


def tasks():
    return [
        task
        for suite in SUITES
        for task in read_yaml(preset_root() / f"benchmark/suite/{suite}.yaml")["tasks"]
        if task["family"] in ("phenotype", "medication")
    ]


def spoken(title):
    """A title as a report would say it: without its codes and without words that only sort it among others."""
    text = re.sub(r" ?\([^()]*[A-Z]\d\d[^()]*\)|, (?:simple|complex) partial seizures", "", title)
    text = re.sub(r"(?i)^(?:other|unspecified) |, (?:not elsewhere|nontraumatic|acute|metabolic, other).*$", "", text)
    return text.lower()


def test_no_name_of_the_suites_survives_in_200_generated_reports():
    """Each report has sentences planted for five names: none of their words may be in the summary because of them."""
    rng = np.random.default_rng(0)
    told = [spoken(task["task"]) for task in tasks()]
    told = [name for name in told if name not in OF_THE_TRACING] + SYNONYMS.split()
    assert len(told) > 350
    frames = words_of(" ".join(PLANTED))
    leaks = []
    for i in range(200):
        planted = [told[(5 * i + j) % len(told)] for j in range(5)]
        sentences = [PLANTED[int(rng.integers(len(PLANTED)))].format(name) for name in planted]
        sentences = [sentence[0].upper() + sentence[1:] for sentence in sentences]
        text = report(rng)
        summary = condense(f"{text} {' '.join(sentences)}")
        new = words_of(summary) - words_of(condense(text)) - frames
        leaks += [(name, summary) for name in planted if words_of(name) & new or f" {name}" in summary]
        leaks += [(c.name, summary) for c in CONCEPTS if re.search(rf"\b{c.name.replace('_', ' ')}\b", summary)]
    assert [name for name, _ in leaks] == []


def words_of(text):
    return set(re.findall(r"[a-z]{4,}", text.lower()))


def report(rng):
    """The text of one synthetic session of a person with many illnesses and drugs."""
    seen = {name: bool(rng.random() < 0.4) for name in SEEN.split()}
    z = {"alpha_hz": 9.0, "beta_hz": 20.0, "slowing": 0.6, "focal_side": -1, "focal_lobe": "temporal", "spike_side": 1}
    z |= {"spike_lobe": "frontal", "spike_rate": 10, "wave_rate": 0, "gpd_hz": 1.0, "lpd_hz": 1.0, "suppression": 0.5}
    person = {"site": str(rng.choice(["A", "B", "C"])), "sex": "F", "age": 50, "setting": "icu"}
    ill = {concept.name: bool(rng.random() < 0.3) for concept in CONCEPTS}
    return Dictation(z | {"defect_side": 1}, seen, person | ill, rng).report()


@pytest.mark.parametrize("family", ["medication", "phenotype"])
def test_every_title_gives_a_name(family):
    silent = [t["task"] for t in tasks() if t["family"] == family and not title_names(t["task"])]
    assert [title for title in silent if "Status epilepticus" not in title] == []


def test_synonyms_belong_to_codes():
    codes = {code.split("//")[1] for task in tasks() for code in (*task["codes"], *task.get("exclude", []))}
    for table in (ILLNESSES, DRUGS):
        assert all(re.fullmatch(r"[A-Z](\d\w?(\w{1,5})?)?", key) for key in table)
    assert not [key for key in ILLNESSES if not any(code.startswith(key) for code in codes)]


def test_words_of_the_tracing_are_no_names():
    tracing = (
        "left temporal sharp waves generalised periodic discharges status epilepticus electrographic seizure sleep "
        "spindles vertex waves burst suppression epileptiform discharges focal slowing voltage depression of the "
        "background muscle artefact photic stimulation hyperventilation breach rhythm cardiac artefact"
    )
    assert names().illnesses.search(tracing) is None and names().drugs.search(tracing) is None


def test_one_pattern_is_its_alternatives():
    pattern = one_pattern({"stroke", r"[a-z]{2,}azepam", "(?<!x )dog", "o?edema", "strokes?"})
    texts = ("stroke", "a lorazepam", "dog", "edema", "oedema", "heatstroke", "x dog", "azepam")
    assert [bool(pattern.search(text)) for text in texts] == [True] * 5 + [False] * 3
