"""Label budgets and inner folds."""

import numpy as np
import pytest

from benchmark.scores.probing.budgets import cases_of, check_budgets, inner_folds, make_draw

GROUP = np.repeat(np.arange(40), 3)
Y = np.arange(120) % 3 == 0
EVERYBODY, NOBODY = np.ones(120, bool), np.zeros(120, bool)


def draw(budget, seed=0, train=EVERYBODY, val=NOBODY):
    return make_draw(Y, train, val, GROUP, budget, seed)


def test_budgets_are_put_in_order_and_checked():
    assert check_budgets(["all", "25", "5%", "10", "10"]) == ["10", "25", "5%", "all"]
    for wrong in ("3", "0%", "many", "-5", "5.5", ""):
        with pytest.raises(ValueError, match=f"^train_cases={wrong}: expected a number of training cases"):
            check_budgets([wrong])
    with pytest.raises(ValueError, match="has no entry"):
        check_budgets([])


def test_a_budget_is_a_number_or_a_share_of_the_cases_there_are():
    assert [cases_of(b, 40) for b in ("10", "all", "50%", "5%", "41")] == [10, 40, 20, None, None]
    assert draw("41") is None


def test_whole_sets_are_drawn_by_the_seed_and_the_smaller_are_among_the_larger():
    small, large = draw("10"), draw("25")
    assert Y[small.fit].sum() == 10 and len(small.fit) == 30 and set(small.fit) < set(large.fit)
    assert set(small.fit) == set(draw("10").fit) != set(draw("10", seed=1).fit)
    assert set(np.bincount(GROUP[small.fit])) == {0, 3}


def test_val_chooses_where_it_has_enough_cases_and_all_labels_are_used():
    val = GROUP >= 25
    whole = draw("all", train=~val, val=val)
    assert whole.chosen_on == "val" and (whole.held_out[0] == val[whole.fit]).all()
    assert draw("10", train=~val, val=val).chosen_on == "5 inner folds"
    assert draw("all", train=GROUP < 26, val=GROUP >= 26).chosen_on == "5 inner folds"


def test_inner_folds_hold_out_every_set_once_and_whole():
    folds = inner_folds(GROUP, 0)
    assert len(folds) == 5 and (np.sum(folds, axis=0) == 1).all()
    assert all(len(set(GROUP[fold]) & set(GROUP[~fold])) == 0 for fold in folds)
    assert inner_folds(np.zeros(4, int), 0) == []
