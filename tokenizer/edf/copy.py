"""The copy of one EDF or BDF file without what points to a person, and the check that it is what it should be.

The samples never become numbers: data records are copied as bytes, some at a time, and only the bytes of annotation
signals change. What the header does not promise (bytes after the last record) is not copied: it may be anything.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.base.files import write_aside
from tokenizer.edf.annotations import Allowed, AnnotationList, annotation_lists, is_timed
from tokenizer.edf.private_fields import HeaderFields, Keep, read_fields, without_person
from tokenizer.edf.terms import ANNOTATIONS, known_words
from tokenizer.recording import RecordingError

AT_ONCE = 1 << 24
"""Bytes copied at once, so that a recording of days needs no more memory than one of minutes."""
_WORD = re.compile(r"[^\W\d_]{3,}|\d{5,}")
"""Words long enough to be told from chance: three letters, five digits."""


@dataclass(frozen=True)
class CopyPlan:
    """A recording to copy: where it is, its header and the copy's, and how many data records it has."""

    path: Path
    old: HeaderFields
    new: HeaderFields
    records: int
    allowed: Allowed
    counts: Counter[str]
    """What was replaced or dropped, by the words the program prints."""


def plan_copy(path: Path, keep: Keep, allowed: Allowed) -> CopyPlan:
    """Read the header of a recording and plan its copy. Raises RecordingError if it is damaged."""
    old = read_fields(path)
    new, counts = without_person(old, keep)
    size, declared = old.record_bytes, int(old.general["records"])
    if not size:
        raise RecordingError(path.name, "its records hold no sample; export it again")
    after_header = path.stat().st_size - old.size
    whole = after_header // size
    records = whole if declared < 0 else min(whole, declared)
    if records < 1:
        raise RecordingError(
            path.name, f"{whole} whole data records, {declared} promised by its header; export it again"
        )
    counts["bytes after the last record"] = after_header - records * size
    return CopyPlan(path, old, new, records, allowed, counts)


def content_name(plan: CopyPlan) -> str:
    """A file name from a hash of the copy's own header and samples, so that it tells nothing that they do not."""
    digest = hashlib.sha256(plan.new.to_bytes())
    samples = plan.old.sample_bytes
    for data in _data_records(plan.path, plan.old, plan.records):
        digest.update(np.ascontiguousarray(data[:, samples]))
    return f"{digest.hexdigest()[:16]}{'.bdf' if plan.old.width == 3 else '.edf'}"


def write_copy(plan: CopyPlan, target: Path) -> bool:
    """Write the copy to `target`, whole or not at all, and check it; False if a good one is there already.

    Raises RecordingError if the recording cannot be copied or its copy would still say what it should not.
    """
    if target.is_file() and not problem(plan, target):
        return False
    with write_aside(target) as aside:
        with aside.open("wb") as file:
            file.write(plan.new.to_bytes())
            for data in _data_records(plan.path, plan.old, plan.records):
                file.write(_clean(data, plan))
        if wrong := problem(plan, aside):
            raise RecordingError(plan.path.name, wrong)
    return True


def _data_records(path: Path, header: HeaderFields, records: int) -> Iterator[NDArray[np.uint8]]:
    """The data records as bytes (n, bytes of a record), some at a time."""
    size = header.record_bytes
    with path.open("rb") as file:
        file.seek(header.size)
        while records:
            some = min(records, max(1, AT_ONCE // size))
            data = file.read(some * size)
            if len(data) < some * size:
                raise RecordingError(path.name, "became shorter while it was read; try again")
            yield np.frombuffer(data, np.uint8).reshape(some, size)
            records -= some


def _clean(data: NDArray[np.uint8], plan: CopyPlan) -> bytes:
    """The bytes of some data records (n, bytes of a record) without free text."""
    data = data.copy()
    for i, signal in enumerate(plan.old.annotations):
        span = plan.old.spans[signal]
        for record in data:
            text = record[span].tobytes()
            # EDF+ keeps the time of a record in the first annotation signal: without it the gaps would be lost
            if i == 0 and plan.old.discontinuous and not is_timed(text):
                raise RecordingError(
                    plan.path.name, "a data record of a discontinuous file does not say when it starts"
                )
            record[span] = np.frombuffer(plan.allowed.clean(text, plan.counts), np.uint8)
    return data.tobytes()


# ---- the check afterwards
def problem(plan: CopyPlan, copied: Path) -> str | None:
    """What is wrong with a copy: another size, header or sample than it should have, or a text that should be gone."""
    size = plan.new.size + plan.records * plan.new.record_bytes
    if copied.stat().st_size != size or _head(copied, plan.new.size) != plan.new.to_bytes():
        return "its copy is not what was written; check the disk"
    texts: set[bytes] = set()
    both = zip(
        _data_records(plan.path, plan.old, plan.records), _data_records(copied, plan.new, plan.records), strict=True
    )
    for before, after in both:
        if not np.array_equal(before[:, plan.old.sample_bytes], after[:, plan.old.sample_bytes]):
            return "its copy has other samples; check the disk"
        for annotations in _lists(after, plan.new):
            if annotations is None or not all(text in plan.allowed for text in annotations.texts):
                return "its copy holds text that is not allowed; report this as a bug"
            texts.update(annotations.texts)
    return _left_over(plan, texts)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _lists(data: NDArray[np.uint8], header: HeaderFields) -> Iterator[AnnotationList | None]:
    for signal in header.annotations:
        for record in data[:, header.spans[signal]]:
            for _, annotations in annotation_lists(record.tobytes()):
                yield annotations


def _left_over(plan: CopyPlan, annotations: set[bytes]) -> str | None:
    """A line if words of the patient or recording field still stand in the copy's labels, transducers or annotations.

    Words of the closed vocabularies are no leak, even if a person is called so.
    """
    labels = _words(" ".join(signal[name] for signal in plan.new.signals for name in ("label", "transducer")))
    noted = _words(" ".join(text.decode("utf-8", "replace") for text in annotations)) - _words(" ".join(ANNOTATIONS))
    patient, recording = (_words(plan.old.general[name]) for name in ("patient", "recording"))
    left = (labels & (patient | recording)) | (noted & patient)
    if not all(known_words(word) for word in left):
        return "a word of its patient field stands in what would be kept; look through keep_annotations"
    return None


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
