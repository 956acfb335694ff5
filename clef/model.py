"""The public model: whatever a run folder holds, ready to embed recordings, sessions and token stores.

model = clef.load("RUN")
model.embed("recording.edf")        # (1, D) float32
model.text(["generalised slowing"]) # (1, P) float32
"""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional as F

from clef.network.alignment import Alignment
from clef.network.encoder import Encoder
from tokenizer.base.files import fingerprint
from tokenizer.store import Tokens, TokenStore
from tokenizer.stretches import cut
from tokenizer.tokens import tokenise
from tokenizer.vqgan import VQGAN

Kind = Literal["trained", "untrained", "codes"]


@dataclasses.dataclass
class Model:
    """Tokenizer, encoder and alignment heads of one run; heads are None for a stage=recon run."""

    vqgan: VQGAN
    encoder: Encoder
    heads: Alignment | None = None

    def embed(self, source: Any, tokens: bool = False, pool: str | None = None) -> np.ndarray:
        """Embed a recording (path), Session, mne Raw, or every session of a TokenStore.

        Returns (n, D) float32; with `tokens=True` the state of every token, (n, 2048, width), zero where invalid.
        Raises ValueError with one line if a recording cannot be read or a store is from another tokenizer.
        """
        sessions = self.tokenise(source)
        if tokens:
            return np.concatenate(list(self._states(sessions)))
        return self.embed_tokens(sessions, pool)

    def tokenise(self, source: Any) -> Tokens:
        """Tokens of any source `embed` takes, or of a `Reading`."""
        if isinstance(source, Tokens):
            return source
        if isinstance(source, TokenStore):
            if source.fingerprint != self.encoder.about.get("tokenizer"):
                raise ValueError(
                    f"{source.path.name}: made with tokenizer {source.fingerprint}, the model was trained on tokens of "
                    f"{self.encoder.about.get('tokenizer')}; encode the recordings with the model's own (tokenizer=RUN)"
                )
            return source.load()
        one = tokenise(source, self.vqgan)
        return Tokens(one.tokens[None], one.valid[None], np.array(["session"]), np.zeros(1, np.int64), np.array([""]))

    @torch.inference_mode()
    def embed_tokens(
        self, sessions: Tokens, pool: str | None = None, kind: Kind = "trained", batch: int = 16, layer: str = "encoder"
    ) -> np.ndarray:
        """Session embeddings (n, D) float32 of tokens; `kind` picks the controls of a benchmark.

        `layer`: any of `Encoder.layer_names()`; the encoder's last states unless told otherwise.

        untrained: the same encoder with fresh weights · codes: the mean code vector per row, no encoder at all
        """
        encoder = self._untrained() if kind == "untrained" else self.encoder
        parts: dict[int, np.ndarray] = {}
        for rows, part in by_length(sessions, batch):
            tokens, valid = (part[k].to(encoder.codes.device) for k in ("tokens", "valid"))
            vectors = (
                code_means(encoder, tokens, valid) if kind == "codes" else encoder.embed(tokens, valid, pool, layer)
            )
            parts |= dict(zip(rows, vectors.cpu().numpy(), strict=True))
        return np.stack([parts[i] for i in range(len(sessions))])

    @torch.inference_mode()
    def _states(self, sessions: Tokens) -> Iterator[np.ndarray]:
        rows, columns = sessions.tokens.shape[1:]
        for i in range(len(sessions)):
            valid = torch.from_numpy(sessions.valid[i : i + 1]).to(self.encoder.codes.device)
            tokens = torch.from_numpy(sessions.tokens[i : i + 1].astype(np.int64)).to(valid.device)
            states = self.encoder(tokens, valid)
            yield states.float().cpu().numpy().reshape(1, rows * columns, -1)

    def about(self, kind: Kind, pool: str, layer: str) -> dict[str, Any]:
        """What an embedding file says of how it was made."""
        return {
            "kind": kind,
            "pool": pool,
            "layer": layer,
            "stage": self.encoder.about.get("stage"),
            "tokenizer": self.encoder.about.get("tokenizer"),
            "encoder": dataclasses.asdict(self.encoder.config),
            "torch": torch.__version__,
        }

    def _untrained(self) -> Encoder:
        """An encoder of the same size and codes, with the weights it would have started from."""
        torch.manual_seed(0)
        fresh = Encoder(self.encoder.config, self.encoder.codes.cpu(), self.encoder.rows)
        fresh.attention = self.encoder.attention
        return fresh.to(self.encoder.codes.device).eval()

    def text(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors (n, P) of texts in the space reports share with sessions. Raises ValueError without heads."""
        return self._heads().text(list(texts)).cpu().numpy()

    @torch.inference_mode()
    def similarity(self, sessions: Any, texts: Sequence[str]) -> np.ndarray:
        """Cosine similarity (n, m) of sessions (a source, or embeddings (n, D)) with texts."""
        heads = self._heads()
        vectors = sessions if isinstance(sessions, np.ndarray) else self.embed(sessions)
        if heads.to_report is None:
            raise ValueError("this model was aligned without reports: it cannot compare sessions with text")
        projected = heads.to_report(torch.from_numpy(vectors).to(heads.to_report.weight.device))
        return F.normalize(projected, dim=-1).cpu().numpy() @ self.text(texts).T

    def _heads(self) -> Alignment:
        if self.heads is None:
            raise ValueError("this model has no alignment heads; train them with `python -m clef.pretrain stage=align`")
        return self.heads

    def to(self, device: str | torch.device) -> "Model":
        """Move every part to a device."""
        for part in (self.vqgan, self.encoder, self.heads):
            if part is not None:
                part.to(device)
        return self

    @property
    def fingerprint(self) -> str:
        """A short name for the encoder's configuration and weights."""
        from safetensors.torch import save

        tensors = {k: v.cpu().contiguous() for k, v in self.encoder.state_dict().items()}
        return fingerprint(repr(sorted(self.encoder.describe().items(), key=str)), save(tensors))


def code_means(encoder: Encoder, tokens: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Mean code vector per row over valid columns: tokens (B, R, W), valid (B, W) -> (B, R·E) float32."""
    share = valid.float() / valid.sum(1, keepdim=True).clamp_min(1)
    return torch.einsum("brwe,bw->bre", encoder.codes[tokens], share).flatten(1)


def by_length(sessions: Tokens, batch: int) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """Batches of sessions of like length, without the padding they share."""
    ends = np.array([int(np.flatnonzero(v)[-1]) + 1 if v.any() else 1 for v in sessions.valid])
    order = np.argsort(ends, kind="stable")
    for i in range(0, len(order), batch):
        rows = order[i : i + batch].tolist()
        yield rows, cut(sessions, rows, [slice(0, int(ends[r])) for r in rows])


def load(path: str | os.PathLike) -> Model:
    """Load a model: a run folder, its `model/`, or a hub repository's local copy.

    Raises ValueError with one line if a part is missing, damaged or does not fit.
    """
    folder = Path(path) / "model" if (Path(path) / "model").is_dir() else Path(path)
    if not (folder / "encoder").is_dir():
        raise ValueError(
            f"{path}: no encoder here; give the folder of a finished stage=recon or stage=align run (or its model/)"
        )
    vqgan = VQGAN.from_pretrained(str(folder / "tokenizer"))
    encoder = Encoder.from_pretrained(str(folder / "encoder"))
    heads = Alignment.from_pretrained(str(folder / "align")) if (folder / "align").is_dir() else None
    if not torch.equal(vqgan.codebook.vectors, encoder.codes):
        raise ValueError(f"{folder}: encoder/ reads tokens of another tokenizer/; copy the model folder again")
    if heads is not None and heads.embedding != encoder.output:
        raise ValueError(
            f"{folder}: align/ takes embeddings of {heads.embedding} numbers, encoder/ gives {encoder.output}; "
            f"copy the model folder again"
        )
    return Model(vqgan, encoder, heads)
