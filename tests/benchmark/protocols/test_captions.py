"""Retrieval of captions by hand: a planted link, its classes, and what is refused."""

import numpy as np
import pytest

from benchmark.protocols.captions import retrieve_captions

CLASSES = {"a dog": "dog", "two dogs": "dog", "a cat": "cat"}


def test_by_caption_and_by_class():
    questions = np.array([[0.2, 0.9, 0.1], [0.1, 0.2, 0.9], [0.6, 0.5, 0.4]])  # the scores: candidates are the axes
    found = retrieve_captions(questions, ["a dog", "a cat", "a cat"], np.eye(3), list(CLASSES), CLASSES).as_plain()
    assert found["caption"]["r_at_1"] == pytest.approx(1 / 3) and found["caption"]["r_at_3"] == 1
    assert found["caption"]["map"] == pytest.approx((1 / 2 + 1 + 1 / 3) / 3)
    assert found["class"]["r_at_1"] == pytest.approx(2 / 3) and found["class"]["pool"] == 3
    assert found["map_per_class"] == pytest.approx({"cat": (1 + 1 / 3) / 2, "dog": 1})
    assert found["class"]["r_at_1_chance"] == pytest.approx((2 / 3 + 1 / 3 + 1 / 3) / 3)
    assert found["scores"]["matched"][0] == pytest.approx(0.5) and found["scores"]["mismatched_pairs"] == 6


def test_a_caption_without_a_class_is_named():
    with pytest.raises(ValueError, match="1 captions have no class"):
        retrieve_captions(np.eye(2), ["a dog", "a cow"], np.eye(2), ["a dog", "a cat"], CLASSES)
