"""The table of stages: what each needs, its settings, how it is built and what comes after it.

A new stage is one new file in this folder, with its `build`, and one row here. `clef.pretrain`, its settings and its
dry run read this table and name no stage; `configs/pretrain/stage/NAME.yaml` holds the loop's defaults for it.
"""

from typing import Any

from clef.network.encoder import EncoderConfig
from clef.network.narrators.base import NarratorConfig
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages import align, joint, narrate, recon, tokenizer, topomaps, trials, windows
from clef.stages.stage import Preview, Settings, Stage
from clef.stages.workload import ReconWorkload, size_of
from tokenizer.reading.read import ReadingConfig
from tokenizer.vqgan import VQGANConfig


def preview_recon(settings: dict[str, Any]) -> Preview:
    """All that stage=recon would need, with micro-steps that can be timed."""
    return Preview([], ReconWorkload(size_of(settings["encoder"], settings["vqgan"]), settings["recon"]))


def preview_align(settings: dict[str, Any]) -> Preview:
    """What its encoder costs in stage=recon: the heads' vocabularies are not known before the cohort is read."""
    remark = "stage=align: its heads depend on the cohort; this is stage=recon of the same encoder"
    return Preview([remark], preview_recon(settings).workload)


def preview_joint(settings: dict[str, Any]) -> Preview:
    """What its reconstruction costs."""
    remark = "stage=joint: its heads depend on the cohort; this is stage=recon, the alignment comes on top"
    return Preview([remark], preview_recon(settings).workload)


ENCODER = {
    "encoder": Settings(EncoderConfig, "The session Transformer (stage=recon and stage=joint)."),
    "recon": Settings(recon.ReconConfig, "Masking of stage=recon and stage=joint."),
}
ALIGNMENT = {
    "align": Settings(align.AlignConfig, "Losses of stage=align, stage=joint and stage=windows."),
    "report_encoder": Settings(TextConfig, "The network that reads report summaries."),
    "record_encoder": Settings(RecordConfig, "The network that reads the record's codes."),
}
WINDOWS = {
    "windows": Settings(
        windows.WindowsConfig, "The network of stage=windows and stage=topomaps, and the windows of the first."
    )
}

STAGES = {
    "tokenizer": Stage(
        needs=("cohort",),
        settings={
            "reading": Settings(ReadingConfig, "How recordings become sessions (stage=tokenizer)."),
            "vqgan": Settings(VQGANConfig, "The tokenizer network."),
            "tokenizer_stage": Settings(tokenizer.TokenizerStageConfig, "Losses and crops of stage=tokenizer."),
        },
        build=tokenizer.build,
        next="python -m tokenizer.encode cohort={cohort} tokenizer={out} out=tokens.zarr",
        preview=tokenizer.preview,
        reads_recordings=True,
    ),
    "recon": Stage(
        needs=("tokens",),
        settings=ENCODER,
        build=recon.build,
        next="python -m clef.embed model={out} tokens={tokens} out=embeddings.parquet   (or stage=align init={out} …)",
        preview=preview_recon,
    ),
    "align": Stage(
        needs=("tokens", "cohort", "init"),
        settings=ALIGNMENT,
        build=align.build,
        next="python -m clef.embed model={out} tokens={tokens} out=embeddings.parquet",
        preview=preview_align,
        whole_batch="negatives come from the whole batch",
        texts="align.descriptions",
    ),
    "joint": Stage(
        needs=("tokens", "cohort"),
        settings=ENCODER | ALIGNMENT | {"joint": Settings(joint.JointConfig, "Weights of both losses in stage=joint.")},
        build=joint.build,
        next="python -m clef.embed model={out} tokens={tokens} out=embeddings.parquet",
        preview=preview_joint,
        whole_batch="negatives come from the whole batch",
        texts="align.descriptions",
    ),
    "narrate": Stage(
        needs=("tokens", "cohort", "init", "narrate.texts"),
        settings={
            "narrate": Settings(narrate.NarrateConfig, "Texts and samples of stage=narrate."),
            "narrator": Settings(NarratorConfig, "The network that writes narratives."),
            "report_encoder": ALIGNMENT["report_encoder"],
        },
        build=narrate.build,
        next="python -m clef.narrate model={out} tokens={tokens} out=narratives",
        preview=narrate.preview,
        texts="narrate.texts",
    ),
    "windows": Stage(
        needs=("cohort",),
        settings=ALIGNMENT | WINDOWS,
        build=windows.build,
        next="python -m benchmark.encode encoder={windows[network]} weights={out} cohort={cohort} out=theirs.parquet",
        preview=windows.preview,
        whole_batch="negatives come from the whole batch",
        texts="align.descriptions",
    ),
    "topomaps": Stage(
        needs=("cohort",),
        settings=WINDOWS | {"topomaps": Settings(topomaps.TopomapsConfig, "Segments and towers of stage=topomaps.")},
        build=topomaps.build,
        next="python -m benchmark.topomaps cohort={cohort} encoder={out} out=DIR",
        preview=topomaps.preview,
        whole_batch="negatives come from the whole batch",
    ),
    "trials": Stage(
        needs=("trials.root",),
        settings={
            "report_encoder": ALIGNMENT["report_encoder"],
            "trials": Settings(trials.TrialsConfig, "The network of stage=trials, its data and its losses."),
        },
        build=trials.build,
        next="python -m benchmark.trials data={trials[root]} model={out} out=DIR",
        preview=trials.preview,
        source=trials.source,
        counted="trials",
        whole_batch="negatives come from the whole batch",
    ),
}
"""By name, in the order in which a model is made; `joint` takes the place of recon and align, `windows` of all;
`topomaps` is a test of networks of waveforms, and `trials` is for other data."""
