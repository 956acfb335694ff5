"""The public model: whatever a run folder holds, ready to embed recordings, sessions and token stores.

model = clef.load("RUN")            # clef.load(): clef-open, where `make open` made it
model.embed("recording.edf")        # (1, D) float32
model.embed("archive/")             # (n, D), a row for every recording in it
model.embeddings("archive/")        # the same with a name for every row, ready to be written or scored
model.text(["generalised slowing"]) # (1, P) float32
model.similarity("tokens.zarr", ["spikes", ["focal slowing", "a slow focus"]])  # (n, 2), the second of two wordings
"""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch.nn import functional as F

from clef.bundle import model_folder
from clef.embeddings import Embeddings, read_embeddings
from clef.network.alignment import Alignment
from clef.network.encoder import Encoder
from clef.network.pooling import pooled, pooled_width
from clef.readout import Kind, Readout, named_head, parts_of, readout
from clef.reports.rules import normalise
from clef.sources import Gathered, OnError, Options, check_choice, gather, reading_config, store_tokens
from tokenizer.base.files import fingerprint
from tokenizer.store import Tokens, TokenStore
from tokenizer.stretches import cut, shuffled_minutes
from tokenizer.tokens import tokenise
from tokenizer.vqgan import VQGAN

TEXTS = 256
"""Texts that are encoded at once."""


