"""Turn the sessions of a cohort into vectors with one of the encoders of the benchmark, as an embedding file.

    python -m benchmark.encode encoder=NAME cohort=COHORT out=FILE [model=RUN] [tokens=STORE] [blank_below=2]
    python -m benchmark.encode encoder=elm cohort=COHORT out=FILE weights=CHECKPOINT [windows=mean+sd]
    python -m benchmark.encode encoder=labram cohort=COHORT out=FILE weights=braindecode/labram-pretrained
    python -m benchmark.encode encoder=my_encoder.py cohort=COHORT out=FILE

An encoder that reads recordings keeps what it measured beside `out` (signal.parquet, NAME.windows.parquet): stopped,
the same command goes on from there, and with another `out` in the same folder nothing is measured again.
A model of short windows slides over every session, and its windows' vectors become one. Any other is a file of one's
own with 10 lines in it (docs/compare.md). Cost: encoder=elm took 51 s for 97 recordings, 5 hours in all, on a core that
was shared with other work.
"""

import dataclasses
import logging
from pathlib import Path

from benchmark.encoders.encoder import Encoder, Inputs, Windows
from benchmark.encoders.registry import ENCODERS, encoder_lines
from benchmark.encoders.windows.foreign import encoder_in, is_file
from clef.cohort import Cohort
from clef.embeddings import write_embeddings
from clef.readout import Head, Norm, PoolChoice, Readout, Shuffle
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out
from tokenizer.reference import Reference

log = logging.getLogger(__name__)
__doc__ += f"\nencoders\n{encoder_lines()}"  # --help shows the table, and nothing else has to list it


@dataclasses.dataclass
class EncodeConfig:
    encoder: str = "???"
    """Which encoder, one of those above, or a Python file that defines one."""
    cohort: str = "???"
    """Cohort folder."""
    out: str = "???"
    """The embedding file to write."""
    model: str | None = None
    """Run folder of stage=recon or stage=align, or its model/."""
    tokens: str | None = None
    """Token store made with the model's own tokenizer."""
    pool: PoolChoice = "auto"
    """As pool= of clef.embed (encoder=clef, untrained, codes)."""
    head: Head = "auto"
    """As head= of clef.embed (encoder=clef)."""
    norm: Norm = "none"
    """As norm= of clef.embed."""
    level: bool = False
    """As level= of clef.embed."""
    shuffle: Shuffle = "none"
    """As shuffle= of clef.embed: minutes in random order before a session is embedded."""
    weights: str | None = None
    """Weights of other people's models: .safetensors, or a .pt of tensors; random for fresh ones. Of braindecode's also
    a folder with config.json, or OWNER/NAME of the hub."""
    window: float | None = None
    """Seconds of a window; without it as published, or 30 (crops)."""
    windows: Windows = "mean"
    """What the vectors of a session's windows become: their mean, or mean and spread side by side."""
    upsample: bool = False
    """Also take recordings that are slower than the encoder's rate; what they lack is not there."""
    blank_below: float = 0.0
    """Leave bins below so many Hz out of bandpower; 2 removes most of what a high-pass filter does to it."""
    reference: Reference = "recorded"
    """What bandpower measures electrodes against: as recorded, or the average of all electrodes."""
    workers: int = 2
    """Processes that read recordings; 0 reads in this one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def main(config: EncodeConfig) -> None:
    """Encode, write, and say what was written."""
    encoder = _chosen(config)
    check_out(config.out, "file")
    inputs = Inputs(
        Cohort(config.cohort),
        Path(config.out).parent,
        config.blank_below,
        config.workers,
        config.model,
        config.tokens,
        config.device,
        Readout(config.pool, config.head, config.norm, shuffle=config.shuffle, level=config.level),
        config.weights,
        config.window,
        config.windows,
        config.upsample,
        config.reference,
    )
    embeddings = encoder.embed(inputs)
    write_embeddings(config.out, embeddings)
    log.info("wrote %s: %d sessions x %d dimensions (%s)", config.out, *embeddings.vectors.shape, embeddings.name)
    log.info(
        "next: python -m benchmark.run tasks=tasks.parquet embeddings=%s cohort=%s out=DIR", config.out, config.cohort
    )


def _chosen(config: EncodeConfig) -> Encoder:
    """The encoder that was asked for, if it has all that it needs."""
    if is_file(config.encoder):
        return encoder_in(config.encoder)
    if config.encoder not in ENCODERS:
        raise ConfigError(
            f"encoder={config.encoder}: there is no such encoder; there are: {', '.join(ENCODERS)}, or a file FILE.py"
        )
    encoder = ENCODERS[config.encoder]
    if missing := [need for need in encoder.needs if getattr(config, need) is None]:
        raise ConfigError(
            f"encoder={encoder.name} needs {' and '.join(f'{need}=' for need in missing)}; --help says what each is"
        )
    return encoder


if __name__ == "__main__":
    program(EncodeConfig, main, "benchmark.encode")
