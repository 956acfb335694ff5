"""The text inside an EDF+ or BDF+ file: time-stamped annotation lists, every free text of which becomes X.

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

_LIST = re.compile(rb"([+-]\d{1,8}(?:\.\d{0,12})?(?:\x15(?:\d{1,8}(?:\.\d{0,12})?)?)?)\x14(.*)", re.DOTALL)


class List(NamedTuple):
    """One time-stamped list: `timing` is onset and duration as they stand, the last text is empty where it is whole."""

    timing: bytes
    texts: list[bytes]


def lists_of(data: bytes) -> Iterator[tuple[bytes, List | None]]:
    """The lists in one record of an annotation signal, each with its bytes; None for bytes that are no list."""
    for part in data.split(b"\0"):
        if part:
            found = _LIST.fullmatch(part)
            yield part, List(found[1], found[2].split(b"\x14")) if found else None


def is_timed(data: bytes) -> bool:
    """Whether a record of an annotation signal says when its data record starts."""
    return next(lists_of(data), (b"", None))[1] is not None


class Allowed:
    """Which annotations may stay: the standard ones and `more`, in any case of letters."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._texts = {_plain(text) for text in (*ANNOTATIONS, *more)}

    def __contains__(self, text: bytes) -> bool:
        return not text or _plain(text.decode("utf-8", "replace")) in self._texts

    def clean(self, data: bytes, counts: Counter[str]) -> bytes:
        """One record of an annotation signal, as long as before, without free text; `counts` says what was done."""
        kept = []
        for part, found in lists_of(data):
            if found is None:
                counts["bytes that are no annotation"] += len(part)
                continue
            free = [text not in self for text in found.texts]
            counts["annotations"] += sum(free)
            counts["annotations kept"] += sum(bool(text) for text in found.texts) - sum(free)
            texts = [b"X" if is_free else text for text, is_free in zip(found.texts, free, strict=True)]
            kept.append(b"\x14".join([found.timing, *texts]))
        return b"\0".join(kept).ljust(len(data), b"\0")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
