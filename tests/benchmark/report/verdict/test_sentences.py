"""The verdict in words: one test per rule, on runs whose scores are made up so that only this rule fits."""

import json

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.verdict import rules
from benchmark.report.verdict.sentences import as_table, verdict
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored
from clef.embeddings import Embeddings

CONTROLS = {"untrained": 0.70, "codes": 0.70, "bandpower": 0.65, "metadata": 0.52, "acquisition": 0.53}
TASKS, SEEDS, SEEN = 5, 3, {"train": ["a hash"]}


def made(aurocs=None, own=0.002, common=0.02, people=400, overlap=0, matched=True, without=(), **more) -> Results:
    """A run whose means are `aurocs` beside `CONTROLS`; `own`, `common`: spread of each row's and all rows' resamples.

    `config` and `trained_on` are those of every row that is no control. `few`: AUROCs with 10 cases, where they differ
    from those with all; `seeds`, `flags`: of every row.
    """
    aurocs = {name: auroc for name, auroc in CONTROLS.items() if name not in without} | (aurocs or {})
    rng, names = np.random.default_rng(0), [f"t{i}" for i in range(TASKS)]
    centre = np.array(list(aurocs.values()))[None, :, None]
    replicates = centre + common * rng.standard_normal((1, 1, 500)) + own * rng.standard_normal((1, len(aurocs), 500))
    few = aurocs | more.get("few", {})
    rows = [
        {"task": t, "family": "label", "embedding": n, "auroc": a, "cases": 30, "labels": labels, "seed": seed}
        | {"scored_on": more.get("scored_on", "test"), "flags": more.get("flags", ""), "train_cases": given}
        | {"overlap": overlap if n not in CONTROLS else 0}
        for t in names
        for labels, given, budget in (("10", 10, few), ("all", 60, aurocs))
        for n, a in budget.items()
        for seed in range(more.get("seeds", SEEDS))
    ]
    config, trained = more.get("config", {}), more.get("trained_on", SEEN)
    stores = {name: Embeddings([], np.zeros((0, 1)), name, config=dict(config), trained_on=trained) for name in aurocs}
    for name in CONTROLS.keys() & aurocs.keys():
        stores[name] = Embeddings([], np.zeros((0, 1)), name, config=dict(more.get("controls", {})), trained_on=SEEN)
    scored = Scored(pl.DataFrame(rows), names, list(aurocs), np.repeat(replicates, TASKS, 0), [], people)
    about = {"protocol": {"matched": matched}}
    return Results(scored, about, synthetic=more.get("synthetic", False), stores=stores)


def lines(results) -> dict[str, str]:
    return {line.rule: str(line) for line in verdict(results)}


# ---- of one embedding
def test_above():
    line = lines(made({"ours": 0.84}))["above"]
    assert (
        line.startswith("ours 0.840 [0.79") and "is above the best control (untrained 0.700) on 5 tasks and 400" in line
    )
    assert "+0.140 [+0.13" in line and "holds, and in each of 6 draws of labelled people; next: train again" in line


def test_above_the_best_control_but_not_above_another_is_not_above():
    results = made({"ours": 0.75}, people=400)
    i = results.scored.embeddings.index("bandpower")
    results.scored.replicates[:, i] += np.linspace(-0.4, 0.4, 500)[np.random.default_rng(1).permutation(500)]
    (line,) = verdict(results)
    assert line.rule == "unclear" and line.control == "bandpower"


def test_without_eeg():
    sentences = lines(made({"ours": 0.87, "metadata": 0.97}))
    assert list(sentences) == ["without-eeg"]
    assert "metadata 0.970, ours 0.870" in sentences["without-eeg"] and "without looking at" in sentences["without-eeg"]
    assert "match_on=" in sentences["without-eeg"] and "match=propensity" in sentences["without-eeg"]


def test_filters():
    sentences = lines(made({"ours": 0.87, "acquisition": 0.97}))
    assert list(sentences) == ["filters"]
    assert "acquisition 0.970, ours 0.870" in sentences["filters"]
    assert "filters and noise floor, which hold some EEG" in sentences["filters"]


def test_a_nuisance_row_is_known_by_what_the_file_says_and_not_by_its_name():
    results = made({"ours": 0.87, "site": 0.97}, without=["metadata"])
    assert "without-eeg" not in lines(results)
    results.encoders["site"] = ENCODERS["metadata"]
    assert "site 0.970, ours 0.870" in lines(results)["without-eeg"]


def test_the_planted_causes_are_neither_a_control_nor_judged():
    results = made({"ours": 0.84, "truth": 0.99})
    (line,) = verdict(results)
    assert line.rule == "above" and line.embedding == "ours" and line.control == "untrained"
    assert "alone" in lines(made({"ours": 0.84, "truth": 0.99}, without=list(CONTROLS)))


