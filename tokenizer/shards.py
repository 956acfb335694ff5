"""Rows of a token store from tokens: what every program that writes one gives to `TokenStore.write_shard`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tokenizer import store
from tokenizer.filters import METHOD
from tokenizer.reading.read import ReadingConfig
from tokenizer.tokens import Tokenised


def reading_settings(reading: ReadingConfig, blank_below: float = 0.0) -> dict[str, Any]:
    """How recordings become spectrograms, as a store says it."""
    return {**reading.to_json(), "blank_below": blank_below, "filters": METHOD}


def rows_of(tokenised: Sequence[Tokenised]) -> dict[str, np.ndarray]:
    """The rows of a shard as the store keeps them."""
    return {
        "tokens": np.stack([t.tokens for t in tokenised]),
        "valid": np.stack([t.share for t in tokenised]),
        "channel_ok": np.stack([t.channel_ok for t in tokenised]),
        "level": np.array([t.level for t in tokenised], np.float32),
        "reason": np.stack([store.text_bytes(t.reason, store.REASON_BYTES) for t in tokenised]),
        "status": np.array([store.REFUSED if t.reason else store.DONE for t in tokenised], np.uint8),
    }
