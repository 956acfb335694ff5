"""The model card: README.md of a bundle, filled from its record; what nobody measured is called so."""

from pathlib import Path
from typing import Any

import jinja2

UNKNOWN = "not measured"


def model_card(record: dict[str, Any], size: int) -> str:
    """The card as Markdown; `size`: bytes of the weights."""
    templates = jinja2.FileSystemLoader(Path(__file__).parent)
    pages = jinja2.Environment(loader=templates, autoescape=False, trim_blocks=True, lstrip_blocks=True)  # Markdown
    pages.filters |= {"known": known, "decimals": decimals}
    return pages.get_template("card.md.jinja").render(record=record, megabytes=f"{size / 1e6:.1f}")


def known(value: Any) -> str:
    """A value as the card shows it."""
    return UNKNOWN if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def decimals(value: float | None) -> str:
    """A score as the card shows it."""
    return UNKNOWN if value is None else f"{value:.2f}"
