"""The table of header fields: that of the standard, and cutting and joining are each other's way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokenizer.edf.damage import field
from tokenizer.edf.fields import GENERAL, SIGNAL, cut_header, field_places, join_header, sample_width, signal_spans


def test_the_tables_fill_256_bytes_and_share_no_name():
    assert sum(GENERAL.values()) == sum(SIGNAL.values()) == 256 and not set(GENERAL) & set(SIGNAL)


@pytest.mark.parametrize("signals", [1, 19])
def test_fields_stand_where_the_standard_puts_them(signals):
    places = list(field_places(signals))
    first = {}
    for name, place in places:
        first.setdefault(name, place.start)
    names = {
        "pmin": "physical minimum",
        "pmax": "physical maximum",
        "dmin": "digital minimum",
        "dmax": "digital maximum",
    }
    for short in ("reserved", "records", "seconds", "label", "unit", "samples", *names):
        assert first[names.get(short, short)] == field(short, 0, signals), short
    assert [place.stop for _, place in places] == [*(place.start for _, place in places[1:]), 256 * (signals + 1)]


texts = lambda table: st.fixed_dictionaries(
    {name: st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=n) for name, n in table.items()}
)


@given(texts(GENERAL), st.lists(texts(SIGNAL), min_size=1, max_size=4))
def test_a_joined_header_is_cut_into_the_same_texts(general, signals):
    header = join_header(general, signals)
    fields = cut_header(header, len(signals))
    assert len(header) == 256 * (len(signals) + 1)
    for name, values in fields.items():
        expected = [general[name]] if name in GENERAL else [signal[name] for signal in signals]
        assert [value.decode("latin-1").rstrip(" ") for value in values] == expected
    assert cut_header(header[:256], 0)["signals"] == fields["signals"]


def test_a_text_longer_than_its_field_is_not_joined():
    with pytest.raises(AssertionError, match="longer than its field"):
        join_header(dict.fromkeys(GENERAL, "") | {"signals": "12345"}, [])


def test_samples_have_two_bytes_in_edf_and_three_in_bdf():
    assert sample_width(b"0       ") == sample_width(b"\x000  \0   ") == 2 and sample_width(b"\xffBIOSEMI") == 3
    assert all(sample_width(other) is None for other in (b"", b"1       ", b"0 1     ", b"BIOSEMI ", b"\xffbiosemi"))


def test_signals_stand_one_after_the_other_in_a_record():
    assert signal_spans([4, 0, 2], 3) == [slice(0, 12), slice(12, 12), slice(12, 18)]
