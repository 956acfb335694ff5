"""A pretrained language model that reads text: a folder or a hub id -> token states, through transformers.

    texts -> ids, mask (n, L) -> states (n, L, D) float32

Encoders (BERT and its kin), the encoder half of T5 and its kin, and whatever else gives a state per token; one that is
to write is a causal one (GPT and its kin), with its head. Weights are
read from safetensors alone: no pickle is opened, and no code that comes with a model is run. A hub id is looked for in
the local cache first, so that a model that is there makes no request; HF_HUB_OFFLINE=1 forbids all others.

LoRA: Hu et al., "LoRA: low-rank adaptation of large language models" (2022), through peft.
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tokenizer.base.files import fingerprint

SAFE = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What is fetched of a hub repository: settings, words and weights, and nothing that has to be unpickled."""
PROBE = "Generalised 2.5 Hz spike-and-wave discharges; left temporal (T3-T5) slowing. No seizures."
"""What tells tokenizers of equal vocabulary apart: case, hyphens, digits."""
AT_ONCE = 64
"""Texts that pass through the network together."""
CONVERT = (
    'python -c "import sys, transformers as t; [c.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2]) '
    'for c in (t.AutoModel, t.AutoTokenizer)]"'
)


@dataclasses.dataclass
class LanguageModel:
    """A tokenizer and a network, frozen and without dropout until some of it is chosen to be trained.

    name: the folder's name or the hub id, for messages and model folders · fingerprint: of weights and tokenizer
    """

    name: str
    fingerprint: str
    tokenizer: Any
    network: nn.Module

    @property
    def width(self) -> int:
        """Numbers per token."""
        return int(self.network.config.hidden_size)

    @property
    def longest(self) -> int:
        """Most ids the network reads."""
        if self.network.config.model_type in RELATIVE:
            return 1 << 30
        return min(self.tokenizer.model_max_length, getattr(self.network.config, "max_position_embeddings", 1 << 30))

    def check_length(self, length: int) -> None:
        """Raise ValueError if the network cannot read so many ids."""
        if length > (most := self.longest):
            raise ValueError(f"report_encoder.length={length}: {self.name} reads at most {most} ids; set it to {most}")

    def tokenize(self, texts: list[str], length: int, special: bool = True) -> list[np.ndarray]:
        """The ids int32 of each text, at most `length`, if wanted with the special ones that the model expects.

        Of a blank text none: it says nothing, and the special ids alone would be a report.
        """
        said = [i for i, text in enumerate(texts) if text.strip()]
        ids = [np.zeros(0, np.int32)] * len(texts)
        if said:
            how = {"truncation": True, "max_length": length, "add_special_tokens": special}
            rows = self.tokenizer([texts[i] for i in said], **how)["input_ids"]
            for i, row in zip(said, rows, strict=True):
                ids[i] = np.array(row, np.int32)
        return ids

    def pad(self, ids: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Ids of n texts -> ids (n, L) int64 and mask (n, L) bool on the CPU, L the longest text's."""
        longest = max((len(row) for row in ids), default=0) or 1
        padded = torch.full((len(ids), longest), self.tokenizer.pad_token_id or 0, dtype=torch.int64)
        mask = torch.zeros(len(ids), longest, dtype=torch.bool)
        for i, row in enumerate(ids):
            padded[i, : len(row)], mask[i, : len(row)] = torch.from_numpy(row), True
        return padded, mask

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (n, L) int64, mask (n, L) bool -> the last layer's states (n, L, D), on the device of the ids.

        The network moves there. A row without any id is given one to read: nobody may look at its states.
        """
        self.network.to(ids.device)
        read = mask.clone()
        read[:, 0] |= ~mask.any(1)
        parts = zip(ids.split(AT_ONCE), read.split(AT_ONCE), strict=True)
        return torch.cat([self.network(input_ids=i, attention_mask=m.long()).last_hidden_state for i, m in parts])

    def train_last(self, count: int) -> dict[str, nn.Parameter]:
        """Let the last `count` layers learn; returns their parameters by name. Raises ValueError if there are fewer."""
        path, layers = _layers(self.network)
        if count > len(layers):
            raise ValueError(f"report_encoder.train_layers={count}: {self.name} has {len(layers)} layers")
        first = len(layers) - count
        chosen = {
            f"{path}.{first + i}.{name}": parameter
            for i, layer in enumerate(layers[first:])
            for name, parameter in layer.named_parameters()
        }
        for parameter in chosen.values():
            parameter.requires_grad_(True)
        return chosen

    def add_lora(self, rank: int) -> dict[str, nn.Parameter]:
        """Put a trained product of two matrices of `rank` beside every linear layer; returns these by name."""
        try:
            import peft
        except ImportError:
            raise ValueError(
                f"report_encoder.lora={rank} needs peft, which is not installed; pip install 'clef-eeg[lora]'"
            ) from None
        settings = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
        self.network = peft.inject_adapter_in_model(settings, self.network).eval()
        return {name: p for name, p in self.network.named_parameters() if p.requires_grad}


RELATIVE = ("t5", "mt5", "umt5", "longt5", "t5gemma", "t5gemma2")
"""Models without a table of positions: what their files call a longest input is what they were trained with."""


def _layers(network: nn.Module) -> tuple[str, nn.ModuleList]:
    """The list of layers that a text passes one after another, and its name: the largest list of modules."""
    lists = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError(f"report_encoder.train_layers: {type(network).__name__} has no list of layers; use lora=")
    return max(lists, key=lambda one: sum(p.numel() for p in one[1].parameters()))


# ---- opening
def open_model(name: str, writes: bool = False) -> LanguageModel:
    """The language model in a folder, or of a hub id, frozen, float32, on the CPU; `writes`: with its head, causal.

    Raises ValueError with one line that says what is missing and how to get it.
    """
    folder = find_folder(name)
    shown = name if folder != Path(name) else folder.resolve().name
    try:
        import transformers
    except ImportError:
        raise ValueError("reading text with a language model needs transformers; pip install transformers") from None
    try:
        with _quiet(transformers):
            tokenizer, network, missing = _load(transformers, folder, writes)
    except Exception as error:  # of many kinds: settings, words or weights that are damaged, absent or need own code
        reason = (" ".join(str(error).split()) or type(error).__name__)[:300]
        raise ValueError(f"{shown}: transformers cannot open this language model ({reason})") from None
    if missing := [key for key in missing if "pooler" not in key]:  # which sums a text up, and is not used
        raise ValueError(f"{shown}: its weights lack {len(missing)} tensors (first: {min(missing)}); copy it again")
    network.requires_grad_(False).eval()
    if writes and not _is_causal(network):
        raise ValueError(f"{shown}: this language model reads both ways and cannot write; give a causal one")
    return LanguageModel(shown, _fingerprint(tokenizer, network), tokenizer, network)


def find_folder(name: str) -> Path:
    """The folder that holds a language model: `name` itself, or the local copy of a hub repository, fetched if needed.

    Raises ValueError with one line if it is not to be had, or holds no safetensors.
    """
    folder = Path(name)
    if name and folder.is_dir():
        return _checked(folder, name)
    if folder.is_absolute() or name.count("/") != 1 or name.startswith((".", "~")):
        raise ValueError(f"{name or 'report_encoder.name='}: there is no such folder; {WANTED}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    reason = ""
    for local in (True, False):  # what is in the cache needs no question to anybody
        try:
            folder = Path(snapshot_download(name, allow_patterns=list(SAFE), local_files_only=local))
        except (HfHubHTTPError, HFValidationError, OSError, ValueError, RuntimeError) as error:
            reason = type(error).__name__  # of a network many kinds; its own words are many lines
            continue
        if not local or (folder.is_dir() and any(folder.glob("*.safetensors"))):
            return _checked(folder, name)
    raise ValueError(
        f"{name}: neither on this machine nor reachable on the hub ({reason}); where there is a network: "
        f"hf download {name} --local-dir FOLDER, then report_encoder.name=FOLDER"
    )


WANTED = "give the folder of a language model, or its id on the hub as in google/t5-v1_1-base"


def _checked(folder: Path, name: str) -> Path:
    """The folder, if it holds what a language model needs."""
    if not (folder / "config.json").is_file():
        raise ValueError(f"{name}: no config.json in it; {WANTED}")
    if not any(folder.glob("*.safetensors")):
        raise ValueError(
            f"{name}: no *.safetensors in it, and weights of other kinds are never opened here; convert it once "
            f"where you trust it: {CONVERT} {name} FOLDER, then report_encoder.name=FOLDER"
        )
    return folder


def _load(transformers: Any, folder: Path, writes: bool) -> tuple[Any, nn.Module, list[str]]:
    """The tokenizer, the part of the network that reads or writes, and the names of tensors that the weights lack."""
    options = {"local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(folder, **options)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
    reads = type(config) in transformers.MODEL_FOR_TEXT_ENCODING_MAPPING
    kind = transformers.AutoModelForTextEncoding if reads else transformers.AutoModel
    kind = transformers.AutoModelForCausalLM if writes else kind
    network, about = kind.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
    )
    if config.is_encoder_decoder and not reads and not writes:
        network = network.get_encoder()
    return tokenizer, network, sorted({*about["missing_keys"], *map(str, about["mismatched_keys"])})


@torch.no_grad()
def _is_causal(network: nn.Module) -> bool:
    """Whether what comes after an id changes nothing of what it is followed by."""
    one, other = (network(input_ids=torch.tensor([ids])).logits[0, 0] for ids in ([0, 1], [0, 2]))
    return torch.allclose(one, other, atol=1e-4, rtol=1e-4)


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No bars and no tables of tensors that are left out on purpose; afterwards all is as it was."""
    logs = transformers.utils.logging
    before, bars = logs.get_verbosity(), logs.is_progress_bar_enabled()
    logs.set_verbosity_error()
    logs.disable_progress_bar()
    try:
        yield
    finally:
        logs.set_verbosity(before)
        if bars:
            logs.enable_progress_bar()


def _fingerprint(tokenizer: Any, network: nn.Module) -> str:
    """A name for what the model computes: its tensors, however they are called and spread over files, and its words."""
    tensors = (t.detach().contiguous() for name, t in network.state_dict().items() if "pooler" not in name)
    weights = sorted(hashlib.sha256(memoryview(t.numpy()).cast("B")).hexdigest() for t in tensors)
    words = json.dumps([sorted(tokenizer.get_vocab().items()), tokenizer(PROBE)["input_ids"]])
    return fingerprint(*weights, words)
