"""Nuisance: what is known of a session without looking at what the brain did.

Age, sex, site, setting, year, duration, channel count, sampling rate, number of codes on record, and the acquisition
fingerprint of amplifier and filters (level at 0.25–1 Hz minus 2–4 Hz, noise floor, mains). An embedding that is no
better than this row may have learned the hospital.
"""

import numpy as np
import polars as pl

from benchmark.encoders.encoder import Encoder, Inputs, as_embeddings
from benchmark.encoders.signal import ACQUISITION
from clef.embeddings import Embeddings


def embed(inputs: Inputs) -> Embeddings:
    """What is known without the EEG's content, (n, width), of every session of the cohort.

    A missing number takes the mean over train sessions and is marked in a column of its own.
    """
    table = _known(inputs)
    numbers = table.select(
        pl.col("age"),
        pl.col("start_time").dt.year().alias("year"),
        pl.col("codes").fill_null(0).log1p(),
        pl.col("slow", "floor", "mains"),
        pl.col("seconds", "channels", "rate").log1p(),
    ).cast(pl.Float64)
    train = (table["split"] == "train").to_numpy()
    columns = [_numbers(numbers[c].to_numpy(), train) for c in numbers.columns]
    categories = [_one_hot(table[c]) for c in ("sex", "site", "setting")]
    vectors = np.concatenate([*columns, *categories], axis=1)
    config = {"cohort": inputs.cohort.fingerprint, "kind": NUISANCE.kind}
    return as_embeddings(table["session_id"].to_list(), vectors, NUISANCE.name, config)


def _known(inputs: Inputs) -> pl.DataFrame:
    """The session table with `codes`, the number of different codes on the subject's record, and `ACQUISITION`."""
    codes = inputs.cohort.events.filter(pl.col("code").str.contains("^(ICD10CM|ATC)//"))
    counts = codes.group_by("subject_id").agg(codes=pl.col("code").n_unique())
    acquisition = inputs.signal.select("session_id", *ACQUISITION)
    table = inputs.cohort.sessions.join(counts, on="subject_id", how="left", maintain_order="left")
    return table.join(acquisition, on="session_id", how="left", maintain_order="left")


def _numbers(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(n, 2): the value, or the train mean where it is missing; and whether it is."""
    missing = ~np.isfinite(values)
    mean = values[train & ~missing].mean() if (train & ~missing).any() else 0.0
    return np.stack([np.where(missing, mean, values), missing], axis=1)


def _one_hot(values: pl.Series) -> np.ndarray:
    """(n, categories), a missing value being a category."""
    return values.fill_null("?").to_frame().to_dummies().to_numpy().astype(np.float64)


NUISANCE = Encoder(
    "nuisance",
    "age, sex, site, setting, year, duration, the number of codes on record and how the amplifier was set, and nothing "
    "of what the brain did",
    embed,
    kind="nuisance",
    role="baseline",
    fitted_on_nobody=True,
    matched_away=True,
    colour="#999999",
)
