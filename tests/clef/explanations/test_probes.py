"""Probes: fitted as scikit-learn does it, kept in a file, and refused in one line where they do not fit."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from clef.embeddings import Embeddings
from clef.explanations.probes import STRENGTH, fit_probe, read_probe, write_probe
from clef.explanations.targets import probe_target, prompt_target
from tests.clef.explanations.small import random_probe, small_model

ABOUT = {"kind": "codes", "pool": "rows", "head": "none", "norm": "none"}


@pytest.fixture(scope="module")
def embeddings():
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    vectors[:, 5] = 2.5  # says nothing
    return Embeddings([str(i) for i in range(40)], vectors, "e", "abc", ABOUT)


def test_it_is_a_logistic_regression(embeddings, tmp_path):
    labels = embeddings.vectors[:, 0] + 0.3 * embeddings.vectors[:, 1] > 0.4
    probe = fit_probe("x", embeddings, labels, {"train": ["a"]})
    same = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH / 6, class_weight="balanced", max_iter=1000))
    same.fit(embeddings.vectors.astype(float), labels)
    assert np.allclose(probe.log_odds(embeddings.vectors), same.decision_function(embeddings.vectors), atol=1e-3)
    write_probe(tmp_path / "p.json", probe)
    again = read_probe(tmp_path / "p.json")
    assert np.array_equal(again.log_odds(embeddings.vectors), probe.log_odds(embeddings.vectors))
    assert (again.kind, again.readout.pool, again.cases, again.trained_on) == (
        "codes",
        "rows",
        labels.sum(),
        {"train": ["a"]},
    )


@pytest.mark.parametrize("labels", (np.zeros(40, bool), np.ones(40, bool), np.zeros(3, bool)))
def test_labels_that_teach_nothing_are_refused(embeddings, labels):
    with pytest.raises(ValueError, match="expected a label for each, and both cases and controls"):
        fit_probe("x", embeddings, labels)


@pytest.mark.parametrize(
    ("change", "words"),
    (
        ({"kind": "other"}, "this is no probe"),
        ({"format": 9}, "store format 9"),
        ({"weights": [1.0]}, "mean has 6 numbers, and weights have 1"),
        ({"weights": ["a"] * 6}, "weights: expected a list of finite numbers"),
        ({"mean": [float("nan")] * 6}, "mean: expected a list of finite numbers"),
        ({"scale": [0.0] * 6}, "scale has numbers that are not above 0"),
        ({"bias": "much"}, "bias: 'much' is not what is expected there"),
        ({"colour": 1}, "the entry colour is unknown"),
        ({"bias": None}, "bias: None is not what"),
    ),
)
def test_a_file_that_is_no_probe_is_one_line(embeddings, tmp_path, change, words):
    write_probe(tmp_path / "p.json", fit_probe("x", embeddings, np.arange(40) % 2 == 0))
    plain = json.loads((tmp_path / "p.json").read_text()) | change
    (tmp_path / "p.json").write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=words) as caught:
        read_probe(tmp_path / "p.json")
    assert "\n" not in str(caught.value)


def test_no_file_and_no_json_are_one_line(tmp_path):
    (tmp_path / "p.json").write_bytes(b"\xff\x00")
    for name, words in (("absent.json", "no such file of a probe"), ("p.json", "this is no probe")):
        with pytest.raises(ValueError, match=words):
            read_probe(tmp_path / name)


def test_a_probe_of_another_model_or_readout_is_refused():
    import dataclasses

    model = small_model()
    probe = random_probe(model, "codes")
    odd = {
        "fitted on model xyz": dataclasses.replace(probe, model="xyz"),
        "pool=quantiles": dataclasses.replace(probe, embedding=ABOUT | {"pool": "quantiles"}),
        "kind=untrained": dataclasses.replace(probe, embedding=ABOUT | {"kind": "untrained"}),
        "128 weights, and embeddings have 512": dataclasses.replace(probe, embedding=ABOUT | {"kind": "trained"}),
        "without level": dataclasses.replace(probe, embedding=ABOUT | {"level": True}),
    }
    for words, one in odd.items():
        with pytest.raises(ValueError, match=words) as caught:
            probe_target(model, one)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="no alignment heads"):
        prompt_target(model, "spikes")
