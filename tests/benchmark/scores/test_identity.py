"""Does an embedding know the person?"""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.scores.identity import score_identity
from clef.embeddings import Embeddings
from clef.fold_embeddings import FoldEmbeddings
from tokenizer.sessions import SCHEMA


def table(people=60, visits=2, **columns):
    """Sessions of `people` people who come `visits` times each, all alike but for `columns`."""
    n = people * visits
    known = {"session_id": [f"s{i}" for i in range(n)], "subject_id": np.repeat(np.arange(people), visits)}
    known |= {"path": ["a.edf"] * n, "age": [40.0] * n, "sex": ["F"] * n, "site": ["A"] * n, "split": ["test"] * n}
    return pl.DataFrame({c: (known | columns).get(c, [None] * n) for c in SCHEMA}, SCHEMA)


def scored(sessions):
    return sessions.select("subject_id", "split")


def store(sessions, own, width=40, seed=0):
    """Vectors of which a part `own` is the person's and the rest of the day."""
    rng, subject = np.random.default_rng(seed), sessions["subject_id"].to_numpy()
    person = rng.standard_normal((subject.max() + 1, width))[subject]
    x = own * person + (1 - own) * rng.standard_normal((len(subject), width))
    return Embeddings(sessions["session_id"].to_list(), x.astype(np.float32), "e")


def test_people_are_known_again_as_far_as_the_vectors_are_theirs():
    sessions = table(200)
    noise, some, own = score_identity(
        {"noise": store(sessions, 0.0), "some": store(sessions, 0.3), "own": store(sessions, 0.9)},
        sessions,
        scored(sessions),
    )
    assert noise.auroc == pytest.approx(0.5, abs=0.03) and noise.recall < 0.02
    assert 0.7 < some.auroc < 0.95 and own.auroc > 0.999 and own.recall > 0.99
    assert (own.pool, own.people) == (399, 200), "398 sessions of others, and one of their own"


def test_it_is_the_mean_over_sessions_of_a_plain_auroc():
    rng = np.random.default_rng(1)
    ages = np.repeat(rng.uniform(20, 80, 40), 3)
    sessions = table(40, 3, age=ages, sex=np.repeat(rng.choice(["F", "M"], 40), 3), site=rng.choice(["A", "B"], 120))
    e = store(sessions, 0.3, 8)
    x = (e.vectors - e.vectors.mean(0)) / e.vectors.std(0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    kind, age = sessions["sex"] + sessions["site"], sessions["age"].to_numpy()
    by_person = {}
    for i, (me, mine) in enumerate(zip(sessions["subject_id"], kind, strict=True)):
        same = (sessions["subject_id"] == me).to_numpy() & (np.arange(120) != i)
        other = (sessions["subject_id"] != me).to_numpy()
        alike = other & (kind == mine).to_numpy() & (np.abs(age - age[i]) <= 5)
        kept = same | (alike if alike.any() else other)
        by_person.setdefault(me, []).append(roc_auc_score(same[kept], (x @ x[i])[kept]))
    (got,) = score_identity({"e": e}, sessions, scored(sessions))
    assert got.auroc == pytest.approx(np.mean([np.mean(v) for v in by_person.values()]), abs=1e-6)


def test_others_are_alike_so_that_a_site_is_no_face():
    """Vectors that hold the site and nothing else: among people of one site they know nobody."""
    sessions = table(100, site=np.repeat(["A", "B"], 100))
    site = np.repeat([[0.0], [10.0]], 100, axis=0) + np.random.default_rng(0).standard_normal((200, 5))
    (got,) = score_identity({"e": Embeddings(sessions["session_id"].to_list(), site, "e")}, sessions, scored(sessions))
    assert got.auroc == pytest.approx(0.5, abs=0.05) and got.pool == 99


def test_who_has_nobody_alike_is_held_against_everybody():
    sessions = table(30, age=np.repeat(np.arange(30) * 3.0 + 1, 2), setting=np.repeat(["emu", *["routine"] * 29], 2))
    (got,) = score_identity({"e": store(sessions, 0.9)}, sessions, scored(sessions))
    assert got.people == 30 and got.auroc > 0.99


def test_only_scored_people_and_sessions_that_all_have():
    sessions = table(50)
    some = sessions.filter(pl.col("subject_id") < 20)
    short = store(sessions, 0.9)
    short = Embeddings(short.session_id[:-70], short.vectors[:-70], "short")
    rows = score_identity({"e": store(sessions, 0.9), "short": short}, sessions, scored(some))
    assert [row.people for row in rows] == [15, 15] and rows[0].pool == 29


def test_nobody_twice_is_an_empty_list():
    sessions = table(20, 1)
    assert score_identity({"e": store(sessions, 0.9)}, sessions, scored(sessions)) == []
    assert score_identity({"e": store(sessions, 0.9)}, sessions, scored(sessions.clear())) == []


def test_cross_fitted_embeddings_are_compared_inside_a_fold():
    """Each fold has axes of its own: across folds a person would look like nobody."""
    sessions = table(40, split=np.repeat(["fold0", "fold1"], 40))
    e, turn = store(sessions, 0.9), np.linalg.qr(np.random.default_rng(3).standard_normal((40, 40)))[0]
    turned = Embeddings(e.session_id, (e.vectors @ turn + 50).astype(np.float32), "e")
    rows = score_identity({"x": FoldEmbeddings({"fold0": e, "fold1": turned}), "e": e}, sessions, scored(sessions))
    assert all(row.auroc > 0.99 and row.pool == 39 for row in rows)
