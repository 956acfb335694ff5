"""One model part = one folder in the Hugging Face convention: config.json + model.safetensors. Strict loading.

config.json also holds `digests`: SHA-256 of its own other keys and of model.safetensors, so that a flipped bit, a cut
or an exchanged file is noticed wherever the folder has been. A folder without them, of an older version or edited by
hand, is loaded if all of it fits.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokenizer.base.files import file_digest, write_aside, write_json
from tokenizer.base.limits import Limits, find_wrong, is_texts, unknown_key

log = logging.getLogger(__name__)
CONFIG, WEIGHTS = "config.json", "model.safetensors"
ALWAYS = ("format", "kind", "about")
"""What every config.json may hold beside the settings of its network."""
ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)
LARGEST_CONFIG = 256 << 20
"""Bytes; that of an archive of a million people has 40 MB."""


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
    config = json.loads(json.dumps(config))  # as it is read again: tuples become lists
    digests = {CONFIG: _config_digest(config), WEIGHTS: file_digest(folder / WEIGHTS)}
    write_json(folder / CONFIG, config | {"digests": digests})


def _config_digest(config: dict[str, Any]) -> str:
    plain = {k: v for k, v in config.items() if k != "digests"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def read_config(folder_or_id: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The config of a model part. Raises ValueError (one line) if it is missing or damaged."""
    file = locate(folder_or_id, CONFIG, options)
    if file.stat().st_size > LARGEST_CONFIG:
        raise _damaged(folder_or_id, f"{CONFIG} has {file.stat().st_size} bytes")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, of a number with too many digits
        raise _damaged(folder_or_id, f"{CONFIG}: {error}") from None
    if not isinstance(config, dict):
        raise _damaged(folder_or_id, f"{CONFIG} holds no settings")
    digests = config.get("digests", {})
    # none at all, or both: one alone would leave the other file unchecked
    if digests and (not isinstance(digests, dict) or digests.keys() != {CONFIG, WEIGHTS}):
        raise _damaged(folder_or_id, f"{CONFIG}: `digests` are not those of its two files")
    if not isinstance(digests, dict) or digests.get(CONFIG, _config_digest(config)) != _config_digest(config):
        raise _damaged(folder_or_id, f"{CONFIG} is not what was written; if you changed it, take out its `digests`")
    return config


def load_folder(folder_or_id: str, kind: str, options: dict[str, Any] | None = None) -> tuple[dict, dict[str, Tensor]]:
    """Read the config and tensors of a model part from a folder or a hub repository.

    Raises ValueError (one line) if it is missing, damaged or of another kind.
    """
    config, weights_file = read_config(folder_or_id, options), locate(folder_or_id, WEIGHTS, options)
    if config.get("kind") != kind:
        raise ValueError(
            f"{Path(folder_or_id).name}: {CONFIG} says kind {_short(config.get('kind', 'none'))}, expected {kind!r}; "
            f"point to the right model folder"
        )
    digest = config.pop("digests", {}).get(WEIGHTS)
    if digest is not None and digest != file_digest(weights_file):
        raise _damaged(folder_or_id, f"{WEIGHTS} is not what was written with its {CONFIG}")
    try:
        return config, {name: _single(tensor) for name, tensor in load_file(weights_file).items()}
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:  # each of other damage
        raise _damaged(folder_or_id, f"{WEIGHTS}: {error}") from None


def _single(tensor: Tensor) -> Tensor:
    """Weights may be stored in half precision, to be small; networks have single."""
    return tensor.float() if tensor.dtype == torch.float16 else tensor


def is_whole_folder(folder: Path) -> bool:
    """Whether both files of a model part are as they were written, as far as its digests say."""
    try:
        digest = read_config(str(folder)).get("digests", {}).get(WEIGHTS)
        return digest is None or digest == file_digest(folder / WEIGHTS)
    except (ValueError, OSError):
        return False


def _damaged(folder_or_id: str, what: object) -> ValueError:
    one_line = " ".join(str(what).split())
    one_line = one_line if len(one_line) <= 300 else one_line[:297] + "…"
    return ValueError(f"{Path(folder_or_id).name}: damaged model folder ({one_line}); copy or train it again")


