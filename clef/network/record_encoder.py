"""The patient's record around a session -> a set of ids -> one vector.

    sessions, events -> ids (n, 2 + 30 + 50): age, sex, ICD-10 codes, ATC codes -> embeddings (B, M, W), no positions
    -> Transformer -> masked mean (B, W) -> (B, out)

The paper (arXiv 2605.10817) encodes age, sex, at most 30 ICD-10 and 50 ATC codes as an unordered set. Ours: age in
decades, ICD-10 codes cut to their category (3 characters), codes known up to 90 days after the session. With
`hierarchy` an entry is the sum of its code's prefixes (Choi et al. 2017, arXiv 1611.07012, there with attention). Only
codes of the two classifications are ever read: findings and labels, which the benchmark asks for, cannot come in.
"""

import dataclasses
import logging
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from torch import nn
from torch.nn import functional

from clef.codes import normalise_code, prefixes
from clef.network.report_encoder import PooledTransformer
from tokenizer.base.hub import check_entry, check_keys, check_part
from tokenizer.base.limits import SHARE, check_settings, is_texts

log = logging.getLogger(__name__)

AGE_BINS = 10  # decades: 0-9 … 80-89, 90 and more
AGE, SEX = 1, 1 + AGE_BINS + 1  # id 0 is padding; ten bins and "unknown"; F, M and "unknown"
CODES = SEX + 3  # the first id of a code


@dataclasses.dataclass
class RecordConfig:
    """What is read of the record, and the size of its encoder."""

    width: int = 512
    """Width of the Transformer."""
    layers: int = 4
    """Number of Transformer layers."""
    heads: int = 8
    """Attention heads per layer; divides the width."""
    dropout: float = 0.0
    """Dropout in the Transformer layers."""
    output: int = 512
    """Width of the vector that is aligned with the EEG's."""
    min_count: int = 5
    """A code is learned if at least so many training subjects have it."""
    icd10_codes: int = 30
    """Most ICD-10 codes of one session; the most recent are kept."""
    atc_codes: int = 50
    """Most ATC codes of one session; the most recent are kept."""
    icd10_characters: int = 3
    """Characters an ICD-10 code is cut to, the dot not counted: 3 is the category (G40), 7 the whole code."""
    atc_characters: int = 7
    """Characters an ATC code is cut to: 5 is the chemical group (N03AX), 7 the substance."""
    window: Literal["until", "before", "around", "ever"] = "until"
    """Codes of a session: until (up to days_after after its start), before or around it (days), or ever recorded."""
    days_after: int = 90
    """window=until: codes entered up to so many days after the session started belong to it."""
    days: int = 90
    """window=before and around: codes entered at most so many days before the start, or before and after it."""
    hierarchy: bool = False
    """A code is the sum of its prefixes (letter, category, whole; levels of ATC): rare ones share and are not lost."""


LIMITS = {
    **{"width": (1, 4096), "layers": (1, 64), "heads": (1, 256), "output": (1, 4096), "dropout": SHARE},
    **{"min_count": (1, 1 << 31), "icd10_codes": (0, 1000), "atc_codes": (0, 1000)},
    **{"icd10_characters": (3, 7), "atc_characters": (1, 7), "days_after": (-36525, 36525), "days": (0, 36525)},
}
MOST_CODES = 200_000
"""ICD-10-CM and ATC together have half as many."""


@dataclasses.dataclass
class EncodedRecords:
    """The records of n sessions, in the order of the session table, on the CPU.

    ids: (n, M) int64, columns age, sex, ICD-10 codes, ATC codes · mask: (n, M) bool, False at padding
    present: (n,) bool, False where neither age nor sex nor a code is known
    left_out: how many code entries were not used and why: unknown, too_many, undated_session
    """

    ids: torch.Tensor
    mask: torch.Tensor
    present: torch.Tensor
    left_out: dict[str, int]

    def kinds(self) -> torch.Tensor:
        """A number (n,) int64 for each record, the same for records that hold the same entries; 0 without a code."""
        known = np.sort(self.ids.numpy(), axis=1)  # a set: the codes stand by time
        known[~(self.ids[:, 2:] > 0).any(1).numpy()] = 0
        numbers = {bytes(known.shape[1] * 8): 0}
        return torch.tensor([numbers.setdefault(row.tobytes(), len(numbers)) for row in known], dtype=torch.int64)


def _concept(code: str, config: RecordConfig) -> str | None:
    """The code as the encoder knows it: normalised and cut to the configured length."""
    code = normalise_code(code) if "//" in code else None  # a bare word among events is of no known classification
    if code is None:
        return None
    system, value = code.split("//")
    if system == "ATC":
        return f"ATC//{value[: config.atc_characters]}"
    value = value.replace(".", "")[: config.icd10_characters]
    return normalise_code(f"ICD10CM//{value}")


