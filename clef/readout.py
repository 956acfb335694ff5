"""The readout: how a session's states become its embedding, a choice of whoever embeds and not of the weights.

    states (B, R, W, D) -> pooling over time [-> projections of the alignment] [-> unit length] [-> level beside it]

Whoever compares two models reads both the same way; embedding files say how they were read.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

Pool = Literal["rows", "rows+sd", "quantiles", "mean"]
Head = Literal["auto", "none", "report", "record", "both"]
Norm = Literal["none", "unit"]
Shuffle = Literal["none", "minutes"]
PoolChoice = Literal["auto", Pool]
Kind = Literal["trained", "untrained", "codes"]

POOLS: tuple[str, ...] = get_args(Pool)
DEFAULT_POOL: Pool = "rows+sd"
"""Of a vector that no head made."""


@dataclasses.dataclass(frozen=True)
class Readout:
    """How embeddings are read. `auto` stands for what `resolved` chooses."""

    pool: PoolChoice = "auto"
    head: Head = "auto"
    norm: Norm = "none"
    layer: str = "encoder"
    shuffle: Shuffle = "none"
    level: bool = False

    def __post_init__(self) -> None:
        choices = {"pool": ("auto", *POOLS), "head": get_args(Head), "norm": get_args(Norm)}
        for name, known in (choices | {"shuffle": get_args(Shuffle)}).items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)}: expected {' or '.join(known)}")

    def resolved(self, kind: Kind, trained_pool: str, trained: Sequence[str]) -> "Readout":
        """The same with no `auto`, for one kind of embedding of a model whose heads are `trained` on one pooling.

        Heads are read where there are any, unless a pooling or a layer is asked for: they were trained on one pooling
        of the last layer alone. Controls are read without. Raises ValueError for a head that is not there.
        """
        free = kind == "trained" and self.layer == "encoder" and self.pool == "auto"
        head = self.head if self.head != "auto" else (named_head(trained) if free and trained else "none")
        if head == "none":
            return dataclasses.replace(self, head=head, pool=DEFAULT_POOL if self.pool == "auto" else self.pool)
        if kind != "trained":
            raise ValueError(f"head={head}: kind={kind} has no heads; leave out head=")
        if missing := [name for name in parts_of(head) if name not in trained]:
            raise ValueError(
                f"head={head}: this model has no {missing[0]} head; it has: {', '.join(trained) or 'none'} "
                f"(`python -m clef.pretrain stage=align` trains them)"
            )
        if self.pool not in ("auto", trained_pool) or self.layer != "encoder":
            raise ValueError(
                f"head={head} pool={self.pool} layer={self.layer}: the heads were trained on pool={trained_pool} of "
                f"layer=encoder; leave out pool= and layer=, or give head=none"
            )
        return dataclasses.replace(self, head=head, pool=trained_pool)

    def about(self) -> dict[str, Any]:
        """What an embedding file says of it."""
        return dataclasses.asdict(self)


def readout(**choices: Any) -> Readout:
    """A readout from settings of which None means that nothing was chosen."""
    return Readout(**{name: value for name, value in choices.items() if value is not None})


def readout_of(config: Mapping[str, Any]) -> Readout:
    """How the vectors of an embedding file were read, by its `config`; files that do not say were pooled by rows."""
    known = {field.name: config[field.name] for field in dataclasses.fields(Readout) if field.name in config}
    return Readout(**{"pool": "rows", "head": "none"} | known)


# ---- heads
def parts_of(head: str) -> tuple[str, ...]:
    """The projections that stand side by side in `head`."""
    return {"none": (), "both": ("report", "record")}.get(head, (head,))


def named_head(names: Sequence[str]) -> Head:
    """What the projections `names` are called together."""
    return "both" if len(names) == 2 else names[0]
