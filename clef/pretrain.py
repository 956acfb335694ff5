"""Train one stage of CLEF, one row of the table of stages (`clef.stages.registry`), from what that row needs.

The same command started again goes on where it stopped, to the same numbers; a finished run says so.
"""

import dataclasses
import logging
from operator import attrgetter

import torch

from clef.descriptions.captions import digest
from clef.network.attention import choose, hide_from_compiler
from clef.stages.inputs import Inputs
from clef.stages.registry import STAGES
from clef.stages.stage import Stage
from clef.training import dry_run
from clef.training.length import settle_steps
from clef.training.loop import train
from clef.training.run import Run, finished_model
from clef.training.settings import PretrainConfig, stage_settings
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import fingerprint
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore

log = logging.getLogger(__name__)
MANY_STEPS = 5000  # as the stages' own settings have them, for archives and machines that are large


def main(config: PretrainConfig) -> None:
    """Build the stage, train it, and say what was written and what comes next."""
    stage = STAGES[config.stage]
    missing = [name for name in (*stage.needs, "out") if not attrgetter(name)(config)]
    if missing and not config.dry_run:
        raise ConfigError(f"stage={config.stage} needs {' and '.join(f'{m}=' for m in missing)}")
    if config.threads:
        torch.set_num_threads(config.threads)
    device = ranks.set_up(config.device)
    if config.attention != "auto":
        choose(config.attention, device.type)  # a kernel that cannot run here stops us before anything is written
    if config.dry_run:
        dry_run.say(config, device)
        return ranks.leave()
    settle_steps(config)
    run = Run(config.out, config, input_fingerprints(config), config.wandb)
    if run.finished:
        log.info("%s: already finished after %d steps, nothing changed", config.out, config.steps)
    else:
        if device.type == "cpu" and config.machine is None and config.steps >= MANY_STEPS:
            log.info(
                "%s steps on a CPU are a matter of days; machine=laptop takes fewer and a smaller model", config.steps
            )
        train_stage(stage, config, run, device)
        log.info("wrote %s: model, metrics.jsonl, checkpoints", config.out)
    log.info("next: %s", stage.next.format(**dataclasses.asdict(config)))
    ranks.leave()


def train_stage(stage: Stage, config: PretrainConfig, run: Run, device: torch.device) -> None:
    """Train from the newest checkpoint to the end and write the model, with the tokenizer of its tokens beside it."""
    torch.manual_seed(config.seed)
    if stage.whole_batch and config.accumulate != 1:
        raise ValueError(f"stage={config.stage} needs accumulate=1: {stage.whole_batch}; lower batch= instead")
    init = finished_model(config.init) if "init" in stage.needs else None
    inputs = Inputs(
        *(config.cohort, config.tokens, init, config.seed, config.attention, str(device)), workers=config.workers
    )
    objective, samples = stage.build(inputs, **{name: getattr(config, name) for name in stage.settings})
    if config.compile:
        hide_from_compiler()
    train(objective, samples, config, run, device, config.workers if stage.reads_recordings else 0)
    if "tokens" in stage.needs and ranks.RANK == 0:  # so that a run reads recordings by itself
        TokenStore(config.tokens).tokenizer.save_pretrained(run.folder / "model" / "tokenizer")
    run.mark_finished()


def input_fingerprints(config: PretrainConfig) -> dict[str, str]:
    """Names for the contents a run is fed with, so that it cannot go on with others."""
    names = {}
    if config.cohort:
        table = read_sessions(config.cohort).select("session_id", "subject_id", "split")
        names["cohort"] = fingerprint(table.write_csv())
    if config.tokens:
        store = TokenStore(config.tokens)
        names["tokens"] = fingerprint(store.fingerprint, "\n".join(store.session_id))
    if config.init:
        names["init"] = fingerprint((finished_model(config.init) / "encoder" / "model.safetensors").read_bytes())
    stage = STAGES[config.stage]
    if stage.source:
        names[config.stage] = stage.source(stage_settings(config)).fingerprint
    if stage.texts and (path := attrgetter(stage.texts)(config)):
        names["texts"] = digest(path)
    return names


if __name__ == "__main__":
    program(PretrainConfig, main, "clef.pretrain")
