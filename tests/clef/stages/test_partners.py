"""Reports and records of sessions: whose they are, and that only training subjects teach words and codes."""

import dataclasses

import pytest

from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages.partners import find_partners, make_record, make_text
from tests.clef.stages.test_align import EVENTS, REPORTS, people
from tests.helpers import random_tokens as tokens

TEXT = TextConfig(16, 1, 2, 300, 32, 0.0, 8, min_count=1)
RECORD = RecordConfig(width=16, layers=1, heads=2, output=8, min_count=1)


def test_partners_are_those_of_their_session():
    text, record = make_text(TEXT, tokens(), REPORTS, 1.0), make_record(RECORD, people(), EVENTS, 1.0)
    partners = find_partners(tokens(), people(), EVENTS, REPORTS, text, record.vocabulary)
    assert partners.has_report.nonzero().flatten().tolist() == [0, 1, 4, 6]
    assert partners.has_record.tolist() == [True] * 8 + [False] * 4
    other, _ = text.tokenize(["slow waves"])
    assert (partners.report[4] == other[0]).all()
    batch = partners.rows([4, 0])
    assert (batch["report"][1] == partners.report[0]).all() and batch["has_record"].tolist() == [True, True]


def test_without_encoders_nobody_has_a_partner():
    partners = find_partners(tokens(), people(), EVENTS, REPORTS, None, None)
    assert not partners.has_report.any() and not partners.has_record.any()


def test_words_and_codes_come_from_training_subjects_alone():
    """s2, s5, s8 … are of split val."""
    reports = {"s0": "spikes spikes", "s2": "zebra zebra zebra"}
    text = make_text(TEXT, tokens(), reports, 1.0)
    pieces = lambda word: text.bpe.encode([word], 32)[1].sum()
    assert pieces("spikes") < len("spikes") and pieces("zebra") >= len("zebra")
    assert make_record(RECORD, people(), EVENTS, 1.0).vocabulary.codes == ["ATC//N03AX14", "ICD10CM//G40"]
    nobody = people().with_columns(split=people()["split"].replace("train", "test"))
    assert make_record(RECORD, nobody, EVENTS, 1.0) is None


@pytest.mark.parametrize("weight, summaries", [(0.0, REPORTS), (1.0, {}), (1.0, {"s2": "spikes of split val"})])
def test_reports_that_do_not_count_or_are_not_there_make_no_encoder(weight, summaries, caplog):
    with caplog.at_level("INFO"):
        assert make_text(TEXT, tokens(), summaries, weight) is None
    assert "aligning without reports" in caplog.text


@pytest.mark.parametrize("given", [{"name": "t5"}, {"train_layers": 1}, {"lora": 4}])
def test_settings_of_a_language_model_without_one_are_refused(given):
    with pytest.raises(ValueError, match="are of a language model; add text=hf or text=t5"):
        make_text(dataclasses.replace(TEXT, **given), tokens(), REPORTS, 1.0)


def test_records_of_weight_zero_make_no_encoder():
    assert make_record(RECORD, people(), EVENTS, 0.0) is None


def test_as_bags_reports_are_their_first_sentences_each_kept_once():
    text = make_text(TEXT, tokens(), REPORTS, 1.0)
    reports = {"s0": "Spikes. Slow waves. Seizure.", "s4": "Slow waves."}
    partners = find_partners(tokens(), people(), EVENTS, reports, text, None, sentences=2)
    assert len(partners.report) == 3  # nothing, and two: the third sentence of s0 is cut
    batch = partners.rows([0, 4, 1])
    said = [text.bpe.decode(row) for row in batch["report"] * batch["report_mask"]]
    assert said == ["spikes.", "slow waves.", "slow waves.", "", "", ""]
    assert batch["has_report"].tolist() == [True, True, False]
    assert not batch["report_mask"][3:].any()
