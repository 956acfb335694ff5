"""Overlap of a text with its reference: precision, recall and their harmonic mean, however it is counted."""

from typing import NamedTuple


class Overlap(NamedTuple):
    """Shares from 0 to 1 (of cosines, from -1): of what is said, of what should be, and both in one."""

    precision: float
    recall: float
    f1: float


def overlap(precision: float, recall: float) -> Overlap:
    """With F1 = 2PR / (P + R); 0 where neither is above 0."""
    total = precision + recall
    return Overlap(precision, recall, 2 * precision * recall / total if total > 0 else 0.0)
