"""Seen against held-out concepts: what alignment gains on diagnoses and drugs it met, and on those kept from it.

A run aligned with `heldout_concepts` says in its model folder which groups of codes it never met. A task of one of
them can gain from alignment only by what the others have in common with it; labels that merely come through do not.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from benchmark.scores.comparing import per_task
from benchmark.scores.predictions import Predictions
from benchmark.scores.scoring import Scored
from benchmark.scores.statistics.delong import by_set, components

FAMILIES = ("phenotype", "medication")
"""Tasks of records; findings are in neither list."""


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Gains in AUROC of `embedding` over `baseline`, each with its 95 % interval, and their difference.

    seen, held_out: (gain, low, high) · difference: held out less seen · tasks: how many of seen and of held out
    """

    embedding: str
    baseline: str
    seen: tuple[float, float, float]
    held_out: tuple[float, float, float]
    difference: tuple[float, float, float]
    tasks: tuple[int, int]


def compare_heldout(
    scored: Scored, definitions: Mapping[str, Mapping[str, Any]], groups: Sequence[str], embedding: str, baseline: str
) -> HeldOut | None:
    """Gains on tasks of the held-out `groups` (`ICD10CM//G40`, `ATC//N03A`) and on the others of records.

    definitions: of the tasks, as their file has them. None if either kind has no task.
    """
    families = dict(scored.scores.select("task", "family").unique().iter_rows())
    asked = [t for t in scored.tasks if families[t] in FAMILIES and t in scored.predictions]
    is_held = np.array([_is_held(definitions.get(t, {}).get("codes", [t]), groups) for t in asked], bool)
    if not is_held.any() or is_held.all():
        return None
    kinds = {"seen": ~is_held / (~is_held).sum(), "held_out": is_held / is_held.sum()}
    kinds["difference"] = kinds["held_out"] - kinds["seen"]
    order = [scored.embeddings.index(name) for name in (embedding, baseline)]
    gains = np.subtract(*(per_task(scored)[[scored.tasks.index(t) for t in asked]][:, i] for i in order))
    parts = [scored.predictions[t] for t in asked]
    gained = {kind: _interval(float(weight @ gains), parts, weight, order) for kind, weight in kinds.items()}
    return HeldOut(embedding, baseline, **gained, tasks=(int((~is_held).sum()), int(is_held.sum())))


def _is_held(codes: Sequence[str], groups: Sequence[str]) -> bool:
    """Whether a task's codes are of a held-out group, or wider than one."""
    return any(code.startswith(group) or group.startswith(code) for code in codes for group in groups)


def _interval(
    by: float, parts: Sequence[Predictions], weight: np.ndarray, order: Sequence[int]
) -> tuple[float, float, float]:
    """95 % interval of a weighted sum over tasks of the difference of two embeddings' AUROCs.

    As for a mean over tasks (statistics.covariance): matched sets within tasks, persons between them.
    """
    subjects = np.unique(np.concatenate([part.subject_id for part in parts]))
    alone, rows, persons = 0.0, 0.0, np.zeros(len(subjects))
    contrast = np.array([1.0, -1.0])
    for part, w in zip(parts, weight, strict=True):
        value, moved = components(part.label, part.scores[list(order)], part.fold, part.weight)
        alone += w**2 * float(contrast @ by_set(part.label, value, moved, part.matched_set).covariance @ contrast)
        share = w * (contrast @ moved)
        rows += float(share @ share)
        np.add.at(persons, np.searchsorted(subjects, part.subject_id), share)
    variance = alone + float(persons @ persons) - rows
    cases = len(np.unique(np.concatenate([part.subject_id[part.label] for part in parts])))
    half = float(stdtrit(max(cases - 1, 1), 0.975)) * float(np.sqrt(variance if variance > 0 else max(alone, 0.0)))
    return by, by - half, by + half


def heldout_of(about: Mapping[str, Any]) -> list[str]:
    """The groups that a model folder says were held out of its alignment; empty if it says none."""
    groups = about.get("heldout_concepts", [])
    return [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
