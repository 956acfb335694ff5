"""Answers to test trials: logits and vectors of a network, or those of somebody who never saw the EEG.

Shapes: n test trials · K categories · P width of the text space · m captions.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from clef.network.trials.model import TrialModel
from clef.trials.table import Trials
from tokenizer.base.progress import track
from tokenizer.base.tables import write_table

Array = NDArray[np.float32]
PREDICTIONS, CAPTIONS = "predictions.parquet", "captions.parquet"


@dataclasses.dataclass(frozen=True)
class Answers:
    """What one row of the tables says: its name, logits (n, K) and vectors (n, P)."""

    name: str
    logits: Array
    vectors: Array


@dataclasses.dataclass(frozen=True)
class Asked:
    """The questions: the test trials in their order, and the captions among which theirs is to be found.

    table: columns of `Trials.table`, and `candidate`: which caption is the trial's own · texts, categories: (m,) of the
    captions, different in one of the two · vectors: (m, P)
    """

    table: pl.DataFrame
    texts: list[str]
    categories: list[str]
    vectors: Array


def ask(model: TrialModel, test: Trials) -> Asked:
    """The captions of everything that was shown in the test sessions, read by the run's own text network."""
    keys = ["caption", "category"]
    different = test.table.select(keys).unique().sort(keys).with_row_index("candidate")
    table = test.table.join(different, on=keys, how="left", maintain_order="left")
    texts = different["caption"].to_list()
    return Asked(table, texts, different["category"].to_list(), model.captions(texts).cpu().numpy())


@torch.inference_mode()
def answer(name: str, model: TrialModel, test: Trials, batch: int) -> Answers:
    """What a network says of every test trial, with the head of its subject. ValueError for a subject without one."""
    model.eval()
    heads, device = model.heads_of(test.table["subject"].unique()), model.centre.device
    subject = np.array([heads[label] for label in test.table["subject"]])
    parts = []
    for first in track(range(0, len(subject), batch), name):
        rows = range(first, min(first + batch, len(subject)))
        signal, of = torch.from_numpy(test.signal(rows)), torch.from_numpy(subject[first : first + batch])
        parts.append([each.cpu().numpy() for each in model(signal.to(device), of.to(device))])
    logits, vectors = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Answers(name, logits, vectors)


def without_eeg(model: TrialModel, train: Trials, trials: int) -> Answers:
    """The same for all n trials: the commonest category of training, and the mean vector of its captions."""
    counts = train.table["caption"].value_counts().sort("caption")
    mean = np.average(model.captions(counts["caption"].to_list()).cpu().numpy(), axis=0, weights=counts["count"])
    is_commonest = np.array([name == model.about["commonest"] for name in model.known.categories], np.float32)
    return Answers("without EEG", np.tile(is_commonest, (trials, 1)), np.tile(mean.astype(np.float32), (trials, 1)))


def untrained(model: TrialModel, seed: int) -> TrialModel:
    """The same network with fresh encoder and heads; captions are read as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = TrialModel(model.config, model.known, model.text)
    fresh.centre.copy_(model.centre)
    return fresh.to(model.centre.device)


def write_answers(out: Path, asked: Asked, answers: Answers, categories: list[str]) -> None:
    """Write predictions.parquet and captions.parquet, from which every number can be computed again."""
    predicted = [categories[i] for i in answers.logits.argmax(1)]
    keys = ["subject", "session", "run", "index", "image", "category", "caption", "candidate"]
    table = asked.table.select(keys).with_columns(
        predicted=pl.Series(predicted),
        logits=pl.Series(answers.logits, dtype=pl.Array(pl.Float32, answers.logits.shape[1])),
        vector=pl.Series(answers.vectors, dtype=pl.Array(pl.Float32, answers.vectors.shape[1])),
    )
    about = {"clef.trials": "1", "clef.categories": json.dumps(categories)}
    write_table(out / PREDICTIONS, table, about)
    vectors = pl.Series(asked.vectors, dtype=pl.Array(pl.Float32, asked.vectors.shape[1]))
    columns = {"candidate": range(len(asked.texts)), "category": asked.categories, "caption": asked.texts}
    write_table(out / CAPTIONS, pl.DataFrame(columns).with_columns(vector=vectors), {"clef.trials": "1"})
