"""Train one stage of CLEF: tokenizer (needs cohort=), recon (needs tokens=), align (needs tokens=, cohort= and init=).

The same command started again goes on where it stopped, to the same numbers; a finished run says so.
"""

import dataclasses
import logging

import numpy as np
import torch

from clef import cohort as cohorts
from clef.embeddings import subject_hash
from clef.network.alignment import Alignment
from clef.network.attention import choose, hide_from_compiler
from clef.network.bpe import learn
from clef.network.encoder import Encoder
from clef.network.record_encoder import RecordEncoder, RecordVocabulary
from clef.network.report_encoder import TextEncoder
from clef.reports.rules import report_summaries
from clef.stages.align import AlignObjective, Pairs, find_partners
from clef.stages.crops import Crops
from clef.stages.probe import make_watcher
from clef.stages.recon import MaskedSessions, ReconObjective, some_subjects
from clef.stages.stage import Objective, Samples
from clef.stages.tokenizer import TokenizerObjective, make_vqgan
from clef.training import dry_run
from clef.training.loop import train
from clef.training.run import Run, finished_model
from clef.training.settings import PretrainConfig
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import fingerprint
from tokenizer.sessions import read_sessions
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)
NEEDS = {"tokenizer": ("cohort",), "recon": ("tokens",), "align": ("tokens", "cohort", "init")}
NEXT = {
    "tokenizer": "python -m tokenizer.encode cohort={cohort} tokenizer={out} out=tokens.zarr",
    "recon": "python -m clef.embed model={out} tokens={tokens} out=embeddings.parquet   (or stage=align init={out} …)",
    "align": "python -m clef.embed model={out} tokens={tokens} out=embeddings.parquet",
}


def main(config: PretrainConfig) -> None:
    """Build the stage, train it, and say what was written and what comes next."""
    missing = [name for name in (*NEEDS[config.stage], "out") if not getattr(config, name)]
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
    build = {"tokenizer": build_tokenizer, "recon": build_recon, "align": build_align}[config.stage]
    run = Run(config.out, config, input_fingerprints(config), config.wandb)
    if run.finished:
        log.info("%s: already finished after %d steps, nothing changed", config.out, config.steps)
    else:
        torch.manual_seed(config.seed)
        objective, samples = build(config)
        if config.compile:
            hide_from_compiler()
        workers = config.workers if config.stage == "tokenizer" else 0
        train(objective, samples, config, run, device, workers)
        if config.stage != "tokenizer" and ranks.RANK == 0:
            copy_tokenizer(config, run)
        run.mark_finished()
        log.info("wrote %s: model, metrics.jsonl, checkpoints", config.out)
    log.info("next: %s", NEXT[config.stage].format(**dataclasses.asdict(config)))
    ranks.leave()


def input_fingerprints(config: PretrainConfig) -> dict[str, str]:
    """Names for the contents a run is fed with, so that it cannot go on with others."""
    found = {}
    if config.cohort:
        table = read_sessions(config.cohort).select("session_id", "subject_id", "split")
        found["cohort"] = fingerprint(table.write_csv())
    if config.tokens:
        store = TokenStore(config.tokens)
        found["tokens"] = fingerprint(store.fingerprint, "\n".join(store.session_id))
    if config.init:
        found["init"] = fingerprint((finished_model(config.init) / "encoder" / "model.safetensors").read_bytes())
    return found


# ---- stages
def build_tokenizer(config: PretrainConfig) -> tuple[Objective, Samples]:
    """The VQGAN with the scale of the training recordings, and crops of them."""
    frames, least = config.tokenizer_stage.crop_frames, config.vqgan.frames_per_token
    if least < 1 or frames < least or frames % least:
        raise ValueError(f"tokenizer_stage.crop_frames={frames}: must be a multiple of vqgan.frames_per_token={least}")
    sessions = read_sessions(config.cohort)
    samples = Crops(config.cohort, sessions, config.tokenizer_stage, config.reading, config.seed)
    vqgan = make_vqgan(config.vqgan, samples)
    vqgan.about = {"stage": "tokenizer", "trained_on": trained_on(sessions["subject_id"], sessions["split"])}
    return TokenizerObjective(vqgan, config.tokenizer_stage, config.seed), samples


def build_recon(config: PretrainConfig) -> tuple[Objective, Samples]:
    """A fresh encoder over the store's codes, and its sessions with masks."""
    store, tokens = load_tokens(config.tokens)
    recon = config.recon
    watcher = make_watcher(recon.probe, recon.probe_tasks, tokens) if recon.probe else None
    tokens = some_subjects(tokens, recon.subjects_share, config.seed)
    encoder = Encoder(config.encoder, store.tokenizer.codebook.vectors, store.grid[0])
    encoder.about, encoder.attention = about(config, store, tokens), config.attention
    return ReconObjective(encoder, recon, watcher), MaskedSessions(tokens, recon, config.seed)


