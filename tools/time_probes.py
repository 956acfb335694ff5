"""The time of the benchmark's probes, beside a scikit-learn loop of the same protocol, in one run on one thread.

    python -m tools.time_probes                                  # 234 tasks x 3 seeds on 20,000 x 768
    python -m tools.time_probes tasks=12 sessions=4000 width=256 subjects=0

Ours is `score_tasks` as benchmark.run calls it, with every metric and the bootstrap. The loop fits the same probe with
StandardScaler, PCA and LogisticRegression: the same three widths whitened on the same rows, the same inner folds or
val rows, the same grid of C, a refit, an AUROC. It takes long, so it is timed on `loop_tasks` tasks, spread evenly
over the sizes; their time is scaled to all tasks, that of the whitening is not. Embeddings are synthetic: a spectrum
that falls as a power, as those of trained encoders do, with the label of each task in some of its directions. Times
are processor seconds of one thread, so that other work on the machine does not count. At the end the clinical suite is
built for a large cohort of records (`tools.large_cohort`), with its wall time, processor time and peak memory.
"""

import logging
import time
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmark.scores.probing.budgets import ALL, make_draw
from benchmark.scores.probing.choice import GRID
from benchmark.scores.probing.stacks import Draw
from benchmark.scores.probing.whitening import WIDTHS, draw_rows
from benchmark.scores.scoring import Scored, score_tasks
from clef.embeddings import Embeddings
from clef.tasks import SCHEMA
from tokenizer.base.cli import program
from tools.large_cohort import time_build

log = logging.getLogger(__name__)

SPLITS = {"train": 0.7, "val": 0.1, "test": 0.2}
MOST_APART = 0.002
LEAST_FASTER = 5.0


@dataclass
class TimeProbes:
    tasks: int = 234
    """How many tasks; their numbers of cases are spread from the smallest to the largest on a logarithmic scale."""
    sessions: int = 20_000
    """Sessions, one per person."""
    width: int = 768
    """Columns of the embedding."""
    seeds: int = 3
    """Repetitions with other inner folds."""
    least_cases: int = 30
    """Cases of the smallest task, in train, val and test together."""
    most_cases: int = 2000
    """Cases of the largest task."""
    loop_tasks: int = 12
    """Tasks that the scikit-learn loop is timed on."""
    subjects: int = 108_000
    """People of the cohort whose tasks are built and timed after the probes; 0 leaves that out."""
    cohort_sessions: int = 260_000
    """Their sessions."""
    seed: int = 0
    """Seed of the data."""


def main(config: TimeProbes) -> int:
    """Time both, print, and fail if a bar is missed."""
    tasks, store = make_data(config)
    names = sorted(tasks["task"].unique())
    some = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, config.loop_tasks).round().astype(int))]
    part = tasks.filter(pl.col("task").is_in(some))
    with threadpool_limits(1):
        whole, ours = time_ours(tasks, store, config.seeds)
        # the scores of a task do not depend on which others are scored, but for the rows of the whitening
        _, ours_of_some = time_ours(part, store, config.seeds)
        once, each, loop = time_loop(part, store, config.seeds)
    code = say(config, whole, once + each * len(names), compare(ours_of_some, loop), ours)
    if config.subjects:
        for line in time_build(config.subjects, config.cohort_sessions, config.seed):
            log.info(line)
    return code


def make_data(config: TimeProbes) -> tuple[pl.DataFrame, Embeddings]:
    """Matched pairs for every task, and an embedding that knows something of each."""
    rng = np.random.default_rng(config.seed)
    n, width = config.sessions, config.width
    split = rng.choice(list(SPLITS), n, p=list(SPLITS.values()))
    pools = {name: np.flatnonzero(split == name) for name in SPLITS}
    factors = rng.standard_normal((n, width)).astype(np.float32)
    rows = []
    for task, cases in enumerate(np.geomspace(config.least_cases, config.most_cases, config.tasks).round().astype(int)):
        direction = rng.integers(0, min(width, 64), 4)
        for name, share in SPLITS.items():
            count = min(max(2, round(share * cases)), len(pools[name]) // 2)
            # cases are those further along the task's directions than their partners, most of the time
            drawn = rng.permutation(pools[name])[: 2 * count].reshape(-1, 2)
            value = factors[drawn][:, :, direction].sum(2) + 2 * rng.standard_normal(drawn.shape)
            case = drawn[np.arange(count), value.argmax(1)]
            control = drawn[np.arange(count), value.argmin(1)]
            for a, b in zip(case.tolist(), control.tolist(), strict=True):
                rows += [(f"t{task:03}", "phenotype", f"s{who}", who, who == a, name, f"m{a}") for who in (a, b)]
    spread = np.arange(1, width + 1, dtype=np.float32) ** -0.5
    x = (factors * spread) @ np.linalg.qr(rng.standard_normal((width, width)))[0].astype(np.float32)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), Embeddings([f"s{i}" for i in range(n)], x, "synthetic")


