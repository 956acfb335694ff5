"""What alignment is worth: runs on the same people, by probes, by retrieval and by words alone.

People are `unseen` (split test: no run was trained or selected on them) and `seen` (split train), so many of each at
most; a run that has seen some of the former is refused.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmark.protocols.heldout import HeldOut, compare_heldout, heldout_of
from benchmark.protocols.ranking import Ranking, rank_items
from benchmark.protocols.retrieval import Retrieval, recall_difference, retrieve
from benchmark.protocols.runs import AlignedRun
from benchmark.protocols.zero_shot import answer, ask_opposites, person_question, score_zero_shot
from benchmark.scores.scoring import Scored, score_tasks
from clef.cohort import Cohort
from clef.embeddings import Embeddings, any_seen
from clef.search.prompts import Prompts

log = logging.getLogger(__name__)

PEOPLE = {"unseen": "test", "seen": "train"}
"""What tables call people, and their split."""
WAYS = ("to", "from")
"""A session finds its partner, and a partner its session."""
PERSON = {"age_above_50": pl.col("age") > 50, "female": pl.col("sex") == "F"}
"""Questions about the person, which a model aligned with summaries should not be able to answer from words."""
FEWEST = 10
"""People on each side of a question about the person."""
HEADS = ", heads"
"""What stands behind a run's name where its heads are probed, not its pooled states."""
ZERO_SHOT = ", words"
"""What stands behind a run's name where no probe was fitted."""

Key = tuple[str, str, str, str]
"""Run, partner, people, way."""


@dataclasses.dataclass
class Worth:
    """Everything that is known of the runs.

    retrievals, items: by run, partner, people and way; among people, and among single sessions and partners
    probes: pooled states, heads and whatever else was given · heldout: gains on concepts that alignment met and on
    those it did not, of runs that held some out
    words: zero-shot rows beside the probes of the same findings · person: run -> question -> AUROC, low, high
    """

    runs: list[str]
    retrievals: dict[Key, Retrieval]
    probes: Scored | None = None
    words: Scored | None = None
    person: dict[str, dict[str, tuple[float, float, float]]] = dataclasses.field(default_factory=dict)
    heldout: list[HeldOut] = dataclasses.field(default_factory=list)
    items: dict[Key, "Items"] = dataclasses.field(default_factory=dict)

    def differences(self, k: int = 10) -> list[tuple[Key, Key, tuple[float, float, float]]]:
        """R@k of each run less that of each later one, on the same partner, unseen people and way, paired."""
        pairs = []
        for i, a in enumerate(self.runs):
            for key in (key for key in self.retrievals if key[0] == a and key[2] == "unseen"):
                others = [(b, *key[1:]) for b in self.runs[i + 1 :]]
                pairs += [
                    (key, other, recall_difference(self.retrievals[key], self.retrievals[other], k))
                    for other in others
                    if other in self.retrievals
                ]
        return pairs


@dataclasses.dataclass(frozen=True)
class Items:
    """Single sessions and partners, each for itself: the question's own is right, or every one that says the same."""

    own: Ranking
    alike: Ranking


def draw_people(sessions: pl.DataFrame, most: int, seed: int) -> dict[str, list[str]]:
    """Sessions of equally many subjects of each kind, `most` or fewer (0: as many as there are), drawn by `seed`.

    Equally many, since R@k of pools of different size cannot be compared.
    """
    parts = {people: sessions.filter(pl.col("split") == split) for people, split in PEOPLE.items()}
    fewest = min(part["subject_id"].n_unique() for part in parts.values())
    size, drawn = min(most, fewest) if most else fewest, {}
    for people, part in parts.items():
        subjects = part["subject_id"].unique().sort().sample(size, seed=seed)
        drawn[people] = part.filter(pl.col("subject_id").is_in(subjects.implode()))["session_id"].to_list()
    return drawn


def check_unseen(runs: Sequence[Embeddings], sessions: pl.DataFrame) -> list[str]:
    """Raise ValueError if a run has seen subjects of split test; lines for runs whose folder does not say whom."""
    subjects = set(sessions.filter(pl.col("split") == PEOPLE["unseen"])["subject_id"])
    notes = []
    for run in runs:
        seen = any_seen(run.trained_on, subjects)
        if seen:
            raise ValueError(
                f"{run.name}: trained or selected on {len(seen)} of the {len(subjects)} subjects of split test; give a "
                f"run that has not seen them, or the cohort it was trained with"
            )
        notes += [f"{run.name}: its folder does not say whom it was trained on"] * (not run.trained_on)
    return notes


