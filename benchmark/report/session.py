"""The picture of one session: its spectrogram, the same rebuilt from its tokens, and the tokens."""

import logging
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmark.report.figures import session_figure
from clef.cohort import Cohort
from tokenizer.channels import CHANNELS
from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import read_row
from tokenizer.recording import RecordingError
from tokenizer.store import TokenStore

log = logging.getLogger(__name__)
CHANNEL = "O1"  # at the back of the head, where the alpha rhythm that everybody knows is largest
FRAMES = 10  # seconds of a token's column


def session_picture(cohort: Cohort, tokens: str) -> dict[str, Any] | None:
    """The picture (`image`, a data URI) of one session and its `split`; None, and a log line, if it cannot be read."""
    store = TokenStore(tokens)
    row = choose_session(cohort.sessions, store)
    if row is None:
        return None
    try:
        spec, valid = session_spectrogram(read_row(cohort.path, row))
    except RecordingError as error:
        log.info("no picture of a session: %s", error)
        return None
    return {"image": _draw(spec, np.asarray(valid, bool), store, row["index"]), "split": row["split"]}


def choose_session(sessions: pl.DataFrame, store: TokenStore) -> dict[str, Any] | None:
    """The longest session that the store has tokens of, one of test before any other; None if there is none.

    Returns its row of the session table with `index`, its place in the store, and `columns`, its valid token columns.
    """
    columns = (np.asarray(store.valid[:], np.float32) >= 0.5).sum(1)  # a token below 0.5 is invalid
    lengths = pl.DataFrame({"session_id": store.session_id, "columns": columns}, schema_overrides={"columns": pl.Int64})
    rows = sessions.join(lengths.with_row_index(), on="session_id").filter(pl.col("columns") > 0)
    order = [pl.col("split") != "test", pl.col("columns"), pl.col("session_id")]
    rows = rows.sort(order, descending=[False, True, False])
    return rows.row(0, named=True) if len(rows) else None


def _draw(spec: torch.Tensor, valid: np.ndarray, store: TokenStore, index: int) -> str:
    """The figure of session `index` of the store, whose recording is spec (19, 128, T) dB, valid (T,)."""
    tokens = np.asarray(store.tokens[index]).astype(np.int64)  # (R, W)
    level = torch.from_numpy(store.level[[index]])
    rebuilt = np.asarray(store.tokenizer.decode(torch.as_tensor(tokens)[None], level=level)[0])  # (19, 128, 10 W)
    columns = min(len(valid) // FRAMES, tokens.shape[1])
    frames, channel = slice(0, FRAMES * columns), list(CHANNELS).index(CHANNEL)
    recorded = np.asarray(spec)[channel][:, frames]
    return session_figure(recorded, rebuilt[channel][:, frames], tokens[:, :columns], valid[frames], CHANNEL)
