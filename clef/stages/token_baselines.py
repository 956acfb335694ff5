"""What a hidden token can be guessed from without a network: three baselines that masked reconstruction has to beat.

- unigram: how often each code occurs in this frequency row in training (counts plus one half).
- session: the same, as a prior for the codes that are visible in this row of this session: (n + a·p) / (N + a), the
  predictive distribution of a Dirichlet prior (MacKay and Bauman Peto 1995). The pseudo-count a is tuned.
- copy: a mixture of these two, of the same two over all rows, and of the nearest visible tokens before and after in the
  same row, below and above in the same column (row 0 is the lowest frequency). Weights by EM, one set per context: how
  far the four are, and whether those before and after agree. One that is not there hands its weight to `session`.

Everything is fitted on training sessions. Those that tune a and the weights are left out of the counts meanwhile: with
its own hidden tokens in the counts a session would make the unigram look better than it is.

Shapes: B sessions · R rows x W columns · K codes · V hidden tokens · E = 8 guesses.
"""

import dataclasses
import logging

import numpy as np

from clef.stages.stage import Batch
from tokenizer.store import Tokens

log = logging.getLogger(__name__)

FIT_SESSIONS = 20_000
"""Training sessions (drawn at random) the codes are counted in: 41 million tokens, 312 per row and code of 8,192."""
TUNE_SESSIONS = 256
"""Of these, sessions that tune the pseudo-count and the weights, with masks of their own."""
PSEUDO_COUNTS = 2.0 ** np.arange(-2, 15)
NEAR = (1, 2, 4, 8)  # columns: a neighbour at 1, 2, up to 4, up to 8, farther or nowhere
CONTEXTS = 2 * 2 * 2 * (len(NEAR) + 1) ** 2
PRIOR = 10.0  # tokens with the average weights that each context has seen beforehand
EM_ROUNDS = 40
CHUNK = 256  # sessions counted at a time


@dataclasses.dataclass
class Clues:
    """What is known of V hidden tokens."""

    cell: np.ndarray
    """The token itself, as row · K + code: (V,) int64."""
    seen: np.ndarray
    """Visible tokens of its session with its code, in its row and in all rows: (2, V)."""
    visible: np.ndarray
    """Visible tokens of its session, in its row and in all rows: (2, V)."""
    present: np.ndarray
    """Whether there is a visible token before, after, below, above: (4, V) bool."""
    same: np.ndarray
    """Whether that one has the same code: (4, V) bool."""
    context: np.ndarray
    """Which weights hold, from the distances of the four: (V,) int."""


def baselines(
    train: Tokens, rows: np.ndarray, tuning: np.ndarray, tuned_on: list[Batch], held_out: list[Batch], codes: int
) -> dict[str, float]:
    """Cross-entropy of each baseline on the hidden tokens of `held_out`, in nats per token: name -> float.

    rows: sessions of `train` to count in · tuning: those of them that the masked batches `tuned_on` show · codes: K.
    """
    inside, counts = count_codes(train, tuning, codes), count_codes(train, rows, codes)
    clues = gather_clues(tuned_on, codes)
    prior = priors(clues, counts - inside)
    pseudo = tune_pseudo_counts(clues, prior)
    weights = fit_weights(guesses(clues, prior, pseudo), clues.context)
    clues = gather_clues(held_out, codes)
    guessed = guesses(clues, priors(clues, counts), pseudo)
    mixed = (weights[clues.context] * guessed).sum(1)
    return {"unigram": nats(guessed[:, 0]), "session": nats(guessed[:, 1]), "copy": nats(mixed)}


def nats(probability: np.ndarray) -> float:
    """Mean negative log of the probabilities that the true tokens were given."""
    return float(-np.log(probability).mean())


# ---- unigram and session
def count_codes(source: Tokens, sessions: np.ndarray, codes: int) -> np.ndarray:
    """How often each code occurs in each row among the valid tokens of some sessions: (R, K) int64."""
    rows = source.tokens.shape[1]
    counts = np.zeros(rows * codes, np.int64)
    for first in range(0, len(sessions), CHUNK):
        part = sessions[first : first + CHUNK]
        cell = source.tokens[part] + codes * np.arange(rows)[:, None]
        ok = np.broadcast_to(source.valid[part][:, None], cell.shape)
        counts += np.bincount(cell[ok], minlength=len(counts))
    return counts.reshape(rows, codes)


def smoothed(counts: np.ndarray) -> np.ndarray:
    """Probability of each code: counts (…, K) -> (…, K) float64."""
    return (counts + 0.5) / (counts + 0.5).sum(-1, keepdims=True)


def priors(clues: Clues, counts: np.ndarray) -> np.ndarray:
    """How likely the hidden tokens are in training, by the counts (R, K) of their row and of all rows: (2, V)."""
    row, code = np.divmod(clues.cell, counts.shape[1])
    return np.stack([smoothed(counts)[row, code], smoothed(counts.sum(0))[code]])