def retrievals_of(
    run: AlignedRun, cohort: Cohort, people: Mapping[str, Sequence[str]]
) -> tuple[dict[Key, Retrieval], dict[Key, Items]]:
    """Retrieval of every partner that the run has a head for, both ways, among each kind of people and their items."""
    subject = dict(cohort.sessions.select("session_id", "subject_id").iter_rows())
    place = {session: i for i, session in enumerate(run.pooled.session_id)}
    retrievals: dict[Key, Retrieval] = {}
    items: dict[Key, Items] = {}
    for partner in run.partners:
        names, partners, says = run.partner_vectors(partner, cohort)
        sessions = run.sessions_in(partner)[[place[name] for name in names]]
        of = np.array([subject[name] for name in names])
        for kind, drawn in people.items():
            rows = np.flatnonzero(np.isin(np.array(names, str), np.array(drawn, str)))
            if not len(rows):
                log.info("%s: no session of %s people has a %s", run.name, kind, partner)
                continue
            pair = sessions[rows], partners[rows]
            for way, (asks, answers) in zip(WAYS, (pair, pair[::-1]), strict=True):
                retrievals[run.name, partner, kind, way] = retrieve(asks, of[rows], answers, of[rows])
                own, alike = (rank_items(asks, keys, answers, keys) for keys in (rows, says[rows]))
                items[run.name, partner, kind, way] = Items(own, alike)
    return retrievals, items


def probe(runs: Sequence[AlignedRun], tasks: pl.DataFrame, others: Mapping[str, Embeddings], seeds: int) -> Scored:
    """Probes on the pooled states and on the heads of every run, and on other embeddings, all on the same rows."""
    stores: dict[str, Embeddings] = {run.name: run.pooled for run in runs}
    stores |= {f"{run.name}{HEADS}": run.at_heads() for run in runs if run.partners}
    if twice := sorted(set(stores) & set(others)):
        raise ValueError(f"{twice[0]}: a run and an embedding are called so; give the run another name")
    return score_tasks(tasks, stores | dict(others), seeds=seeds)


def ask_in_words(runs: Sequence[AlignedRun], probes: Scored, prompts: Mapping[str, Prompts]) -> Scored | None:
    """Zero-shot rows beside the probes of the findings that have prompts; None where nothing can be asked."""
    readers = [run for run in runs if "report" in run.partners]
    answers = {f"{run.name}{ZERO_SHOT}": answer(run, probes.tasks, prompts) for run in readers}
    return score_zero_shot(probes, answers) if any(answers.values()) else None


def ask_about_person(
    run: AlignedRun, sessions: pl.DataFrame, drawn: Sequence[str], prompts: Mapping[str, Prompts]
) -> dict[str, tuple[float, float, float]]:
    """AUROC and interval of the questions about the person, on one session of each; nothing of too few people."""
    rows = pl.DataFrame({"session_id": run.pooled.session_id}).with_row_index("row").join(sessions, on="session_id")
    rows = (
        rows.filter(pl.col("session_id").is_in(list(drawn)))
        .sort("row")
        .unique("subject_id", keep="first", maintain_order=True)
    )
    vectors, known = run.sessions_in("report"), {}
    for name, rule in PERSON.items():
        part = rows.with_columns(label=rule).drop_nulls("label")
        label = part["label"].to_numpy()
        if name in prompts and min(label.sum(), (~label).sum()) >= FEWEST:
            known[name] = person_question(label, ask_opposites(run, vectors[part["row"].to_numpy()], prompts[name]))
    return known


def hold_out(runs: Sequence[AlignedRun], probes: Scored, definitions: Mapping[str, Mapping[str, Any]]) -> list[HeldOut]:
    """Seen against held-out concepts of every run that held some out, at its heads, over the first run's pooled states.

    Every other aligned run is held against the same tasks: what it gains there is what it was told.
    """
    groups = sorted({group for run in runs for group in heldout_of(run.model.encoder.about)})
    aligned = [run.name + HEADS for run in runs[1:] if run.partners] if groups else []
    compared = [compare_heldout(probes, definitions, groups, name, runs[0].name) for name in aligned]
    return [each for each in compared if each]
