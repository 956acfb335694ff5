"""Tasks and embeddings with a known effect, shared by the tests of the benchmark."""

import numpy as np
import polars as pl
from scipy.stats import norm

from benchmark.scores.predictions import Predictions
from benchmark.scores.scoring import Scored
from benchmark.scores.statistics.auroc import auroc
from clef.embeddings import Embeddings
from clef.tasks import SCHEMA


def make_tasks(n_tasks=4, sets=(40, 20, 60), seed=0):
    """Tasks over 400 people, (train, val, test) matched pairs each; session s17 is subject 17."""
    rng, rows = np.random.default_rng(seed), []
    pools = {"train": np.arange(200), "val": np.arange(200, 260), "test": np.arange(260, 400)}
    for task in range(n_tasks):
        for (split, pool), count in zip(pools.items(), sets, strict=True):
            drawn = rng.permutation(pool)[: 2 * count].reshape(-1, 2)
            for pair in drawn:
                for person, label in zip(pair, (True, False), strict=True):
                    rows.append((f"t{task}", "phenotype", f"s{person}", int(person), label, split, f"s{pair[0]}"))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def make_embeddings(tasks, effect, seed=0, width=64):
    """Noise, with the label of each task added to a coordinate of its own."""
    x = np.random.default_rng(seed).standard_normal((400, width))
    for i, task in enumerate(tasks["task"].unique().sort()):
        cases = tasks.filter((pl.col("task") == task) & pl.col("label"))["subject_id"].to_numpy()
        x[cases, i] += effect
    return Embeddings([f"s{i}" for i in range(400)], x.astype(np.float32), "e")


def make_scored(
    effects, tasks=6, people=400, controls=1, ill=0.15, together=0.5, draws=(("all", 0),), seed=0
) -> Scored:
    """Scores of tasks over the same people, of whom a share `ill` has each illness, without probes or replicates.

    effects: embedding -> how far cases lie above controls, in standard deviations, a number or one per task · together:
    share of illness that is common to all tasks, and of score that is common to a person's tasks
    """
    rng, names = np.random.default_rng(seed), list(effects)
    apart = np.array([np.broadcast_to(effects[name], tasks) for name in names])
    frail, strange = rng.standard_normal(people), rng.standard_normal((len(names), people))
    rows, predictions = [], {}
    for t in range(tasks):
        sick = np.sqrt(together) * frail + np.sqrt(1 - together) * rng.standard_normal(people) > norm.isf(ill)
        own = rng.standard_normal((len(names), people))
        scores = np.sqrt(together) * strange + np.sqrt(1 - together) * own + apart[:, t, None] * sick
        part = make_predictions(rng, sick, scores, controls)
        predictions[f"t{t}"] = part
        for i, name in enumerate(names):
            value = auroc(part.label, part.scores[i], part.fold, part.weight[None])[0]
            row = {"task": f"t{t}", "family": "phenotype", "embedding": name, "auroc": value, "overlap": 0}
            row |= {"cases": int(part.label.sum()), "scored_on": "test", "flags": ""}
            rows += [
                row | {"labels": labels, "seed": number, "train_cases": 100 if labels == "all" else int(labels)}
                for labels, number in draws
            ]
    none = np.full((tasks, len(names), 2), np.nan)
    return Scored(pl.DataFrame(rows), list(predictions), names, none, [], people, "all", predictions)


def make_predictions(rng, sick, scores, controls) -> Predictions:
    """Cases with so many controls each, drawn among all people: scores (embeddings, people)."""
    case, control = (rng.permutation(np.flatnonzero(of)) for of in (sick, ~sick))
    sets = min(len(case), len(control) // controls)
    who = np.concatenate([case[:sets], control[: sets * controls]])
    label = np.arange(len(who)) < sets
    matched_set = np.concatenate([np.arange(sets), np.repeat(np.arange(sets), controls)])
    ids, weight = np.char.add("s", who.astype(str)), np.where(label, 1.0, 1 / controls)
    return Predictions(ids, who, label, weight, matched_set, np.zeros(len(who), int), scores[:, who], scores[:, who])
