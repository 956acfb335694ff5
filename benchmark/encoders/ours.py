"""Our own model as an encoder, and the two ablations that belong beside its score.

All three are read from the same tokens of the same run, so what differs is what training put into the weights.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.encoders.encoder import Encoder, Inputs
from clef.embeddings import Embeddings
from tokenizer.base.progress import track

if TYPE_CHECKING:
    from clef.model import Model
    from clef.readout import Kind
    from tokenizer.store import Tokens

BATCH = 16
PART = 256  # sessions between two steps of the progress bar


def embed(inputs: Inputs, kind: "Kind", name: str) -> Embeddings:
    """Pooled states (n, D) of the cohort's sessions that the token store holds; needs `model` and `tokens`.

    Raises ValueError in one line if the model cannot be loaded, or the store is another tokenizer's or cohort's.
    """
    model = loaded(inputs)
    how = model.readout(kind, inputs.readout)
    sessions = sessions_of(model, inputs)
    vectors = np.concatenate(
        [model.read(sessions.where(part), how, kind, BATCH) for part in track(_parts(len(sessions)), "embed")]
    )
    trained_on = model.encoder.about.get("trained_on", {})
    return Embeddings(
        sessions.session_id.tolist(),
        vectors,
        name,
        model.fingerprint,
        model.about(kind, how),
        trained_on=trained_on,
    )


def loaded(inputs: Inputs) -> "Model":
    """The model of a run on the device that was asked for."""
    from clef.model import load
    from clef.network.attention import choose
    from tokenizer.base import ranks

    device = ranks.set_up(inputs.device)
    model = load(inputs.model or "").to(device)
    model.encoder.attention = choose("auto", device.type)
    return model


def sessions_of(model: "Model", inputs: Inputs) -> "Tokens":
    """Tokens of the cohort's sessions that have any valid column, in the store's order."""
    from tokenizer.store import TokenStore

    sessions = model.tokenise(TokenStore(inputs.tokens or ""))
    of_cohort = np.isin(sessions.session_id.astype(str), inputs.cohort.sessions["session_id"].to_numpy().astype(str))
    if not (kept := of_cohort & sessions.valid.any(1)).any():
        raise ValueError(f"tokens={inputs.tokens}: none of the sessions of cohort={inputs.cohort.path} is in it")
    return sessions.where(kept)


def _parts(count: int) -> list[np.ndarray]:
    """Masks (count,) of consecutive sessions, `PART` at a time."""
    number = np.arange(count) // PART
    return [number == i for i in range(number[-1] + 1)]


NEEDS = ("model", "tokens")
UNTRAINED = Encoder(
    "untrained",
    "the same encoder with fresh weights",
    partial(embed, kind="untrained", name="untrained"),
    kind="untrained",
    role="ablation",
    needs=NEEDS,
)
CODES = Encoder(
    "codes",
    "the tokenizer's code vectors, pooled per row",
    partial(embed, kind="codes", name="codes"),
    kind="codes",
    role="ablation",
    needs=NEEDS,
)
CLEF = Encoder(
    "clef",
    "our own model: a trained encoder, at its heads if it has any",
    partial(embed, kind="trained", name="clef"),
    kind="trained",
    role="model",
    needs=NEEDS,
)
