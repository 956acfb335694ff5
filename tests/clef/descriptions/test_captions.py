"""Captions: the sentences on a session that a model may learn from, and what is left out of them."""

import re

import polars as pl
import pytest

from clef.descriptions.captions import captions, captions_of, digest
from clef.descriptions.description import describe, refused
from clef.descriptions.table import NAME, SCHEMA, Described
from clef.pretrain import input_fingerprints
from clef.stages.align import AlignConfig
from clef.stages.narrate import NarrateConfig
from clef.training.settings import PretrainConfig
from tests.clef.descriptions.signals import awake, session


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Descriptions of a session of a minute, and of one that is too short."""
    out = tmp_path_factory.mktemp("captions")
    described = Described(out, {})
    for name, made in {"a": describe(session(awake())), "short": refused("2 s")}.items():
        described.add([row | {"session_id": name, "recording": ""} for row in made.rows()])
    described.close(["a", "short"])
    return out


def test_a_caption_has_the_sentences_on_the_eeg_and_no_others(folder):
    text = captions(folder)["a"]
    assert captions(folder / NAME) == {"a": text}, "the short one says nothing"
    assert text.startswith("Delta dominates, steady") and "Posterior dominant rhythm of 10." in text
    assert "No focal slowing." in text and "Voltage is symmetric." in text
    assert "not measured" not in text and "Reactivity" not in text, "nobody said when the eyes were open"
    assert not re.search(r"[()µ%]|Power|Energy|Left out", text)
    assert text.count("dominates") == 1, "segments and minutes say it, too"


def test_sessions_that_nothing_describes_are_an_error_or_left_out(folder):
    assert set(captions_of(folder, pl.Series(["b", "a"]))) == {"a"}
    with pytest.raises(ValueError, match=r"describes no session of the cohort; run python -m clef\.describe"):
        captions_of(folder, pl.Series(["b"]))
    with pytest.raises(ValueError, match="no such file"):
        captions(folder / "nowhere")


def test_a_run_cannot_go_on_with_other_texts(folder, tmp_path):
    """The same rows written anew are the same texts; another sentence is another."""
    table = pl.read_parquet(folder / NAME)
    for name, text in (("same", pl.col("text")), ("other", pl.col("text").str.replace("slowing", "spiking"))):
        described = Described(tmp_path / name, {})
        described.add(table.with_columns(text).select(*SCHEMA).to_dicts())
        described.close(["a", "short"])
    configs = [
        PretrainConfig(stage="align", align=AlignConfig(descriptions=str(tmp_path / n))) for n in ("same", "other")
    ]
    same, other = map(input_fingerprints, configs)
    assert same == {"texts": digest(folder)} and other["texts"] != same["texts"]
    narrated = PretrainConfig(stage="narrate", narrate=NarrateConfig(texts=str(folder / NAME)))
    assert input_fingerprints(narrated) == same
