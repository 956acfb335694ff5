"""Linear probes in a file: a logistic regression on session embeddings that can be explained.

    log-odds = bias + sum of weights · (embedding − mean) / scale

The file is JSON: `format`, `kind` ("clef-probe"), `name`, `weights`, `mean`, `scale` (D numbers each), `bias`, `model`
(fingerprint), `embedding` (how the embeddings were made, as an embedding file says it), `cases`, `controls` and
`trained_on` (hashes of the people it was fitted on, as embedding files have them: they are no test of it).
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef.embeddings import Embeddings
from clef.readout import Kind, Readout, readout_of
from tokenizer.base.files import check_format, write_json

KIND, FORMAT = "clef-probe", 1
STRENGTH = 10.0
"""Of the regularisation: C = STRENGTH / D in scikit-learn's terms, as beside a training (`clef.stages.probe`)."""
NUMBERS = ("weights", "mean", "scale")


@dataclasses.dataclass(frozen=True)
class Probe:
    """weights, mean, scale (D,) float64 · embedding: `config` of the embeddings · trained_on: as theirs, for the people
    that the probe was fitted on."""

    name: str
    weights: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    bias: float
    model: str = ""
    embedding: dict[str, Any] = dataclasses.field(default_factory=dict)
    cases: int = 0
    controls: int = 0
    trained_on: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Kind of the embeddings: trained, untrained or codes."""
        return self.embedding.get("kind", "trained")

    @property
    def readout(self) -> Readout:
        """How the embeddings were read."""
        return readout_of(self.embedding)

    def log_odds(self, vectors: NDArray) -> NDArray[np.float64]:
        """Embeddings (n, D) -> (n,)."""
        return (np.asarray(vectors, np.float64) - self.mean) / self.scale @ self.weights + self.bias


def fit_probe(
    name: str, embeddings: Embeddings, labels: NDArray[np.bool_], trained_on: dict[str, list[str]] | None = None
) -> Probe:
    """A logistic regression of labels (n,) on embeddings (n, D), standardised, cases and controls of equal weight.

    Raises ValueError with one line if there are no cases, no controls, or not a label for each.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray(labels, bool)
    if labels.shape != (len(embeddings.vectors),) or labels.all() or not labels.any():
        raise ValueError(f"probe {name}: {labels.sum()} cases among {labels.size} labels of {len(embeddings.vectors)} "
                         f"sessions; expected a label for each, and both cases and controls")  # fmt: skip
    vectors = embeddings.vectors.astype(np.float64)
    mean, scale = vectors.mean(0), vectors.std(0)
    scale[scale < 1e-9 * max(1.0, float(np.abs(vectors).max()))] = 1.0  # a constant column says nothing
    fitted = LogisticRegression(C=STRENGTH / vectors.shape[1], class_weight="balanced", max_iter=1000)
    fitted.fit((vectors - mean) / scale, labels)
    cases = int(labels.sum())
    about = {
        key: embeddings.config[key] for key in ("kind", *dataclasses.asdict(Readout())) if key in embeddings.config
    }
    return Probe(
        *(name, fitted.coef_[0], mean, scale, float(fitted.intercept_[0]), embeddings.model, about),
        *(cases, len(labels) - cases, trained_on or {}),
    )


def write_probe(path: str | Path, probe: Probe) -> None:
    """Write a probe as JSON, whole or not at all."""
    plain = dataclasses.asdict(probe) | {name: getattr(probe, name).tolist() for name in NUMBERS}
    write_json(path, {"format": FORMAT, "kind": KIND} | plain)


def read_probe(path: str | Path) -> Probe:
    """Read and check a probe. Raises ValueError with one line for whatever is none."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file of a probe; docs/explanations.md says how to write one")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        plain = None
    if not isinstance(plain, dict) or plain.pop("kind", None) != KIND:
        raise ValueError(f"{path.name}: this is no probe; expected JSON with kind {KIND} (docs/explanations.md)")
    check_format(path, plain.pop("format", None), FORMAT)
    return _checked(plain, path.name)


def _checked(plain: dict[str, Any], name: str) -> Probe:
    """The probe of a file's values. ValueError with one line that names the entry that does not fit."""
    known = {field.name: field for field in dataclasses.fields(Probe)}
    if odd := [key for key in plain if key not in known] or [
        key for key in (*NUMBERS, "name", "bias") if key not in plain
    ]:
        raise ValueError(f"{name}: the entry {odd[0]} is {'unknown' if odd[0] in plain else 'missing'}; expected "
                         f"{', '.join(known)}")  # fmt: skip
    for key in NUMBERS:
        plain[key] = _numbers(plain[key], key, name)
    width = len(plain["weights"])
    if wrong := [key for key in NUMBERS if len(plain[key]) != width]:
        raise ValueError(f"{name}: {wrong[0]} has {len(plain[wrong[0]])} numbers, and weights have {width}")
    if (plain["scale"] <= 0).any():
        raise ValueError(f"{name}: scale has numbers that are not above 0")
    kinds = {"name": str, "bias": (int, float), "model": str, "embedding": dict, "trained_on": dict}
    kinds |= {"cases": int, "controls": int}
    for key, kind in kinds.items():
        if key in plain and (not isinstance(plain[key], kind) or (key == "bias" and not math.isfinite(plain[key]))):
            raise ValueError(f"{name}: {key}: {plain[key]!r:.60} is not what is expected there (docs/explanations.md)")
    return Probe(**plain)


def _numbers(values: Any, key: str, name: str) -> NDArray[np.float64]:
    fits = isinstance(values, list) and values and all(isinstance(v, int | float) for v in values)
    if not fits or not np.isfinite(values).all():
        raise ValueError(f"{name}: {key}: expected a list of finite numbers")
    return np.array(values, np.float64)
