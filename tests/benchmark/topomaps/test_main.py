"""The program on six short recordings: its tables, what it leaves out, what it keeps, and whom it refuses."""

import dataclasses
import json

import polars as pl
import pytest
import torch

from benchmark.topomaps.__main__ import TopomapsConfig, main
from clef.embeddings import subject_hash
from tokenizer.base.cli import ConfigError
from tokenizer.vqgan import VQGAN, VQGANConfig

SMALL = {"width": 16, "encoder_blocks": 1, "decoder_blocks": 1, "codes": 32, "code_dimension": 8}


def tokenizer(folder, people=(0, 1)):
    """A tokenizer that was trained on some people, as it says."""
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig(**SMALL))
    vqgan.about = {"trained_on": {"train": [subject_hash(person, "salt") for person in people]}}
    vqgan.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def config(recorded, tmp_path):
    made = tokenizer(tmp_path / "tokenizer")
    return TopomapsConfig(str(recorded), tmp_path / "out", tokenizer=made, head=False, workers=0, device="cpu")


def test_tables_and_what_is_left_out(config):
    main(config)
    text, plain = (config.out / "topomaps.md").read_text(), json.loads((config.out / "topomaps.json").read_text())
    assert "## site unknown: pool of 2 segments of 1 people" in text and "| chance | 50.00% |" in text
    assert "left out: 1 recordings, an electrode is missing" in text and "1 recordings, not read" in text
    assert [pool["segments"] for pool in plain["pools"]] == [2]
    rows = {row["name"]: row for row in plain["pools"][0]["rows"]}
    assert list(rows) == [
        *("the person", "the segment before", "rebuilt, correlation", "rebuilt, distance", "rebuilt, matched"),
        "bandpower",
    ]
    assert rows["bandpower"]["map_from_eeg"]["pool"] == 2
    assert not any(name in text + json.dumps(plain) for name in ("s0", "s3", ".edf"))


def test_the_same_command_makes_no_segment_again_and_another_tokenizer_does(config, tmp_path):
    main(config)
    part = config.out / "segments" / "part-00000.parquet"
    assert pl.read_parquet(part).filter(pl.col("reason") == "")["session"].n_unique() == 4
    before = (config.out / "topomaps.json").read_text(), part.stat().st_mtime_ns
    main(config)
    assert ((config.out / "topomaps.json").read_text(), part.stat().st_mtime_ns) == before
    config.tokenizer = tokenizer(tmp_path / "other", people=(0,))
    main(config)
    assert part.stat().st_mtime_ns != before[1]


def test_a_tokenizer_that_saw_people_of_test_is_refused_or_marked(config, tmp_path):
    config.tokenizer = tokenizer(tmp_path / "seen", people=(0, 3))
    with pytest.raises(ValueError, match="saw 1 of the 3 people of split test"):
        main(config)
    assert not (config.out / "topomaps.md").exists()
    config.allow_overlap = True
    main(config)
    assert "**the tokenizer saw 1 people of test**" in (config.out / "topomaps.md").read_text()


def test_what_makes_no_sense_is_said(config):
    config.head = True
    with pytest.raises(ValueError, match="0 segments of split val"):
        main(config)
    for changes, given in (({"encoder": "RUN"}, "both"), ({"tokenizer": ""}, "neither")):
        with pytest.raises(ConfigError, match=f"one of them; got {given}"):
            main(dataclasses.replace(config, **changes))
    config.most = 1
    with pytest.raises(ConfigError, match="most must be 2 or more"):
        main(config)
