"""The probes: ours equals scikit-learn's, EEG-CLIP's repeats itself, and neither reads what it is tested on."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmark.tuab.asking import Table, fewer, of_each_person
from benchmark.tuab.probes import PROBES, ProbeRows, run_probe


def rows(n=400, width=6, seed=0):
    """Two sessions of each person; the first column tells the groups apart."""
    rng = np.random.default_rng(seed)
    subject = np.arange(n) // 2
    y = subject % 3 == 0
    x = rng.standard_normal((n, width))
    x[:, 0] += y
    part = subject % 5
    return ProbeRows(x, y, subject, part < 3, part == 3)


def test_the_logistic_probe_is_scikit_learns_at_its_own_choice():
    one = rows()
    out = run_probe(one, "logistic")
    assert out.chosen["components"] == 0 and out.chosen["chosen_on"] == "val"
    fit = one.train | one.val
    z = (one.x - one.x[fit].mean(0)) / one.x[fit].std(0)
    theirs = LogisticRegression(C=out.chosen["c"], class_weight="balanced", tol=1e-10, max_iter=10_000)
    np.testing.assert_allclose(out.score, theirs.fit(z[fit], one.y[fit]).decision_function(z), atol=1e-4)
    assert np.array_equal(np.argsort(out.score), np.argsort(out.probability, kind="stable"))


def test_a_small_val_gives_way_to_folds_of_people():
    one = rows(n=60)
    assert "inner folds of people" in run_probe(one, "logistic").chosen["chosen_on"]


@pytest.mark.parametrize("probe", ["logistic", "perceptron"])
def test_labels_of_eval_are_never_read(probe):
    one = rows()
    test = ~(one.train | one.val)
    turned = dataclasses.replace(one, y=np.where(test, ~one.y, one.y))
    assert np.array_equal(run_probe(one, probe).score, run_probe(turned, probe).score)
    assert not np.array_equal(run_probe(one, probe).score, run_probe(dataclasses.replace(one, y=~one.y), probe).score)


def test_the_perceptron_learns_and_repeats_itself():
    one = rows()
    out = run_probe(one, "perceptron")
    test = ~(one.train | one.val)
    assert out.score[test & one.y].mean() > out.score[test & ~one.y].mean() + 0.2
    assert np.array_equal(out.score, run_probe(one, "perceptron").score)
    assert not np.array_equal(out.score, run_probe(one, "perceptron", seed=1).score)
    assert np.array_equal(out.probability > 0.5, out.score > 0)


def test_one_group_alone_is_one_line():
    one = rows()
    for probe in PROBES[:2]:
        with pytest.raises(ValueError, match="one of the two groups"):
            run_probe(dataclasses.replace(one, y=np.ones_like(one.y)), probe)


def table(one):
    return Table(one, np.array([f"s{i}" for i in range(len(one.y))]), ~(one.train | one.val))


def test_a_person_is_the_mean_of_their_sessions_and_two_answers_are_none():
    one = rows()
    one.y[0] = not one.y[0]
    people = of_each_person(table(one))
    assert 0 not in people.rows.subject and len(people.rows.y) == 199
    np.testing.assert_allclose(people.rows.x[0], one.x[2:4].mean(0))
    assert np.array_equal(people.test, people.rows.subject % 5 == 4)


def test_few_labels_are_those_of_whole_people_and_leave_eval_alone():
    one = rows()
    half = fewer(table(one), 0.5, 0)
    learnt = half.rows.train | half.rows.val
    assert learnt.sum() == one.y.size * 0.8 / 2 and np.array_equal(learnt[::2], learnt[1::2])
    assert np.array_equal(half.test, table(one).test) and (half.rows.train <= one.train).all()
    other = fewer(table(one), 0.5, 1)
    assert not np.array_equal(half.rows.train, other.rows.train)
    assert fewer(table(one), 0.01, 0) is None, "two people of each group are the fewest"
