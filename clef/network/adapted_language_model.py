"""A language model of somebody else, adapted or as it is: a network of ours works with it, and its frozen weights are
no part of ours.

A model folder names it and its fingerprint, and holds what was trained of it: the last layers, or LoRA. Without the
language model everything works but reading or writing text.
"""

import dataclasses
import math
import os
from typing import Any

import torch
from torch import Tensor, nn

from clef.network.language_model import LanguageModel, open_model
from tokenizer.base.hub import check_entry, check_keys, check_part
from tokenizer.base.limits import is_whole

PLACE = "CLEF_TEXT_MODEL"
"""The environment variable that names the folder of the language model, where its name alone does not lead to it."""


@dataclasses.dataclass
class Base:
    """Which language model: its name (no path), the fingerprint of its weights and words, its width."""

    name: str
    fingerprint: str
    width: int


@dataclasses.dataclass
class Adaptation:
    """What of a language model is trained: its last layers, or products of two matrices of this rank; 0: none."""

    train_layers: int = 0
    lora: int = 0


ADAPTATION_LIMITS = {"train_layers": (0, 256), "lora": (0, 4096)}


class AdaptedLanguageModel(nn.Module):
    """A language model that is named; of its tensors those are parameters here that are trained."""

    writes, does = False, "reads text with"
    python = "model.heads.report.open(FOLDER)"
    """How it is opened in Python, for messages."""

    def __init__(self, base: Base, adapted: Adaptation, shapes: dict[str, list[int]]) -> None:
        """`shapes`: of the language model's tensors that are trained, by name."""
        super().__init__()
        self.base, self.adapted = base, adapted
        self.language: LanguageModel | None = None  # no module of ours: its frozen weights are nowhere saved
        self.trained = nn.ParameterDict(
            {_key(name): nn.Parameter(torch.empty(shape)) for name, shape in shapes.items()}
        )

    def take(self, language: LanguageModel, trained: dict[str, nn.Parameter]) -> None:
        """Work with an open language model, of which `trained` learn: one tensor each, there and here."""
        self.language, self.trained = language, nn.ParameterDict({_key(k): p for k, p in trained.items()})

    def open(self, name: str) -> None:
        """Work with the language model `name`, a folder or a hub id.

        Raises ValueError (one line) unless it is there, and the one that this was trained with.
        """
        language = open_model(name, self.writes)
        if language.fingerprint != self.base.fingerprint:
            raise ValueError(
                f"{language.name}: this language model is {language.fingerprint}, and training was with "
                f"{self.base.name}, which is {self.base.fingerprint}; give that one"
            )
        language.network.to(next((p.device for p in self.parameters()), torch.device("cpu")))
        trained = adapt(language, self.adapted)
        for key, parameter in trained.items():
            with torch.no_grad():
                parameter.copy_(self.trained[_key(key)])
        self.take(language, trained)

    def opened(self) -> LanguageModel:
        """The language model; by its name or from the place that the environment says, if it is not open yet."""
        if self.language is None:
            try:
                self.open(os.environ.get(PLACE) or self.base.name)
            except ValueError as error:
                how = f"{PLACE}=FOLDER, or in Python {self.python}, says where it is"
                raise ValueError(f"this model {self.does} {self.base.name}; {error}; {how}") from None
        assert self.language is not None
        return self.language

    # ---- saving
    def get_extra_state(self) -> Tensor:
        """The language model's fingerprint, (8,) uint8, for checkpoints: a run must go on with the same one."""
        return torch.tensor(list(bytes.fromhex(self.base.fingerprint)), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Raise ValueError if the weights to be loaded were trained on another language model."""
        if not torch.equal(state.cpu(), self.get_extra_state()):
            raise ValueError(
                f"report_encoder.name={self.base.name}: this is another language model than the one that the run "
                f"was started with ({bytes(state.tolist()).hex()}); give that one, or another out= to start anew"
            )

    def entries(self) -> dict[str, Any]:
        """Which language model, and the shapes of what was trained of it, as plain JSON values."""
        shapes = {_name(key): list(p.shape) for key, p in self.trained.items()}
        return {"language": dataclasses.asdict(self.base), "trained": shapes}


def open_adapted(
    name: str, adapted: Adaptation, writes: bool = False
) -> tuple[LanguageModel, Base, dict[str, nn.Parameter]]:
    """The language model `name`, which it is, and what of it will learn. ValueError (one line) if it cannot be had."""
    if adapted.train_layers and adapted.lora:
        raise ValueError("report_encoder: train_layers= and lora= were both given; set one of them to 0")
    if not name:
        raise ValueError(
            "text=hf needs report_encoder.name=: the folder of a language model, or its id on the hub"
            + ("" if writes else "; text=t5 is google/t5-v1_1-base")
        )
    language = open_model(name, writes)
    return language, Base(language.name, language.fingerprint, language.width), adapt(language, adapted)


def adapt(language: LanguageModel, adapted: Adaptation) -> dict[str, nn.Parameter]:
    """Make trainable what is wanted of the language model; returns its trained parameters by name."""
    if adapted.lora:
        return language.add_lora(adapted.lora)
    return language.train_last(adapted.train_layers) if adapted.train_layers else {}


def _key(name: str) -> str:
    """A parameter's name without dots, which mark modules in PyTorch."""
    return name.replace(".", "/")


def _name(key: str) -> str:
    return key.replace("/", ".")


def check_adapted(value: dict[str, Any], name: str, place: str = "") -> None:
    """Raise ValueError (one line) unless `value` holds `AdaptedLanguageModel.entries`; `place`: the key it is under."""
    language = value.get("language")
    check_keys(language, tuple(f.name for f in dataclasses.fields(Base)), name, f"{place}language.")
    check_part(language, Base, {"width": (1, 65536)}, name, f"{place}language.")
    whole = {"name", "fingerprint", "width"} <= set(language) and _is_fingerprint(language)
    check_entry(whole, name, f"{place}language", language, "a name, a fingerprint and a width")
    trained = value.get("trained")
    check_entry(_are_shapes(trained), name, f"{place}trained", trained, "shapes of tensors by name")


def _is_fingerprint(language: dict[str, Any]) -> bool:
    text = language["fingerprint"]
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


def _are_shapes(value: Any) -> bool:
    """Whether these are shapes of tensors that a language model may have."""
    if not isinstance(value, dict) or len(value) > 100_000:
        return False
    shapes = list(value.values())
    lists = all(isinstance(s, list) and 0 < len(s) < 5 and all(is_whole(n, 1, 1 << 20) for n in s) for s in shapes)
    return lists and sum(math.prod(s) for s in shapes) < 1 << 34
