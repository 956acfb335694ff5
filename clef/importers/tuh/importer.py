"""The importer of a corpus of the Temple University Hospital (TUH) EEG project: a site of a cohort folder.

    python -m clef.importers.tuh root=tuh_eeg_abnormal/v3.0.1 out=COHORT

TUAB: `LABEL//tuab//pathology//abnormal` (or normal); eval is the test split, train is train but for a seeded share of
its people, which is val. TUSZ: train, dev and eval are train, val and test; `LABEL//tusz//seizure_in_session//yes` (or
no) where every recording of the session is annotated. TUEP: `LABEL//tuep//epilepsy//yes` (or no), which is the
person's, splits by a seeded hash. TUEG: no labels, splits by a seeded hash. In all of them a row is one EDF file, and a
person has one number: the corpora are drawn from TUEG and share its names. So in one cohort nobody stands in two
splits; import TUAB or TUSZ first, the others then follow their splits.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clef.importers.importing import ImportConfig, Recording, import_recordings
from clef.importers.keys import NONE
from clef.importers.reports import read_text
from clef.importers.threads import in_threads
from clef.importers.tuh.layout import (
    EPILEPSY,
    PARTS,
    PATHOLOGY,
    TUHHeader,
    TUHPath,
    TUHTree,
    find_files,
    parse_path,
    read_tuh_header,
    start_time,
)
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.sessions import split_of, subject_number

log = logging.getLogger(__name__)

HOSPITAL = "tuh"
SPLITS = {"train": "train", "dev": "val", "eval": "test"}
WORDS = {
    "pathology//abnormal": "Abnormal EEG",
    "pathology//normal": "Normal EEG",
    "epilepsy//yes": "Epilepsy",
    "epilepsy//no": "No epilepsy",
    "seizure_in_session//yes": "A seizure in this session",
    "seizure_in_session//no": "No seizure in this session",
}
_SEIZURE = re.compile(r"^[^#\n]*,\s*seiz\b", re.MULTILINE | re.IGNORECASE)


@dataclass
class TUHImport(ImportConfig):
    root: Path = MISSING
    """Folder of a release: the one that holds edf/, or edf/ itself."""
    corpus: Literal["auto", "tuab", "tueg", "tuep", "tusz"] = "auto"
    """Which corpus; auto tells by the folders."""
    site: str | None = None
    """Name in the cohort; the corpus if not given."""
    val_share: float = 0.1
    """Share of the people of TUAB's train that becomes val."""
    key: str = NONE
    """none: TUH's own pseudonyms are hashed as they are, the same for all who have it; auto or a file: with a key."""


def main(config: TUHImport) -> int:
    """Import one corpus."""
    _check(config)
    tree = find_files(config.root)
    if not tree.recordings:
        raise ValueError(f"root={config.root}: holds no EDF file; give the folder of a release that holds edf/")
    left_out: dict[str, list[str]] = defaultdict(list)
    files = _files_of_corpus(tree, config, left_out)
    left_out["a folder that cannot be opened"] += [str(folder.relative_to(config.root)) for folder in tree.closed]
    corpus = files[0].corpus if files else config.corpus
    site = config.site or corpus
    headers = _headers(files, config)
    _say_files(corpus, files, headers, tree)
    recordings = _recordings(files, headers, config, site)
    _add_reports(recordings, files, headers, tree.reports)
    words = {f"LABEL//{site}//{code}": text for code, text in WORDS.items()}
    import_recordings(recordings, site, config, left_out, words)
    return 0


def _check(config: TUHImport) -> None:
    if not config.root.is_dir():
        raise ValueError(f"root={config.root}: there is no such folder")
    if (name := config.root.resolve().name.lower()) in (*PARTS, *PATHOLOGY) or EPILEPSY.fullmatch(name):
        raise ValueError(f"root={config.root}: {name}/ is a part of a corpus; give the folder of the whole release")
    if not 0 <= config.val_share < 1:
        raise ValueError(f"val_share={config.val_share}: expected a share from 0 to less than 1")


def _files_of_corpus(tree: TUHTree, config: TUHImport, left_out: dict[str, list[str]]) -> list[TUHPath]:
    """The recordings of the one corpus to import; the others go to `left_out`. Raises ValueError if there are two."""
    files: dict[tuple[str, str], TUHPath] = {}
    for path in tree.recordings:
        shown = str(path.relative_to(config.root))
        if not (file := parse_path(config.root, path)):
            left_out["its name is not SUBJECT_sNNN_tNNN.edf"].append(shown)
        elif config.corpus not in ("auto", file.corpus):
            left_out[f"its folders are those of {file.corpus}, not of {config.corpus}"].append(shown)
        elif file.pathology and file.part is None:
            left_out["stands in normal or abnormal, but neither in train nor in eval"].append(shown)
        elif (name := (file.corpus, path.stem.lower())) in files:
            left_out["a recording of this name was found in another folder"].append(shown)
        else:
            files[name] = file
    _check_one_corpus(config.root, list(files.values()))
    return list(files.values())


