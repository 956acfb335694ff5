"""Data sets of trials in the layout of ds005589 with a planted link: what was seen decides what electrodes show."""

import itertools
import json

import numpy as np

PICTURES = {
    f"{side}_{place}_{what}.jpg": (f"{side} {place}", f"{side} {place} {what}")
    for side, place, what in itertools.product(("left", "right"), ("temporal", "frontal"), ("slowing", "spikes"))
}
"""Eight pictures, (category, caption): two of each of four categories, in words that tests' language models know."""
SMALL = {
    **{"trials.width": 32, "trials.filters": 8, "trials.kernel": 8, "trials.stretches": 5, "trials.layers": 1},
    **{"trials.heads": 2, "trials.dropout": 0.1, "batch": 32, "lr": 5e-3, "ema": 0.9, "report_encoder.min_count": 1},
    **{"report_encoder.width": 32, "report_encoder.layers": 1, "report_encoder.heads": 2},
    **{"report_encoder.output": 16, "steps": 150, "validate_every": 50, "threads": 1, "device": "cpu"},
}
"""Settings of clef.pretrain for them, with which the link is learned."""


def evoked(picture, channels, samples):
    """What a picture does (C, S): its category a wave at two electrodes, itself a later one at the last two."""
    category, _ = PICTURES[picture]
    kind = sorted({known for known, _ in PICTURES.values()}).index(category)
    which = sorted(PICTURES).index(picture) % 2
    time, wave = np.arange(samples) / samples, np.zeros((channels, samples))
    early = np.exp(-(((time - 0.3) / 0.15) ** 2)) * np.sin(2 * np.pi * (3 + 2 * kind) * time)
    late = np.exp(-(((time - 0.7) / 0.15) ** 2)) * np.sin(2 * np.pi * (4 + 7 * which) * time)
    wave[[kind % channels, (kind + 1) % channels]] += early
    wave[[-2, -1]] += late
    return wave


def write_trials(root, subjects=2, sessions=5, runs=1, each=40, channels=8, samples=100, noise=0.4, seed=0):
    """Write the data set; subjects differ in gain, electrodes in noise. Returns the root."""
    rng, names = np.random.default_rng(seed), list(PICTURES)
    root.mkdir(parents=True, exist_ok=True)
    rows = ["image_name\tcategory\tcaption", *("\t".join((k, *v)) for k, v in PICTURES.items())]
    (root / "captions.txt").write_text("\n".join(rows) + "\n")
    for subject, session, run in itertools.product(range(subjects), range(sessions), range(runs)):
        seen = [names[i % len(names)] for i in rng.permutation(each)]
        signal = np.stack([evoked(name, channels, samples) for name in seen])
        signal = 2.0**subject * 5e-6 * (signal + noise * rng.standard_normal(signal.shape))
        write_run(root, subject + 1, session + 1, run + 1, signal.astype(np.float32), seen)
    return root


def stem(subject, session, run):
    """What the names of a run's files begin with."""
    place = f"sub-{subject:02d}/ses-{session:02d}"
    return f"{place}/{place.replace('/', '_')}_task-lowSpeed_run-{run:02d}"


def write_run(root, subject, session, run, signal, seen, sidecar=None):
    """Write one run: array (n, C, S), what its trials saw, and its JSON."""
    base = root / stem(subject, session, run)
    base.parent.mkdir(parents=True, exist_ok=True)
    np.save(f"{base}_1000Hz.npy", signal)
    told = {"sampling_rate": 1000, "ch_names": [f"E{i}" for i in range(signal.shape[1])]}
    (base.parent / f"{base.name}_1000Hz.json").write_text(json.dumps(told if sidecar is None else sidecar))
    lines = ["index,FilePath", *(f"{i},images\\all\\{name}" for i, name in enumerate(seen))]
    (base.parent / f"{base.name}_image.csv").write_text("\n".join(lines) + "\n")