@dataclasses.dataclass
class Model:
    """Tokenizer, encoder and alignment heads of one run; heads are None for a stage=recon run."""

    vqgan: VQGAN
    encoder: Encoder
    heads: Alignment | None = None

    def embed(
        self,
        source: Any,
        tokens: bool = False,
        pool: str | None = None,
        *,
        head: str | None = None,
        norm: str | None = None,
        level: bool | None = None,
        on_error: OnError = "raise",
        workers: int = 1,
        channels: Sequence[str] | None = None,
        **reading: Any,
    ) -> np.ndarray:
        """Vectors (n, D) float32 of n sessions in the order given; with `tokens=True` token states (n, 2048, width).

        source: a path; a folder (all recordings in and below it, by path), a cohort folder (its sessions, in the order
            of the table) or a token store; a tokenizer.Session; an mne Raw, or Epochs, each of which is a session; an
            array (channels, samples) with `rate` in Hz and `channels`, the names of its rows, in µV unless `unit` says
            otherwise; a TokenStore; or a list of these
        pool, head, norm, level: as in `clef.readout`; by default the heads of a model that has any, else rows+sd
        on_error: what cannot be used stops everything ("raise"), or becomes a row of NaN ("nan") and is logged
        workers: processes that read files beside this one · reading: fields of `ReadingConfig`, as in `tokenizer.read`
        Raises RecordingError with one line that names the first recording that cannot be used, ValueError with one line
        for what is no source, or a store from another tokenizer.
        """
        check_choice("on_error", on_error, get_args(OnError))
        how = self.readout("trained", readout(pool=pool, head=head, norm=norm, level=level))
        gathered = self._gather(source, on_error, workers, channels, reading)
        return self._states(gathered) if tokens else self._vectors(gathered, how)

    def embeddings(
        self,
        source: Any,
        name: str = "clef",
        pool: str | None = None,
        *,
        head: str | None = None,
        norm: str | None = None,
        level: bool | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        workers: int = 1,
        channels: Sequence[str] | None = None,
        **reading: Any,
    ) -> Embeddings:
        """As `embed`, with a name for every row: what `write_embeddings` writes and `benchmark.score` scores.

        Names: a file's path below the folder, or below the folder that the files of a list share; session_id where
        there is one; else the place in the list. on_error="skip" leaves out what cannot be used, and logs it.
        """
        check_choice("on_error", on_error, ("raise", "skip"))
        how = self.readout("trained", readout(pool=pool, head=head, norm=norm, level=level))
        gathered = self._gather(source, on_error, workers, channels, reading)
        kept = gathered.reasons == ""
        if not kept.any():
            raise ValueError(f"none of {len(kept)} sessions could be used; the first: {gathered.reasons[0]}")
        names = gathered.tokens.session_id[kept].tolist()
        if twice := [each for each, count in Counter(names).items() if count > 1]:
            raise ValueError(f"{twice[0]}: given twice; expected every session once, so that a row has its own name")
        trained_on = self.encoder.about.get("trained_on", {})
        vectors, about = self._vectors(gathered, how)[kept], self.about("trained", how)
        return Embeddings(names, vectors, name, self.fingerprint, about, trained_on)

    def tokenise(self, source: Any, blank_below: float = 0.0) -> Tokens:
        """Tokens of one recording, `Session`, mne Raw or `Reading`, or of the sessions that a TokenStore holds.

        Bins of a recording below `blank_below` Hz are set to the training mean. A store's sessions that were refused
        when it was made are not among them; `embed` says so, or keeps their rows.
        """
        if isinstance(source, Tokens):
            return source
        if isinstance(source, TokenStore):
            return store_tokens(source, self.encoder.about.get("tokenizer"))
        one = tokenise(source, self.vqgan, blank_below=blank_below)
        nobody, level = np.zeros(1, np.int64), np.array([one.level], np.float32)
        names, split = np.array(["session"]), np.array([""])
        return Tokens(one.tokens[None], one.valid[None], names, nobody, split, level, one.channel_ok[None])

    def _gather(
        self, source: Any, on_error: str, workers: int, channels: Sequence[str] | None, reading: dict[str, Any]
    ) -> Gathered:
        options = Options(on_error, workers, channels, reading_config(reading))
        return gather(source, self.vqgan, self.encoder.about.get("tokenizer"), options)

    def _vectors(self, gathered: Gathered, how: Readout) -> np.ndarray:
        """Vectors (n, D), NaN where a session has no tokens."""
        vectors = np.full((len(gathered.reasons), self.width("trained", how)), np.nan, np.float32)
        if (kept := gathered.reasons == "").any():
            vectors[kept] = self.read(gathered.tokens.where(kept), how)
        return vectors

    @torch.inference_mode()
    def _states(self, gathered: Gathered) -> np.ndarray:
        """The state of every token (n, N, width), 0 where a token is invalid, NaN where a session has none."""
        sessions = gathered.tokens
        rows, columns = sessions.tokens.shape[1:]
        states = np.full((len(sessions), rows * columns, self.encoder.config.width), np.nan, np.float32)
        for i in np.flatnonzero(gathered.reasons == ""):
            valid = torch.from_numpy(sessions.valid[i : i + 1]).to(self.encoder.codes.device)
            tokens = torch.from_numpy(sessions.tokens[i : i + 1].astype(np.int64)).to(valid.device)
            states[i] = self.encoder(tokens, valid)[0].float().cpu().numpy()
        return states

    def embed_tokens(
        self, sessions: Tokens, pool: str | None = None, kind: Kind = "trained", batch: int = 16, layer: str = "encoder"
    ) -> np.ndarray:
        """Pooled states (n, D) float32 of tokens, of whatever layer, as `read`; by default as the heads take them."""
        how = Readout(pool=pool or self.encoder.config.pool, head="none", layer=layer)
        return self.read(sessions, how, kind, batch)

    @torch.inference_mode()
    def read(self, sessions: Tokens, how: Readout | None = None, kind: Kind = "trained", batch: int = 16) -> np.ndarray:
        """Embeddings (n, D) float32 of tokens; `kind` picks the controls of a benchmark.

        untrained: the same encoder with fresh weights · codes: the tokenizer's code vectors, no encoder at all
        """
        how = self.readout(kind, how)
        if how.shuffle == "minutes":
            sessions = shuffled_minutes(sessions)
        encoder = self._untrained() if kind == "untrained" else self.encoder
        parts: dict[int, np.ndarray] = {}
        for rows, part in by_length(sessions, batch):
            tokens, valid = (part[k].to(encoder.codes.device) for k in ("tokens", "valid"))
            if kind == "codes":
                vectors = pooled(encoder.codes[tokens], valid, how.pool)
            else:
                vectors = self._through_heads(encoder.embed(tokens, valid, how.pool, how.layer), how.head)
            vectors = F.normalize(vectors, dim=-1) if how.norm == "unit" else vectors
            parts |= dict(zip(rows, vectors.cpu().numpy(), strict=True))
        vectors = np.stack([parts[i] for i in range(len(sessions))])
        return np.concatenate([vectors, known_level(sessions)[:, None]], axis=1) if how.level else vectors

    def _through_heads(self, vectors: torch.Tensor, head: str) -> torch.Tensor:
        """Pooled states (B, D) as unit vectors in the spaces of `head`, side by side; themselves for none."""
        spaces = [self._in_space(name, vectors) for name in parts_of(head)]
        return torch.cat(spaces, 1) if spaces else vectors

    def _in_space(self, name: str, vectors: torch.Tensor) -> torch.Tensor:
        """Pooled states (B, D) as unit vectors (B, P) in a shared space.

        One by one: a product of matrices rounds by how many rows it has, and a session has one embedding.
        """
        project = getattr(self.heads, f"to_{name}")
        return F.normalize(torch.cat([project(vector[None]) for vector in vectors]), dim=-1)

    def readout(self, kind: Kind = "trained", how: Readout | None = None) -> Readout:
        """How this model is read, with no choice left open. Raises ValueError for a head or layer it has not."""
        self.encoder.check_layer((how or Readout()).layer)
        return (how or Readout()).resolved(kind, self.encoder.config.pool, self.head_names)

    @property
    def head_names(self) -> list[str]:
        """Which of report and record it has a head for."""
        heads = self.heads
        return (
            [] if heads is None else [name for name in ("report", "record") if getattr(heads, f"to_{name}") is not None]
        )

    def width(self, kind: Kind = "trained", how: Readout | None = None) -> int:
        """Numbers D of an embedding."""
        how = self.readout(kind, how)
        if how.head != "none":
            return how.level + sum(getattr(self.heads, f"to_{name}").out_features for name in parts_of(how.head))
        per_row = self.encoder.codes.shape[1] if kind == "codes" else self.encoder.config.width
        return how.level + pooled_width(how.pool, self.encoder.rows, per_row)

    def about(self, kind: Kind = "trained", how: Readout | None = None) -> dict[str, Any]:
        """What an embedding file says of how it was made."""
        return {
            "kind": kind,
            **self.readout(kind, how).about(),
            "stage": self.encoder.about.get("stage"),
            "tokenizer": self.encoder.about.get("tokenizer"),
            "encoder": dataclasses.asdict(self.encoder.config),
            "torch": torch.__version__,
            **{key: value for key, value in self.encoder.about.items() if key == "heldout_concepts"},
        }

    def _untrained(self) -> Encoder:
        """An encoder of the same size and codes, with the weights it would have started from."""
        torch.manual_seed(0)
        fresh = Encoder(self.encoder.config, self.encoder.codes.cpu(), self.encoder.rows)
        fresh.attention = self.encoder.attention
        return fresh.to(self.encoder.codes.device).eval()

    def text(self, texts: Sequence[str | Sequence[str]]) -> np.ndarray:
        """Unit vectors (n, P) of texts in the space reports share with sessions.

        An entry that is a list of texts becomes one vector: the mean of their unit vectors, made a unit vector again.
        Raises ValueError without heads, or for a list with no text in it.
        """
        return text_vectors(self.aligned(), texts)

    def similarity(self, sessions: Any, texts: Sequence[str | Sequence[str]], **options: Any) -> np.ndarray:
        """Cosine similarity (n, m) of sessions with texts, each of which may be a list of wordings, as in `text`.

        sessions: whatever `report_vectors` takes, with its `options`.
        """
        return self.report_vectors(sessions, **options) @ self.text(texts).T

    @torch.inference_mode()
    def report_vectors(self, sessions: Any, **options: Any) -> np.ndarray:
        """Unit vectors (n, P) of sessions in the space that they share with reports.

        sessions: whatever `embed` takes, with its `options`; or vectors that this model made: (n, D), `Embeddings`, or
        the path of an embedding file or of an index (`python -m clef.search index=FILE`), whose vectors are these.
        Raises ValueError with one line if they are another model's, or read so that this space is not in them.
        """
        if self.aligned().to_report is None:
            raise ValueError("this model was aligned without reports: it cannot compare sessions with text")
        if isinstance(sessions, str | Path) and Path(sessions).suffix.lower() == ".parquet":
            sessions = read_embeddings(sessions)
        if isinstance(sessions, Embeddings):
            self._check_ours(sessions)
            return self._report_part(sessions.vectors[:, : -1 if sessions.config.get("level") else None])
        is_signal = bool({"rate", "channels"} & set(options))
        if isinstance(sessions, np.ndarray) and sessions.dtype.kind == "f" and not is_signal:
            return self._report_part(sessions.astype(np.float32, copy=False))
        return self.embed(sessions, head="report", **options)

    def _report_part(self, vectors: np.ndarray) -> np.ndarray:
        """What embeddings (n, D) of this model hold of the space of reports, or become there: unit vectors (n, P)."""
        project, pooled_states = self.aligned().to_report, self.encoder.output
        shared = project.out_features
        at_heads = {shared, self.width(how=Readout(head=named_head(self.head_names)))}
        sizes = {pooled_states, 2 * pooled_states} if self.encoder.config.pool == "rows" else {pooled_states}
        if vectors.ndim != 2 or vectors.shape[1] not in at_heads | sizes:
            raise ValueError(
                f"an array {vectors.shape}; expected vectors of this model, (n, D) with D one of "
                f"{', '.join(map(str, sorted(at_heads | sizes)))}, or samples (channels, n) with rate= and channels="
            )
        lengths = np.linalg.norm(vectors[:, :shared], axis=1)
        if vectors.shape[1] in at_heads and np.allclose(lengths, lengths[:1], rtol=1e-3):  # pooled states are not
            return vectors[:, :shared] / np.maximum(lengths, 1e-12)[:, None]
        states = torch.tensor(vectors[:, :pooled_states])  # rows+sd starts with the means that the heads take
        return self._in_space("report", states.to(project.weight.device)).cpu().numpy()

    def _check_ours(self, embeddings: Embeddings) -> None:
        """Raise ValueError unless this model made these vectors, read so that the space of reports is in them."""
        if embeddings.model != self.fingerprint:
            raise ValueError(
                f"{embeddings.name}: embeddings of model {embeddings.model or 'unknown'}, this one is "
                f"{self.fingerprint}; embed the sessions with this model"
            )
        pool, head = self.encoder.config.pool, embeddings.config.get("head", "none")
        due = {"kind": ("trained",), "layer": ("encoder",), "shuffle": ("none",), "head": ("none", "report", "both")}
        if head == "none":
            due |= {"pool": (pool, "rows+sd") if pool == "rows" else (pool,), "norm": ("none",)}
        for key, values in due.items():
            if embeddings.config.get(key, values[0]) not in values:
                raise ValueError(
                    f"{embeddings.name}: embeddings with {key}={embeddings.config[key]}; texts are compared with "
                    f"{key}={values[0]}; embed the sessions with that"
                )

    def aligned(self) -> Alignment:
        """The alignment heads. Raises ValueError if this model has none."""
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