def check_network(
    config: dict[str, Any], schema: type, limits: Limits, format: int, name: str, others: tuple[str, ...] = ()
) -> None:
    """Raise ValueError (one line) unless `config` is of `format` and holds what `schema` allows, within `limits`.

    A changed network has a new number, and no reader of the one before: its weights fit no other. `others`: keys beside
    those of the schema, which the caller looks at.
    """
    if config.get("format") != format:
        raise ValueError(
            f"{name}: network format {config.get('format', 'none')}, this version has format {format}; "
            f"train it again, or install the version of clef-eeg that wrote it"
        )
    check_keys(config, (*ALWAYS, *others, *(field.name for field in dataclasses.fields(schema))), name)
    check_part(config, schema, limits, name)
    check_about(config.get("about", {}), name)


def check_keys(value: Any, known: tuple[str, ...], name: str, place: str = "") -> None:
    """Raise ValueError unless `value` is a mapping of `known` keys; `place`: the key of config.json it stands under."""
    if not isinstance(value, dict):
        raise _damaged(name, f"{CONFIG} says {place.rstrip('.')}: {_short(value)}, expected settings")
    if key := unknown_key(value, known):
        raise _damaged(name, f"{CONFIG} says {place}{key}, which this version does not know")


def check_part(values: dict[str, Any], schema: type, limits: Limits, name: str, place: str = "") -> None:
    """Raise ValueError unless the settings of `schema` in `values` have the right type and lie within `limits`."""
    if wrong := find_wrong(values, schema, limits):
        key, expected = wrong
        raise _damaged(name, f"{CONFIG} says {place}{key}: {_short(values[key])}, expected {expected}")


def check_entry(fits: bool, name: str, key: str, value: Any, expected: str) -> None:
    """Raise ValueError unless the entry `key` of config.json `fits`."""
    if not fits:
        raise _damaged(name, f"{CONFIG} says {key}: {_short(value)}, expected {expected}")


def check_about(about: Any, name: str) -> None:
    """Raise ValueError unless `about` says of its training what a model may: words, and lists of hashed subjects."""
    check_entry(isinstance(about, dict), name, "about", about, "what it was trained on")
    seen = about.get("trained_on", {})
    fits = isinstance(seen, dict) and all(is_texts(subjects) for subjects in seen.values())
    check_entry(fits, name, "about.trained_on", seen, "lists of hashed subjects by split")
    heldout = about.get("heldout_concepts", [])
    check_entry(is_texts(heldout), name, "about.heldout_concepts", heldout, "a list of groups of codes")
    for key in ("stage", "tokenizer"):
        check_entry(isinstance(about.get(key, ""), str | None), name, f"about.{key}", about.get(key), "text")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def build(make: Callable[[], ModuleT], tensors: dict[str, Tensor], least: int, name: str) -> ModuleT:
    """The network that `make` gives, with `tensors` in it, ready to use.

    `least`: how many numbers such a network has at least, so that one of which the weights hold a fraction is never
    made. Raises ValueError unless every name, shape and type fits.
    """
    held = sum(tensor.numel() for tensor in tensors.values())
    if least > held:
        raise ValueError(
            f"{name}: {CONFIG} describes a network of more than {least} numbers, {WEIGHTS} holds {held}; "
            f"these weights belong to another configuration"
        )
    module = make()
    expected = module.state_dict()
    matched = [k for k, v in expected.items() if k in tensors and _alike(tensors[k], v)]
    if len(matched) != len(expected) or len(tensors) != len(expected):
        different = sorted(set(expected) ^ set(tensors)) or sorted(set(expected) - set(matched))
        raise ValueError(
            f"{name}: {len(matched)} of {len(expected)} tensors match (first that does not: {_short(different[0])}); "
            f"these weights belong to another configuration"
        )
    module.load_state_dict(tensors, strict=True)
    log.info("%s: %d of %d tensors matched", name, len(matched), len(expected))
    return module.eval()


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def locate(folder_or_id: str, name: str, options: dict[str, Any] | None = None) -> Path:
    """A file of a folder, or of a hub repository OWNER/NAME. Raises ValueError (one line) where it cannot be had."""
    folder, options = Path(folder_or_id), options or {}
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
