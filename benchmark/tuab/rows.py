"""The rows of the table: band power, models with their controls, encoders by session and window by window."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmark.encoders.bandpower import BANDPOWER
from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import ENCODERS
from benchmark.models.asked import Asked
from benchmark.models.others import Other
from benchmark.models.views import KINDS, View, make_vectors, read_view
from benchmark.tuab.asking import Vectors
from clef.embeddings import Embeddings

EACH = ", window by window"
"""Behind the name of an encoder whose windows are probed one by one."""


def without_training(inputs: Inputs) -> Iterator[Vectors]:
    """What needs no model."""
    yield whole(ENCODERS["acquisition"].embed(inputs), "acquisition")
    yield whole(BANDPOWER.embed(inputs), "bandpower")
    yield whole(BANDPOWER.embed(dataclasses.replace(inputs, reference="average")), "bandpower average")


def of_models(inputs: Inputs, asked: Sequence[Asked]) -> Iterator[Vectors]:
    """Each model with its controls."""
    make_vectors(inputs.cohort, asked, [View()], inputs.keep, False, inputs.workers)
    for one in asked:
        for kind, words in KINDS.items():
            store = read_view(inputs.cohort, one, View(), inputs.keep, kind)
            assert store is not None, "make_vectors writes all of them"
            yield whole(store, one.name + words, one.seen if one.known else None)


def of_encoders(
    inputs: Inputs, others: Mapping[str, Other], saw: Mapping[str, int | None], windows: int
) -> Iterator[Vectors]:
    """Each encoder, and up to `windows` of its windows one by one; saw: how many people of eval it saw."""
    for name, other in others.items():
        store, each = other.both(inputs, windows)
        yield whole(store, name, saw[name])
        if each:
            session = np.repeat(list(each), [len(vectors) for vectors in each.values()])
            yield Vectors(name + EACH, np.concatenate(list(each.values())), session, True, saw[name])


def whole(store: Embeddings, name: str, seen: int | None = 0) -> Vectors:
    """The vectors of sessions as a row of the table."""
    return Vectors(name, store.vectors, np.array(store.session_id), seen=seen)