@dataclasses.dataclass
class RecordVocabulary:
    """Which codes have an embedding: id CODES + i is `codes[i]`. Made with `fit` on training subjects, kept as JSON."""

    config: RecordConfig
    codes: list[str]

    def __len__(self) -> int:
        return CODES + len(self.codes)

    @classmethod
    def fit(
        cls, sessions: pl.DataFrame, events: pl.DataFrame, config: RecordConfig | None = None
    ) -> "RecordVocabulary":
        """Learn the codes that at least `min_count` subjects of the train split have; other subjects are not looked at.

        sessions, events: tables as `read_sessions` and `clef.cohort.read_events` return them. With `hierarchy` prefixes
        are learned like codes.
        """
        config = config or RecordConfig()
        train = sessions.filter(pl.col("split") == "train")
        known, concepts, _ = _known_codes(train, events, config)
        parts = [(i, part) for i, concept in enumerate(concepts) for part in _parts(concept, config)]
        parts = pl.DataFrame(parts, schema={"concept": pl.Int32, "code": pl.String}, orient="row")
        counts = known.join(parts, on="concept").group_by("code").agg(pl.col("subject_id").n_unique())
        return cls(config, sorted(counts.filter(pl.col("subject_id") >= config.min_count)["code"]))

    def encode(self, sessions: pl.DataFrame, events: pl.DataFrame) -> EncodedRecords:
        """The records of `sessions` (any split), with the codes of each one's window.

        Undated codes are of every window. Of a session without a start time only these are known, but in window=ever; a
        warning says how many others there were.
        """
        known, concepts, undated = _known_codes(sessions, events, self.config)
        learned = known.join(self._table(concepts), on="concept")
        unknown = len(known) - len(learned)
        if self.config.hierarchy:  # two rare codes may be known by the same prefix
            learned = learned.group_by("row", "id", "system").agg(pl.col("time").max())
        ids = np.zeros((len(sessions), 2 + self.config.icd10_codes + self.config.atc_codes), np.int64)
        ids[:, 0], ids[:, 1] = _age_ids(sessions["age"]), _sex_ids(sessions["sex"])
        kept, first = 0, 2
        for system, most in (("ICD10CM", self.config.icd10_codes), ("ATC", self.config.atc_codes)):
            chosen = _most_recent(learned.filter(pl.col("system") == system), most)
            ids[chosen["row"].to_numpy(), first + chosen["place"].to_numpy()] = chosen["id"].to_numpy()
            kept, first = kept + len(chosen), first + most
        left_out = {"unknown": unknown, "too_many": len(learned) - kept, "undated_session": undated}
        _log_left_out(left_out)
        person = (ids[:, 0] != AGE + AGE_BINS) | (ids[:, 1] != SEX + 2)
        present = torch.from_numpy(person | (ids[:, 2:] > 0).any(axis=1))
        return EncodedRecords(torch.from_numpy(ids), torch.from_numpy(ids > 0), present, left_out)

    def _table(self, concepts: list[str]) -> pl.DataFrame:
        """The id and system of those `concepts` that were learned, or the longest prefix of them, by their index."""
        number = {code: CODES + i for i, code in enumerate(self.codes)}
        learned = [[number[p] for p in _parts(concept, self.config) if p in number] for concept in concepts]
        rows = [(i, ids[-1], concepts[i].split("//")[0]) for i, ids in enumerate(learned) if ids]
        return pl.DataFrame(rows, schema={"concept": pl.Int32, "id": pl.Int32, "system": pl.Categorical}, orient="row")

    def families(self) -> torch.Tensor:
        """For each id (len, depth) int64 the ids whose embeddings are summed for it, zeros after the last."""
        number = {code: CODES + i for i, code in enumerate(self.codes)}
        families = [[i] for i in range(CODES)]
        families += [[number[p] for p in _parts(code, self.config) if p in number] for code in self.codes]
        depth = max(map(len, families))
        return torch.tensor([family + [0] * (depth - len(family)) for family in families])

    def to_json(self) -> dict[str, Any]:
        """The vocabulary as plain values."""
        return {"config": dataclasses.asdict(self.config), "codes": self.codes}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "RecordVocabulary":
        """The vocabulary that `to_json` wrote."""
        return cls(RecordConfig(**value["config"]), list(value["codes"]))


def _parts(concept: str, config: RecordConfig) -> list[str]:
    """What is learned of a concept, the widest first: itself alone, or its prefixes too."""
    return prefixes(concept) if config.hierarchy else [concept]


def _in_window(config: RecordConfig) -> pl.Expr:
    """Whether a code's `time` lies in the window of the session that starts at `start_time`; null if one is unknown."""
    time, start = pl.col("time"), pl.col("start_time")
    near = pl.duration(days=config.days)
    windows = {
        "until": time <= start + pl.duration(days=config.days_after),
        "before": (time <= start) & (time >= start - near),
        "around": (time <= start + near) & (time >= start - near),
        "ever": pl.lit(True),
    }
    return windows[config.window]


