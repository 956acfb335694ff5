"""tools.bundle: what it takes from runs, counts and writes, and which folders of weights may ship."""

import json
import shutil

import numpy as np
import pytest
import torch

import clef
from clef.bundle import FOLDER
from clef.cohort import Cohort
from tests.helpers import ROOT, must, run
from tokenizer.sessions import write_sessions
from tokenizer.store import TokenStore
from tools.bundle import BundleConfig, main
from tools.bundling.check import CARD, RECORD, check_bundle
from tools.bundling.facts import read_facts

SCORE = {"question": "which group", "data": "synthetic", "people": 24, "seen": False, "metric": "AUROC", "value": 0.5}
FACTS = {"hardware": "2 cores", "command": "make open DATA=DIR", "scores": [SCORE], "model": "of other weights"}


@pytest.fixture(scope="module")
def facts(tiny_align, tmp_path_factory):
    path = tmp_path_factory.mktemp("facts") / "facts.json"
    path.write_text(json.dumps(FACTS | {"model": clef.load(tiny_align).fingerprint}))
    return path


@pytest.fixture(scope="module")
def config(tiny_tokenizer, tiny_recon, tiny_align, tiny_cohort, tiny_store, facts):
    """Settings for all three tiny runs, without `out`."""
    runs = [str(run) for run in (tiny_tokenizer, tiny_recon, tiny_align)]
    return {"runs": runs, "cohorts": [str(tiny_cohort)], "tokens": [str(tiny_store)], "facts": str(facts)}


@pytest.fixture(scope="module")
def bundle(config, tmp_path_factory):
    out = tmp_path_factory.mktemp("weights") / "clef-open"
    assert main(BundleConfig(**config, out=str(out))) == 0
    return out


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copy")


def change_record(folder, **values):
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps(record | values))


# ---- what is shipped
def test_the_weights_in_this_tree_may_ship():
    """They name their people, hours and scores; nothing random, unmeasured or too large is ever shipped."""
    if not FOLDER.is_dir():
        pytest.skip("no weights of clef-open in this tree: `make open DATA=DIR` makes them (docs/clef-open.md)")
    check_bundle(FOLDER)
    recipe = (ROOT / "configs" / "recipes" / "clef-open.sh").read_text(encoding="utf-8")
    assert "to be filled in" not in recipe, "the recipe's header says hardware, time and what to expect"


def test_the_recipes_facts_are_facts():
    facts = read_facts(ROOT / "configs" / "recipes" / "clef-open.yaml")
    assert set(facts["data"]) == {"ds004504", "mdd_husm", "eegmat", "adhd_nasrabadi", "synthetic"}
    assert all(entry["licence"] and entry["source"] for entry in facts["data"].values())


# ---- what is written
def test_a_bundle_is_the_model_of_the_run_and_nothing_else(bundle, tiny_align, tiny_store):
    model, run = clef.load(bundle), clef.load(tiny_align)
    assert model.fingerprint == run.fingerprint
    np.testing.assert_array_equal(model.embed(TokenStore(tiny_store)), run.embed(TokenStore(tiny_store)))
    np.testing.assert_array_equal(model.text(["spikes"]), run.text(["spikes"]))
    parts = ("tokenizer", "encoder", "align")
    files = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert files == {CARD, RECORD, *(f"{p}/{n}" for p in parts for n in ("config.json", "model.safetensors"))}
    assert {oct(path.stat().st_mode)[-3:] for path in bundle.rglob("*") if path.is_file()} == {"644"}


def test_people_and_hours_are_those_of_the_cohort(bundle, tiny_cohort, tiny_store):
    record = json.loads((bundle / RECORD).read_text())
    sessions = Cohort(tiny_cohort).sessions
    people = {split: sessions.filter(sessions["split"] == split)["subject_id"].n_unique() for split in ("train", "val")}
    (entry,) = record["data"]
    assert entry["name"] == "synthetic" and entry["people"] == people
    tokens = TokenStore(tiny_store).load()
    seen = np.isin(tokens.split, ("train", "val"))
    assert entry["sessions"] == seen.sum()
    assert entry["hours"] == round(float(tokens.valid[seen].sum()) * 10 / 3600, 1)
    assert [one["stage"] for one in record["training"]] == ["tokenizer", "recon", "align"]
    assert [one["steps"] for one in record["training"]] == [12, 8, 8]


def test_the_card_says_what_is_known_and_what_is_not(bundle):
    card = (bundle / CARD).read_text()
    assert "no medical device" in card and "must not be used" in card and "2 cores" in card
    assert "| which group | synthetic | 24 | no | AUROC | 0.50 | not measured to not measured |" in card
    assert clef.load(bundle).fingerprint in card


