"""Nearest sessions: by cosine, the session itself left out, other people only where neighbours are counted."""

import numpy as np

from clef.embeddings import Embeddings
from clef.pages.nearest import Nearest, closest, neighbours


def test_the_table_has_the_nearest_first_and_marks_the_same_person():
    vectors = np.array([[1, 0], [2, 0.1], [0, 1], [-1, 0]], np.float32)
    nearest = Nearest(Embeddings(["a", "b", "c", "d"], vectors, "e"), {"a": 1, "b": 1, "c": 2})
    rows = nearest.table(vectors[0], "a")
    assert [row["session"] for row in rows] == ["b", "c", "d"]
    assert [row["remark"] for row in rows] == ["the same person", "", ""] and abs(rows[1]["cosine"]) < 1e-6
    assert nearest.table(vectors[0], None)[0]["session"] == "a"
    assert "Of 4 sessions" in nearest.usual


def test_usual_cosines_are_those_of_random_pairs():
    vectors = np.random.default_rng(0).standard_normal((200, 400)).astype(np.float32) + 1
    usual = Nearest(Embeddings([str(i) for i in range(200)], vectors, "e"), {}).usual
    assert "0.50" in usual or "0.49" in usual  # of two vectors that share half of their power


def test_neighbours_are_other_peoples_sessions():
    random = np.random.default_rng(0)
    vectors, subjects = random.standard_normal((700, 8)).astype(np.float32), np.arange(700) // 2
    vectors[1::2] = vectors[::2] + 1e-3  # a person's two sessions are nearly one
    asked = np.arange(700)
    near = neighbours(vectors, subjects, asked, 5)
    assert near.shape == (700, 5) and not (subjects[near] == subjects[:, None]).any()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = np.where(subjects[:, None] == subjects, -9, unit @ unit.T)
    assert all(set(row) == set(np.argsort(-c)[:5]) for row, c in zip(near, cosine, strict=True))


def test_few_others_are_all_neighbours():
    vectors, subjects = np.eye(4, dtype=np.float32), np.array([7, 7, 7, 8])
    assert neighbours(vectors, subjects, np.arange(4), 10).shape == (4, 1)
    assert neighbours(vectors, np.zeros(4, int), np.arange(4), 10).shape == (4, 0)
    assert closest(vectors[:0], vectors, 2).shape == (0, 2)