def _check_one_corpus(root: Path, files: list[TUHPath]) -> None:
    """Raise ValueError if there are several corpora, or if a person stands in two official parts."""
    corpora = Counter(file.corpus for file in files)
    if len(corpora) > 1:
        counts = ", ".join(f"{corpus} ({n} recordings)" for corpus, n in corpora.items())
        raise ValueError(f"root={root}: holds several corpora, {counts}; give corpus= and import one after the other")
    parts: dict[str, str | None] = {}
    for file in files:
        if parts.setdefault(file.subject, file.part) != file.part:
            raise ValueError(
                f"root={root}: a person ({file.shown}) stands in {parts[file.subject]}/ and in {file.part}/; TUH "
                f"keeps them apart: are these two releases in one folder, or files that were moved?"
            )


def _headers(files: list[TUHPath], config: TUHImport) -> list[TUHHeader]:
    read = in_threads(lambda file: read_tuh_header(file.path), files, config.workers)
    return list(track(read, "reading headers", len(files)))


def _recordings(files: list[TUHPath], headers: list[TUHHeader], config: TUHImport, site: str) -> list[Recording]:
    seizures = _seizures([file for file in files if file.corpus == "tusz"])
    recordings = []
    for file, header in zip(files, headers, strict=True):
        start = start_time(file.date or header.date, file.session)
        label = _label(file) or seizures.get(file.visit)
        recordings.append(
            Recording(
                path=file.path,
                shown=file.shown,
                subject=file.subject,
                session=file.path.stem,
                start=start,
                age=header.age,
                sex=header.sex,
                split=_split(file, config),
                events=[(start, f"LABEL//{site}//{label}", None)] if label else [],
                named_by=HOSPITAL,
            )
        )
    return recordings


def _label(file: TUHPath) -> str | None:
    """What the folders say of a recording (TUAB) or of its person (TUEP)."""
    if file.pathology:
        return f"pathology//{file.pathology}"
    return f"epilepsy//{file.epilepsy}" if file.epilepsy else None


def _split(file: TUHPath, config: TUHImport) -> str | None:
    """The official split; of TUAB, which has no validation part, a share of the people of train becomes val."""
    if file.corpus == "tuab" and file.part == "train":
        person = subject_number(HOSPITAL, file.subject)
        return split_of(person, config.seed, train=1 - config.val_share, val=1.0)
    return SPLITS[file.part] if file.part else None


def _seizures(files: list[TUHPath]) -> dict[str, str]:
    """Session -> its label; one of which a part is not annotated and the rest has no seizure has none."""
    answers: dict[str, list[bool | None]] = defaultdict(list)
    for file in track(files, "reading annotations"):
        answers[file.visit].append(_has_seizure(file.path.with_suffix(".csv_bi")))
    known = {visit: any(some) for visit, some in answers.items() if True in some or None not in some}
    return {visit: f"seizure_in_session//{'yes' if seizure else 'no'}" for visit, seizure in known.items()}


def _has_seizure(annotations: Path) -> bool | None:
    """Whether a .csv_bi file has a line labelled `seiz`; None if there is no such file."""
    if not annotations.is_file():
        return None
    try:
        return bool(_SEIZURE.search(annotations.read_text(encoding="latin-1")))
    except OSError:
        return None


def _add_reports(
    recordings: list[Recording], files: list[TUHPath], headers: list[TUHHeader], reports: dict[str, Path]
) -> None:
    """Give each report to the longest recording of its session: a report belongs to one row."""
    candidates: dict[str, list[tuple[float, Recording]]] = defaultdict(list)
    for recording, file, header in zip(recordings, files, headers, strict=True):
        if file.visit in reports:
            candidates[file.visit].append((header.seconds, recording))
    for visit, pairs in candidates.items():
        max(pairs, key=lambda candidate: candidate[0])[1].report = read_text(reports[visit]) or None
    if not reports:
        log.info("no reports: TUH gives none out any more; old releases have them as SUBJECT_sNNN.txt")


def _say_files(corpus: str, files: list[TUHPath], headers: list[TUHHeader], tree: TUHTree) -> None:
    """How many files there are of what, and what is not known of them."""
    people, visits = len({file.subject for file in files}), len({file.visit for file in files})
    kinds = [_counts(file.part for file in files if file.part), _counts(file.montage for file in files)]
    kinds += [f"{len(tree.reports)} reports"] if tree.reports else []
    log.info("%s: %d recordings of %d sessions of %d people", corpus, len(files), visits, people)
    log.info("found %s", "; ".join(filter(None, kinds)))
    dates = [file.date or header.date for file, header in zip(files, headers, strict=True)]
    unknown = {
        "age": sum(header.age is None for header in headers),
        "sex": sum(header.sex is None for header in headers),
        "date": sum(date is None for date in dates),
    }
    log.info("not known: %s", ", ".join(f"{what} of {n}" for what, n in unknown.items()))
    if years := sum(date is not None and len(date) == 4 for date in dates):
        log.info("only the year of %d is known: their month and day stand for the number of the session", years)
    if tree.others:
        log.info("beside them: %s", ", ".join(f"{n} {kind}" for kind, n in tree.others.most_common(8)))


def _counts(kinds: Iterable[str]) -> str:
    return ", ".join(f"{kind} {n}" for kind, n in sorted(Counter(kinds).items()))
