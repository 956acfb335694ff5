"""How well each matched question could be answered by somebody who saw the latents themselves.

The generative model is sampled many times over; cases are matched as the benchmark matches them (sex, site and
setting the same, age within 5 years, no control with another code of the same block), and the likelihood ratio of the
latents is approximated by a logistic regression on a rich basis of them, fitted on one half of the people and scored on
the other. An AUROC above its ceiling, by more than chance, means that something other than the EEG tells cases from
controls.

The benchmark has matching, probes and an AUROC of its own, which stand above this room in the import order; the small
ones here judge it from outside, on plain arrays and tens of thousands of people at once.
"""

import functools

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from clef.codes import ATC_SPACE, ICD_SPACE, block
from clef.importers.synthetic.concepts import concepts_of
from clef.importers.synthetic.latents import LOBES, Columns, draw_findings, draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits

NOT_CEREBRAL = ("muscle", "drift_uv", "pops", "mains_uv", "noise_uv", "course_seed", "in_icu")
SIDE_LATENTS = ("focal_side", "spike_side", "defect_side")


@functools.cache  # a pure function of a few seconds
def ceilings(seed: int, n: int = 24_000, most: int = 4_000, course: bool = False) -> pl.DataFrame:
    """One row per concept code: `ceiling` (AUROC of the matched question), `population` (its prevalence in sessions).

    `n` subjects are sampled, at most `most` cases of a concept are used.
    """
    people = draw_people(seed, n, course)
    visits = draw_visits(people | {"sessions": np.ones(n, int)}, seed, 5.0)
    truth = draw_latents(visits, seed)
    labels = concept_labels(visits, draw_findings(truth, seed))
    others = neighbours(labels)
    x, strata, rng = basis(truth), matching_strata(visits), np.random.default_rng(seed)
    rows = []
    with threadpool_limits(1):  # the matrices are small: more BLAS threads only wait for each other
        for code, label in labels.items():
            cases, controls = match(label, strata, visits["age"], rng, most, others[code])
            rows.append((code, float(label.mean()), _held_out_auroc(x, cases, controls)))
    return pl.DataFrame(rows, schema=["code", "population", "ceiling"], orient="row")


def concept_labels(visits: Columns, findings: Columns) -> Columns:
    """Bool columns (n sessions,) by code: diseases, their categories of three characters, drugs and findings."""
    diseases, drugs = concepts_of(visits)
    labels = {concept.code: visits[concept.name] for concept in diseases + drugs}
    for code in [code for code in labels if code.startswith("ICD10CM//")]:
        category = code.split(".")[0]
        labels[category] = labels.get(category, False) | labels[code]
    return labels | findings


def neighbours(labels: Columns) -> Columns:
    """Who has another code of the same block, by code: bool columns (n sessions,); no controls in the benchmark.

    Blocks are those of `clef.codes.block`: the category of a disease, the chemical group of a drug; findings have none.
    """
    blocks = {code: block(code) for code in labels if code.startswith((ICD_SPACE, ATC_SPACE))}
    nobody = np.zeros(len(next(iter(labels.values()))), bool)
    return {
        code: np.any([labels[c] for c, other in blocks.items() if other == blocks.get(code)] or [nobody], axis=0)
        for code in labels
    }


def matching_strata(visits: Columns) -> np.ndarray:
    """(n,) integers, equal where sex, site and setting are."""
    return np.unique(np.stack([visits[c] for c in ("sex", "site", "setting")]), axis=1, return_inverse=True)[1].ravel()


def match(
    label: np.ndarray,
    strata: np.ndarray,
    age: np.ndarray,
    rng: np.random.Generator,
    most: int,
    excluded: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of cases and of their controls, one each: the same stratum, age within 5 years, no control twice.

    Whoever is `excluded` (n,) is a case if `label` says so, and never a control.
    """
    candidate = ~label if excluded is None else ~label & ~excluded
    cases, controls = [], []
    for stratum in np.unique(strata):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        ill, well = rows[label[rows]], rows[candidate[rows]]
        well = well[np.argsort(age[well])]
        free = np.ones(len(well), bool)
        low, high = np.searchsorted(age[well], age[ill] - 5), np.searchsorted(age[well], age[ill] + 5)
        for case, a, b in zip(ill, low, high, strict=True):
            unused = np.flatnonzero(free[a:b])
            if len(unused):
                # the nearest, not any within 5 years: there are more people on the side of the commoner ages, and a
                # disease of the young would get controls half a year older
                pick = a + unused[np.abs(age[well[a + unused]] - age[case]).argmin()]
                free[pick] = False
                cases.append(case)
                controls.append(well[pick])
    keep = rng.permutation(len(cases))[:most]
    return np.array(cases, int)[keep], np.array(controls, int)[keep]


def basis(truth: Columns) -> np.ndarray:
    """(n, p) float32: each latent, whether it is above 0, its bends at three quantiles, and the lobes."""
    plain = {
        k: np.asarray(v, float)
        for k, v in truth.items()
        if k not in NOT_CEREBRAL + SIDE_LATENTS and v.dtype.kind != "U"
    }
    values = np.stack([_standard(np.log1p(v) if v.min() >= 0 else v) for v in plain.values()], 1)
    present = np.stack([v > 0 for v in plain.values() if 0.5 > np.mean(v > 0) > 0], 1).astype(float)
    # hinges make the regression piecewise linear: the log likelihood ratio of a latent is no straight line
    bends = [np.maximum(values - np.quantile(values, q, axis=0), 0) for q in (0.2, 0.5, 0.8)]
    lobes = np.stack([truth[k] == lobe for k in ("focal_lobe", "spike_lobe") for lobe in LOBES], 1).astype(float)
    every = np.concatenate([values, present, *bends, lobes], 1).astype(np.float32)
    return every[:, every.std(0) > 1e-3]


def _standard(column: np.ndarray) -> np.ndarray:
    return (column - column.mean()) / (column.std() + 1e-9)


def _held_out_auroc(x: np.ndarray, cases: np.ndarray, controls: np.ndarray) -> float:
    """Mean over both halves of the AUROC of a regression fitted on the other; matched sets are never cut."""
    if len(cases) < 100:
        return float("nan")
    half, scores = len(cases) // 2, []
    for fit, test in ((slice(None, half), slice(half, None)), (slice(half, None), slice(None, half))):
        rows, y = _stack(cases[fit], controls[fit])
        score = x[(rows_test := _stack(cases[test], controls[test]))[0]] @ ridge_logistic(x[rows], y)
        scores.append(auroc(score, rows_test[1]))
    return float(np.mean(scores))


def _stack(cases: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([cases, controls]), np.repeat([True, False], [len(cases), len(controls)])


def ridge_logistic(x: np.ndarray, y: np.ndarray, penalty: float = 5.0, steps: int = 5) -> np.ndarray:
    """Weights (p,) of a penalised logistic regression, by Newton steps; no intercept: matched sets are balanced."""
    w = np.zeros(x.shape[1], np.float32)
    for _ in range(steps):  # the penalty bounds every step, and five of them are enough for a ranking
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty * np.eye(x.shape[1], dtype=np.float32)
        w = w + np.linalg.solve(hessian, x.T @ (y - p) - penalty * w)
    return w


def auroc(score: np.ndarray, label: np.ndarray) -> float:
    """Area under the ROC curve of `score` (n,) for bool `label` (n,), ties counted half."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks, cases = (np.cumsum(count) - (count - 1) / 2)[place][label], label.sum()
    return float((ranks.sum() - cases * (cases + 1) / 2) / (cases * (len(label) - cases)))
