"""The annotations of an EDF+ or BDF+ file: time-stamped lists of texts, every free one of which becomes X.

One list is `onset [\\x15 duration] \\x14 text \\x14 text \\x14 \\x00`; the first of a data record says when that record
starts, and its text is empty. Onsets, durations and empty texts stay as they are, a text that is not allowed becomes X,
and zeros fill up, so that nothing changes its size. Bytes that are no such list are dropped and counted.
https://www.edfplus.info/specs/edfplus.html, section 2.2
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tokenizer.edf.terms import ANNOTATIONS

# Digits are counted: a list with a longer onset or duration could carry a number of the patient.
_LIST = re.compile(rb"([+-]\d{1,8}(?:\.\d{0,12})?(?:\x15(?:\d{1,8}(?:\.\d{0,12})?)?)?)\x14(.*)", re.DOTALL)


class AnnotationList(NamedTuple):
    """One time-stamped list: `timing` is onset and duration as they stand, the last text is empty where it is whole."""

    timing: bytes
    texts: list[bytes]


def annotation_lists(data: bytes) -> Iterator[tuple[bytes, AnnotationList | None]]:
    """The lists in one record of an annotation signal, each with its bytes; None for bytes that are no list."""
    for part in data.split(b"\0"):
        if part:
            match = _LIST.fullmatch(part)
            yield part, AnnotationList(match[1], match[2].split(b"\x14")) if match else None


def is_timed(data: bytes) -> bool:
    """Whether a record of an annotation signal says when its data record starts."""
    return next(annotation_lists(data), (b"", None))[1] is not None


class Allowed:
    """Which annotations may stay: the standard ones and `more`, in any case of letters."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._texts = {_plain(text) for text in (*ANNOTATIONS, *more)}

    def __contains__(self, text: bytes) -> bool:
        return not text or _plain(text.decode("utf-8", "replace")) in self._texts

    def clean(self, data: bytes, counts: Counter[str]) -> bytes:
        """One record of an annotation signal, as long as before, without free text; `counts` says what was done."""
        kept = []
        for part, annotations in annotation_lists(data):
            if annotations is None:
                counts["bytes that are no annotation"] += len(part)
                continue
            free = [text not in self for text in annotations.texts]
            counts["annotations"] += sum(free)
            counts["annotations kept"] += sum(bool(text) for text in annotations.texts) - sum(free)
            texts = [b"X" if is_free else text for text, is_free in zip(annotations.texts, free, strict=True)]
            kept.append(b"\x14".join([annotations.timing, *texts]))
        # X is never longer than what it replaces, so the record keeps its size and no sample moves
        return b"\0".join(kept).ljust(len(data), b"\0")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
