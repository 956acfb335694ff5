"""Channel names: vendor spellings, what is left out, and bipolar montages."""

import pytest

from tokenizer.channels import CHANNELS, match, showable, split_name

ORDER = "O1 O2 T6 P4 Pz P3 T5 T3 C3 Cz C4 T4 F8 F4 Fz F3 F7 Fp1 Fp2"


def test_order_is_the_designs():
    assert " ".join(CHANNELS) == ORDER


SPELLINGS = (  # as public archives and vendors' exports have them
    *("{}", " {} ", "{}.", "{}..", "{}-0", "{}-1", "{}\0", '"{}"'),
    *("EEG {}", "EEG-{}", "EEG_{}", "EEG:{}", "EEG{}", "EEG  {}", "POL {}", "POL {}-Ref"),
    *("EEG {}-REF", "EEG {}-Ref", "EEG {} - Ref", "EEG {}-Ref1", "{}-Ref", "{}_Ref", "{} Ref", "{}REF", "{}-Ref-0"),
    *("EEG {}-LE", "{}-LE", "EEG {}-LER", "EEG {}-CLE", "EEG {} - CLE", "{}LE", "EEG {}-A1A2", "{}-A1A2", "{}-A1+A2"),
    *("EEG {}-(A1~A2)", "{}-(A1+A2)/2", "{}-A1/A2", "{}-(M1+M2)", "{}_M1M2", "{}A1A2"),
    *("EEG {}-A1", "{}/A1", "{}:A2", "{}-M2", "{}_M2", "{}A2", "EEG {}(A1)"),
    *("{}-AVG", "EEG {}-AVG", "{}-AV", "EEG {}-CAR", "{}-Aver", "EEG {}-Avg"),
    *("EEG {}-G2", "{}-G19", "{}-CS2", "EEG {}-Vref", "EEG {}-Org", "{}–Ref", "{}−Ref"),
    *("{} (uV)", "{} [µV]", "{} (V)", "EEG {} (mV)"),
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_vendor_spellings(spelling, case):
    montage = match([case(spelling.format(name)) for name in CHANNELS])
    assert montage.picks == {i: i for i in range(19)} and montage.refusal is None


@pytest.mark.parametrize("names", ["T7 T8 P7 P8", "T7/T3 T8/T4 P7/T5 P8/T6", "T3(T7) T4(T8) T5(P7) T6(P8)"])
def test_new_names_of_temporal_electrodes(names):
    montage = match(names.split())
    assert {CHANNELS[k]: v for k, v in montage.picks.items()} == {"T3": 0, "T4": 1, "T5": 2, "T6": 3}
    assert montage.notes == [] and montage.refusal is None


def test_spaces_and_wide_letters():
    assert match(["T3 (T7)", "FP 1", "Ｆｐ２", "EEG C 3"]).names == ["T3", "C3", "Fp1", "Fp2"]


OTHERS = (
    *("EOG LOC", "ECG EKG", "EKG1", "EMG chin", "EEG A1-REF", "EEG A2-A1", "EEG 23A-23R", "PHOTIC-REF", "POL E"),
    *(
        "Fpz",
        "FC1",
        "C30",
        "SaO2",
        "Resp",
        "X1",
        "EOG C3",
        "STI 014",
        "",
        "-",
        ".",
        "A1-A2",
        "EEG T1-REF",
        "EEG C3P-REF",
    ),
    *(
        "EEG C4P-REF",
        "Pg1",
        "T1",
        "T2",
        "F10",
        "FP10",
        "CZ1",
        "C3'",
        "EEG EKG1-REF",
        "EEG RESP1-REF",
        "POL DC01",
        "BP1",
    ),
    *(
        "DC1-DC",
        "EEG SP1-REF",
        "EKG1-CHIN",
        "LOC-ROC",
        "POL $A1",
        "O'1",
        "EDF Annotations",
        "Status",
        "Trigger",
        "C3C4",
    ),
    *("Pulse Rate", "ECG1+", "MKR+", "VNS", "01", "EEG 20-REF", "Fp", "Fz2", "POL BN1", "E22", "EEG 001", "EMG C3"),
)


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_left_out(name):
    assert match([name]).picks == {}


def test_bipolar_is_refused_with_a_reason():
    montage = match(["FP1-F7", "F7-T7", "T7-P7", "P7-O1", "T8-P8-0", "T8-P8-1"])
    assert montage.picks == {}
    assert "bipolar" in montage.refusal and "FP1-F7" in montage.refusal and "referential" in montage.refusal
    assert match(["FP1_F7", "F7_T7", "EEG C3 P3"]).refusal.startswith("a bipolar montage: 3 channels")


def test_a_long_chain_with_ears_is_bipolar():
    chain = "FP1-F7 F7-T3 T3-T5 T5-O1 FP2-F8 F8-T4 T4-T6 T6-O2 A1-T3 T3-C3 C3-CZ CZ-C4 C4-T4 T4-A2 FP1-F3 F3-C3 C3-P3"
    montage = match(chain.split())
    assert montage.names == ["T4"] and "16 channels are differences" not in montage.refusal
    assert montage.refusal.startswith("a bipolar montage: 15 channels")


def test_pairs_with_one_partner_are_referential():
    montage = match(["EEG Fz-Cz", "EEG Pz-Cz", "EEG F4-Cz", "EEG M1-Cz"])
    assert montage.names == ["Pz", "F4", "Fz"] and montage.refusal is None
    assert montage.notes == ["reference: Cz"]


def test_the_reference_itself_may_stand_beside_them():
    names = [f"EEG {name} - Pz" for name in CHANNELS if name != "Pz"]
    montage = match([*names, "Pz", "EEG X1 - Pz", "Trigger"])
    assert len(montage.picks) == 18 and "Pz" not in montage.names and montage.notes == ["reference: Pz"]


def test_a_common_reference_beside_a_bipolar_chain():
    chain = ["Fp1-F7", "F7-T3", "T3-T5", "T5-O1"]
    common = [f"{name}-Cz" for name in CHANNELS[:9]]
    montage = match([*chain, *common])
    assert montage.names == list(CHANNELS[:9]) and montage.refusal is None
    assert [montage.picks[i] for i in range(9)] == list(range(4, 13))


def test_a_derived_pair_beside_single_electrodes_is_left_out():
    assert match(["Fp1", "C3-P3", "C3"]).names == ["C3", "Fp1"]
    assert match(["Fp1", "C3-P3", "C3"]).picks[CHANNELS.index("C3")] == 2


def test_first_of_repeated_channels_is_used_and_said():
    montage = match(["Fp1", "T7", "T3", "Fp1-REF"])
    assert montage.picks == {CHANNELS.index("Fp1"): 0, CHANNELS.index("T3"): 1}
    assert "Fp1, T3: more than once" in montage.notes[0]


def test_of_repeated_electrodes_the_common_reference_wins():
    names = ["Fp1-A1", *(f"{name}-Ref" for name in CHANNELS), "O1-A2"]
    montage = match(names)
    assert sorted(montage.picks.values()) == list(range(1, 20))


EARS = {"1": "A1", "2": "A2"}
NOTES = {
    "EEG {}-LE": ["reference: linked ears"],
    "EEG {}-A1A2": ["reference: linked ears"],
    "EEG {} - CLE": ["reference: linked ears"],
    "{}-M1M2": ["reference: linked mastoids"],
    "{}-AVG": ["reference: the average of the electrodes"],
    "{}-Av": ["reference: the average of the electrodes"],
    "{}-A2": ["reference: A2"],
    "{}-FCz": ["reference: FCz"],
    "{}-REF": [],
    "{}-Jane Doe": [],
    "{}": [],
}


@pytest.mark.parametrize("spelling", NOTES)
def test_the_reference_is_noted(spelling):
    assert match([spelling.format(name) for name in CHANNELS]).notes == NOTES[spelling]


@pytest.mark.parametrize(
    ("odd", "even", "words"), [("A1", "A2", "ear of its own"), ("M2", "M1", "mastoid of the opposite")]
)
def test_references_by_side_are_noted(odd, even, words):
    montage = match([f"{name}-{odd if name[-1] in '13579' else even}" for name in CHANNELS])
    assert montage.notes == [f"reference: each electrode against the {words} side"] and len(montage.picks) == 19


def test_mixed_references_are_noted():
    montage = match([f"{name}-{'LE' if i < 12 else 'AVG'}" for i, name in enumerate(CHANNELS)])
    assert montage.notes == [
        "references differ between electrodes: linked ears (12), the average of the electrodes (7)"
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([f"E{i}" for i in range(1, 129)] + ["Cz"], None),
        ([f"E{i}" for i in range(1, 129)], "counted (E1, E2, E3, …), as an EGI net"),
        ([f"EEG {i:03d}" for i in range(1, 33)], "counted (001, 002, 003, …)"),
        ([str(i) for i in range(1, 20)], "counted (1, 2, 3, …)"),
        ([f"CH{i}" for i in range(19)], "counted (CH0, CH1, CH2, …)"),
        ([f"{x}{i}" for x in "AB" for i in range(1, 33)], "counted (A1, A2, A3, …)"),
    ],
)
def test_counted_channels_are_refused_in_words(names, words):
    montage = match(names)
    assert montage.refusal is None if words is None else words in montage.refusal