def test_half_precision_is_smaller_and_nearly_the_same(config, bundle, tiny_store, tmp_path):
    settings = BundleConfig(**config, out=str(tmp_path / "half"), precision="float16")
    assert main(settings) == 1, "another model: the scores of the first are not its own"
    size = lambda folder: sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    assert size(tmp_path / "half") < 0.75 * size(bundle)
    half, single = clef.load(tmp_path / "half"), clef.load(bundle)
    assert {p.dtype for p in half.encoder.parameters()} == {torch.float32}
    assert torch.equal(half.vqgan.codebook.vectors, single.vqgan.codebook.vectors)
    one, other = half.embed(TokenStore(tiny_store)), single.embed(TokenStore(tiny_store))
    assert 0 < np.abs(one - other).max() < 0.01 * np.abs(other).max()


def test_the_program_says_what_is_lacking(config, tmp_path):
    settings = {key: f"[{','.join(config[key])}]" for key in ("runs", "cohorts", "tokens")}
    done = run(tmp_path / "said", "tools.bundle", **settings, out=tmp_path / "clef-open")
    assert done.code == 1 and "it may not ship yet" in done.err and "scores" in done.err
    assert "Not measured." in (tmp_path / "clef-open" / CARD).read_text()
    must(run(tmp_path / "said", "tools.bundle", **settings, facts=config["facts"], out=tmp_path / "clef-open"))


def test_scores_of_other_weights_are_not_taken(config, tmp_path):
    (tmp_path / "facts.json").write_text(json.dumps(FACTS))
    out = tmp_path / "clef-open"
    assert main(BundleConfig(**config | {"facts": str(tmp_path / "facts.json")}, out=str(out))) == 1
    assert json.loads((out / RECORD).read_text())["scores"] == []


# ---- what may not ship
@pytest.mark.parametrize(
    "harm, words",
    (
        (lambda folder: (folder / RECORD).unlink(), "no record.json: nobody says what"),
        (lambda folder: change_record(folder, scores=[]), "lacks scores"),
        (lambda folder: change_record(folder, data=[]), "lacks data"),
        (lambda folder: change_record(folder, training=[]), "lacks training"),
        (lambda folder: change_record(folder, hardware=None), "lacks hardware"),
        (lambda folder: change_record(folder, model="0" * 16), "the weights are"),
        (lambda folder: (folder / "config.yaml").write_text("out: x"), "config.yaml is missing or does not belong"),
        (lambda folder: (folder / CARD).write_text("made in /home/me/runs"), "names a place on some machine"),
        (lambda folder: (folder / "align" / "model.safetensors").write_bytes(b"x"), "align/ is not as it was written"),
    ),
)
def test_what_may_not_ship_is_refused_in_one_line(copy, harm, words):
    check_bundle(copy)
    harm(copy)
    with pytest.raises(ValueError, match=words) as caught:
        check_bundle(copy)
    assert "\n" not in str(caught.value)


def test_untrained_weights_may_not_ship(copy):
    """Even beside the record of a trained model."""
    encoder = clef.load(copy)._untrained()
    encoder.save_pretrained(copy / "encoder")
    (copy / "encoder" / "README.md").unlink()
    with pytest.raises(ValueError, match="the weights are"):
        check_bundle(copy)
    change_record(copy, model=clef.load(copy).fingerprint)
    with pytest.raises(ValueError, match=r"the weights name \{\} people"):
        check_bundle(copy)


def test_too_large_a_bundle_is_refused(copy, monkeypatch):
    size = sum(path.stat().st_size for path in copy.rglob("*") if path.is_file())
    monkeypatch.setattr("tools.bundling.check.LARGEST", size - 1)
    with pytest.raises(ValueError, match=r"MB; at most"):
        check_bundle(copy)


def test_a_cohort_that_lacks_people_is_refused_and_nothing_is_written(config, tmp_path):
    other = tmp_path / "cohort"
    shutil.copytree(config["cohorts"][0], other, ignore=shutil.ignore_patterns("recordings"))
    few = Cohort(other).sessions.head(3)
    write_sessions(other, few)
    with pytest.raises(ValueError, match="give every cohort that any stage was trained on"):
        main(BundleConfig(**config | {"cohorts": [str(other)]}, out=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text, words",
    (
        ("hardwear: 2 cores", "there is no field 'hardwear'"),
        ("{model: m, scores: [{question: q}]}", "score 1: no data"),
        ("data: {eegmat: {license: CC0}}", "data.eegmat: there is no field 'license'"),
        ("scores: 0.9", "scores is 0.9; expected list"),
        (json.dumps({"scores": [SCORE]}), "scores without model"),
        (json.dumps({"model": "m", "scores": [SCORE | {"value": "high"}]}), "value is 'high'; expected a number"),
        (json.dumps({"model": "m", "scores": [SCORE | {"seen": "no"}]}), "seen is 'no'; expected true or false"),
    ),
)
def test_facts_that_are_none_are_refused_in_one_line(text, words, tmp_path):
    (tmp_path / "facts.yaml").write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        read_facts(tmp_path / "facts.yaml")
    assert "\n" not in str(caught.value)
