"""Features of report summaries: the token states of a frozen language model, computed once and kept beside a cohort.

    COHORT/text_features/MODEL-LENGTH/PART.safetensors    states (T, D) float16 · starts (m + 1,) · digests (m, 16)

A part holds m summaries one after another, each with as many states as it has ids: no padding is stored. A summary is
found by the first half of its SHA-256, so that equal ones are stored once, new reports add new parts, and what was
computed when a run was stopped is kept. No text is in it; but states can be turned back into words, so the folder is
as confidential as the reports beside it and belongs nowhere else.

Shapes: n texts · T ids of a part's summaries · L ids of the longest text · D width of the language model.
"""

import dataclasses
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from clef.network.language_model import AT_ONCE, LanguageModel
from tokenizer.base import ranks
from tokenizer.base.files import fingerprint, remove_leftovers, write_aside
from tokenizer.base.progress import track

log = logging.getLogger(__name__)
FOLDER = "text_features"
PART = 2048
"""Summaries of a file: some hundred MB at T5-base's width, which is what lies in memory at once."""
LARGEST = torch.finfo(torch.float16).max
REMEDY = "report_encoder.cache=false keeps no features and computes them at every step"


@dataclasses.dataclass
class Features:
    """The features of n texts, read from disk when asked for: `features[rows]` is (len(rows), L, D) float16.

    files: open parts · places: (n, 3) int64, the file, first state and number of states of each text
    """

    files: list[Any]
    places: np.ndarray
    width: int

    def __getitem__(self, rows: list[int] | Tensor) -> Tensor:
        """The features of some texts, zero behind the end of each; L is the longest of these."""
        chosen = self.places[np.asarray(rows)]
        out = torch.zeros(len(chosen), max(1, int(chosen[:, 2].max(initial=0))), self.width, dtype=torch.float16)
        for i, (file, first, count) in enumerate(chosen.tolist()):
            if count:
                out[i, :count] = self.files[file].get_slice("states")[first : first + count]
        return out

    @property
    def mask(self) -> Tensor:
        """(n, L) bool, True where a text has a state; L is the longest of all."""
        counts = torch.from_numpy(self.places[:, 2])
        return torch.arange(max(1, int(counts.max()) if len(counts) else 1)) < counts[:, None]


def features_of(
    texts: list[str], model: LanguageModel, length: int, cohort: str | Path, device: str = "cpu"
) -> Features:
    """The features of n texts, at most `length` ids of each, kept in the cohort's folder; only new ones are computed.

    With several processes each computes its share. Raises ValueError if they cannot be kept there.
    """
    folder = Path(cohort) / FOLDER / f"{model.fingerprint}-{length}"
    digests = [_digest(text) for text in texts]
    present = _open(folder, model.width)
    unique = {d: t for d, t in zip(digests, texts, strict=True) if t.strip() and d not in present[1]}
    ranks.wait_for_all()  # all have looked before one writes: else their shares would be of different lists
    if unique:
        _compute(unique, model, length, folder, device)
        ranks.wait_for_all()
        present = _open(folder, model.width)
    files, places = present
    nowhere = (0, 0, 0)
    return Features(files, np.array([places.get(d, nowhere) for d in digests], np.int64).reshape(-1, 3), model.width)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def feature_bytes(states: int, width: int) -> int:
    """Bytes that so many token states take on disk."""
    return 2 * states * width


# ---- reading
def _open(folder: Path, width: int) -> tuple[list[Any], dict[bytes, tuple[int, int, int]]]:
    """The whole parts in a folder, and the place of every summary in them; damaged parts are removed."""
    files: list[Any] = []
    places: dict[bytes, tuple[int, int, int]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            handle, digests, starts = _open_part(path, width)
        except (SafetensorError, OSError, ValueError) as error:
            log.warning("%s: damaged (%s); its features are computed again", path.name, str(error).split("\n")[0])
            path.unlink(missing_ok=True)
            continue
        for digest, first, end in zip(digests, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            places[digest] = (len(files), first, end - first)
        files.append(handle)
    return files, places


def _open_part(path: Path, width: int) -> tuple[Any, list[bytes], np.ndarray]:
    handle = safe_open(path, "pt")
    states = handle.get_slice("states")
    digests, starts = handle.get_tensor("digests").numpy(), handle.get_tensor("starts").numpy()
    fits = digests.shape == (len(starts) - 1, 16) and starts[0] == 0 and (np.diff(starts) > 0).all()
    if not fits or states.get_shape() != [int(starts[-1]), width] or states.get_dtype() != "F16":
        raise ValueError("its parts do not fit each other")
    return handle, [row.tobytes() for row in digests], starts


# ---- computing
def _compute(texts: dict[bytes, str], model: LanguageModel, length: int, folder: Path, device: str) -> None:
    """Write the features of new summaries, part by part, this process's share of the parts."""
    ids = dict(zip(texts, model.tokenize(list(texts.values()), length), strict=True))
    _check_room(feature_bytes(sum(map(len, ids.values())), model.width), len(ids), model, folder)
    order = sorted(ids, key=lambda digest: (len(ids[digest]), digest))  # of like length: little is padded
    parts = [order[i : i + PART] for i in range(0, len(order), PART)]
    folder.mkdir(parents=True, exist_ok=True)
    if ranks.RANK == 0:
        remove_leftovers(folder)
    for part in track(parts[ranks.RANK :: ranks.WORLD], "text features"):
        states = torch.cat(list(_states([ids[d] for d in part], model, device)))
        starts = np.cumsum([0, *(len(ids[d]) for d in part)])
        digests = np.frombuffer(b"".join(part), np.uint8).reshape(-1, 16).copy()
        tensors = {"states": states, "starts": torch.from_numpy(starts), "digests": torch.from_numpy(digests)}
        with write_aside(folder / f"{fingerprint(*part)}.safetensors") as aside:
            save_file(tensors, aside)


@torch.inference_mode()
def _states(ids: list[np.ndarray], model: LanguageModel, device: str) -> Iterator[Tensor]:
    """The states of some texts, batch by batch, without their padding: (ids of the batch, D) float16 each."""
    for i in range(0, len(ids), AT_ONCE):
        padded, mask = model.pad(ids[i : i + AT_ONCE])
        states = half(model.states(padded.to(device), mask.to(device))).cpu()[mask]
        if states.isnan().any():
            raise ValueError(f"{model.name}: this language model gives NaN for some text; use another one")
        yield states


def half(states: Tensor) -> Tensor:
    """States as they are kept: float16, what lies beyond it at its ends."""
    return states.clamp(-LARGEST, LARGEST).half()


def _check_room(size: int, count: int, model: LanguageModel, folder: Path) -> None:
    """Say what will be written, and raise ValueError if it cannot be."""
    said = f"features of {count:,} summaries by {model.name}: {size / 1e9:.3g} GB"
    above = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    if not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"{said}, but there is no right to write in {above}; {REMEDY}")
    if size > (free := shutil.disk_usage(above).free):
        raise ValueError(f"{said}, but {above} has {free / 1e9:.3g} GB free; make room, or {REMEDY}")
    log.info("%s in %s, as confidential as the reports; %s", said, folder.parent, REMEDY)
