"""The table of an evaluated tokenizer: every value in its column, and what a reader must beware of."""

import copy

import pytest

from benchmark.fidelity.table import (
    MEASURES,
    as_markdown,
    as_text,
    expected_table,
    focal_line,
    protocol_lines,
    retention_line,
    table,
)
from tokenizer.cells import BANDS
from tokenizer.channels import CHANNELS


def group(value):
    """Numbers of one group, all of them `value`."""
    numbers = {key: [value, value - 0.25, value + 0.25] for key, _, _ in MEASURES}
    return {"count": {"people": 3, "recordings": 4, "hours": 1.5, "tokens": 5678}, "numbers": numbers}


@pytest.fixture
def report():
    by_channel = {band: dict.fromkeys(CHANNELS, 0.5) for band in BANDS}
    details = {"dynamics_r2_by_band_and_channel": by_channel, "band_power_r2_by_band_and_channel": by_channel}
    whole = group(0.5) | {"details": details | {"asymmetry_r2_by_pair": {"F3-F4": None}}}
    protocol = {"tokenizer": "abc", "codes": 8192, "grid": [16, 128], "cohort": "ours", "synthetic": False,
                "split": "test", "refused": {"s9": "no signal"}, "seen": {}}  # fmt: skip
    return {"protocol": protocol, "groups": {"all": whole, "A": group(0.75), "B": group(1.25)}, "notes": ["a note"]}


def test_each_row_has_the_whole_its_interval_and_each_site(report):
    header, rows = table(report)
    assert header == ["measure", "all", "95 %", "A", "B"] and all(len(row) == 5 for row in rows)
    by_words = {row[0]: row[1:] for row in rows}
    assert by_words["dynamics R²"] == ["0.50", "0.25 to 0.75", "0.75", "1.25"]
    assert by_words["tokens"] == ["5,678", "", "5,678", "5,678"] and by_words["hours"][0] == "1.50"


def test_what_is_not_defined_is_a_dash_without_an_interval(report):
    report["groups"]["all"]["numbers"]["gradient_r2"] = [None, None, None]
    row = next(row for row in table(report)[1] if row[0] == "antero-posterior gradient R²")
    assert row[1:3] == ["–", ""] and "nan" not in as_markdown(report) and "None" not in as_markdown(report)


def test_people_seen_in_training_and_tokenizers_that_do_not_say_are_flagged(report):
    assert len(protocol_lines(report)) == 1 and "1 recordings not read" in protocol_lines(report)[0]
    seen, silent = copy.deepcopy(report), copy.deepcopy(report)
    seen["protocol"]["seen"], silent["protocol"]["seen"] = {"train": 2}, None
    assert "SEEN" in protocol_lines(seen)[1] and "2 in its train" in protocol_lines(seen)[1]
    assert "does not say" in protocol_lines(silent)[1]
    report["protocol"]["synthetic"] = True
    assert "SYNTHETIC" in protocol_lines(report)[0]


def test_the_expected_table_puts_rebuilt_beside_original_static_and_floor():
    numbers = {"raw_mae": 1.0, "raw_mae_original": 2.0, "raw_mae_static": 3.0, "raw_mae_floor": 4.0}
    header, rows = expected_table(numbers)
    assert header[1:] == ["rebuilt", "original itself", "own median", "floor of the estimate"]
    assert rows[0][1:] == ["1.00", "2.00", "3.00", "4.00"] and rows[2][1] == "–" and rows[2][3:] == ["", ""]


def test_sentences_give_what_was_kept():
    numbers = {"sessions": 7, "without": 5, "kept": 0.25, "difference_db_original": 4.0, "difference_db_rebuilt": 1.0,
               "side_right_original": 1.0, "side_right_rebuilt": 0.5, "auroc_original": 0.9,
               "auroc_rebuilt": 0.6}  # fmt: skip
    assert "(0.25 kept)" in focal_line(numbers) and "AUROC against 5 without: 0.90, 0.60" in focal_line(numbers)
    assert "AUROC" not in focal_line({k: v for k, v in numbers.items() if not k.startswith("auroc")})
    assert "no session" in focal_line({"sessions": 0})
    probes = {"retention": [0.8, 0.5, 1.1], "auroc": {"original": 0.7, "rebuilt": 0.66}, "subjects": 399, "tasks": 2,
              "overlap": 3}  # fmt: skip
    line = retention_line(probes)
    assert "retention 0.80 (95 % 0.50 to 1.10); 3 scored people" in line and "fewer than 400 subjects" in line
    unsure = retention_line(probes | {"retention": [0.8, None, None], "subjects": 400, "overlap": 0})
    assert "not surely above chance" in unsure and "fewer" not in unsure and "scored people" not in unsure


def test_text_and_markdown_hold_the_same_numbers(report):
    text, markdown = as_text(report), as_markdown(report)
    assert "0.25 to 0.75" in text and "0.25 to 0.75" in markdown and "a note" in text and "a note" in markdown
    assert all(f"| {channel} | 0.50 |" in markdown for channel in CHANNELS) and "| F3-F4 | – |" in markdown