def test_a_nuisance_row_that_guesses_says_nothing_about_an_embedding():
    assert list(lines(made({"ours": 0.50, "metadata": 0.51}))) == ["below"]


def test_chance():
    rows = dict.fromkeys(CONTROLS, 0.51) | {"ours": 0.52}
    line = lines(made(rows))["chance"]
    assert "neither can be told from guessing" in line and "clef.quality" in line


def test_below():
    line = lines(made({"ours": 0.66}))["below"]
    assert "below the best control (untrained 0.700)" in line and "-0.040 [-0.0" in line and "use untrained" in line


def test_unclear():
    line = lines(made({"ours": 0.71}, own=0.03))["unclear"]
    assert "does not hold" in line and "folds=5" in line


def test_out_of_fold_nobody_is_told_to_use_folds():
    line = lines(made({"ours": 0.71}, own=0.03, scored_on="5 folds"))["unclear"]
    assert "folds=" not in line and "import more people" in line


def test_level():
    line = lines(made({"ours": 0.701}))["level"]
    assert "no better than a control (untrained 0.700)" in line and "less than 0.02 above it at best" in line


def test_seen():
    assert "seen 3 of the people scored here" in lines(made({"ours": 0.9}, overlap=3))["seen"]


def test_alone():
    line = lines(made({"ours": 0.9}, without=CONTROLS))["alone"]
    assert "no control beside it" in line and "cohort=COHORT" in line


@pytest.mark.parametrize(("trained_on", "fits"), [({}, True), (SEEN, False)])
def test_unknown_training(trained_on, fits):
    assert ("unknown-training" in lines(made({"ours": 0.84}, trained_on=trained_on))) == fits


@pytest.mark.parametrize(("controls", "fits"), [({"pool": "mean"}, True), ({"pool": "rows"}, False), ({}, False)])
def test_other_readout(controls, fits):
    """An embedding is above a control only if both were read alike."""
    config, controls = {"pool": "rows", "stage": "align"}, controls | {"stage": "recon"}
    sentences = lines(made({"ours": 0.84}, config=config, controls=controls))
    assert ("other-readout" in sentences) == fits and ("above" in sentences) != fits
    if fits:
        assert "untrained: pool=mean and not rows)" in sentences["other-readout"]
    assert "other-readout" not in lines(made({"ours": 0.66}, config=config, controls=controls))


def test_the_best_control_in_both_readouts_is_enough():
    results = made({"ours": 0.84, "untrained, rows": 0.69}, config={"pool": "rows"}, controls={"pool": "mean"})
    results.encoders["untrained, rows"] = ENCODERS["untrained"]
    assert "above" in lines(results)


def test_mixed_readout():
    """A control that is not the best, read otherwise, is only said."""
    results = made({"ours": 0.84, "codes": 0.6}, config={"pool": "rows"}, controls={"pool": "rows"})
    results.stores["codes"].config["pool"] = "mean"
    sentences = lines(results)
    assert "above" in sentences and "codes: pool=mean and not rows" in sentences["mixed-readout"]
    assert "mixed-readout" not in lines(made({"ours": 0.84}, config={"pool": "rows"}, controls={"pool": "rows"}))


def test_an_order_that_is_another_in_one_draw_is_not_shown():
    line = lines(made({"ours": 0.84}, few={"ours": 0.60, "untrained": 0.61}))["unclear"]
    assert "is not shown to be above a control (untrained 0.700)" in line
    assert "holds, but not in each of 6 draws of labelled people" in line


# ---- of the whole run
def test_synthetic():
    assert "nothing about patients" in lines(made({"ours": 0.84}, synthetic=True))["synthetic"]


@pytest.mark.parametrize(("people", "fits"), [(27, True), (119, True), (120, False)])
def test_few_people(people, fits):
    sentences = lines(made({"ours": 0.84}, people=people))
    assert ("few-people" in sentences) == fits
    if people == 27:
        assert "too few people: 27 are scored, intervals are up to 0.09 wide" in sentences["few-people"]


def test_unmatched():
    assert "matched=true" in lines(made({"ours": 0.84}, matched=False))["unmatched"]


def test_nothing_judged():
    assert list(lines(made())) == ["nothing-judged"]


def test_heads_are_weights_and_no_other_readout():
    """A control has none: it is read by its pooled states, which hold more than a head was trained on."""
    config, controls = {"pool": "rows", "head": "both"}, {"pool": "rows+sd", "head": "none", "stage": "recon"}
    assert "other-readout" not in lines(made({"ours": 0.84, "untrained": 0.7}, config=config, controls=controls))
    pooled = {"pool": "rows", "head": "none"}
    assert "other-readout" in lines(made({"ours": 0.84, "untrained": 0.7}, config=pooled, controls=controls))
    order = {"shuffle": "minutes", "head": "both"}
    results = made({"ours": 0.84, "untrained": 0.7}, config=order, controls={"shuffle": "none"})
    assert "untrained: shuffle=none and not minutes" in lines(results)["other-readout"]


