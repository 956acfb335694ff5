"""The course of a session: its order tells the planted causes, what its minutes hold does not."""

import numpy as np
import pytest

from clef.importers.synthetic.ceilings import auroc
from clef.importers.synthetic.course import COMA, N2, N3, REM, W, course_of, draw_minutes
from clef.importers.synthetic.latents import draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits

PEOPLE, SECONDS = 1500, 630


def early(c):
    return -np.flatnonzero(_asleep(c)).mean() if _asleep(c).any() else -4.5


def bouts(c):
    return np.diff(_asleep(c).astype(int), prepend=0, append=0).clip(0).sum()


def rem_late(c):
    at = [np.flatnonzero(c.stage == stage) for stage in (REM, N3)]
    return at[0].mean() - at[1].mean() if len(at[0]) and len(at[1]) else 0


def after_waking(c):
    awake = c.stage == W
    woken = awake & np.r_[False, _asleep(c)[:-1]]
    sharp = np.log(c.sharp)
    return sharp[woken].mean() - sharp[awake & ~woken].mean() if woken.any() and (awake & ~woken).any() else 0


def upward(c):
    awake = ~_asleep(c)
    return np.corrcoef(np.flatnonzero(awake), c.level[awake])[0, 1]


def _asleep(c):
    return (c.stage != W) & (c.stage != COMA)


def marginals(c):
    """What the minutes hold, whatever their order."""
    awake, sharp = ~_asleep(c), np.log(c.sharp)
    shares = [(c.stage == stage).mean() for stage in range(6)]
    together = np.corrcoef(sharp[awake], c.level[awake])[0, 1]
    of_n2 = sharp[c.stage == N2].sum()
    more = (sharp[awake].mean(), sharp[awake].std(), c.level[awake].mean(), c.level[awake].std(), together, of_n2)
    return np.array([*shares, *more, c.muscle.mean(), c.opened.sum(), (c.fit > 0).sum()])


@pytest.fixture(scope="module")
def courses():
    people = draw_people(7, PEOPLE, course=True)
    visits = draw_visits(people | {"sessions": np.ones(PEOPLE, int)}, 7, 10.0)
    truth = draw_latents(visits, 7)
    rows = [{name: column[i].item() for name, column in truth.items()} for i in range(PEOPLE)]
    return visits, rows, [course_of(z, SECONDS) for z in rows]


@pytest.mark.parametrize(
    ("cause", "told_by", "where"),
    [
        ("melatonin", early, "awake"),
        ("restless_legs", bouts, "awake"),
        ("venlafaxine", rem_late, "awake"),
        ("hypersomnia", after_waking, "awake"),
        ("methylphenidate", upward, "elsewhere"),
        ("midazolam", upward, "icu"),
    ],
)
def test_the_order_tells_a_cause_and_shuffled_minutes_and_marginals_do_not(courses, cause, told_by, where):
    visits, rows, drawn = courses
    rng, icu = np.random.default_rng(0), visits["setting"] == "icu"
    kept = {"awake": ~np.array([z["coma"] for z in rows]), "icu": icu, "elsewhere": ~icu}[where]
    drawn, label = [c for c, k in zip(drawn, kept, strict=True) if k], visits[cause][kept]
    assert label.sum() > 50
    assert auroc(np.array([told_by(c) for c in drawn]), label) > 0.8
    shuffled = [c.take(rng.permutation(len(c))) for c in drawn]
    # the standard error of an AUROC of 0.5 with 60 cases and 300 controls is 0.041, with 200 and 1200 0.022
    least = 0.08 if label.sum() > 100 else 0.1
    assert abs(auroc(np.array([told_by(c) for c in shuffled]), label) - 0.5) < least
    for column in np.array([marginals(c) for c in drawn]).T:
        assert abs(auroc(column, label) - 0.5) < least


def test_the_minutes_are_drawn_before_their_order_and_know_no_cause_of_it(courses):
    _, rows, drawn = courses
    for z, course in zip(rows[:200], drawn, strict=False):
        other = z | {name: not value for name, value in z.items() if name.startswith("order_")}
        turned = course_of(other, SECONDS)
        minutes = draw_minutes(other, SECONDS, np.random.default_rng(z["course_seed"]))
        for name in ("stage", "level", "sharp", "fit", "muscle", "opening", "opened"):
            wanted = sorted(getattr(course, name))
            assert sorted(getattr(turned, name)) == wanted == sorted(getattr(minutes, name))


@pytest.mark.parametrize("seconds", [15, 300, 371, 1280])
def test_a_course_fills_its_session_and_leaves_two_waking_minutes(courses, seconds):
    for z in courses[1][:40]:
        c = course_of(z, seconds)
        stage = c.each_second("stage", seconds, c.rest)
        assert len(stage) == seconds and 5 <= len(c) <= 21 and 0 <= seconds - len(c) * c.unit < c.unit
        assert (stage == COMA).all() if z["coma"] else ((c.stage == W).sum() >= 2 and set(c.stage) >= {W, N2, N3, REM})
