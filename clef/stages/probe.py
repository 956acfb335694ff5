"""Probes beside a training run: the benchmark's questions, asked of held-out people at every validation.

A bounded set of sessions is embedded with the averaged weights and for each of a few tasks a logistic regression
(scikit-learn, standardised on its training rows, balanced classes) is fitted on sessions of split train and scored on
those of split val. The mean AUROC over tasks goes into metrics.jsonl as `probe_auroc`. Subjects of split test are never
touched. Which sessions and tasks are used follows from their names alone, so that runs can be compared.

It shows early whether a run learns what is asked of it; a score to report is the benchmark's, whose probe
(`benchmark.scores.probing`) differs: it chooses width and regularisation on held-out rows where this one has a single
fixed strength, it scores split test in matched sets with intervals, and it uses every task and session.

Shapes: n sessions · D width of an embedding.
"""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import polars as pl
import torch

from clef.model import by_length
from clef.network.encoder import Encoder
from clef.tasks import read_tasks
from tokenizer.base.files import fingerprint
from tokenizer.store import Tokens

log = logging.getLogger(__name__)
SESSIONS = 512
"""Most sessions that are embedded at a validation; split and label take equal shares of them where they can."""
LEAST = 5
"""Cases, and controls, that a task needs in train and in val."""
MOST_TASKS = SESSIONS // (4 * LEAST)
BATCH = 32
STRENGTH = 10.0
"""Of the regularisation: C = STRENGTH / D in scikit-learn's terms, which means the same at any width."""


@dataclasses.dataclass
class Task:
    """One question: row (m,) int into the embedded sessions, label (m,) bool, held_out (m,) bool, split val."""

    row: np.ndarray
    label: np.ndarray
    held_out: np.ndarray


class HeldOutProbes:
    """A fixed set of tasks and their sessions: encoder -> {"probe_auroc": mean AUROC over tasks}."""

    def __init__(self, sessions: Tokens, tasks: list[Task]):
        self.sessions, self.tasks = sessions, tasks

    def __call__(self, encoder: Encoder) -> dict[str, float]:
        vectors = embed(encoder, self.sessions)
        return {"probe_auroc": float(np.mean([auroc(vectors[t.row], t.label, t.held_out) for t in self.tasks]))}


@torch.no_grad()
def embed(encoder: Encoder, sessions: Tokens) -> np.ndarray:
    """Session embeddings (n, D) float64, pooled as the run is to pool them."""
    vectors, device = np.zeros((len(sessions), encoder.output)), encoder.codes.device
    for rows, part in by_length(sessions, BATCH):
        vectors[rows] = encoder.embed(part["tokens"].to(device), part["valid"].to(device)).cpu().numpy()
    return vectors


def auroc(vectors: np.ndarray, label: np.ndarray, held_out: np.ndarray) -> float:
    """AUROC on the held-out rows of a probe fitted on the others: (m, D), (m,) bool, (m,) bool."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    strength = STRENGTH / vectors.shape[1]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=1000))
    probe.fit(vectors[~held_out], label[~held_out])
    return float(roc_auc_score(label[held_out], probe.decision_function(vectors[held_out])))


# ---- which tasks and sessions
def make_probes(path: str, most: int, tokens: Tokens) -> HeldOutProbes:
    """The probes of those `most` tasks of a task store that have most cases with tokens in train and val.

    Raises ValueError with one line if the file is no task store, does not fit the tokens, or no task is large enough.
    """
    if not 1 <= most <= MOST_TASKS:
        raise ValueError(f"recon.probe_tasks={most}: expected 1 to {MOST_TASKS}")
    name, table = Path(path).name, open_tasks(path)
    known = pl.DataFrame({"session_id": tokens.session_id.tolist(), "known_split": tokens.split.tolist()})
    rows = table.filter(pl.col("split").is_in(["train", "val"])).join(known, on="session_id")
    check_splits(rows, name)
    suitable, count = suitable_tasks(rows), table["task"].n_unique()
    if not suitable:
        raise ValueError(
            f"recon.probe={name}: none of {count} tasks has {LEAST} cases and {LEAST} controls with tokens in both "
            f"train and val; `benchmark.build match_on=[sex]` keeps more cases"
        )
    chosen = suitable[:most]
    probes = collect(bounded(rows.filter(pl.col("task").is_in(chosen))), chosen, tokens)
    held_out = int((probes.sessions.split == "val").sum())
    log.info(
        "probe_auroc: %d of %d tasks (%d left out, fewer than %d cases or controls in train or val), "
        "%d sessions of train, %d of val",
        *(len(chosen), count, count - len(suitable), LEAST, len(probes.sessions) - held_out, held_out),
    )
    return probes


def open_tasks(path: str) -> pl.DataFrame:
    """The table of a task store. Raises ValueError, naming the setting it was given by, if it is not one."""
    try:
        return read_tasks(path)[0]
    except ValueError as error:
        raise ValueError(f"recon.probe={error}") from None


def check_splits(rows: pl.DataFrame, name: str) -> None:
    """Raise ValueError if a session has another split among the tasks than among the tokens."""
    differing = rows.filter(pl.col("split") != pl.col("known_split"))
    if len(differing):
        first = differing.row(0, named=True)
        raise ValueError(
            f"recon.probe={name}: session {first['session_id']} is {first['split']} in the tasks and "
            f"{first['known_split']} in the tokens; build the tasks from the cohort of the tokens"
        )


def suitable_tasks(rows: pl.DataFrame) -> list[str]:
    """Tasks with enough cases and controls in train and in val, those with most cases first."""
    groups = rows.group_by("task", "split", "label").len()
    enough = groups.group_by("task").agg(
        pl.len().alias("groups"), pl.col("len").min().alias("least"), pl.col("len").filter("label").sum().alias("cases")
    )
    enough = enough.filter((pl.col("groups") == 4) & (pl.col("least") >= LEAST))
    return enough.sort("cases", "task", descending=[True, False])["task"].to_list()


def bounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of at most SESSIONS sessions: from each task, split and label the same number, as far as there are."""
    names = rows["session_id"].unique()
    drawn = pl.DataFrame({"session_id": names, "draw": [fingerprint(name) for name in names]})
    rank = pl.col("draw").rank("ordinal").over("task", "split", "label").alias("rank")
    ranked = rows.join(drawn, on="session_id").with_columns(rank)
    first = ranked.group_by("session_id", "draw").agg(pl.col("rank").min()).sort("rank", "draw").head(SESSIONS)
    return ranked.join(first.select("session_id"), on="session_id", how="semi")


def collect(rows: pl.DataFrame, names: list[str], tokens: Tokens) -> HeldOutProbes:
    """The probes of the named tasks: their sessions' tokens, and each task's rows among them."""
    sessions = tokens.where(np.isin(tokens.session_id, rows["session_id"].unique().to_numpy()))
    place = {name: i for i, name in enumerate(sessions.session_id)}
    tasks = []
    for name in names:
        own = rows.filter(pl.col("task") == name).sort("session_id")
        row = np.array([place[i] for i in own["session_id"]])
        tasks.append(Task(row, own["label"].to_numpy(), (own["split"] == "val").to_numpy()))
    return HeldOutProbes(sessions, tasks)
