"""Kinds of stores: what is made is read the same every time, and another seed gives another."""

import numpy as np
import polars as pl
import pytest

from tools.stores.kinds import KINDS, digest


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_is_read_the_same_twice_and_another_differs(tmp_path, kind):
    for seed, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        KINDS[kind].make(tmp_path / name, seed)
    uses = [KINDS[kind].use(tmp_path / name) for name in "aab"]
    assert uses[0] == uses[1] != uses[2]
    allowed = KINDS[kind].allowed(tmp_path / "a")
    assert not allowed or (uses[0] in allowed and len(allowed) == 2)


def test_digests_tell_values_apart():
    a = np.arange(3)
    assert (
        len({digest(v) for v in (a, a.astype(np.int32), a[:2], {"a": a}, [0, 1, 2], None, pl.DataFrame({"a": a}))}) == 7
    )
    assert digest({"a": 1, "b": a}) == digest({"b": a, "a": 1})
