"""A torch Dataset over a token store: sessions as tensors, for networks of one's own.

    loader = DataLoader(clef.TokenDataset("tokens.zarr", split="train"), batch_size=32, shuffle=True, num_workers=2)

Shapes: R x W token grid of a session, 16 x 128.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from tokenizer.sessions import SPLITS
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)


class TokenDataset(Dataset):
    """The sessions of a token store, read only, all in memory (260,000 are 1 GB).

    An item: tokens (R, W) int64, 0 where invalid · valid (W,) bool, columns that count · session_id str · subject_id
    int64 (). DataLoader's own collation stacks them; session_id becomes a list.

    split: train, val or test · session_id: these sessions, in this order. Sessions that were refused when the store was
    made, or have no valid column, are left out, and logged; one that is asked for by name raises ValueError.
    """

    def __init__(self, store: str | Path, split: str | None = None, session_id: Sequence[str] | None = None) -> None:
        if split is not None and split not in SPLITS:
            raise ValueError(f"split={split!r}: expected one of {', '.join(SPLITS)}")
        if isinstance(session_id, str):
            raise ValueError(f"session_id={session_id!r}: expected a list of ids, as [{session_id!r}]")
        self.path, self.split, self.wanted = Path(store), split, session_id
        self._sessions: Tokens | None = self._load()

    @property
    def sessions(self) -> Tokens:
        """All sessions of this set in memory, with their names, subjects and splits."""
        if self._sessions is None:  # a process that was sent this set reads the store itself
            self._sessions = self._load()
        return self._sessions

    def __len__(self) -> int:
        return len(self.sessions)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {
            "tokens": torch.from_numpy(self.sessions.tokens[index].astype(np.int64)),
            "valid": torch.from_numpy(self.sessions.valid[index].copy()),
            "session_id": str(self.sessions.session_id[index]),
            "subject_id": torch.tensor(self.sessions.subject_id[index]),
        }

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_sessions": None}

    def _load(self) -> Tokens:
        store = TokenStore(self.path)
        sessions, known = store.load(), len(store.session_id)
        sessions = sessions.where(sessions.valid.any(1))
        if self.wanted is None:
            if known > len(sessions):
                log.info("%s: %d of %d sessions hold no tokens: left out", self.path.name, known - len(sessions), known)
            return sessions if self.split is None else sessions.where(sessions.split == self.split)
        rows = {name: row for row, name in enumerate(sessions.session_id)}
        for name in self.wanted:
            self._check(name, rows, sessions, store)
        return sessions.where(np.array([rows[name] for name in self.wanted], int))

    def _check(self, name: str, rows: dict[str, int], sessions: Tokens, store: TokenStore) -> None:
        """Raise ValueError if the session `name` is not there, was refused, or is of another split."""
        if name not in rows:
            reason = store.refused().get(name, "it is not in this store, or no 10 s of it are valid")
            raise ValueError(f"{self.path.name}: session {name!r} cannot be had: {reason}")
        if self.split not in (None, split := sessions.split[rows[name]]):
            raise ValueError(f"{self.path.name}: session {name!r} is of split {split}, not of {self.split}")
