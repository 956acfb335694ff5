"""The model that is used where none is named: `clef-open`, a folder inside this package.

A wheel, an editable install and a checkout all have it at `clef/weights/clef-open/`: tokenizer/, encoder/, align/ (if
it knows words), `record.json` (what it was trained on, what that cost, what it scores) and README.md, the model card.
`python -m tools.bundle` writes the folder from finished runs; docs/clef-open.md says how.
"""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)
NAME = "clef-open"
FOLDER = Path(__file__).resolve().parent / "weights" / NAME


def is_bundled() -> bool:
    """Whether this copy of CLEF has the weights of `clef-open`."""
    return (FOLDER / "encoder").is_dir()


def bundled() -> Path:
    """The folder of clef-open. Raises ValueError with one line if this copy of CLEF has none."""
    if not is_bundled():
        raise ValueError(
            f"no model was named, and this copy of CLEF has no {NAME} (clef/weights/{NAME}/): name one "
            f"(model=RUN), or make it from open data: make open DATA=DIR (docs/{NAME}.md)"
        )
    return FOLDER


def model_folder(path: str | os.PathLike | None) -> Path:
    """The folder that `path` names; that of `clef-open` for None, and for its name where no such folder is at hand."""
    if path is None:
        log.info("no model named: %s (docs/%s.md)", NAME, NAME)
        return bundled()
    return bundled() if str(path) == NAME and not Path(path).exists() else Path(path)