def with_session(clues: Clues, prior: np.ndarray, pseudo: np.ndarray) -> np.ndarray:
    """Probabilities (2, V) from the visible tokens of the session, after `pseudo` (2,) tokens of the prior (2, V)."""
    return (clues.seen + pseudo[:, None] * prior) / (clues.visible + pseudo[:, None])


def tune_pseudo_counts(clues: Clues, prior: np.ndarray) -> np.ndarray:
    """The pseudo-counts (2,), for the row and for all rows, that guess the hidden tokens best."""
    tried = [with_session(clues, prior, np.full(2, pseudo)) for pseudo in PSEUDO_COUNTS]
    return PSEUDO_COUNTS[np.argmin([[nats(row), nats(anywhere)] for row, anywhere in tried], 0)]


# ---- copy
def guesses(clues: Clues, prior: np.ndarray, pseudo: np.ndarray) -> np.ndarray:
    """Probability (V, E) of each hidden token by: its row; its row in this session; all rows; all rows in this session;
    copies from before, after, below and above."""
    session, anywhere = with_session(clues, prior, pseudo)
    copies = np.where(clues.present, clues.same, session)
    return np.stack([prior[0], session, prior[1], anywhere, *copies], 1)


def fit_weights(guesses: np.ndarray, context: np.ndarray) -> np.ndarray:
    """Weights (CONTEXTS, E) of a mixture that give the hidden tokens the highest probability (EM)."""
    weights = np.full((CONTEXTS, guesses.shape[1]), 1 / guesses.shape[1])
    for _ in range(EM_ROUNDS):
        share = weights[context] * guesses
        share /= share.sum(1, keepdims=True)
        sums = np.stack([np.bincount(context, column, CONTEXTS) for column in share.T], 1)
        sums += PRIOR * share.mean(0)
        weights = sums / sums.sum(1, keepdims=True)
    return weights


# ---- what is known of a hidden token
def gather_clues(batches: list[Batch], codes: int) -> Clues:
    """The clues of all hidden tokens of masked batches, batch by batch."""
    parts = [clues_of(batch, codes) for batch in batches]
    names = [field.name for field in dataclasses.fields(Clues)]
    return Clues(*(np.concatenate([getattr(part, name) for part in parts], -1) for name in names))


def clues_of(batch: Batch, codes: int) -> Clues:
    """The clues of one batch: tokens (B, R, W) · valid (B, W) · hidden (B, N)."""
    tokens = batch["tokens"].numpy()
    hidden = batch["hidden"].numpy().reshape(tokens.shape)
    visible = batch["valid"].numpy()[:, None] & ~hidden
    cell = tokens + codes * np.arange(tokens.shape[1])[:, None]
    seen = [count_seen(*one, codes) for one in zip(cell, visible, hidden, strict=True)]
    counted = np.stack([np.broadcast_to(visible.sum(axes, keepdims=True), tokens.shape) for axes in (2, (1, 2))])
    code, distance = (x[:, hidden] for x in neighbours(tokens, visible))
    same, present = code == tokens[hidden], code >= 0
    seen = np.concatenate(seen, 1)
    return Clues(cell[hidden], seen, counted[:, hidden], present, same, contexts(code, distance))


def count_seen(cell: np.ndarray, visible: np.ndarray, hidden: np.ndarray, codes: int) -> np.ndarray:
    """How many visible tokens of a session (R, W) have a hidden one's code, in its row and in all rows: (2, V)."""
    counts = np.bincount(cell[visible], minlength=cell.shape[0] * codes).reshape(-1, codes)
    row, code = np.divmod(cell[hidden], codes)
    return np.stack([counts[row, code], counts.sum(0)[code]])


def neighbours(tokens: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest visible token before, after, below and above each hidden one: codes, or -1, and distances (4, B, R, W).

    A visible token is its own neighbour at distance 0; nobody asks for it.
    """
    sides = []
    for axis in (2, 1):
        t, v = (np.moveaxis(x, axis, -1) for x in (tokens, visible))
        backwards = (np.flip(x, -1) for x in nearest_before(np.flip(t, -1), np.flip(v, -1)))
        sides += [tuple(np.moveaxis(x, -1, axis) for x in side) for side in (nearest_before(t, v), backwards)]
    return np.stack([code for code, _ in sides]), np.stack([distance for _, distance in sides])


def nearest_before(tokens: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest visible token before each hidden one along the last axis: its code, or -1, and its distance."""
    place = np.arange(tokens.shape[-1])
    last = np.maximum.accumulate(np.where(visible, place, -1), -1)
    code = np.take_along_axis(tokens, np.maximum(last, 0), -1)
    return np.where(last >= 0, code, -1), np.where(last >= 0, place - last, len(place) + NEAR[-1])


def contexts(code: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Contexts (V,) from the codes and distances (4, V) of the neighbours before, after, below and above."""
    before, after = np.searchsorted(NEAR, distance[:2])
    agree = (code[0] == code[1]) & (code[0] >= 0)
    below, above = distance[2:] == 1
    return (((before * (len(NEAR) + 1) + after) * 2 + below) * 2 + above) * 2 + agree
