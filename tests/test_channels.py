"""Channel names: vendor spellings, what is left out, and bipolar montages."""

import pytest

from tokenizer.channels import CHANNELS, match, split_name

ORDER = "O1 O2 T6 P4 Pz P3 T5 T3 C3 Cz C4 T4 F8 F4 Fz F3 F7 Fp1 Fp2"


def test_order_is_the_designs():
    assert " ".join(CHANNELS) == ORDER


@pytest.mark.parametrize(
    "spelling",
    [
        *(
            "{}",
            "EEG {}-REF",
            "EEG {}-Ref",
            "EEG {}-LE",
            "{}-A1A2",
            "{}-LE",
            "POL {}",
            "{}-M2",
            "EEG {}",
            " {} ",
            "{}.",
        ),
        *("EEG {}-AVG", "{}:A2", "EEG-{}", "EEG_{}", "EEG {} - Ref", "{}REF", "EEG{}", "{}-0", "{}/A1", "EEG {}-G2"),
    ],
)
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_vendor_spellings(spelling, case):
    montage = match([case(spelling.format(name)) for name in CHANNELS])
    assert montage.picks == {i: i for i in range(19)} and montage.refusal is None


def test_new_names_of_temporal_electrodes():
    montage = match(["T7", "T8", "P7", "P8"])
    assert {CHANNELS[k]: v for k, v in montage.picks.items()} == {"T3": 0, "T4": 1, "T5": 2, "T6": 3}


OTHERS = (
    *("EOG LOC", "ECG EKG", "EKG1", "EMG chin", "EEG A1-REF", "EEG A2-A1", "EEG 23A-23R", "PHOTIC-REF", "POL E"),
    *("Fpz", "FC1", "C30", "SaO2", "Resp", "X1", "EOG C3", "STI 014", ""),
)


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_left_out(name):
    assert match([name]).picks == {}


def test_bipolar_is_refused_with_a_reason():
    montage = match(["FP1-F7", "F7-T7", "T7-P7", "P7-O1", "T8-P8-0", "T8-P8-1"])
    assert montage.picks == {}
    assert "bipolar" in montage.refusal and "FP1-F7" in montage.refusal and "referential" in montage.refusal


def test_pairs_with_one_partner_are_referential():
    montage = match(["EEG Fz-Cz", "EEG Pz-Cz", "EEG F4-Cz", "EEG M1-Cz"])
    assert montage.names == ["Pz", "F4", "Fz"] and montage.refusal is None
    assert "Cz" in montage.notes[0]


def test_a_derived_pair_beside_single_electrodes_is_left_out():
    assert match(["Fp1", "C3-P3", "C3"]).names == ["C3", "Fp1"]
    assert match(["Fp1", "C3-P3", "C3"]).picks[CHANNELS.index("C3")] == 2


def test_first_of_repeated_channels_is_used_and_said():
    montage = match(["Fp1", "T7", "T3", "Fp1-REF"])
    assert montage.picks == {CHANNELS.index("Fp1"): 0, CHANNELS.index("T3"): 1}
    assert "Fp1, T3: more than once" in montage.notes[0]


def test_split_name():
    assert split_name("EEG Fp1-LE") == ("FP1", "LE")
    assert split_name("T8") == ("T4", None)
