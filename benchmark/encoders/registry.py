"""The table of encoders: a line each. All that depends on which encoders there are asks here."""

import textwrap
from collections.abc import Mapping

from benchmark.encoders.acquisition import ACQUISITION
from benchmark.encoders.bandpower import BANDPOWER
from benchmark.encoders.crops import CROPS
from benchmark.encoders.encoder import Encoder
from benchmark.encoders.metadata import METADATA
from benchmark.encoders.ours import CLEF, CODES, UNTRAINED
from benchmark.encoders.truth import TRUTH
from benchmark.encoders.windows.eegclip import EEGCLIP
from benchmark.encoders.windows.elm import ELM
from benchmark.encoders.windows.pretrained.bendr import BENDR
from benchmark.encoders.windows.pretrained.biot import BIOT
from benchmark.encoders.windows.pretrained.cbramod import CBRAMOD
from benchmark.encoders.windows.pretrained.eegpt import EEGPT
from benchmark.encoders.windows.pretrained.labram import LABRAM
from benchmark.encoders.windows.pretrained.reve import REVE
from clef.fold_embeddings import Store

ENCODERS: dict[str, Encoder] = {
    encoder.name: encoder
    for encoder in (
        BANDPOWER,
        METADATA,
        ACQUISITION,
        UNTRAINED,
        CODES,
        CLEF,
        CROPS,
        ELM,
        EEGCLIP,
        LABRAM,
        BIOT,
        CBRAMOD,
        EEGPT,
        BENDR,
        REVE,
        TRUTH,
    )
}


def with_role(role: str) -> list[Encoder]:
    """The encoders of a role (`baseline`, `ablation`, `model` or `reference`), in the order of the table."""
    return [encoder for encoder in ENCODERS.values() if encoder.role == role]


def encoder_of(store: Store) -> Encoder | None:
    """The encoder that made these embeddings, by what their metadata say; None for anyone else's."""
    kind = store.config.get("kind")
    return next((encoder for encoder in ENCODERS.values() if encoder.kind == kind), None)


def encoders_of(stores: Mapping[str, Store]) -> dict[str, Encoder]:
    """The encoder behind each name, where it is one of ours."""
    return {name: encoder for name, store in stores.items() if (encoder := encoder_of(store))}


def encoder_lines() -> str:
    """The table as text, for `--help`."""
    width = max(map(len, ENCODERS)) + 4
    lines = []
    for encoder in ENCODERS.values():
        needs = "; needs " + " and ".join(f"{need}=" for need in encoder.needs) if encoder.needs else ""
        name = f"  {encoder.name}".ljust(width)
        lines.append(textwrap.fill(encoder.what + needs, 120, initial_indent=name, subsequent_indent=" " * width))
    return "\n".join(lines)
