"""Copies of EDF, EDF+, BDF and BDF+ files without names, dates and free text; the samples stay as they are.

    python -m tokenizer.deidentify root=DIR out=DIR2

Replaced: patient and recording fields, start, channel names, transducers, units and filters that are not made of known
technical words, all reserved fields, every annotation that is not in a list of standard ones, and the file's name and
folder. Dropped: what follows the last data record. Each copy is opened again and compared with its original. A damaged
header is refused; the others go on. No name, date or text of a file is ever printed. docs/privacy.md says what is left.
"""

import csv
import dataclasses
import errno
import io
import json
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import fingerprint, write_json, write_text
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.edf.annotations import Allowed
from tokenizer.edf.copy import content_name, plan_copy, write_copy
from tokenizer.edf.private_fields import Keep
from tokenizer.reading.formats import EDF_SUFFIXES
from tokenizer.recording import RecordingError

log = logging.getLogger(__name__)
SETTINGS = "deidentify.json"
FINISHED = "copies of an earlier start"
DROPPED = ("bytes after the last record", "bytes that are no annotation")


@dataclass
class DeidentifyConfig:
    root: Path = MISSING
    """A recording, or a folder searched for recordings."""
    out: Path = MISSING
    """Folder to write the copies into; the same command goes on where it stopped."""
    mapping: Path | None = None
    """A CSV to write outside `out`: which file became which, and why others were refused. It holds the old names."""
    keep_annotations: Path | None = None
    """A text file with one annotation per line that may stay beside the standard ones."""
    keep_names: bool = False
    """Keep the names of files and folders; by default a file is named after its content."""
    keep_sex: bool = False
    """Keep F or M of the patient field."""
    keep_date: bool = False
    """Keep the day of the recording; by default it becomes 1 January 1985."""
    keep_time: bool = False
    """Keep the time of day at which the recording starts; by default it becomes midnight."""


def main(config: DeidentifyConfig) -> int:
    """Copy every recording; returns 1 if one was refused."""
    more = _check(config)
    files, others = _recordings(config.root)
    _same_settings(config, more)
    total, rows = Counter(), []
    for number, path in enumerate(track(files, "de-identify"), 1):
        name, reason = _one(path, config, Allowed(more), total)
        if reason:
            # the file is told by its place in order, since its name may be a person's
            log.warning("refused recording %d of %d in order of path: %s", number, len(files), reason)
        rows.append((str(_inside(path, config.root)), name, reason))
    if config.mapping:
        _write_mapping(config.mapping, rows)
    return _report(config, total, rows, others)


def _one(path: Path, config: DeidentifyConfig, allowed: Allowed, total: Counter[str]) -> tuple[str, str]:
    """Copy one recording and count what was replaced; its new name, or the reason why it was refused."""
    try:
        plan = plan_copy(path, Keep(config.keep_sex, config.keep_date, config.keep_time), allowed)
        name = str(_inside(path, config.root)) if config.keep_names else content_name(plan)
        written = write_copy(plan, config.out / name)
    except RecordingError as error:
        return "", error.reason
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # the others would not fit either
            raise OSError(error.errno, error.strerror, str(config.out)) from None
        return "", f"cannot be read or written ({error.strerror}); check the file and the disk"
    total.update(plan.counts if written else {FINISHED: 1})
    return name, ""


def _inside(path: Path, root: Path) -> Path:
    return Path(path.name) if path == root else path.relative_to(root)


# ---- arguments
def _check(config: DeidentifyConfig) -> list[str]:
    """The annotations allowed beside the standard ones. Raises ConfigError for arguments that cannot be meant."""
    root, out = config.root.resolve(), config.out.resolve()
    if not root.exists():
        raise ConfigError(f"root={config.root}: there is no such file or folder")
    if out == root or root in out.parents or out in root.parents:
        raise ConfigError(f"out={config.out}: one of root and out lies inside the other; give a folder beside root")
    if config.mapping and (out in config.mapping.resolve().parents or config.mapping.is_dir()):
        raise ConfigError(f"mapping={config.mapping}: expected a file outside out, for it holds the names")
    if config.keep_annotations is None:
        return []
    if not config.keep_annotations.is_file():
        raise ConfigError(f"keep_annotations={config.keep_annotations}: there is no such file")
    return config.keep_annotations.read_text(encoding="utf-8", errors="replace").splitlines()


def _recordings(root: Path) -> tuple[list[Path], int]:
    """The recordings under `root` in order of their paths, and how many other files there are."""
    files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    recordings = [path for path in files if path.suffix.lower() in EDF_SUFFIXES]
    if not recordings:
        raise ValueError(f"root={root}: no recording here; looked for {', '.join(EDF_SUFFIXES)}")
    return recordings, len(files) - len(recordings)


def _same_settings(config: DeidentifyConfig, more: list[str]) -> None:
    """Raise ValueError if `out` was begun with other settings, so that a folder never holds copies of two kinds."""
    chosen = {k: v for k, v in dataclasses.asdict(config).items() if k.startswith("keep_")}
    chosen["keep_annotations"] = fingerprint(*sorted(more)) if more else None
    path = config.out / SETTINGS
    if not path.is_file():
        if config.out.is_dir() and any(config.out.iterdir()):
            raise ValueError(f"out={config.out}: this folder holds something else; give a new one")
        write_json(path, chosen)
    elif differ := sorted(k for k, v in json.loads(path.read_text(encoding="utf-8")).items() if chosen.get(k) != v):
        raise ValueError(f"out={config.out}: begun with another {', '.join(differ)}; use the same, or another out=")


# ---- the end
def _write_mapping(path: Path, rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("original", "copy", "refused"), *rows])
    write_text(path, text.getvalue())


def _report(config: DeidentifyConfig, total: Counter[str], rows: list[tuple[str, str, str]], others: int) -> int:
    """Log what was replaced, dropped, written and left; 1 if a recording was refused."""
    done, refused = sum(not reason for *_, reason in rows), sum(bool(reason) for *_, reason in rows)
    finished, kept = total.pop(FINISHED, 0), total.pop("annotations kept", 0)
    dropped = {name: total.pop(name, 0) for name in DROPPED}
    log.info("replaced: %s", ", ".join(f"{name} {n}" for name, n in sorted(total.items()) if n) or "nothing")
    log.info("dropped: %s; kept: %d standard annotations", ", ".join(f"{n} {k}" for k, n in dropped.items()), kept)
    if others:
        log.info("%d other files are not copied: %s are the kinds this program knows", others, ", ".join(EDF_SUFFIXES))
    if config.keep_names:
        log.warning("names of files and folders are kept: look through them yourself")
    log.info("wrote %s: %d recordings (%d of them there already), %d refused", config.out, done, finished, refused)
    log.info("next: read docs/privacy.md before you share them")
    return int(refused > 0)


if __name__ == "__main__":
    program(DeidentifyConfig, main, "tokenizer.deidentify")