def build_align(config: PretrainConfig) -> tuple[Objective, Samples]:
    """The encoder of a recon run with fresh heads, and sessions with their reports and records."""
    if config.accumulate != 1:
        raise ValueError("stage=align needs accumulate=1: negatives come from the whole batch; lower batch= instead")
    store, tokens = load_tokens(config.tokens)
    encoder = Encoder.from_pretrained(str(finished_model(config.init) / "encoder"))
    check_tokenizer(encoder, store, config.tokens)
    sessions, events = read_sessions(config.cohort), cohorts.read_events(config.cohort)
    check_splits(tokens, sessions, config)
    summaries = report_summaries(cohorts.read_reports(config.cohort), config.align.summariser)
    text = make_text(config, tokens, summaries)
    record = make_record(config, sessions, events)
    if text is None and record is None:
        raise ValueError(
            f"cohort={config.cohort}: no reports and no ICD-10 or ATC codes; there is nothing to align with"
        )
    encoder.about, encoder.attention = about(config, store, tokens), config.attention
    partners = find_partners(tokens, sessions, events, summaries, text, record.vocabulary if record else None)
    heads = Alignment(encoder.output, text, record)
    return AlignObjective(encoder.train(), heads, config.align), Pairs(tokens, partners, config.align, config.seed)


def make_text(config: PretrainConfig, tokens: Tokens, summaries: dict[str, str]) -> TextEncoder | None:
    """The report encoder with words learned from the training reports; None if there are none or they do not count."""
    subjects: dict[int, list[str]] = {}
    for session, subject, split in zip(tokens.session_id, tokens.subject_id, tokens.split, strict=True):
        if split == "train" and summaries.get(session):
            subjects.setdefault(int(subject), []).append(summaries[session])
    if not subjects or not config.align.report_weight:
        log.info("aligning without reports")
        return None
    text = config.report_encoder
    return TextEncoder(text, learn(subjects.values(), text.vocabulary, text.min_count))


def make_record(config: PretrainConfig, sessions, events) -> RecordEncoder | None:
    """The record encoder with the codes of the training subjects; None if there are none or they do not count."""
    vocabulary = RecordVocabulary.fit(sessions, events, config.record_encoder)
    if not vocabulary.codes or not config.align.record_weight:
        log.info("aligning without records")
        return None
    return RecordEncoder(vocabulary)


# ---- what goes with a model
def load_tokens(path: str) -> tuple[TokenStore, Tokens]:
    """An encoded store and its sessions in memory."""
    store = TokenStore(path)
    tokens = store.load()
    return store, tokens.where(tokens.valid.any(1))


def check_tokenizer(encoder: Encoder, store: TokenStore, name: str) -> None:
    """Raise ValueError unless the encoder was trained on tokens of this store's tokenizer."""
    trained = encoder.about.get("tokenizer")
    if trained != store.fingerprint:
        raise ValueError(
            f"tokens={name}: made with tokenizer {store.fingerprint}, the model was trained on tokens of {trained}; "
            f"encode the cohort with the model's own tokenizer (tokenizer=RUN)"
        )


def check_splits(tokens: Tokens, sessions, config: PretrainConfig) -> None:
    """Raise ValueError if the cohort puts a session of the store into another split or does not know it."""
    known = dict(zip(sessions["session_id"], sessions["split"], strict=True))
    differing = [s for s, split in zip(tokens.session_id, tokens.split, strict=True) if known.get(s) != split]
    if differing:
        raise ValueError(
            f"tokens={config.tokens}: {len(differing)} sessions are not in cohort={config.cohort} with the same split "
            f"(first: {differing[0]}); encode this cohort"
        )


def about(config: PretrainConfig, store: TokenStore, tokens: Tokens) -> dict:
    """What a model folder says of its training: stage, tokenizer, and hashed subjects per split."""
    seen = trained_on(tokens.subject_id, tokens.split)
    earlier = dict(store.attributes["tokenizer"]).get("about", {}).get("trained_on", {})
    both = {split: sorted(set(seen.get(split, [])) | set(earlier.get(split, []))) for split in ("train", "val")}
    return {"stage": config.stage, "tokenizer": store.fingerprint, "trained_on": both}


def trained_on(subjects, splits) -> dict[str, list[str]]:
    """Hashed subjects of train and val: what a stage is fitted on and selected with."""
    subjects, splits = np.asarray(subjects), np.asarray(splits)
    return {s: sorted({subject_hash(int(i)) for i in subjects[splits == s]}) for s in ("train", "val")}


def copy_tokenizer(config: PretrainConfig, run: Run) -> None:
    """Put the tokenizer of the tokens beside the model, so that a run reads recordings by itself."""
    TokenStore(config.tokens).tokenizer.save_pretrained(run.folder / "model" / "tokenizer")


if __name__ == "__main__":
    program(PretrainConfig, main, "clef.pretrain")
