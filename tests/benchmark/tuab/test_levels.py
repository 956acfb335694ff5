"""Units of a score: equal to counting pairs, and never mixed."""

import numpy as np
import pytest

from benchmark.tuab.levels import Predicted, at_all_levels, of_people, scored


def plain_auroc(y, score):
    """The share of pairs in which the case is above, ties one half."""
    pairs = [(a > b) + (a == b) / 2 for a in score[y] for b in score[~y]]
    return sum(pairs) / len(pairs)


def rows(seed=0, n=300):
    """Windows of 60 sessions of 40 people; score and probability are unrelated."""
    rng = np.random.default_rng(seed)
    session = np.sort(np.r_[np.arange(60), rng.integers(0, 60, n - 60)])
    subject = session % 40
    y = (subject % 3 == 0) & (session != 40)  # person 0 has sessions 0 (a case) and 40 (none)
    score = np.round(8 * (rng.standard_normal(n) + y)) / 8  # ties, and sums without rounding
    return Predicted(y, score, rng.random(n), np.array([f"s{s:02d}" for s in session]), subject)


@pytest.mark.parametrize("seed", range(5))
def test_every_level_equals_counting(seed):
    one = rows(seed)
    window, session, person = at_all_levels(one, windows=True)
    assert [s.level for s in (window, session, person)] == ["window", "session", "person"]
    assert window.auroc == pytest.approx(plain_auroc(one.y, one.score))
    names = sorted(set(one.session))
    means = {n: (one.score[one.session == n].mean(), one.probability[one.session == n].mean()) for n in names}
    label = {n: bool(one.y[one.session == n][0]) for n in names}
    owner = {n: int(one.subject[one.session == n][0]) for n in names}
    y = np.array([label[n] for n in names])
    assert session.auroc == pytest.approx(plain_auroc(y, np.array([means[n][0] for n in names])))
    called = np.array([means[n][1] > 0.5 for n in names])
    assert session.balanced_accuracy == pytest.approx((called[y].mean() + (~called[~y]).mean()) / 2)
    assert (session.cases, session.controls) == (y.sum(), (~y).sum())
    people = [p for p in sorted(set(owner.values())) if len({label[n] for n in names if owner[n] == p}) == 1]
    of = np.array([np.mean([means[n][0] for n in names if owner[n] == p]) for p in people])
    mine = np.array([next(label[n] for n in names if owner[n] == p) for p in people])
    assert person.auroc == pytest.approx(plain_auroc(mine, of))
    assert person.mixed == 40 - len(people) == 1, "the person of both answers is in neither group"
    for score in (window, session, person):
        assert 0 <= score.low <= score.auroc <= score.high <= 1


def test_sessions_alone_have_no_windows_and_one_group_no_score():
    one = rows()
    assert [s.level for s in at_all_levels(one, windows=False)] == ["session", "person"]
    one.y[:] = True
    assert scored("window", one) is None and of_people(one) is None and at_all_levels(one, True) == []


def test_many_windows_of_few_people_are_as_unsure_as_the_people():
    """Ten windows that say the same ten times over tell nothing more."""
    rng = np.random.default_rng(0)
    y = np.arange(30) < 15
    score = rng.standard_normal(30) + y
    once = Predicted(y, score, score, np.arange(30).astype(str), np.arange(30))
    ten = Predicted(
        *(np.repeat(getattr(once, name), 10) for name in ("y", "score", "probability", "session", "subject"))
    )
    few, many = scored("session", once), scored("window", ten)
    assert (few.auroc, few.low, few.high) == pytest.approx((many.auroc, many.low, many.high))
