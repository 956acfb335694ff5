"""Records: what a session may know, from whom the vocabulary is learned, and that the codes are a set."""

import datetime as dt
import json
import os
from pathlib import Path

import polars as pl
import pytest
import torch

from clef.cohort import EVENTS
from clef.network.record_encoder import (
    AGE,
    AGE_BINS,
    CODES,
    SEX,
    RecordConfig,
    RecordEncoder,
    RecordVocabulary,
)
from tokenizer.sessions import SCHEMA

START = dt.datetime(2020, 1, 1)
CONFIG = RecordConfig(width=32, layers=2, heads=4, output=8, min_count=2, icd10_codes=3, atc_codes=2)


def make_sessions(*rows: dict) -> pl.DataFrame:
    """Sessions named a, b, c … of subjects 1, 2, 3 … where the rows do not say otherwise."""
    usual = [{"session_id": chr(97 + i), "subject_id": i + 1, "path": "x", "split": "train"} for i in range(len(rows))]
    return pl.DataFrame([dict.fromkeys(SCHEMA) | u | r for u, r in zip(usual, rows, strict=True)], schema=SCHEMA)


def make_events(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame([(s, t, c, None, None) for s, t, c in rows], schema=EVENTS, orient="row")


def words(vocabulary: RecordVocabulary, ids: torch.Tensor) -> list[str]:
    """The codes in a row, in their order."""
    return [vocabulary.codes[i - CODES] for i in ids.tolist() if i >= CODES]


def test_only_training_subjects_and_frequent_codes_are_learned():
    sessions = make_sessions({}, {}, {"split": "test"}, {"split": "test"}, {"split": "val"})
    events = make_events(
        *[(s, None, "ICD10CM//G40.909") for s in (1, 2)],
        *[(s, None, "ICD10CM//F32.9") for s in (1, 3, 4, 5)],  # one training subject only
        *[(1, None, "ICD10CM//I10")] * 5,  # often, but one subject
    )
    vocabulary = RecordVocabulary.fit(sessions, events, CONFIG)
    assert vocabulary.codes == ["ICD10CM//G40"]
    records = vocabulary.encode(sessions, events)
    assert records.left_out == {"unknown": 5, "too_many": 0, "undated_session": 0}
    assert records.present.tolist() == [True, True, False, False, False]


def test_findings_and_labels_never_come_in():
    sessions = make_sessions({"age": 40.0}, {"age": 40.0})
    benchmark = ("FINDING//spikes", "LABEL//S0001//ICD10CM//G40", "LABEL//G40909//1", "FINDING//G40909")
    events = make_events(*[(s, None, code) for s in (1, 2) for code in benchmark])
    vocabulary = RecordVocabulary.fit(sessions, events, CONFIG)
    assert vocabulary.codes == [] and not (vocabulary.encode(sessions, events).ids[:, 2:] > 0).any()


def test_codes_known_up_to_ninety_days_after_the_start():
    days = lambda n: START + dt.timedelta(days=n)
    sessions = make_sessions({"start_time": START}, {"start_time": days(400), "subject_id": 1}, {"subject_id": 1})
    events = make_events((1, days(90), "ICD10CM//G40.1"), (1, days(91), "ICD10CM//F32"), (1, None, "ICD10CM//I10"))
    vocabulary = RecordVocabulary.fit(sessions, events, RecordConfig(min_count=1))
    rows = [set(words(vocabulary, row)) for row in vocabulary.encode(sessions, events).ids]
    early, all_three = {"ICD10CM//G40", "ICD10CM//I10"}, {"ICD10CM//F32", "ICD10CM//G40", "ICD10CM//I10"}
    assert rows == [early, all_three, {"ICD10CM//I10"}]
    assert vocabulary.encode(sessions, events).left_out["undated_session"] == 2


@pytest.mark.parametrize(
    "window, expected, without_start",
    [
        ("until", {"A01", "B01", "C01", "D01", "Z01"}, {"Z01"}),
        ("before", {"B01", "C01", "Z01"}, {"Z01"}),
        ("around", {"B01", "C01", "D01", "Z01"}, {"Z01"}),
        ("ever", {"A01", "B01", "C01", "D01", "E01", "Z01"}, {"A01", "B01", "C01", "D01", "E01", "Z01"}),
    ],
)
def test_windows_before_around_and_ever(window, expected, without_start):
    sessions = make_sessions({"start_time": START}, {"subject_id": 1})
    days = {"A01": -31, "B01": -30, "C01": 0, "D01": 30, "E01": 91}
    told = [(1, START + dt.timedelta(days=n), f"ICD10CM//{code}") for code, n in days.items()]
    events = make_events(*told, (1, None, "ICD10CM//Z01"))
    vocabulary = RecordVocabulary.fit(sessions, events, RecordConfig(min_count=1, window=window, days=30))
    records = vocabulary.encode(sessions, events)
    short = [{word.removeprefix("ICD10CM//") for word in words(vocabulary, row)} for row in records.ids]
    assert short == [expected, without_start]
    assert records.left_out["undated_session"] == (0 if window == "ever" else 5)


def test_the_most_recent_codes_are_kept_when_there_are_too_many():
    sessions = make_sessions({"start_time": START}, {"start_time": START})
    times = [START - dt.timedelta(days=d) for d in (50, 40, 30, 20, 10)]
    codes = ["A01", "B01", "C01", "D01", "E01"]
    events = make_events(*[(s, t, f"ICD10CM//{c}") for s in (1, 2) for t, c in zip(times, codes, strict=True)])
    again = make_events((1, START, "ICD10CM//A01"), (1, None, "ICD10CM//F01"), (2, None, "ICD10CM//F01"))
    events = pl.concat([events, again, make_events(*[(s, START, f"ATC//N0{i}") for s in (1, 2) for i in (2, 3)])])
    vocabulary = RecordVocabulary.fit(sessions, events, CONFIG)
    records = vocabulary.encode(sessions, events)
    assert words(vocabulary, records.ids[0]) == ["ICD10CM//A01", "ICD10CM//E01", "ICD10CM//D01", "ATC//N02", "ATC//N03"]
    assert words(vocabulary, records.ids[1])[:3] == ["ICD10CM//E01", "ICD10CM//D01", "ICD10CM//C01"]
    assert records.left_out["too_many"] == 6
    shuffled = vocabulary.encode(sessions, events.sample(fraction=1.0, shuffle=True, seed=1))
    assert torch.equal(shuffled.ids, records.ids) and torch.equal(shuffled.mask, records.ids > 0)


def test_age_sex_and_sessions_about_which_nothing_is_known():
    ages = [0.0, 9.9, 10.0, 99.0, 104.0, None, None, float("nan")]
    sexes = ["F", "M", None, "F", "F", "M", None, None]
    sessions = make_sessions(*[{"age": a, "sex": s} for a, s in zip(ages, sexes, strict=True)])
    records = RecordVocabulary.fit(sessions, make_events(), CONFIG).encode(sessions, make_events())
    assert (records.ids[:, 0] - AGE).tolist() == [0, 0, 1, 9, 9, AGE_BINS, AGE_BINS, AGE_BINS]
    assert (records.ids[:, 1] - SEX).tolist() == [0, 1, 2, 0, 0, 1, 2, 2]
    assert records.present.tolist() == [True] * 6 + [False] * 2
    assert records.ids.shape == (8, 2 + 3 + 2) and records.ids.dtype == torch.int64 and records.mask[:, :2].all()


def test_records_of_the_same_entries_are_of_one_kind_and_those_without_codes_too():
    times = [START - dt.timedelta(days=d) for d in (2, 1)]
    people = [{"age": 40.0}, {"age": 45.0}, {"age": 40.0}, {"age": 61.0}, {"sex": "F"}, {}]
    sessions = make_sessions(*[{"start_time": START} | row for row in people])
    one, other = "ICD10CM//A01", "ATC//N03A"
    told = [(1, times[0], one), (1, times[1], other), (2, times[1], one), (2, times[0], other), (3, None, one)]
    events = make_events(*told)
    vocabulary = RecordVocabulary.fit(sessions, events, RecordConfig(min_count=1))
    assert vocabulary.encode(sessions, events).kinds().tolist() == [1, 1, 2, 0, 0, 0]


def test_rows_follow_the_session_table():
    sessions = make_sessions({}, {}, {})
    events = make_events((3, None, "ICD10CM//G40"), (1, None, "ICD10CM//I10"), (9, None, "ICD10CM//Z99"))
    vocabulary = RecordVocabulary.fit(sessions, events, RecordConfig(min_count=1))
    expected = {"a": ["ICD10CM//I10"], "b": [], "c": ["ICD10CM//G40"]}
    for table in (sessions, sessions.reverse()):
        ids = vocabulary.encode(table, events).ids
        assert {s: words(vocabulary, row) for s, row in zip(table["session_id"], ids, strict=True)} == expected


def test_the_length_of_codes_is_a_setting():
    events = make_events((1, None, "ICD10CM//G40.909"), (1, None, "ATC//N03AX14"))
    config = RecordConfig(min_count=1, icd10_characters=7, atc_characters=5)
    assert RecordVocabulary.fit(make_sessions({}), events, config).codes == ["ATC//N03AX", "ICD10CM//G40.909"]


def test_with_a_hierarchy_rare_codes_are_known_by_what_they_are_a_case_of():
    config = RecordConfig(16, 1, 2, output=8, min_count=2, icd10_characters=7, hierarchy=True)
    sessions = make_sessions({}, {}, {}, {"split": "test"})
    told = [(1, "G40.909"), (2, "G40.909"), (3, "G40.B01"), (3, "G40.B11"), (4, "G12.21"), (4, "Z99")]
    drugs = [(1, "N03AX14"), (2, "N03AX09")]
    events = make_events(*[(s, None, f"ICD10CM//{c}") for s, c in told], *[(s, None, f"ATC//{c}") for s, c in drugs])
    vocabulary = RecordVocabulary.fit(sessions, events, config)
    atc = ["ATC//N", "ATC//N03", "ATC//N03A", "ATC//N03AX"]
    assert vocabulary.codes == [*atc, "ICD10CM//G", "ICD10CM//G40", "ICD10CM//G40.909"]
    records = vocabulary.encode(sessions, events)
    known = [words(vocabulary, row) for row in records.ids]
    assert known == [["ICD10CM//G40.909", "ATC//N03AX"]] * 2 + [["ICD10CM//G40"], ["ICD10CM//G"]]
    assert records.left_out == {"unknown": 1, "too_many": 0, "undated_session": 0}  # Z99: no part of it is known


def test_an_entry_of_the_hierarchy_is_the_sum_of_its_prefixes():
    torch.manual_seed(0)
    config = RecordConfig(16, 1, 2, output=8, hierarchy=True)
    vocabulary = RecordVocabulary(config, ["ATC//N", "ATC//N03", "ICD10CM//G", "ICD10CM//G40", "ICD10CM//G40.909"])
    encoder = RecordEncoder(vocabulary).eval()
    ids = torch.tensor([[AGE, SEX, CODES + 4, CODES + 1, 0], [AGE, SEX + 1, CODES + 2, 0, 0]])
    table = encoder.codes.weight
    letter, category, whole = (table[CODES + i] for i in (2, 3, 4))
    first = [table[AGE], table[SEX], letter + category + whole, table[CODES] + table[CODES + 1], table[0]]
    second = [table[AGE], table[SEX + 1], letter, table[0], table[0]]
    with torch.no_grad():
        plain = encoder.trunk(torch.stack([torch.stack(first), torch.stack(second)]), ids > 0)
        torch.testing.assert_close(encoder(ids, ids > 0), plain)
    again = RecordEncoder.from_config(json.loads(json.dumps(encoder.to_config()))).eval()
    again.load_state_dict(encoder.state_dict(), strict=True)
    assert torch.equal(again(ids, ids > 0), encoder(ids, ids > 0))


def test_the_encoder_sees_a_set_and_reloads():
    torch.manual_seed(0)
    vocabulary = RecordVocabulary(CONFIG, [f"ICD10CM//A{i:02}" for i in range(20)])
    encoder = RecordEncoder(vocabulary).eval()
    ids = torch.randint(1, len(vocabulary), (4, 7))
    mask = torch.rand(4, 7) > 0.3
    order = torch.randperm(7)
    with torch.no_grad():
        out = encoder(ids, mask)
        assert (encoder(ids[:, order], mask[:, order]) - out).abs().max() < 1e-5
        assert (encoder(torch.where(mask, ids, 0), mask) - out).abs().max() < 1e-5
        assert (encoder(ids.flip(0), mask) - out).abs().max() > 1e-3
        again = RecordEncoder.from_config(json.loads(json.dumps(encoder.to_config()))).eval()
        again.load_state_dict(encoder.state_dict(), strict=True)
        assert torch.equal(again(ids, mask), out)


def test_real_records():
    """MIMIC-IV demo (ODbL 1.0): codes without dots, `value` for `numeric_value`, rows without time."""
    path = Path(os.environ.get("CLEF_TEST_DATA", "")) / "ehr" / "mimic_iv_demo_meds_events.parquet"
    if not os.environ.get("CLEF_TEST_DATA") or not path.is_file():
        pytest.skip("CLEF_TEST_DATA does not name a folder with ehr/mimic_iv_demo_meds_events.parquet")
    events = pl.read_parquet(path).rename({"value": "numeric_value"}).select(list(EVENTS))
    born = events.filter(pl.col("code") == "MEDS_BIRTH").select("subject_id", "time").sort("subject_id")
    last = events.group_by("subject_id").agg(pl.col("time").max())["subject_id", "time"].rename({"time": "last"})
    people = born.join(last, on="subject_id")
    age = (people["last"] - people["time"]).dt.total_days() / 365.25
    sessions = make_sessions(
        *[
            {"subject_id": s, "start_time": t, "age": a, "split": "train" if i < 70 else "test"}
            for i, (s, t, a) in enumerate(zip(people["subject_id"], people["last"], age, strict=True))
        ]
    ).with_columns(session_id=pl.col("subject_id").cast(pl.String))
    vocabulary = RecordVocabulary.fit(sessions, events, RecordConfig(min_count=3))
    records = vocabulary.encode(sessions, events)
    known = (records.ids[:, 2:] > 0).sum(1)
    assert {"ICD10CM//I10", "ICD10CM//F32"} <= set(vocabulary.codes) and len(vocabulary) > 50
    assert records.present.all() and known.max() <= 30 and (known > 0).float().mean() > 0.4
