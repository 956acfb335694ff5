"""The jobs of a cross-fitted model: for each fold a row of programs, each a folder or a file that says when it is done.

OUT/fold0/{cohort, tokenizer, tokens.zarr, recon, align}      what the fold's stages write
OUT/{clef, untrained, codes}/fold0.parquet                    all sessions, embedded by the fold's model
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from clef.training.run import finished_model
from tokenizer.store import TokenStore

KINDS = {"clef": "trained", "untrained": "untrained", "codes": "codes"}
"""Folders of embeddings: the model's, and the controls that belong beside it, of the same fold and tokenizer."""
STAGES = ("tokenizer", "recon", "align")


@dataclasses.dataclass(frozen=True)
class Job:
    """A program to run for a fold.

    fold: 0 … N−1 · name: what people are told, and what its time is known by · program: its module
    arguments: `name=value` · out: what it writes
    """

    fold: int
    name: str
    program: str
    arguments: tuple[str, ...]
    out: Path

    @property
    def done(self) -> bool:
        """Whether all that it writes is there."""
        if self.program == "clef.pretrain":
            return _is_finished(self.out)
        if self.program == "tokenizer.encode":
            return self.out.is_dir() and not TokenStore(self.out).to_do()
        return self.out.is_file()


def _is_finished(run: Path) -> bool:
    try:
        finished_model(run)
    except ValueError:
        return False
    return True


def jobs_of(
    out: Path, fold: int, stages: list[str], settings: dict[str, list[str]], common: list[str]
) -> Iterator[Job]:
    """The jobs of one fold in their order; `settings` by stage are those of clef.pretrain, `common` those of all."""
    home = out / f"fold{fold}"
    cohort, tokens, model = f"cohort={home / 'cohort'}", f"tokens={home / 'tokens.zarr'}", home / stages[-1]
    inputs = {"tokenizer": [cohort], "recon": [tokens], "align": [tokens, cohort, f"init={home / 'recon'}"]}
    for stage in stages:
        arguments = [f"stage={stage}", *inputs[stage], f"out={home / stage}", *settings[stage]]
        yield Job(fold, stage, "clef.pretrain", tuple(arguments), home / stage)
        if stage == "tokenizer":
            encode = [cohort, f"tokenizer={home / stage}", f"out={home / 'tokens.zarr'}", *common]
            yield Job(fold, "encode", "tokenizer.encode", tuple(encode), home / "tokens.zarr")
    for name, kind in KINDS.items():
        file = out / name / f"fold{fold}.parquet"
        embed = [f"model={model}", tokens, f"out={file}", f"kind={kind}", f"name={name}", *common]
        yield Job(fold, f"embed {name}", "clef.embed", tuple(a for a in embed if not a.startswith("threads=")), file)
