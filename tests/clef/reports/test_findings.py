"""What reports say was seen, denied, thought possible, and where; names are codes."""

import numpy as np
import pytest

from clef.importers.heedb.codes import FINDINGS
from clef.importers.synthetic.concepts import CONCEPTS
from clef.importers.synthetic.reports import Dictation
from clef.reports import findings
from clef.reports.finding_words import MENTIONS, PLACELESS, TITLES
from clef.reports.findings import Finding, presences

EVIDENCE = [
    ("no breach effect", "breach absent"),
    ("No epileptiform changes. No spikes in response to photic stimulation.", "spikes absent"),
    ("There was no activity suggestive of seizures.", "seizure absent"),
    ("Seizures are unlikely.", "seizure possible"),
    ("No spikes during drowsiness or sleep.", "spikes absent, n1 present"),
    ("Photoparoxysmal response: none", "ppr absent"),
    ("Sleep: No epileptiform discharges.", "spikes absent"),
    ("Photic stimulation: No PPR.", "ppr absent"),
    ("Seizures: No electrographic or clinical events", "seizure absent"),
    ("previous eeg showed spikes. today there is left temporal slowing.", "focal_slowing present left temporal"),
    ("spikes were seen approx. once in 2 sec. over the whole recording", "spikes present"),
    ("R temporal spikes and L frontal slowing.", "spikes present right temporal, focal_slowing present left frontal"),
    ("No seizures, possible left temporal spikes.", "seizure absent, spikes possible left temporal"),
    ("The posterior dominant rhythm is not sustained.", "pdr present"),
    ("Loss of the posterior dominant rhythm.", "pdr absent"),
    ("A typical nonepileptic seizure was captured; she has been seizure free since.", ""),
    ("Suppression-burst pattern.", "burst_suppression present"),
    ("Left temporal sharp waves, maximal at T3, are seen in sleep.", "spikes present left temporal"),
    ("No focal slowing, spikes, or seizures.", "focal_slowing absent, spikes absent, seizure absent"),
    ("Possible right frontal spikes.", "spikes possible right frontal"),
    ("There is no evidence of epileptiform discharges.", "spikes absent"),
    ("Nonconvulsive status epilepticus cannot be excluded.", "status possible"),
    ("We cannot exclude seizures.", "seizure possible"),
    ("Previous EEG showed left temporal spikes.", ""),
    ("The family reports frequent seizures.", ""),
    ("HISTORY: Seizures and spikes.\nIMPRESSION: Normal EEG.", "normal present"),
    (
        "Compared with the previous study, the left temporal spikes are less frequent.",
        "spikes present left temporal",
    ),
    (
        "Abnormal EEG due to: 1. Generalized slowing. 2. Left temporal sharp waves.",
        "abnormal present, generalised_slowing present, spikes present left temporal",
    ),
    (
        "Focal slowing over the left temporal region and spikes over the right frontal region.",
        "focal_slowing present left temporal, spikes present right frontal",
    ),
    ("Epileptiform discharges and seizures were not seen.", "spikes absent, seizure absent"),
    ("Seizures: none.", "seizure absent"),
    ("GPDs at 1 Hz and right LPDs.", "gpd present, lpd present right"),
    ("Bitemporal independent spikes.", "spikes present both temporal"),
    ("Small sharp spikes in drowsiness.", "bets present, n1 present"),
    ("No ictal or interictal epileptiform abnormalities.", "seizure absent, spikes absent"),
    ("Nonconvulsive status epilepticus is ruled out.", "status absent"),
    ("The sharp waves may be normal variants.", "spikes possible"),
    ("Photic driving was symmetric, no photoparoxysmal response.", "ppr absent"),
    ("There is an increased risk of seizures.", ""),
    ("Known left temporal spikes on prior EEG; today no spikes are seen.", "spikes absent"),
    ("Generalised paroxysmal fast activity.", ""),
    ("Abnormal: left temporal spikes.", "abnormal present, spikes present left temporal"),
    ("IMPRESSION: Normal.", "normal present"),
    ("Slowing: right temporal, intermittent", "focal_slowing present right temporal"),
    ("Occasional sharp waves at F8-T4.", "spikes present right temporal"),
    ("Status epilepticus resolved after phenobarbital.", "status present"),
    ("Hyperventilation produced no change in the spikes.", "spikes present"),
    ("No seizures, but frequent spikes over the left temporal region.", "seizure absent, spikes present left temporal"),
]


def shown(text):
    return ", ".join(" ".join(filter(None, finding)) for finding in findings(text))


@pytest.mark.parametrize(("text", "expected"), EVIDENCE)
def test_presence_side_and_lobe(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize("text", ["", "\n", "Pending.", "The patient is 40 years old.", "." * 3000, "no " * 500])
def test_a_text_without_findings_has_none(text):
    assert findings(text) == []


def test_names_are_those_of_codes():
    names = {name.removeprefix("-") for _, several in MENTIONS for name in several}
    assert set(TITLES) == set(FINDINGS) and names | PLACELESS <= set(TITLES)
    assert {name: words[0] for name, words in FINDINGS.items()} == TITLES


def test_one_statement_for_the_recording():
    stated = [Finding("spikes", "absent"), Finding("spikes", "present", "left"), Finding("seizure", "possible")]
    stated += [Finding("focal_slowing", "absent", "right"), Finding("gpd", "absent")]
    assert presences(stated) == {"spikes": "present", "seizure": "possible", "gpd": "absent"}


NOTHING_ELSE = dict.fromkeys((concept.name for concept in CONCEPTS), False)
SEEN = ("pdr", "diffuse_beta", "generalised_slowing", "spindles", "low_voltage", "focal_slowing", "spikes", "gpd")
SEEN += ("lpd", "grda", "seizure", "burst_suppression", "breach", "abnormal", "normal")


def test_generated_reports_say_what_was_seen():
    """Every finding that a synthetic reader states, and no other; a poorly formed rhythm is a rhythm."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        seen = {name: bool(rng.random() < 0.3) for name in (*SEEN, "awake", "drowsy", "attenuation")}
        seen["normal"] = not any(seen[name] for name in SEEN[1:])
        seen["abnormal"] = not seen["normal"]
        z = {"alpha_hz": 9.0, "beta_hz": 20.0, "slowing": 0.6, "focal_side": -1, "focal_lobe": "temporal"}
        z |= {"spike_side": 1, "spike_lobe": "frontal", "spike_rate": 10, "wave_rate": 0, "gpd_hz": 1.0, "lpd_hz": 1.0}
        z |= {"suppression": 0.5, "defect_side": -1}
        person = {"site": str(rng.choice(["A", "B", "C"])), "sex": "F", "age": 50, "setting": "routine"}
        text = Dictation(z, seen, person | NOTHING_ELSE, rng).report()
        stated = presences(findings(text))
        told = {name for name, presence in stated.items() if presence == "present"}
        if "poorly formed" in text:
            told.discard("pdr")
        assert told & set(SEEN) == {name for name in SEEN if seen[name]}, text
        places = {
            (f.name, f.side, f.lobe)
            for f in findings(text)
            if f.lobe and f.name != "breach" and f.presence == "present"
        }
        assert places <= {
            ("focal_slowing", "left", "temporal"), *((n, "right", "frontal") for n in ("spikes", "seizure", "lpd")),
        }  # fmt: skip
