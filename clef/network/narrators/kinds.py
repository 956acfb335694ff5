"""The kinds of narrators, by what their config.json calls them."""

from clef.network.narrators.decoder import Narrator
from clef.network.narrators.memory import Memory
from clef.network.narrators.prompted import PromptedNarrator
from tokenizer.base.hub import read_config

KINDS: dict[str, type[Memory]] = {kind.kind: kind for kind in (Narrator, PromptedNarrator)}


def load_narrator(folder: str) -> Memory:
    """A narrator of whichever kind. Raises ValueError (one line) if the folder is damaged or holds another part."""
    return KINDS.get(read_config(folder).get("kind"), Narrator).from_pretrained(folder)
