"""The narrator on a local language model: what it has read becomes soft prompts before a text.

    memory (M, N, W) -> prompts (M, P, W), by learned queries -> (M, P, D) -> causal language model -> text

NeuroNarrator's way: a projector from the EEG's states to the width of the language model's word vectors. Ours: the
states are pooled first, by P learned queries that attend to the memory (as in Perceiver and Q-Former, Li et al. 2023,
arXiv 2301.12597), so that what the language model costs does not grow with the window. It stays as it is unless its
last layers, or LoRA, are trained; a model folder names it and does not hold it (`clef.network.adapted_language_model`).

Shapes: M stretches · N vectors of the memory · P prompts · L ids of a text · W own width · D the language model's ·
V ids.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from clef.network.adapted_language_model import (
    ADAPTATION_LIMITS,
    Adaptation,
    AdaptedLanguageModel,
    Base,
    check_adapted,
    open_adapted,
)
from clef.network.narrators.base import ENTRIES, BaseNarrator, NarratorConfig, check_narrator, greedy
from clef.network.narrators.layer import NarratorLayer
from tokenizer.base.hub import build, check_keys, check_part, load_folder


class CausalLanguageModel(AdaptedLanguageModel):
    """The language model that writes."""

    writes, does = True, "writes with"
    python = "narration.narrator.language_model.open(FOLDER)"

    def special_ids(self) -> tuple[int, int]:
        """The ids that begin and end a text. Raises ValueError if the language model has none to end one."""
        words = self.opened().tokenizer
        if words.eos_token_id is None:
            raise ValueError(f"{self.base.name}: its tokenizer has no id that ends a text (eos_token); give another")
        begin = words.bos_token_id if words.bos_token_id is not None else words.eos_token_id
        return begin, words.eos_token_id


class PromptedNarrator(BaseNarrator, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Texts by a language model, from the states of a session encoder."""

    kind = "clef-prompted-narrator"

    def __init__(
        self,
        config: NarratorConfig,
        language_model: CausalLanguageModel,
        states: int,
        rows: int,
        projection: int = 0,
        scope="minute",
    ):
        """The last four as `BaseNarrator` takes them."""
        super().__init__(config, states, rows, projection, scope)
        self.queries = nn.Parameter(torch.empty(config.prompts, config.width))
        self.layers = nn.ModuleList(NarratorLayer(config.width, config.heads) for _ in range(config.layers))
        self.norm, self.to_prompts = nn.LayerNorm(config.width), nn.Linear(config.width, language_model.base.width)
        nn.init.normal_(self.queries, std=0.5)
        self.language_model = language_model

    @classmethod
    def make(cls, config: NarratorConfig, name: str, adapted: Adaptation, *entries: Any) -> "PromptedNarrator":
        """A fresh narrator on the language model `name`; entries: the last four of the constructor.

        Raises ValueError (one line) if it is not to be had, or cannot write, or not so much.
        """
        language, base, trained = open_adapted(name, adapted, writes=True)
        language_model = CausalLanguageModel(base, adapted, {})
        language_model.take(language, trained)
        language_model.special_ids()
        if (needed := config.prompts + config.length) > language.longest:
            raise ValueError(
                f"narrator.prompts={config.prompts}, narrator.length={config.length}: {language.name} reads at most "
                f"{language.longest} ids, and these are {needed}; lower one of them"
            )
        narrator = cls(config, language_model, *entries)
        length = float(language.network.get_input_embeddings().weight.std())  # prompts begin as long as words are
        nn.init.normal_(narrator.to_prompts.weight, std=length / config.width**0.5)
        nn.init.zeros_(narrator.to_prompts.bias)
        return narrator

    # ---- texts
    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Texts -> ids (M, L) int64 with the one that ends them, and mask (M, L) bool, L the longest text's."""
        language, end, most = self.language_model.opened(), self.language_model.special_ids()[1], self.config.length
        return language.pad([np.append(ids, end)[:most] for ids in language.tokenize(texts, most, special=False)])

    def forward(self, ids: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Logits (M, L, V) of each id of `encode` from those before it; memory and mask as `memory` gives them."""
        network, words = self._network(ids.device)
        begin = torch.full_like(ids[:, :1], self.language_model.special_ids()[0])
        texts = words(torch.cat([begin, ids[:, :-1]], 1))
        given = torch.cat([self._prompts(memory, mask).to(texts.dtype), texts], 1)
        return network(inputs_embeds=given, use_cache=False).logits[:, -ids.shape[1] :]

    @torch.no_grad()
    def write(self, memory: Tensor, mask: Tensor) -> list[str]:
        """The likeliest continuation, id by id, until the one that ends a text: M texts."""
        network, words = self._network(memory.device)
        begin, end = self.language_model.special_ids()
        kept = network(inputs_embeds=self._prompts(memory, mask), use_cache=True).past_key_values

        def step(last: Tensor, place: int) -> Tensor:
            return network(inputs_embeds=words(last[:, None]), past_key_values=kept, use_cache=True).logits[:, -1]

        ids = greedy(step, torch.full((len(memory),), begin, device=memory.device), end, self.config.length)
        return [
            text.strip() for text in self.language_model.opened().tokenizer.batch_decode(ids, skip_special_tokens=True)
        ]

    def _prompts(self, memory: Tensor, mask: Tensor) -> Tensor:
        """What the language model reads before a text, (M, P, D)."""
        x = self.queries.expand(len(memory), -1, -1)
        for layer in self.layers:  # a prompt attends to those before it, as the language model will, and to the EEG
            x, _ = layer(x, layer.read(memory), mask)
        return self.to_prompts(self.norm(x))

    def _network(self, device: torch.device) -> tuple[nn.Module, nn.Module]:
        """The language model on a device, and its word vectors."""
        network = self.language_model.opened().network.to(device)
        return network, network.get_input_embeddings()

    def language_parameters(self) -> list[nn.Parameter]:
        """What is trained of the language model."""
        return list(self.language_model.parameters())

    def ready(self) -> None:
        """Open the language model. Raises ValueError (one line) if it is not to be had, or is another one."""
        self.language_model.opened()

    @property
    def writer(self) -> str:
        """The language model's name and fingerprint."""
        return f"{self.language_model.base.name} ({self.language_model.base.fingerprint})"

    # ---- saving
    def entries(self) -> dict[str, Any]:
        """Which language model, and what of it is trained."""
        return {"adapted": dataclasses.asdict(self.language_model.adapted), **self.language_model.entries()}

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "PromptedNarrator":
        config, tensors = load_folder(model_id, cls.kind, options)
        name = Path(model_id).name
        sizes = check_narrator(config, name, ("adapted", "language", "trained"))
        check_keys(config.get("adapted"), tuple(ADAPTATION_LIMITS), name, "adapted.")
        check_part(config["adapted"], Adaptation, ADAPTATION_LIMITS, name, "adapted.")
        check_adapted(config, name)
        base, adapted = Base(**config["language"]), Adaptation(**config["adapted"])
        least = 16 * sizes.width**2 * sizes.layers + sizes.width * base.width

        def make() -> PromptedNarrator:
            return cls(sizes, CausalLanguageModel(base, adapted, config["trained"]), *(config[key] for key in ENTRIES))

        model = build(make, tensors, least, "narrator")
        model.about = config.get("about", {})
        return model
