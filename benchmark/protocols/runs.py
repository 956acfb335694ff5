"""Runs that are compared: each one's sessions, reports and records as vectors, read where alignment put them.

A run of stage=recon has pooled states alone. One of stage=align has, besides, a space for each head it was given: the
session's projection beside the report's or the record's vector, all of unit length.

Shapes: n sessions · m partners · P shared width · D pooled states.
"""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch.nn import functional as F

from clef.cohort import Cohort
from clef.descriptions.captions import captions_of
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.model import Model, load
from clef.network.attention import choose
from clef.readout import Readout, named_head
from clef.reports.summarisers import report_summaries
from clef.training.run import finished_model
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track
from tokenizer.base.values import read_yaml
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)

PART = 256  # sessions or partners between two steps of a progress bar


@dataclasses.dataclass
class AlignedRun:
    """One run with its sessions' pooled states, and what its folder says of how it was trained.

    settings: `align` of its config.yaml, empty for recon and for a bare model folder
    """

    name: str
    model: Model
    pooled: Embeddings
    settings: dict[str, Any]

    @property
    def partners(self) -> tuple[str, ...]:
        """Which of report and record it has a head for."""
        return tuple(self.model.head_names)

    @torch.inference_mode()
    def sessions_in(self, partner: str) -> np.ndarray:
        """Unit vectors (n, P) of the sessions in the space they share with a partner."""
        project = getattr(self.model.heads, f"to_{partner}")
        return (
            F.normalize(project(torch.from_numpy(self.pooled.vectors).to(project.weight.device)), dim=-1).cpu().numpy()
        )

    def at_heads(self) -> Embeddings:
        """The sessions at all heads side by side (n, P or 2·P), as an embedding that can be scored."""
        vectors = np.concatenate([self.sessions_in(partner) for partner in self.partners], axis=1)
        config = self.pooled.config | {"head": named_head(self.partners)}
        return dataclasses.replace(self.pooled, vectors=vectors, config=config)

    def partner_vectors(self, partner: str, cohort: Cohort) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Names (m) of the sessions that have a report or record, its unit vectors (m, P), and its kind (m,).

        Of one kind are reports whose summaries are equal, and records with the same codes, or without any.
        """
        return self._reports(cohort) if partner == "report" else self._records(cohort)

    def _reports(self, cohort: Cohort) -> tuple[list[str], np.ndarray, np.ndarray]:
        summaries = self._texts(cohort)
        names = list(summaries)
        _, kind = np.unique([summaries[name] for name in names], return_inverse=True)
        vectors = _in_parts(lambda part: self.model.heads.text([summaries[n] for n in part]), names, "reports")
        return names, vectors, kind

    def _texts(self, cohort: Cohort) -> dict[str, str]:
        """By session what it was aligned with, or would have been: a report's summary, or a caption of its signal."""
        if descriptions := self.settings.get("descriptions"):
            return captions_of(descriptions, pl.Series(self.pooled.session_id))
        mine = cohort.reports.filter(pl.col("session_id").is_in(self.pooled.session_id))
        return report_summaries(mine, self.settings.get("summariser", "rules")) if len(mine) else {}

    def _records(self, cohort: Cohort) -> tuple[list[str], np.ndarray, np.ndarray]:
        encoder = self.model.heads.record
        rows = cohort.sessions.filter(pl.col("session_id").is_in(self.pooled.session_id))
        events = cohort.events.filter(pl.col("subject_id").is_in(rows["subject_id"].unique().implode()))
        records = encoder.vocabulary.encode(rows, events)
        kept = torch.nonzero(records.present)[:, 0].tolist()
        device = encoder.codes.weight.device

        def read(part: Sequence[int]) -> torch.Tensor:
            ids, mask = (each[list(part)].to(device) for each in (records.ids, records.mask))
            return F.normalize(encoder(ids, mask), dim=-1)

        kind = records.kinds().numpy()[kept]
        return [rows["session_id"][i] for i in kept], _in_parts(read, kept, "records"), kind


@torch.inference_mode()
def _in_parts(read: Callable[[Sequence[Any]], torch.Tensor], items: Sequence[Any], label: str) -> np.ndarray:
    """Vectors (m, P) of many items, with a progress bar; (0, 0) of none."""
    starts = range(0, len(items), PART)
    parts = [read(items[i : i + PART]).float().cpu().numpy() for i in track(starts, label, len(starts))]
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def read_run(
    name: str,
    folder: Path,
    store: TokenStore,
    sessions: Sequence[str],
    keep: Path,
    device: torch.device,
    batch: int = 16,
) -> AlignedRun:
    """A run with the pooled states of the `sessions` of a token store, made once and kept in the file `keep`.

    Raises ValueError (one line) if there is no finished run, or the tokens are another tokenizer's.
    """
    model = load(finished_model(folder)).to(device)
    model.encoder.attention = choose("auto", device.type)
    tokens = model.tokenise(store)
    tokens = tokens.where(np.isin(tokens.session_id.astype(str), np.array(sessions, str)))
    config = folder / "config.yaml"
    settings = (read_yaml(config) or {}).get("align", {}) if config.is_file() and model.heads is not None else {}
    about = model.about("trained", Readout(pool=model.encoder.config.pool, head="none")) | {"tokens": _digest(store)}
    names = tokens.session_id.tolist()
    if (pooled := _kept(keep, model.fingerprint, about, names)) is None:
        vectors = _embed(model, tokens, batch, name)
        trained_on = model.encoder.about.get("trained_on", {})
        pooled = Embeddings(names, vectors, name, model.fingerprint, about, trained_on)
        write_embeddings(keep, pooled)
    return AlignedRun(name, model, dataclasses.replace(pooled, name=name), settings)


def _embed(model: Model, tokens: Tokens, batch: int, name: str) -> np.ndarray:
    number = np.arange(len(tokens)) // PART
    parts = [number == i for i in range(number[-1] + 1)]
    embedded = [model.embed_tokens(tokens.where(part), batch=batch) for part in track(parts, f"embed {name}")]
    return np.concatenate(embedded)


def _kept(path: Path, model: str, about: dict[str, Any], names: list[str]) -> Embeddings | None:
    """The embeddings of the sessions `names` that an earlier start wrote, if it did, of this model and these tokens."""
    if not path.is_file():
        return None
    try:
        stored = read_embeddings(path)
    except ValueError as error:
        log.warning("%s; made again", error)
        return None
    row = {name: i for i, name in enumerate(stored.session_id)}
    if stored.model != model or stored.config != about or not set(names) <= row.keys():
        return None
    return dataclasses.replace(stored, session_id=names, vectors=stored.vectors[[row[name] for name in names]])


def _digest(store: TokenStore) -> str:
    """A name for a store: whose sessions, how they were read, by which tokenizer."""
    return fingerprint(store.fingerprint, str(store.attributes.get("digest", "")), "\n".join(store.session_id))
