"""The check of summaries: twenty planted violations are found, and summaries that say the same in other words pass."""

import pytest

from clef.reports.rules import condense
from clef.reports.summarisers.answers import Answer, tidy
from clef.reports.summarisers.checking import KINDS, accept, violations

REPORT = """\
Patient: Marlow, Judith. MRN 4471902. Date of study: 12 March 2019. Referring physician: Dr. Okafor.

HISTORY: 47-year-old woman with glioblastoma and epilepsy, status post resection. Previous EEG showed generalised \
periodic discharges. Taking levetiracetam and clobazam.

TECHNIQUE: Recorded at Lakeside with 19 electrodes.

BACKGROUND: The posterior dominant rhythm is 8.5 Hz, symmetric and reactive to eye opening. The patient became drowsy.

FINDINGS: There is intermittent focal slowing over the left temporal region. Frequent left temporal sharp waves. No \
electrographic seizures were recorded. There is no generalised slowing. Photic stimulation was unremarkable.

IMPRESSION: Abnormal EEG due to left temporal sharp waves and focal slowing.
"""
GOOD = "Abnormal EEG with left temporal sharp waves and focal slowing."
PLANTED = [
    ("Electrographic seizures were recorded from the left temporal region.", "denied"),
    ("There is diffuse generalised slowing of the background.", "denied"),
    ("Generalised periodic discharges are seen.", "invented"),
    ("Burst suppression is present.", "invented"),
    ("There was no burst suppression.", "invented"),
    ("The posterior dominant rhythm is 10 Hz.", "invented"),
    ("No epileptiform discharges were seen.", "reversed"),
    ("There is focal slowing over the right temporal region.", "place"),
    ("Sharp waves over the left frontal region.", "place"),
    ("Marlow has left temporal sharp waves.", "identity"),
    ("The study was read with left temporal sharp waves by Dr. Okafor.", "identity"),
    ("The tracing at Lakeside shows left temporal sharp waves.", "identity"),
    ("Recorded on 12 March 2019: left temporal sharp waves.", "identity"),
    ("Record 4471902 shows left temporal sharp waves.", "identity"),
    ("She became drowsy.", "identity"),
    ("Abnormal EEG for a 47-year-old.", "age"),
    ("Abnormal EEG in someone in the late 40s.", "age"),
    ("Left temporal sharp waves on levetiracetam.", "drug"),
    ("Left temporal sharp waves, consistent with focal epilepsy.", "diagnosis"),
    ("Focal slowing over the left temporal region from a glioblastoma.", "diagnosis"),
]


@pytest.mark.parametrize(("sentence", "kind"), PLANTED)
def test_every_planted_violation_is_found(sentence, kind):
    assert kind in violations(f"{GOOD} {sentence}", REPORT)


def test_twenty_are_planted_and_what_they_stand_in_is_good():
    assert len({sentence for sentence, _ in PLANTED}) == 20 and violations(GOOD, REPORT) == []


@pytest.mark.parametrize(
    "summary",
    (
        "Abnormal record. Sharp waves and slowing over the left temporal region.",
        "The EEG is abnormal because of frequent left temporal sharp waves. No seizures.",
        "Posterior dominant rhythm of 8.5 Hz, reactive. Drowsiness is reached. No generalized slowing.",
        "Intermittent left temporal slowing; left temporal sharp waves; electrographic seizures are absent.",
        "Awake and drowsy, the alpha rhythm is 8.5 Hz. Focal Slowing, Left Temporal. Photic stimulation unremarkable.",
        condense(REPORT),
    ),
)
def test_the_same_in_other_words_passes(summary):
    assert violations(summary, REPORT) == []


@pytest.mark.parametrize(
    ("summary", "kind"),
    (
        ("I am sorry, I cannot help with that.", "empty"),
        ("", "empty"),
        ("Left temporal sharp waves. Previous EEG showed generalised periodic discharges.", "history"),
        ("Left temporal sharp waves. The patient was admitted two days ago.", "history"),
        ("A normal EEG.", "invented"),
    ),
)
def test_nonsense_history_and_the_wrong_verdict_are_found(summary, kind):
    assert kind in violations(summary, REPORT)


def test_a_number_of_the_technique_is_no_frequency():
    report = f"Recorded with the 10-20 system. {REPORT}"
    assert violations("The posterior dominant rhythm is 10 Hz.", report) == ["invented"]
    assert violations("The posterior dominant rhythm is 8.5 Hz.", report) == []
    assert violations("Theta of 5 Hz.", "IMPRESSION: Theta of 5-6 Hz.") == []


def test_a_slow_posterior_rhythm_is_no_slowing_of_the_background():
    report = "Background: The posterior rhythm is slow, 8.0 Hz. There is no generalised slowing."
    assert violations(condense(report), report) == []
    assert "denied" in violations("The background is slow.", report)


def test_all_that_is_found_is_named_in_the_order_of_the_table():
    found = violations("Marlow, aged 47, takes clobazam for epilepsy. Burst suppression.", REPORT)
    assert found == ["invented", "identity", "age", "drug", "diagnosis"] and set(found) <= set(KINDS)


def test_a_bad_summary_gives_way_to_that_of_the_rules_and_a_good_one_is_kept_in_one_spelling():
    assert accept(Answer(f"Summary: {GOOD}"), REPORT) == (GOOD.lower(), [])
    assert accept(Answer(f"{GOOD} Taking clobazam."), REPORT) == (condense(REPORT), ["drug"])
    assert accept(Answer(GOOD, "cut short"), REPORT) == (condense(REPORT), ["cut short"])
    assert accept(Answer("none"), "The patient did not come.") == ("", [])


@pytest.mark.parametrize(
    ("answer", "summary"),
    (
        ("<think>left or right?</think>\n\nNormal EEG.", "Normal EEG."),
        ("<think>it never ends", ""),
        ("Here is the summary:\n\n**Summary:** Normal EEG", "Normal EEG."),
        ("- Abnormal EEG\n- Left spikes.\n1. No seizures", "Abnormal EEG. Left spikes. No seizures."),
        ("8.5 Hz rhythm", "8.5 Hz rhythm."),
    ),
)
def test_answers_are_tidied(answer, summary):
    assert tidy(answer) == summary