def text_vectors(heads: Alignment, texts: Sequence[str | Sequence[str]]) -> np.ndarray:
    """Unit vectors (n, P) of texts, as `Model.text`."""
    lists = [[entry] if isinstance(entry, str) else list(entry) for entry in texts]
    if not all(lists):
        raise ValueError(f"text {lists.index([]) + 1} of {len(lists)} is an empty list; give each at least one text")
    prompts = [normalise(prompt) for entry in lists for prompt in entry]  # in the spelling of the summaries
    if not prompts:
        return np.zeros((0, heads.to_report.out_features if heads.to_report else 0), np.float32)
    parts = [heads.text(prompts[i : i + TEXTS]).cpu() for i in range(0, len(prompts), TEXTS)]
    means = [some.mean(0) for some in torch.cat(parts).split([len(entry) for entry in lists])]
    return F.normalize(torch.stack(means), dim=-1).numpy()


def known_level(sessions: Tokens) -> np.ndarray:
    """The level (n,) in dB of every session. Raises ValueError with one line if one has none."""
    if not (known := np.isfinite(sessions.level)).all():
        raise ValueError(
            f"level=true: {int((~known).sum())} of {len(known)} sessions have no level (first: "
            f"{sessions.session_id[~known][0]}); token stores of format 2 have none: run `tokenizer.encode` again"
        )
    return sessions.level


def by_length(sessions: Tokens, batch: int) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """Batches of sessions of like length, without the padding they share."""
    ends = np.array([int(np.flatnonzero(v)[-1]) + 1 if v.any() else 1 for v in sessions.valid])
    order = np.argsort(ends, kind="stable")
    for i in range(0, len(order), batch):
        rows = order[i : i + batch].tolist()
        yield rows, cut(sessions, rows, [slice(0, int(ends[r])) for r in rows])


def load(path: str | os.PathLike | None = None) -> Model:
    """Load a model: a run folder, its `model/`, a hub repository's local copy; without one `clef-open`, our own.

    Raises ValueError with one line if a part is missing, damaged or does not fit.
    """
    path = model_folder(path)
    folder = path / "model" if (path / "model").is_dir() else path
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
