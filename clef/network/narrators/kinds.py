"""The two kinds of narrators, by what their config.json calls them."""

from clef.network.narrators.base import BaseNarrator
from clef.network.narrators.decoder import Narrator
from clef.network.narrators.prompted import PromptedNarrator
from tokenizer.base.hub import read_config


def load_narrator(folder: str) -> BaseNarrator:
    """A narrator of whichever kind. Raises ValueError (one line) if the folder is damaged or holds another part."""
    kind = read_config(folder).get("kind")
    return (PromptedNarrator if kind == PromptedNarrator.kind else Narrator).from_pretrained(folder)
