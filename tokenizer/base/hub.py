"""One model part = one folder in the Hugging Face convention: config.json + model.safetensors. Strict loading."""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokenizer.base.files import write_aside, write_json

log = logging.getLogger(__name__)
CONFIG, WEIGHTS = "config.json", "model.safetensors"


class ModelPart(PyTorchModelHubMixin):
    """`save_pretrained`, `from_pretrained` and `push_to_hub` for a part of a model; mistakes are one line."""

    @classmethod
    def from_pretrained(cls, folder_or_id: str | Path, **options: Any) -> Any:
        """Load from a folder or a hub repository. Raises ValueError if it is missing, damaged or of another kind."""
        read_config(str(folder_or_id), options)  # first: the hub's own reader raises other errors, in many lines
        return super().from_pretrained(folder_or_id, **options)

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """What this part is, what it was trained on (numbers only) and how to load it."""
        about = self.describe()
        facts = {k: v for k, v in about.items() if isinstance(v, (int, float, str)) and k != "kind"}
        subjects_of = about.get("about", {}).get("trained_on", {})
        facts |= {f"subjects seen ({split})": len(subjects) for split, subjects in subjects_of.items()}
        rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
        return ModelCard(
            CARD.format(data=self._hub_mixin_info.model_card_data.to_yaml(), kind=about["kind"], rows=rows)
        )


CARD = """---
{data}
---

# {kind}

A part of a CLEF model: an open foundation model for clinical EEG that works on whole sessions (method: arXiv
2605.10817). The whole model is a folder of such parts (tokenizer, encoder, align):

    import clef
    clef.load("FOLDER").embed("recording.edf")

| setting | value |
|---|---|
{rows}

Research software, no medical device. `config.json` lists hashes of the subjects it was trained on, so that a benchmark
can refuse to score it on them.
"""


def save_folder(folder: str | Path, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write `config` (must hold `kind`) and `tensors` into `folder`, each file whole or not at all."""
    folder = Path(folder)
    with write_aside(folder / WEIGHTS) as aside:
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, aside)
    write_json(folder / CONFIG, config)


def read_config(folder_or_id: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The config of a model part. Raises ValueError (one line) if it is missing or damaged."""
    file = _locate(folder_or_id, CONFIG, options or {})
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _damaged(folder_or_id, error) from None
    if not isinstance(config, dict):
        raise _damaged(folder_or_id, f"{CONFIG} holds no settings")
    return config


def load_folder(folder_or_id: str, kind: str, options: dict[str, Any] | None = None) -> tuple[dict, dict[str, Tensor]]:
    """Read the config and tensors of a model part from a folder or a hub repository.

    Raises ValueError (one line) if it is missing, damaged or of another kind.
    """
    config, weights_file = read_config(folder_or_id, options), _locate(folder_or_id, WEIGHTS, options or {})
    if config.get("kind") != kind:
        raise ValueError(
            f"{Path(folder_or_id).name}: {CONFIG} says kind {config.get('kind', 'none')!r}, expected {kind!r}; "
            f"point to the right model folder"
        )
    try:
        return config, load_file(weights_file)
    except SafetensorError as error:
        raise _damaged(folder_or_id, error) from None


def _damaged(folder_or_id: str, what: object) -> ValueError:
    return ValueError(f"{Path(folder_or_id).name}: damaged model folder ({what}); copy or train it again")


def check_network(config: dict[str, Any], schema: type, format: int, name: str) -> None:
    """Raise ValueError (one line) unless `config` is of `format` and fits `schema`, whose numbers are sizes.

    A changed network has a new number, and no reader of the one before: its weights fit no other.
    """
    if config.get("format") != format:
        raise ValueError(
            f"{name}: network format {config.get('format', 'none')}, this version has format {format}; "
            f"train it again, or install the version of clef-eeg that wrote it"
        )
    for field in dataclasses.fields(schema):
        value = config.get(field.name, field.default)
        if type(value) is not type(field.default) or (isinstance(value, int) and value < 1):
            raise _damaged(name, f"{CONFIG} says {field.name}: {value!r}")


def load_strictly(module: Any, tensors: dict[str, Tensor], name: str) -> None:
    """Load `tensors` into `module`; says how many matched. Raises ValueError unless every name and shape does."""
    expected = module.state_dict()
    matched = [k for k, v in expected.items() if k in tensors and tensors[k].shape == v.shape]
    if len(matched) != len(expected) or len(tensors) != len(expected):
        different = sorted(set(expected) ^ set(tensors)) or sorted(set(expected) - set(matched))
        raise ValueError(
            f"{name}: {len(matched)} of {len(expected)} tensors match (first that does not: {different[0]}); "
            f"these weights belong to another configuration"
        )
    module.load_state_dict(tensors, strict=True)
    log.info("%s: %d of %d tensors matched", name, len(matched), len(expected))


def _locate(folder_or_id: str, name: str, options: dict[str, Any]) -> Path:
    folder = Path(folder_or_id)
    if folder.is_dir():
        if not (folder / name).is_file():
            raise ValueError(f"{folder_or_id}: no {name} in this folder; a model folder holds {CONFIG} and {WEIGHTS}")
        return folder / name
    if folder.is_absolute() or folder_or_id.count("/") != 1:
        raise ValueError(f"{folder_or_id}: there is no such model folder")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    names = ("revision", "cache_dir", "token", "local_files_only", "force_download")
    passed = {k: options[k] for k in names if options.get(k) is not None}
    try:
        return Path(hf_hub_download(folder_or_id, name, **passed))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(
            f"{folder_or_id}: neither a folder here nor reachable on the hub ({type(error).__name__})"
        ) from None
