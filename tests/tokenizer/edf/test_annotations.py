"""Annotations of EDF+ files: which are lists, which texts stay, and that nothing else does."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tokenizer.edf.annotations import Allowed, annotation_lists, is_timed

TEXTS = [
    b"+0\x14\x14\0",
    b"+1.5\x152\x14Smith\x14\0",
    b"+3\x14Eyes open\x14Smith\x14\0",
    b"Smith\0",
    b"+12345678901\x14\x14\0",
]


def test_lists_are_cut_into_times_and_texts():
    data = b"+0\x14\x14\0+1.5\x152\x14Eyes open\x14Smith\x14\0\0\0rubbish"
    first, second, third = annotation_lists(data)
    assert first == (b"+0\x14\x14", (b"+0", [b"", b""]))
    assert second[1] == (b"+1.5\x152", [b"Eyes open", b"Smith", b""])
    assert third == (b"rubbish", None)


def test_a_record_is_timed_by_its_first_list_alone():
    assert is_timed(b"+12.25\x14\x14\0\0") and is_timed(b"-1\x14\x14Smith\x14")
    assert not is_timed(b"") and not is_timed(bytes(20)) and not is_timed(b"Smith\0+1\x14\x14")


def test_standard_annotations_stay_and_others_become_x_and_are_counted():
    counts = Counter()
    data = b"+0\x14\x14\0+1\x14sleep  STAGE w\x14Smith\x14\0+2\x14seizure\x14\0Smith\0"
    clean = Allowed(["Seizure"]).clean(data.ljust(80, b"\0"), counts)
    assert clean == b"+0\x14\x14\0+1\x14sleep  STAGE w\x14X\x14\0+2\x14seizure\x14".ljust(80, b"\0")
    assert counts == {"annotations": 1, "annotations kept": 2, "bytes that are no annotation": 5}
    assert b"seizure" not in Allowed().clean(data, Counter())


@given(st.lists(st.sampled_from(TEXTS) | st.binary(max_size=12), max_size=8))
def test_any_bytes_in_an_annotation_signal(parts):
    data = b"".join(parts).ljust(120, b"\0")[:120]
    allowed = Allowed()
    clean = allowed.clean(data, Counter())
    assert len(clean) == 120 and b"Smith" not in clean and b"12345678901" not in clean
    before = [each for _, each in annotation_lists(data) if each]
    after = [each for _, each in annotation_lists(clean)]
    assert [each.timing for each in after] == [each.timing for each in before]
    assert all(text in (b"", b"X") or text in allowed for each in after for text in each.texts)
