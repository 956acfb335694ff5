"""Whether a folder of weights may ship: whole, small, trained and measured, with nothing in it that is not meant."""

import json
import logging
import re
from pathlib import Path

from clef.model import load
from tokenizer.base.hub import CONFIG, WEIGHTS, is_whole_folder
from tools.bundling.record import FORMAT, lacking, parts_of

log = logging.getLogger(__name__)
LARGEST = 25_000_000
"""Bytes of all files together."""
CARD, RECORD = "README.md", "record.json"
ABSOLUTE = re.compile(r"(?<![\w:/.])/[\w.-]+/[\w.-]+|[A-Z]:\\\\?\w")
"""A path of somebody's machine; an address on the web has a colon before its slashes."""
ABOUT = {"stage", "tokenizer", "trained_on", "heldout_concepts"}
"""What weights may say of their making: no folder, no person beyond a hash."""


def check_bundle(folder: Path) -> None:
    """Raise ValueError with one line that says why a bundle may not ship."""
    if not (folder / RECORD).is_file():
        raise ValueError(f"{folder.name}: no {RECORD}: nobody says what these weights were trained on")
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    if record.get("format") != FORMAT:
        raise ValueError(f"{folder.name}: {RECORD} has format {record.get('format')}, this version knows {FORMAT}")
    if lacks := lacking(record):
        raise ValueError(f"{folder.name}: {RECORD} lacks {'; '.join(lacks)}")
    check_files(folder)
    check_weights(folder, record)


def check_files(folder: Path) -> None:
    """Raise ValueError unless the folder holds the card, the record and whole parts of a model, all of them small."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    parts = [part for part in ("tokenizer", "encoder", "align") if (folder / part).is_dir()]
    expected = {CARD, RECORD, *(f"{part}/{name}" for part in parts for name in (CONFIG, WEIGHTS))}
    if different := sorted(set(files) ^ expected):
        raise ValueError(f"{folder.name}: {different[0]} is missing or does not belong here")
    if (size := sum(path.stat().st_size for path in files.values())) > LARGEST:
        raise ValueError(
            f"{folder.name}: {size / 1e6:.1f} MB; at most {LARGEST / 1e6:.0f}: a smaller model, or float16"
        )
    if broken := [part for part in parts if not is_whole_folder(folder / part)]:
        raise ValueError(f"{folder.name}: {broken[0]}/ is not as it was written; write the bundle again")
    for name in (CARD, RECORD):
        if named := ABSOLUTE.search(files[name].read_text(encoding="utf-8")):
            raise ValueError(
                f"{folder.name}: {name} names a place on some machine ({named[0]}); take it out of the facts"
            )


def check_weights(folder: Path, record: dict) -> None:
    """Raise ValueError unless the record was written for these weights and for all people whom they name."""
    model = load(folder)
    if model.fingerprint != record["model"]:
        raise ValueError(f"{folder.name}: {record['model']} in {RECORD}, the weights are {model.fingerprint}")
    for part, network in parts_of(model).items():
        if strange := set(getattr(network, "about", {})) - ABOUT:
            raise ValueError(
                f"{folder.name}: {part}/ says {sorted(strange)[0]} of its making; expected {sorted(ABOUT)}"
            )
    named = {split: len(set(hashes)) for split, hashes in model.encoder.about.get("trained_on", {}).items()}
    counted = {split: sum(entry["people"].get(split, 0) for entry in record["data"]) for split in named}
    if not named.get("train") or named != counted:
        raise ValueError(f"{folder.name}: the weights name {named} people, {RECORD} counts {counted}")
