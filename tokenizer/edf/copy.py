"""One EDF or BDF file copied without what points to a person, and the proof that the copy is what it should be.

The samples never become numbers: data records are copied as bytes, in blocks, and only the bytes of annotation signals
change. What the header does not promise (bytes after the last record) is not copied: it may be anything.
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
from tokenizer.edf.annotations import Allowed, is_timed, lists_of
from tokenizer.edf.private_fields import Header, Keep, read_header, without_person
from tokenizer.edf.terms import ANNOTATIONS, known_words
from tokenizer.recording import RecordingError

BLOCK = 1 << 24
"""Bytes copied at once."""
_WORD = re.compile(r"[^\W\d_]{3,}|\d{5,}")
"""Words long enough to be told from chance: three letters, five digits."""


@dataclass(frozen=True)
class Job:
    """One recording to copy: where it is, its header and the copy's, and how many data records it has."""

    path: Path
    old: Header
    new: Header
    records: int
    allowed: Allowed
    counts: Counter[str]


def prepare(path: Path, keep: Keep, allowed: Allowed) -> Job:
    """Read the header of a recording and plan its copy. Raises RecordingError if it is damaged."""
    old = read_header(path)
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
    return Job(path, old, new, records, allowed, counts)


def content_name(job: Job) -> str:
    """A file name from a hash of the copy's own header and samples, so that it tells nothing that they do not."""
    digest = hashlib.sha256(job.new.to_bytes())
    samples = job.old.sample_bytes
    for block in _blocks(job.path, job.old, job.records):
        digest.update(np.ascontiguousarray(block[:, samples]))
    return f"{digest.hexdigest()[:16]}{'.bdf' if job.old.width == 3 else '.edf'}"


def write_copy(job: Job, target: Path) -> bool:
    """Write the copy to `target`, whole or not at all, and check it; False if a good one is there already.

    Raises RecordingError if the recording cannot be copied or its copy would still say what it should not.
    """
    if target.is_file() and not problem(job, target):
        return False
    with write_aside(target) as aside:
        with aside.open("wb") as file:
            file.write(job.new.to_bytes())
            for block in _blocks(job.path, job.old, job.records):
                file.write(_clean(block, job))
        if wrong := problem(job, aside):
            raise RecordingError(job.path.name, wrong)
    return True


def _blocks(path: Path, header: Header, records: int) -> Iterator[NDArray[np.uint8]]:
    """The data records (n, bytes of a record), some at a time."""
    size = header.record_bytes
    with path.open("rb") as file:
        file.seek(header.size)
        while records:
            some = min(records, max(1, BLOCK // size))
            data = file.read(some * size)
            if len(data) < some * size:
                raise RecordingError(path.name, "became shorter while it was read; try again")
            yield np.frombuffer(data, np.uint8).reshape(some, size)
            records -= some


def _clean(block: NDArray[np.uint8], job: Job) -> bytes:
    """The bytes of some data records without free text."""
    block = block.copy()
    for i, signal in enumerate(job.old.annotations):
        span = job.old.spans[signal]
        for record in block:
            data = record[span].tobytes()
            if i == 0 and job.old.discontinuous and not is_timed(data):
                raise RecordingError(job.path.name, "a data record of a discontinuous file does not say when it starts")
            record[span] = np.frombuffer(job.allowed.clean(data, job.counts), np.uint8)
    return block.tobytes()


# ---- the check afterwards
def problem(job: Job, copied: Path) -> str | None:
    """What is wrong with a copy: another size, header or sample than it should have, or a text that should be gone."""
    size = job.new.size + job.records * job.new.record_bytes
    if copied.stat().st_size != size or _head(copied, job.new.size) != job.new.to_bytes():
        return "its copy is not what was written; check the disk"
    texts: set[bytes] = set()
    both = zip(_blocks(job.path, job.old, job.records), _blocks(copied, job.new, job.records), strict=True)
    for before, after in both:
        if not np.array_equal(before[:, job.old.sample_bytes], after[:, job.old.sample_bytes]):
            return "its copy has other samples; check the disk"
        for found in _lists(after, job.new):
            if found is None or not all(text in job.allowed for text in found.texts):
                return "its copy holds text that is not allowed; report this as a bug"
            texts.update(found.texts)
    return _left_over(job, texts)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _lists(block: NDArray[np.uint8], header: Header) -> Iterator:
    for signal in header.annotations:
        for record in block[:, header.spans[signal]]:
            for _, found in lists_of(record.tobytes()):
                yield found


def _left_over(job: Job, annotations: set[bytes]) -> str | None:
    """A line if words of the patient or recording field still stand in the copy's labels, transducers or annotations.

    Words that belong to the closed vocabularies stand there for themselves, whoever else is called so.
    """
    labels = _words(" ".join(signal[name] for signal in job.new.signals for name in ("label", "transducer")))
    noted = _words(" ".join(text.decode("utf-8", "replace") for text in annotations)) - _words(" ".join(ANNOTATIONS))
    patient, recording = (_words(job.old.general[name]) for name in ("patient", "recording"))
    left = (labels & (patient | recording)) | (noted & patient)
    if not all(known_words(word) for word in left):
        return "a word of its patient field stands in what would be kept; look through keep_annotations"
    return None


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
