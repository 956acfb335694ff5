"""The narration: a frozen session encoder and the narrator that reads its states, ready to write.

    narration = load_narration("RUN")
    narration.write(tokens, [(0, 0), (0, 1)])   # the texts on the first two minutes of the first session

Shapes: M stretches · R x W token grid of a window · N = R·W · D encoder width.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.model import Model, load
from clef.narratives.maps import SessionMaps
from clef.narratives.windows import windows
from clef.network.encoder import Encoder
from clef.network.narrators.base import BaseNarrator
from clef.network.narrators.kinds import load_narrator
from clef.network.pooling import pooled
from tokenizer.base.progress import track
from tokenizer.store import Tokens

BEGINNING = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")
HERTZ = re.compile(r"(?<=\d )hz\b")
AT_ONCE = 32
"""Stretches whose texts are written together."""


def read_window(
    encoder: Encoder, to_report: nn.Linear | None, narrator: BaseNarrator, batch: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Memory and mask of `BaseNarrator.memory` from windows; the encoder and the head are not trained."""
    valid, rows = batch["valid"], encoder.rows
    with torch.no_grad():
        states = encoder(batch["tokens"], valid)
        vector = None
        if narrator.from_projection is not None:
            session = pooled(states.unflatten(1, (rows, -1)), valid, encoder.config.pool)
            vector = F.normalize(to_report(session), dim=-1)
    return narrator.memory(states, encoder.token_ok(valid), batch["ago"], vector, batch.get("maps"))


@dataclasses.dataclass
class Narration:
    """A model that writes: its tokenizer, encoder and heads as `clef.load` gives them, and its narrator."""

    model: Model
    narrator: BaseNarrator

    @torch.inference_mode()
    def write(self, tokens: Tokens, places: Sequence[tuple[int, int]], batch: int = AT_ONCE) -> list[str]:
        """A text on each stretch (row of `tokens`, number) with a valid column, in order."""
        narrator, encoder = self.narrator, self.model.encoder
        to_report = self.model.heads.to_report if narrator.projection and self.model.heads else None
        maps = SessionMaps(tokens, self.model.vqgan, narrator.scope) if narrator.config.maps else None
        texts: list[str] = []
        starts = range(0, len(places), batch)
        for first in track(starts, "narrate", len(starts)) if len(starts) > 1 else starts:
            some = windows(tokens, places[first : first + batch], narrator.scope, narrator.config.history, maps)
            some = {name: part.to(encoder.codes.device) for name, part in some.items()}
            texts += map(as_sentences, narrator.write(*read_window(encoder, to_report, narrator, some)))
        return texts

    def to(self, device: str | torch.device) -> "Narration":
        """Move every part to a device."""
        self.model.to(device)
        self.narrator.to(device)
        return self


def as_sentences(text: str) -> str:
    """A text with capitals where sentences begin and in Hz: the words of a narrator of ours are in lower case."""
    return HERTZ.sub("Hz", BEGINNING.sub(lambda first: first[0].upper(), text))


def load_narration(path: str | Path) -> Narration:
    """Load a finished run of stage=narrate, or its `model/`.

    Raises ValueError with one line if there is no narrator, or a part is damaged, does not fit, or is not to be had.
    """
    folder = Path(path) / "model" if (Path(path) / "model").is_dir() else Path(path)
    if not (folder / "narrator").is_dir():
        raise ValueError(f"{path}: no narrator in this model; train one with python -m clef.pretrain stage=narrate")
    model, narrator = load(path), load_narrator(str(folder / "narrator"))
    head = model.heads.to_report if model.heads is not None else None
    given = head.out_features if head is not None else 0
    fits = narrator.projection in (0, given) and (narrator.states, narrator.rows) == (
        model.encoder.config.width,
        model.encoder.rows,
    )
    if not fits:
        raise ValueError(f"{folder}: narrator/ reads states of another encoder/ or align/; copy the model folder again")
    narrator.ready()
    return Narration(model, narrator)