def _known_codes(
    sessions: pl.DataFrame, events: pl.DataFrame, config: RecordConfig
) -> tuple[pl.DataFrame, list[str], int]:
    """Each code known at each session, once, with its latest time: row of the session, subject_id, concept, time.

    Also the names of the concepts, which the table gives by index (numbers join fast), and how many dated codes could
    not be placed because their session has no start.
    """
    concept_of = {code: _concept(code, config) for code in events["code"].unique()}  # each code is understood once
    concepts = sorted({concept for concept in concept_of.values() if concept})
    index = {concept: i for i, concept in enumerate(concepts)}
    table = [(code, index[concept]) for code, concept in concept_of.items() if concept]
    table = pl.DataFrame(table, schema={"code": pl.String, "concept": pl.Int32}, orient="row")
    entries = events.join(table, on="code").select("subject_id", "concept", "time").unique()
    pairs = sessions.select("subject_id", "start_time").with_row_index("row").join(entries, on="subject_id")
    visible = pairs.filter(pl.col("time").is_null() | _in_window(config))
    undated = pairs.filter(pl.col("start_time").is_null() & pl.col("time").is_not_null() & _in_window(config).is_null())
    known = visible.group_by("row", "concept").agg(pl.col("subject_id").first(), pl.col("time").max())
    return known, concepts, len(undated)


def _most_recent(codes: pl.DataFrame, most: int) -> pl.DataFrame:
    """The `most` recent codes of each row and their place 0, 1, …; undated ones come last, ties go by id."""
    codes = codes.sort("row", "time", "id", descending=[False, True, False], nulls_last=True)
    return codes.with_columns(place=pl.int_range(pl.len()).over("row")).filter(pl.col("place") < most)


def _age_ids(age: pl.Series) -> np.ndarray:
    years = age.to_numpy().astype(np.float64)  # null becomes NaN
    known = np.isfinite(years) & (years >= 0)
    return AGE + np.where(known, np.clip(np.where(known, years, 0) // 10, 0, AGE_BINS - 1), AGE_BINS).astype(np.int64)


def _sex_ids(sex: pl.Series) -> np.ndarray:
    return sex.replace_strict({"F": SEX, "M": SEX + 1}, default=SEX + 2, return_dtype=pl.Int64).to_numpy()


def _log_left_out(left_out: dict[str, int]) -> None:
    log.info("record codes left out: %(unknown)d not learned, %(too_many)d beyond the most recent", left_out)
    if left_out["undated_session"]:
        log.warning("%(undated_session)d dated codes left out: their sessions have no start_time", left_out)


class RecordEncoder(nn.Module):
    """Records -> (B, output), the same for any order of the codes; `to_config` and `state_dict` reload it."""

    def __init__(self, vocabulary: RecordVocabulary) -> None:
        super().__init__()
        check_settings(vocabulary.config, LIMITS, "record_encoder")
        self.vocabulary, config = vocabulary, vocabulary.config
        self.codes = nn.Embedding(len(vocabulary), config.width)
        nn.init.normal_(self.codes.weight, std=0.02)
        self.register_buffer("families", vocabulary.families() if config.hierarchy else None, persistent=False)
        self.trunk = PooledTransformer(config.width, config.layers, config.heads, config.output, config.dropout)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """ids (B, M) int64, mask (B, M) bool -> (B, output)."""
        if self.families is None:
            return self.trunk(self.codes(ids), mask)
        family = self.families[ids.flatten()]  # (B·M, depth)
        entries = functional.embedding_bag(family, self.codes.weight, mode="sum", padding_idx=0)
        return self.trunk(entries.unflatten(0, ids.shape), mask)

    def to_config(self) -> dict[str, Any]:
        """Everything but the tensors, as plain JSON values."""
        return self.vocabulary.to_json()

    @classmethod
    def from_config(cls, value: dict[str, Any]) -> "RecordEncoder":
        """An encoder of the shape `to_config` described, with fresh weights: load its `state_dict` next."""
        return cls(RecordVocabulary.from_json(value))


def check_record_encoder(value: Any, name: str) -> None:
    """Raise ValueError (one line) unless `value` is what `RecordEncoder.to_config` gives; `name`: its model folder."""
    check_keys(value, ("config", "codes"), name, "record.")
    check_keys(value.get("config"), tuple(f.name for f in dataclasses.fields(RecordConfig)), name, "record.config.")
    check_part(value["config"], RecordConfig, LIMITS, name, "record.config.")
    codes = value.get("codes")
    fits = is_texts(codes) and len(codes) == len(set(codes)) <= MOST_CODES
    check_entry(fits, name, "record.codes", codes, "a list of different codes")
