"""benchmark.narrate as a program: a tiny model beside its baselines, and bad input in one line."""

import json
import shutil

import pytest

from benchmark.narrate.__main__ import NarrateConfig, main
from clef.embeddings import hash_subjects
from clef.narratives.texts import Place, texts_of, write_texts
from tokenizer.base.cli import ConfigError
from tokenizer.store import TokenStore


@pytest.fixture
def given(tiny_narrate, tiny_store, tiny_cohort, tiny_texts, tmp_path):
    return {
        **{"models": [f"tiny={tiny_narrate}"], "tokens": str(tiny_store), "cohort": str(tiny_cohort)},
        **{"texts": str(tiny_texts), "out": tmp_path / "out", "device": "cpu", "allow_overlap": True},
    }


def test_a_table_with_every_way_and_a_verdict(given, tiny_texts, tiny_store, tmp_path, capsys):
    texts, tokens = texts_of(tiny_texts, "segment"), TokenStore(tiny_store).load()
    of_test = {str(name) for name in tokens.session_id[tokens.split == "test"]}
    told = sorted(of_test)[:-1]
    rows = [(place, text) for place, text in texts.items() if place.session in told]
    write_texts(tmp_path / "template.parquet", rows, "segment")
    main(NarrateConfig(**given, template=str(tmp_path / "template.parquet")))
    page = (tmp_path / "out" / "narratives.md").read_text()
    assert page in capsys.readouterr().out and "**tiny: not above: " in page
    plain = json.loads((tmp_path / "out" / "narratives.json").read_text())
    assert [row["name"] for row in plain["rows"]] == ["tiny", "commonest text", "nearest stretch's text", "template"]
    assert plain["rows"][-1]["facts"]["all"]["f1"] == 1, "it is the reference itself"
    assert plain["protocol"]["test_sessions"] == len(told) and plain["protocol"]["scope"] == "segment"
    assert not any(name in page + json.dumps(plain) for name in of_test)


def test_people_of_test_that_a_model_saw_are_refused(given, tiny_narrate, tmp_path):
    config = tmp_path / "model" / "narrator" / "config.json"
    shutil.copytree(tiny_narrate / "model", tmp_path / "model")
    value = json.loads(config.read_text())
    tokens = TokenStore(given["tokens"]).load()
    value["about"]["trained_on"] = hash_subjects({"train": tokens.subject_id[tokens.split == "test"], "val": []})
    del value["digests"]
    config.write_text(json.dumps(value))
    with pytest.raises(ValueError, match=r"models: mine: saw .* people of split test"):
        main(NarrateConfig(**given | {"models": [f"mine={tmp_path / 'model'}"], "allow_overlap": False}))
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_line(given, tiny_recon, tmp_path):
    with pytest.raises(ConfigError, match="must name one at least"):
        main(NarrateConfig(**given | {"models": []}))
    with pytest.raises(ValueError, match="no narrator in this model"):
        main(NarrateConfig(**given | {"models": [f"a={tiny_recon}"]}))
    write_texts(tmp_path / "others.parquet", [(Place("somebody", 0), "Delta dominates.")], "segment")
    with pytest.raises(ValueError, match="has no text on a session of split train"):
        main(NarrateConfig(**given | {"texts": str(tmp_path / "others.parquet")}))
    with pytest.raises(ValueError, match="split test that the token store holds and the template describes"):
        main(NarrateConfig(**given, template=str(tmp_path / "others.parquet")))
    assert not (tmp_path / "out").exists()
