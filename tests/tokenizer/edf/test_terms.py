"""Texts that may stay in an EDF file: known words, filters and units, and nothing else."""

import itertools

import pytest

from tokenizer.channels import CHANNELS, match
from tokenizer.edf.terms import known_filters, known_unit, known_words, safe_label
from tokenizer.edf.writer import LABELS


@pytest.mark.parametrize(
    "label",
    [
        *(
            "EEG Fp1-REF",
            "T7",
            "POL Cz",
            "ECG2",
            "EMG chin L-ref",
            "SpO2",
            "C3-A2",
            "Fp1-A1A2",
            "Status",
            "DC01",
            "E128",
        ),
        *(
            "Resp oro-nasal",
            "EEG 24A-24R",
            "23A-23R",
            "Photic-Ref",
            "EOG horizontal",
            "Event marker",
            "CCP3h",
            "STI 014",
        ),
    ],
)
def test_names_of_channels_stay(label):
    assert safe_label(label, 3) == label


@pytest.mark.parametrize(
    ("label", "safe"),
    (
        *(("Fp1-Smith", "EEG FP1-X"), ("EEG T7-Li", "EEG T3-X"), ("Fz Smith", "EEG FZ-X"), ("AF3-Müller", "EEG AF3-X")),
        *((other, "CH 3") for other in ("Smith", "Ann", "JS12", "555 123 456", "Dr. Chin", "02.05.51", "Smith Fp1")),
    ),
)
def test_other_names_of_channels_go_but_electrodes_stay(label, safe):
    assert safe_label(label, 3) == safe


def test_the_montage_stays_whatever_the_labels():
    chains = [[f"{a}-{b}" for a, b in itertools.pairwise(CHANNELS)], [f"{c}-Cz" for c in CHANNELS]]
    for labels in (LABELS, [f"{c}-Smith" for c in CHANNELS], [f"Smith {c}" for c in CHANNELS], *chains):
        before, after = match(labels), match([safe_label(label, i) for i, label in enumerate(labels)])
        assert before.picks == after.picks and before.notes == after.notes
        assert bool(before.refusal) == bool(after.refusal) or not before.picks


def test_filters_and_transducers_are_kept_by_their_grammar():
    for text in ("", "HP:0.1Hz LP:75Hz N:50Hz", "HP: DC; LP: 410", "BP:0.1-1000Hz Notch:50Hz", "HP:0.500000Hz RF:50Hz"):
        assert known_filters(text), text
    for text in ("HP:0.1Hz Smith", "seen by Smith", "HP:0.1Hz LP:75Hz 02.05.1951", "N:1951-05-02", "HP:12345678Hz"):
        assert not known_filters(text), text
    assert known_words("Ag/AgCl cup electrodes") and not known_words("Smith's electrode") and not known_words("1951")


def test_units_are_kept_in_any_case_of_letters():
    assert all(known_unit(text) for text in ("", "uV", "MV", "µV", "mmHg", "%"))
    assert not any(known_unit(text) for text in ("Smith", "uV Smith", "1951"))


def test_digits_that_could_be_a_number_of_the_patient_are_not_kept():
    assert known_words("EEG 12 34") and not known_words("EEG 12 34 56") and not known_words("EEG 12345")
