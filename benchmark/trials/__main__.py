"""What was seen, told from trials of EEG: the category, and the caption among those of all pictures of the test.

    python -m benchmark.trials data=DIR model=RUN out=DIR2 [bertscore=FOLDER]

DIR has the layout of ds005589 (docs/retrieval.md), RUN is a finished run of stage=trials. Asked are the test sessions,
the last of each subject; a run that was trained or selected on one of their runs is refused, by the digest of their
samples. Beside the run stand the same network untrained, and an answer without EEG: the commonest category, and the
mean of the training captions. DIR2 gets trials.md and trials.json, and predictions.parquet and captions.parquet, from
which every number can be computed again. Every array is read once for its digest before anything is asked; the time for
the published size has not been taken.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.trials.answers import Asked, answer, ask, untrained, without_eeg, write_answers
from benchmark.trials.page import Result, as_markdown, as_plain
from benchmark.trials.scoring import score
from clef.network.language_model import open_model
from clef.network.pretrained_text import PretrainedTextEncoder
from clef.network.trials.model import TrialModel
from clef.training.run import finished_model
from clef.trials.table import Trials, read_trials
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, file_digest, write_json, write_text
from tokenizer.base.values import MISSING

log = logging.getLogger(__name__)


@dataclasses.dataclass
class TrialsConfig:
    """Settings of `python -m benchmark.trials`."""

    data: str = MISSING
    """Folder of trials: captions.txt and sub-XX/ses-YY/…_1000Hz.npy, .json and …_image.csv."""
    model: str = MISSING
    """Finished run of stage=trials."""
    out: Path = MISSING
    """Folder for tables and predictions."""
    text: str | None = None
    """Folder of the language model that the run reads captions with, where its name alone does not lead to it."""
    bertscore: str | None = None
    """Folder of a language model for BERTScore of the first caption against the true one; without it there is none."""
    task: str = "lowSpeed"
    """The task in the names of the files."""
    rate: int = 1000
    """The rate in the names of the files, Hz."""
    batch: int = 64
    """Trials answered at once."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    seed: int = 0
    """Draws the untrained network and the subjects of the intervals."""


def main(config: TrialsConfig) -> None:
    """Check, ask, score, print, write."""
    if config.batch < 1:
        raise ConfigError("batch must be 1 or more")
    check_out(config.out, "folder")
    language = open_model(config.bertscore) if config.bertscore else None
    folder = finished_model(config.model) / "trials"
    model = TrialModel.from_pretrained(str(folder)).to(ranks.set_up(config.device))
    if config.text:
        open_text(model, config.text)
    data = read_trials(config.data, config.task, config.rate)
    test, train = data.of("test"), data.of("train")
    check_fits(model, test, config.model)
    check_unseen(model, test, config.model)
    asked = ask(model, test)
    rows = [answer("the run", model, test, config.batch)]
    rows += [answer("untrained", untrained(model, config.seed), test, config.batch)]
    rows += [without_eeg(model, train, len(test.table))]
    scores = [score(row, asked, model.known.categories, language, config.seed) for row in rows]
    about = protocol_of(config, model, folder, test)
    result = Result(scores, len(model.known.categories), notes_of(data, asked), about)
    write_answers(config.out, asked, rows[0], model.known.categories)
    write_json(config.out / "trials.json", as_plain(result))
    text = as_markdown(result)
    write_text(config.out / "trials.md", text)
    print(text)
    log.info("wrote %s, trials.json, predictions.parquet and captions.parquet", config.out / "trials.md")


def open_text(model: TrialModel, folder: str) -> None:
    """Read captions with the language model in a folder. ValueError if the run needs none, or another."""
    if not isinstance(model.text, PretrainedTextEncoder):
        raise ValueError(f"text={folder}: this run learned its words itself and needs no language model; leave it out")
    model.text.open(folder)


def check_fits(model: TrialModel, test: Trials, run: str) -> None:
    """Raise ValueError (one line) unless the test trials are such as the run was made for."""
    known = model.known
    if not len(test.table):
        raise ValueError(f"{test.root}: no run of a test session can be used; repair one")
    if (test.channels, test.samples) != (known.channels, known.samples):
        raise ValueError(
            f"{test.root}: trials of {test.channels} electrodes x {test.samples} samples, model={run} was trained on "
            f"{known.channels} x {known.samples}; cut them alike"
        )
    if test.electrodes and known.electrodes and list(test.electrodes) != known.electrodes:
        raise ValueError(f"{test.root}: electrodes are others, or in another order, than those of model={run}")
    if strange := sorted(set(test.table["category"]) - set(known.categories)):
        raise ValueError(
            f"{test.root}: {len(strange)} categories of its test sessions are unknown to model={run} (first: "
            f"{strange[0]}); train with them, or leave them out of both"
        )


def check_unseen(model: TrialModel, test: Trials, run: str) -> None:
    """Raise ValueError (one line) if the run says that it saw a run of the test, or does not say which it saw."""
    seen = {digest for digests in model.about.get("runs", {}).values() for digest in digests}
    if not seen:
        raise ValueError(f"model={run}: does not say which runs it was trained on; train it again")
    overlap = test.table.filter(pl.col("digest").is_in(list(seen)))
    if len(overlap):
        raise ValueError(
            f"model={run}: was trained or selected on {overlap['file'].n_unique()} of the "
            f"{test.table['file'].n_unique()} runs of the test sessions (first: {overlap['file'][0]}); give the data "
            f"that it was trained with, as they were"
        )


def notes_of(data: Trials, asked: Asked) -> list[str]:
    """The lines above the tables."""
    splits, people = data.splits, data.table["subject"].n_unique()
    shown, known = set(asked.table["image"]), set(data.of("train").table["image"])
    return [
        f"{people} subjects, split by session: {splits['train']:,} trials of train, {splits['val']:,} of val, "
        f"{splits['test']:,} of test; {len(data.left_out)} runs or subjects left out",
        f"{len(shown)} pictures in the test sessions, {len(shown & known)} of them also shown in training sessions",
        f"pool: the {len(asked.texts)} different captions of these pictures; equal scores go by index",
    ]


def protocol_of(config: TrialsConfig, model: TrialModel, folder: Path, test: Trials) -> dict[str, Any]:
    """What the numbers rest on, as plain values."""
    return {
        "model": file_digest(folder / "model.safetensors")[:16],
        "test": test.fingerprint,
        "text": model.text.to_config().get("language", {}).get("name", "scratch"),
        "pooling": model.text.config.pooling if model.text.config.pretrained else "transformer",
        "bertscore": Path(config.bertscore).name if config.bertscore else None,
        "left_out": test.left_out,
        "seed": config.seed,
    }


if __name__ == "__main__":
    program(TrialsConfig, main, "benchmark.trials")
