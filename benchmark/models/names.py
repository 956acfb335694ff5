"""Names of the folders that a command line lists: `name=FOLDER`, or a folder called by its own name."""

from collections.abc import Sequence
from pathlib import Path

MOST_NAME = 40
UNFIT = frozenset('/\\:,*?"<>|')
"""Characters that no file name should have."""


def named_folders(given: Sequence[str], setting: str = "runs", taken: Sequence[str] = ()) -> dict[str, Path]:
    """Folders by the name that tables call them; `taken` are names that other rows have.

    Raises ValueError with one line, which begins with `setting`, for a name that is given twice, taken, or none for a
    file.
    """
    folders: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if not equals or Path(text).exists():
            folder, name = text, Path(text).resolve().name
            name = Path(text).resolve().parent.name if name == "model" else name
        if not (name and folder) or len(name) > MOST_NAME or set(name) & UNFIT or name.startswith("."):
            raise ValueError(f"{setting}={text}: {name!r} is no name for a row; write {setting}=[name=FOLDER]")
        if name in taken:
            raise ValueError(f"{setting}={text}: another row is called {name!r}; write {setting}=[name=FOLDER]")
        if name in folders:
            raise ValueError(f"{setting}: two are called {name!r}; give each a name, {setting}=[a=FOLDER,b=FOLDER]")
        folders[name] = Path(folder)
    return folders
