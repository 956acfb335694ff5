"""Our own model on short crops of the same tokens, as a model of short windows is read: what do whole sessions add?

Same weights, same tokens, same readout of every crop; only what a token can attend to differs.
"""

import dataclasses

import numpy as np

from benchmark.encoders.encoder import Encoder, Inputs
from benchmark.encoders.ours import BATCH, NEEDS, loaded, sessions_of
from clef.embeddings import Embeddings
from tokenizer.base.progress import track
from tokenizer.store import Tokens

SECONDS = 30.0
COLUMN = 10.0
"""Seconds of a column of tokens."""
PART = 32  # sessions between two steps of the progress bar
POOLS = {"mean": np.mean, "sd": np.std}


def embed(inputs: Inputs) -> Embeddings:
    """The vectors of all crops of `window` seconds, and of these the mean, or mean and spread, per session: (n, D).

    Raises ValueError in one line as `ours.embed`, and for a window that is no whole number of columns.
    """
    seconds = inputs.window or SECONDS
    columns = round(seconds / COLUMN)
    if columns < 1 or columns * COLUMN != seconds:
        raise ValueError(f"window={seconds:g}: expected a multiple of {COLUMN:g} s, which is a column of tokens")
    model = loaded(inputs)
    how = model.readout("trained", inputs.readout)
    sessions = sessions_of(model, inputs)
    number, vectors = np.arange(len(sessions)) // PART, []
    for part in track(range(number[-1] + 1), "embed"):
        crops, owner = cropped(sessions.where(number == part), columns)
        read = model.read(crops, how, "trained", BATCH).astype(np.float64)
        for session in range(owner[-1] + 1):
            vectors.append(
                np.concatenate([POOLS[pool](read[owner == session], 0) for pool in inputs.windows.split("+")])
            )
    about = model.about("trained", how) | {"kind": CROPS.kind, "window": seconds, "windows": inputs.windows}
    trained_on = model.encoder.about.get("trained_on", {})
    names, fingerprint = sessions.session_id.tolist(), model.fingerprint
    return Embeddings(names, np.array(vectors, np.float32), CROPS.name, fingerprint, about, trained_on)


def cropped(sessions: Tokens, columns: int) -> tuple[Tokens, np.ndarray]:
    """Crops of `columns` columns as sessions of their own, and whose each is (crops,), in the sessions' order.

    They touch, from a session's first valid column on; those without a valid column are left out.
    """
    parts, owner = [], []
    for row in range(len(sessions)):
        used = np.flatnonzero(sessions.valid[row])
        for first in range(used[0], used[-1] + 1, columns):
            if sessions.valid[row, first : first + columns].any():
                parts.append((row, first))
                owner.append(row)
    tokens = np.zeros((len(parts), sessions.tokens.shape[1], columns), sessions.tokens.dtype)
    valid = np.zeros((len(parts), columns), bool)
    for i, (row, first) in enumerate(parts):
        held = sessions.valid[row, first : first + columns]
        tokens[i, :, : len(held)], valid[i, : len(held)] = sessions.tokens[row, :, first : first + columns], held
    rows = {
        f.name: getattr(sessions, f.name)[owner]
        for f in dataclasses.fields(sessions)
        if f.name not in ("tokens", "valid")
    }
    return Tokens(tokens=tokens, valid=valid, **rows), np.array(owner)


CROPS = Encoder(
    "crops",
    "our own model on crops of 30 s of the same tokens, averaged: what whole sessions add",
    embed,
    kind="crops",
    role="model",
    needs=NEEDS,
)
