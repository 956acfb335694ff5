"""Independent, slow and obvious implementations that the fast ones are compared with. Nothing here imports them."""

from math import gcd

import numpy as np
from numpy.typing import NDArray
from scipy import signal


def filter_and_resample(x: NDArray, rate: int, mains: int) -> NDArray:
    """The plain chain for one gap-free channel (n,) at `rate` Hz: float64, at 200 Hz.

    30 s reflected at each end; Butterworth high- and low-pass of order 4, forward and backward; second-order notch
    (Q 30) at the mains frequency and its multiples, forward and backward; FFT resampling. Filters at or above
    0.45 x rate are left out.
    """
    step = rate // gcd(rate, 200)
    reflected = -(-30 * rate // step) * step
    y = np.pad(x.astype(float), reflected + _rest(len(x), step, reflected), mode="reflect")
    y = signal.sosfiltfilt(signal.butter(4, 0.1, "highpass", fs=rate, output="sos"), y)
    if rate * 0.45 > 75:
        y = signal.sosfiltfilt(signal.butter(4, 75, "lowpass", fs=rate, output="sos"), y)
    for line in range(mains, int(np.ceil(0.45 * rate)), mains) if mains else ():
        y = signal.filtfilt(*signal.iirnotch(line, 30, fs=rate), y)
    y = signal.resample(y, len(y) * 200 // rate)
    first = reflected * 200 // rate
    return y[first : first + -(-len(x) * 200 // rate)]


def _rest(samples: int, step: int, reflected: int) -> NDArray:
    """Extra samples at the end that make the length a multiple of `step`."""
    return np.array([0, -(samples + 2 * reflected) % step])


def spectrogram(x: NDArray) -> NDArray:
    """MNE's multitaper estimate of each 4-s window of one channel (S,) in µV at 200 Hz: (128, S // 200) dB."""
    from mne.time_frequency import psd_array_multitaper

    padded = np.pad(x.astype(float), 400, mode="reflect")
    windows = np.stack([padded[200 * k : 200 * k + 800] for k in range(len(x) // 200)])
    windows -= windows.mean(1, keepdims=True)
    density, hz = psd_array_multitaper(
        windows, 200, bandwidth=1, low_bias=True, adaptive=False, normalization="full", verbose="error"
    )
    assert np.allclose(hz[:128], np.arange(128) / 4)
    return np.clip(10 * np.log10(density[:, :128].T + 1e-10), -40, 40)


def delong(labels: NDArray, first: NDArray, second: NDArray) -> tuple[float, float]:
    """DeLong's test as printed in 1988, with a loop over all pairs: difference of two AUROCs and its standard error."""
    placed = []
    for scores in (first, second):
        wins = [[1.0 if x > y else 0.5 if x == y else 0.0 for y in scores[~labels]] for x in scores[labels]]
        placed.append((np.mean(wins, axis=1), np.mean(wins, axis=0)))
    cases, controls = (np.array([pair[k] for pair in placed]) for k in (0, 1))
    covariance = np.cov(cases) / cases.shape[1] + np.cov(controls) / controls.shape[1]
    by = cases[0].mean() - cases[1].mean()
    return float(by), float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))


def obuchowski(labels: NDArray, scores: NDArray, cluster: NDArray) -> float:
    """Variance of one AUROC of clustered rows, with the sums of Obuchowski 1997 and a loop over all pairs."""
    wins = np.array([[1.0 if x > y else 0.5 if x == y else 0.0 for y in scores[~labels]] for x in scores[labels]])
    case_of, control_of, area = cluster[labels], cluster[~labels], wins.mean()
    s10 = s01 = s11 = 0.0
    for name in np.unique(cluster):
        of_cases = (wins.mean(1)[case_of == name] - area).sum()
        of_controls = (wins.mean(0)[control_of == name] - area).sum()
        s10, s01, s11 = s10 + of_cases**2, s01 + of_controls**2, s11 + of_cases * of_controls
    i10, i01, i = (len(np.unique(c)) for c in (case_of, control_of, cluster))
    m, n = wins.shape
    s10, s01, s11 = i10 / ((i10 - 1) * m) * s10, i01 / ((i01 - 1) * n) * s01, i / (i - 1) * s11
    return float(s10 / m + s01 / n + 2 * s11 / (m * n))


def retrieval(scores: NDArray, asks: NDArray, answers: NDArray) -> list[int]:
    """Rank of its own subject for every question, with loops: candidates best first, the earlier one of equals first.

    scores (questions, candidates) · asks, answers: the subject of each. A subject stands where its best candidate does.
    """
    ranks = []
    for row, subject in zip(scores, asks, strict=True):
        order = sorted(range(len(row)), key=lambda j: (-row[j], j))
        passed = []
        for j in order:
            if answers[j] not in passed:
                passed.append(answers[j])
        ranks.append(passed.index(subject) + 1)
    return ranks


def mean_over_subjects(values: list[float], subjects: NDArray) -> float:
    """The mean over subjects of each one's mean."""
    each: dict[int, list[float]] = {}
    for value, subject in zip(values, subjects, strict=True):
        each.setdefault(int(subject), []).append(value)
    return sum(sum(some) / len(some) for some in each.values()) / len(each)


def mean_average_precision(scores: NDArray, asks: NDArray, answers: NDArray) -> float:
    """Mean over subjects of the average precision of their questions, with the precision at each subject that is right.

    As printed in textbooks: the sum over ranks of precision at the rank where the item is relevant, over the number of
    relevant items, which is one, as all candidates of a subject count as one.
    """
    precisions = []
    for rank in retrieval(scores, asks, answers):
        relevant = [place == rank for place in range(1, rank + 1)]
        at = [sum(relevant[:place]) / place for place in range(1, rank + 1)]
        precisions.append(sum(p for p, is_relevant in zip(at, relevant, strict=True) if is_relevant) / sum(relevant))
    return mean_over_subjects(precisions, asks)