def test_contacts_and_inputs_are_not_taken_for_electrodes():
    contacts = [f"{letter}{i}" for letter in "ABCDEFGHI" for i in range(1, 17)]
    assert match(contacts).picks == {} and "counted" in match(contacts).refusal
    assert match([f"C{i}" for i in range(1, 129)]).picks == {}
    assert match(["Fp1", "Fp2", *(f"O{i}" for i in range(1, 9))]).names == ["Fp1", "Fp2"]


def test_dense_caps_are_read():
    cap = "Fp1 Fp2 F9 F7 F5 F3 F1 Fz F2 F4 F6 F8 F10 FT7 FC5 FC1 FCz T9 T7 C5 C3 C1 Cz C2 C4 C6 T8 T10 TP7 CP5 CPz P9"
    cap += " P7 P5 P3 P1 Pz P2 P4 P6 P8 P10 PO7 POz O1 Oz O2 O9 O10 Iz AFF5h FFC1h"
    assert len(match(cap.split()).picks) == 19 and match(cap.split()).notes == []


SHOWN = (
    "EEG Fp1-REF",
    "FP1-F7",
    "E22",
    "EOG1",
    "SaO2",
    "EKG1-EKG2",
    "DC01",
    "Photic_2",
    "AFF5h",
    "EEG 23A-23R"[:6],
    "X1",
)
HIDDEN = ("Jane Doe", "EEG Müller", "Doe", "born 1970", "EEG Fp1-Schmidt", "ID4711", "", "???", "Mark", "12345")


def test_only_labels_made_of_channel_words_are_shown():
    assert showable([*SHOWN, *HIDDEN]) == list(SHOWN)
    assert showable(["EEG Fp1\n-Ref" + " " * 60]) == ["EEG Fp1 -Ref"]


def test_names_do_not_come_through_a_refusal():
    labels = ["Fp1-F7", "F7-T3"] + [f"EEG {name}" for name in ("Jane", "Doe", "Mueller")]
    for names in (labels, labels[2:] * 7, ["C3-P3", "P3-O1-Doe"]):
        said = str(match(names).refusal)
        assert not {"Jane", "Doe", "DOE", "JANE"} & set(said.replace(",", " ").split())


def test_split_name():
    assert split_name("EEG Fp1-LE") == ("FP1", "LE")
    assert split_name("T8") == ("T4", None)