def test_no_ablation():
    line = lines(made({"ours": 0.84}, without=["codes"]))["no-ablation"]
    assert line.startswith(
        "no row `codes` (the tokenizer's code vectors, pooled per row): you cannot tell what training added"
    )
    assert line.endswith("benchmark.encode encoder=codes cohort=COHORT model=… tokens=… out=codes.parquet")


def test_no_baseline():
    line = lines(made({"ours": 0.84}, without=["bandpower", "metadata", "acquisition"]))["no-baseline"]
    assert "no row `bandpower`, `metadata`, `acquisition`" in line and "cohort=COHORT" in line


@pytest.mark.parametrize(("flags", "fits"), [("small-n, unbalanced", True), ("small-n", False)])
def test_unbalanced(flags, fits):
    sentences = lines(made({"ours": 0.84}, flags=flags))
    assert ("unbalanced" in sentences) == fits
    if fits:
        assert "in 5 of 5 tasks cases and controls differ after matching" in sentences["unbalanced"]


@pytest.mark.parametrize(("auroc", "fits"), [(0.5, False), (0.52, False), (0.6, True), (0.4, True)])
def test_permuted(auroc, fits):
    results = made({"ours": 0.84})
    results.permuted = made(dict.fromkeys(CONTROLS, 0.5) | {"ours": auroc, "truth": 0.99}).scored
    sentences = lines(results)
    assert ("permuted" in sentences) == fits
    if fits:
        assert f"and is not: ours {auroc:.3f} [" in sentences["permuted"] and "truth" not in sentences["permuted"]


@pytest.mark.parametrize(("auroc", "fits"), [(0.5, False), (0.6, True)])
def test_unrelated(auroc, fits):
    results = made({"ours": 0.84})
    results.controls = made(dict.fromkeys(CONTROLS, 0.5) | {"ours": auroc}).scored
    sentences = lines(results)
    assert ("unrelated" in sentences) == fits
    if fits:
        assert "suite=controls): ours 0.600 [" in sentences["unrelated"]


@pytest.mark.parametrize(("seeds", "fits"), [(1, True), (3, False)])
def test_few_draws(seeds, fits):
    sentences = lines(made({"ours": 0.84}, seeds=seeds))
    assert ("few-draws" in sentences) == fits
    if fits:
        assert "were drawn once" in sentences["few-draws"] and sentences["few-draws"].endswith("with seeds=3")


@pytest.mark.parametrize(("few", "fits"), [({"bandpower": 0.9}, True), ({"bandpower": 0.8}, False)])
def test_few_labels(few, fits):
    sentences = lines(made({"ours": 0.84}, few=few))
    assert ("few-labels" in sentences) == fits
    if fits:
        assert sentences["few-labels"].startswith("with 10 cases bandpower is the best (0.900; ours 0.840)")


# ---- all of them
def test_every_rule_has_a_test():
    names = [rule.name for table in (rules.VERDICTS, rules.CAUTIONS, rules.ABOUT) for rule in table]
    assert len(set(names)) == len(names)
    for name in names:
        assert f"test_{name.replace('-', '_')}" in globals(), name


def test_several_are_judged_best_first_each_against_controls_only():
    judged = verdict(made({"ours": 0.84, "theirs": 0.86}))
    assert [(line.embedding, line.control) for line in judged] == [("theirs", "untrained"), ("ours", "untrained")]


def test_names_with_braces_are_only_names():
    assert lines(made({"{c.tasks} {0}": 0.84}))["above"].startswith("{c.tasks} {0} 0.840")


def test_machines_read_rules_and_numbers():
    results = made({"ours": 0.84}, people=27)
    table = json.loads(json.dumps(as_table(results)))
    assert (table["format"], table["tasks"], table["subjects"], table["synthetic"]) == (2, TASKS, 27, False)
    assert (table["labels"], table["seeds"], table["permuted"]) == ("all", SEEDS, None)
    above, few = table["lines"]
    assert (above["rule"], above["embedding"], above["control"]) == ("above", "ours", "untrained")
    assert above["difference"][0] == pytest.approx(0.14) and above["difference"][1] > 0.13
    assert (few["rule"], few["embedding"], few["difference"]) == ("few-people", None, None)
    ours = table["means"]["ours"]
    assert ours["auroc"] == pytest.approx(0.84) and ours["role"] == "model" and ours["low_tasks"] < 0.84
    pair = table["differences"][0]
    assert (pair["better"], pair["worse"], pair["every_draw"], pair["draws"]) == ("ours", "untrained", True, 6)
    assert {row["labels"] for row in table["few_labels"]} == {"10", "all"}
