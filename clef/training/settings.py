"""Every setting of `clef.pretrain`: the loop's own and one group per component, each owned by its component."""

import dataclasses
from typing import Literal

from clef.network.attention import Kernel
from clef.network.encoder import EncoderConfig
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages.align import AlignConfig
from clef.stages.recon import ReconConfig
from clef.stages.tokenizer import TokenizerStageConfig
from clef.training.loop import LoopConfig
from tokenizer.reading.read import ReadingConfig
from tokenizer.vqgan import VQGANConfig


def part(default: type):
    """A field that holds the settings of one component."""
    return dataclasses.field(default_factory=default)


@dataclasses.dataclass
class PretrainConfig(LoopConfig):
    """Settings of clef.pretrain: the loop's own and one group per component."""

    stage: str = "???"
    """What to train; sets the loop's defaults for it."""
    model: str = "small"
    """Size of every network."""
    text: str = "scratch"
    """How reports are read in stage=align."""
    out: str | None = None
    """Run folder, required but for dry_run; the same folder with the same settings resumes."""
    dry_run: bool = False
    """Say what the run would need (size, operations, memory, time on this device) and end; nothing is written."""
    cohort: str | None = None
    """Cohort folder (stage=tokenizer and stage=align)."""
    tokens: str | None = None
    """Token store (stage=recon and stage=align)."""
    init: str | None = None
    """Finished stage=recon run to start from (stage=align)."""
    seed: int = 0
    """Everything random follows from it."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 0
    """Processes that read recordings beside this one (stage=tokenizer); tokens are in memory: a thread is enough."""
    threads: int = 0
    """CPU threads of this process; 0 leaves the choice to PyTorch."""
    attention: Kernel = "auto"
    """Attention kernel of the session Transformer; auto: xformers on CUDA if it is installed, else PyTorch's own."""
    wandb: Literal["disabled", "offline", "online"] = "disabled"
    """Mirror the metrics to Weights & Biases; metrics.jsonl stays the record."""
    reading: ReadingConfig = part(ReadingConfig)
    """How recordings become sessions (stage=tokenizer)."""
    vqgan: VQGANConfig = part(VQGANConfig)
    """The tokenizer network."""
    tokenizer_stage: TokenizerStageConfig = part(TokenizerStageConfig)
    """Losses and crops of stage=tokenizer."""
    encoder: EncoderConfig = part(EncoderConfig)
    """The session Transformer (stage=recon)."""
    recon: ReconConfig = part(ReconConfig)
    """Masking of stage=recon."""
    align: AlignConfig = part(AlignConfig)
    """Losses of stage=align."""
    report_encoder: TextConfig = part(TextConfig)
    """The network that reads report summaries."""
    record_encoder: RecordConfig = part(RecordConfig)
    """The network that reads the record's codes."""