def time_ours(tasks: pl.DataFrame, store: Embeddings, seeds: int) -> tuple[float, Scored]:
    """Processor seconds of `score_tasks` with all labels, and what it gave."""
    start = time.process_time()
    scored = score_tasks(tasks, {store.name: store}, seeds=seeds)
    return time.process_time() - start, scored


def time_loop(tasks: pl.DataFrame, store: Embeddings, seeds: int) -> tuple[float, float, dict[tuple[str, int], float]]:
    """Processor seconds of the scikit-learn loop: of the whitening, and a task; and each task's and seed's AUROC."""
    start, place = time.process_time(), {s: i for i, s in enumerate(store.session_id)}
    pool = tasks.filter(pl.col("split") != "test")["session_id"].unique().sort()
    rows = np.array([place[s] for s in pool.gather(draw_rows(len(pool)))])
    scaler = StandardScaler().fit(store.vectors[rows].astype(np.float64))
    axes = {w: PCA(w, whiten=True, svd_solver="full") for w in WIDTHS if w < min(store.vectors.shape[1], len(rows))}
    for pca in axes.values():
        pca.fit(scaler.transform(store.vectors[rows].astype(np.float64)))
    once, start = time.process_time() - start, time.process_time()
    aurocs: dict[tuple[str, int], float] = {}
    for part in tasks.partition_by("task", maintain_order=True):
        z = scaler.transform(store.vectors[[place[s] for s in part["session_id"]]].astype(np.float64))
        spaces = [z, *(pca.transform(z) for pca in axes.values())]
        for seed in range(seeds):
            name, draw = part["task"][0], draw_of(part, seed)
            if seed and draw.chosen_on == "val":  # the same again
                aurocs[name, seed] = aurocs[name, 0]
                continue
            aurocs[name, seed] = loop_auroc(spaces, part["label"].to_numpy(), part["split"].to_numpy() == "test", draw)
    return once, (time.process_time() - start) / tasks["task"].n_unique(), aurocs


def draw_of(part: pl.DataFrame, seed: int) -> Draw:
    """The training rows and inner folds of one task, as the benchmark draws them."""
    split = part["split"].to_numpy()
    group = np.unique(part["match_id"].to_numpy(), return_inverse=True)[1]
    return make_draw(part["label"].to_numpy(), split == "train", split == "val", group, ALL, seed)


def loop_auroc(spaces: list[np.ndarray], y: np.ndarray, test: np.ndarray, draw: Draw) -> float:
    """AUROC on the test rows of the probe that held-out rows chose."""
    best, chosen = np.inf, (0, 1.0)
    label = y[draw.fit]
    for s, z in enumerate(spaces):
        rows = z[draw.fit]
        for c in GRID:
            loss = 0.0
            for out in draw.held_out:
                model = LogisticRegression(C=c / z.shape[1], class_weight="balanced", max_iter=1000)
                probability = model.fit(rows[~out], label[~out]).predict_proba(rows[out])
                loss += log_loss(label[out], probability, normalize=False)
            if loss < best:
                best, chosen = loss, (s, c / z.shape[1])
    s, c = chosen
    model = LogisticRegression(C=c, class_weight="balanced", max_iter=1000).fit(spaces[s][draw.fit], label)
    return float(roc_auc_score(y[test], model.decision_function(spaces[s][test])))


def compare(ours: Scored, loop: dict[tuple[str, int], float]) -> tuple[float, float, float]:
    """Mean AUROC of ours and of the loop, and the largest difference of one task and seed."""
    mine = {(task, seed): value for task, seed, value in ours.scores.select("task", "seed", "auroc").iter_rows()}
    apart = [abs(mine[key] - value) for key, value in loop.items()]
    return float(np.mean([mine[key] for key in loop])), float(np.mean(list(loop.values()))), max(apart)


def say(config: TimeProbes, whole: float, theirs: float, means: tuple[float, float, float], ours: Scored) -> int:
    """Print what was measured; 1 if ours takes more than a fifth, or differs."""
    faster, (mine, loop, most) = theirs / whole, means
    log.info(
        "%d tasks x %d seeds x %d C on %d x %d, mean AUROC %.3f: ours %.1f s, with intervals and all metrics",
        *(len(ours.tasks), config.seeds, len(GRID), config.sessions, config.width),
        *(float(ours.scores["auroc"].mean()), whole),
    )
    log.info(
        "the scikit-learn loop, timed on %d of them and scaled: %.1f s, %.1f times as long",
        *(config.loop_tasks, theirs, faster),
    )
    log.info(
        "mean AUROC of these %d: ours %.4f, the loop %.4f; at most %.4f apart in one task and seed",
        *(config.loop_tasks, mine, loop, most),
    )
    missed = [f"{faster:.1f} times as fast, the bar is {LEAST_FASTER:.0f}"] * (faster < LEAST_FASTER)
    missed += [f"mean AUROC {abs(mine - loop):.4f} apart, the bar is {MOST_APART}"] * (abs(mine - loop) > MOST_APART)
    for line in missed:
        log.error("bar missed: %s", line)
    return 1 if missed else 0


if __name__ == "__main__":
    program(TimeProbes, main, "tools.time_probes")
