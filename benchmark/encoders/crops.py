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
from tokenizer.stretches import cut

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
    owner, slices = [], []
    for row, valid in enumerate(sessions.valid):
        used = np.flatnonzero(valid)
        for first in range(used[0], used[-1] + 1, columns):
            place = slice(first, min(first + columns, len(valid)))
            if valid[place].any():
                owner.append(row)
                slices.append(place)
    parts = cut(sessions, owner, slices)
    tokens, valid = parts["tokens"].numpy().astype(sessions.tokens.dtype), parts["valid"].numpy()
    one_each = sessions.where(np.array(owner))
    return dataclasses.replace(one_each, tokens=tokens, valid=valid), np.array(owner)


CROPS = Encoder(
    "crops",
    "our own model on crops of 30 s of the same tokens, averaged: what whole sessions add",
    embed,
    kind="crops",
    role="model",
    needs=NEEDS,
)
