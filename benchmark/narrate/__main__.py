"""Narratives scored by their facts on people of split test, beside the commonest text, the nearest and the template.

    python -m benchmark.narrate models=[mine=RUN] tokens=STORE cohort=COHORT texts=FILE out=DIR template=FILE_OR_DIR

models are runs of stage=narrate; texts= are the references, a table as narrate.texts=. Texts of split train give the
commonest and the nearest text. template= is what clef.describe wrote on the recordings of people of test; sessions
without it are left out. A model that saw people of test is refused. OUT/narratives.md holds the table and a verdict,
OUT/narratives.json the same with the whole protocol. Three models on 910 minutes took 42 s of one core.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.models.asked import parse_models, people_seen
from benchmark.narrate.baselines import COMMONEST, NEAREST, TEMPLATE, code_means, commonest, nearest
from benchmark.narrate.page import Result, as_markdown, as_plain, verdicts
from benchmark.narrate.scoring import RESAMPLES, Way, score
from benchmark.texts.bertscore import bertscore
from clef.descriptions.table import NAME
from clef.narratives.narration import AT_ONCE, Narration, load_narration
from clef.narratives.texts import PartScope, Place, places_in, texts_of
from clef.network.language_model import open_model
from clef.sources import store_tokens
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, file_digest, write_json, write_text
from tokenizer.base.values import MISSING
from tokenizer.sessions import read_sessions
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)


@dataclasses.dataclass
class NarrateConfig:
    """Settings of `python -m benchmark.narrate`."""

    models: list[str] = dataclasses.field(default_factory=list)
    """Runs of stage=narrate, each with its name in tables: [mine=RUN,without=RUN2]. CLEF_TEXT_MODEL says where the
    language model of text=hf is."""
    tokens: str = MISSING
    """Token store made with the models' own tokenizer."""
    cohort: str = MISSING
    """Cohort folder, whose splits count."""
    texts: str = MISSING
    """References: a table of texts on stretches, or the folder that clef.describe wrote."""
    out: Path = MISSING
    """Folder for narratives.md and narratives.json."""
    template: str = ""
    """What clef.describe wrote on the recordings of people of test; without it there are two baselines."""
    bertscore: str = ""
    """Folder of a local language model for BERTScore."""
    sessions: int = 0
    """Most sessions of split test, the first ones; 0: all."""
    allow_overlap: bool = False
    """Show, marked, a model that saw people of test or does not say whom it saw, instead of refusing."""
    batch: int = AT_ONCE
    """Texts that are written together."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    seed: int = 0
    """Of the bootstrap."""


@dataclasses.dataclass
class Asked:
    """What is asked: stretches (row of `tokens`, number) of test, and of train, each with its text."""

    tokens: Tokens
    test: list[tuple[int, int]]
    train: list[tuple[int, int]]
    texts: dict[Place, str]

    def place(self, at: tuple[int, int]) -> Place:
        """A stretch by its session's name."""
        return Place(str(self.tokens.session_id[at[0]]), at[1])

    def text(self, at: tuple[int, int]) -> str:
        """The reference on a stretch."""
        return self.texts[self.place(at)]


def main(config: NarrateConfig) -> None:
    """Write, find, score, print, keep."""
    if not config.models or config.sessions < 0 or config.batch < 1:
        raise ConfigError("models=[name=RUN] must name one at least, sessions be 0 or more, batch 1 or more")
    check_out(config.out, "folder")
    device = ranks.set_up(config.device)
    narrations = {name: load_narration(path) for name, path in parse_models(config.models).items()}
    scope = one_scope(narrations)
    template = texts_of(config.template, scope) if config.template else {}
    asked = what_is_asked(config, narrations, scope, template)
    people = {int(asked.tokens.subject_id[row]) for row, _ in asked.test}
    seen = {name: people_seen(f"models: {name}", one.narrator.about, "split test", people, config.allow_overlap)
            for name, one in narrations.items()}  # fmt: skip
    ways = [Way(name, one.to(device).write(asked.tokens, asked.test, config.batch), True)
            for name, one in narrations.items()]  # fmt: skip
    ways += baselines(asked, narrations, scope, template)
    references = [asked.text(at) for at in asked.test]
    scores = None
    if config.bertscore:
        reader = open_model(config.bertscore)
        scores = {way.name: bertscore(reader, references, way.texts) for way in ways}
    subject = asked.tokens.subject_id[[row for row, _ in asked.test]]
    rows = score(ways, references, subject, config.seed, scores)
    result = Result(rows, protocol_of(config, narrations, asked, scope), notes_of(asked, seen, scope, config))
    write_json(config.out / "narratives.json", as_plain(result))
    write_text(config.out / "narratives.md", as_markdown(result))
    print(as_markdown(result))
    for line in verdicts(rows):
        log.info("%s", line.replace("*", ""))
    log.info(
        "wrote %s and narratives.json; next: docs/narratives.md says what the rows are", config.out / "narratives.md"
    )


def one_scope(narrations: dict[str, Narration]) -> PartScope:
    """What all models write on. Raises ValueError if they differ in it, or in their tokenizer."""
    scopes = {one.narrator.scope for one in narrations.values()}
    tokenizers = {one.model.encoder.about.get("tokenizer") for one in narrations.values()}
    if len(scopes) > 1 or len(tokenizers) > 1:
        raise ValueError("models: some write on minutes and some on segments, or they have different tokenizers; ask "
                         "them one by one")  # fmt: skip
    return scopes.pop()


def what_is_asked(
    config: NarrateConfig, narrations: dict[str, Narration], scope: PartScope, template: dict[Place, str]
) -> Asked:
    """Stretches with a text of split test, and of train. Raises ValueError if there is none of either."""
    first = next(iter(narrations.values()))
    tokens = store_tokens(TokenStore(config.tokens), first.model.encoder.about.get("tokenizer"))
    split = dict(read_sessions(config.cohort).select("session_id", "split").iter_rows())
    texts = texts_of(config.texts, scope)
    places = places_in(tokens, texts, scope)
    told = {place.session for place in template}
    rows = {
        name: [row for row in places if split.get(str(tokens.session_id[row])) == name] for name in ("train", "test")
    }
    test = [row for row in rows["test"] if not template or str(tokens.session_id[row]) in told]
    test = test[: config.sessions or None]
    for name, some in (("train", rows["train"]), ("test", test)):
        if not some:
            also = " and the template describes" if template and name == "test" else ""
            raise ValueError(
                f"texts={config.texts}: has no text on a session of split {name} that the token store holds{also}; "
                f"give texts of this cohort"
            )
    return Asked(tokens, *([(row, n) for row in some for n in places[row]] for some in (test, rows["train"])), texts)


def baselines(
    asked: Asked, narrations: dict[str, Narration], scope: PartScope, template: dict[Place, str]
) -> list[Way]:
    """The commonest text, the nearest stretch's, and the template where there is one."""
    known = [asked.text(at) for at in asked.train]
    history = max(one.narrator.config.history for one in narrations.values())
    codes = next(iter(narrations.values())).model.vqgan.codebook.vectors.detach().cpu().float()
    vectors = [code_means(asked.tokens, places, scope, history, codes) for places in (asked.train, asked.test)]
    ways = [Way(COMMONEST, [commonest(known)] * len(asked.test)), Way(NEAREST, nearest(vectors[0], known, vectors[1]))]
    if template:
        ways.append(Way(TEMPLATE, [template.get(asked.place(at), "") for at in asked.test]))
    return ways


def protocol_of(
    config: NarrateConfig, narrations: dict[str, Narration], asked: Asked, scope: PartScope
) -> dict[str, Any]:
    """What the numbers rest on, as plain values."""
    table = Path(config.texts) / NAME if Path(config.texts).is_dir() else Path(config.texts)
    models = {
        name: {"encoder": one.model.fingerprint, "projection": one.narrator.projection, "writer": one.narrator.writer}
        | dataclasses.asdict(one.narrator.config)
        for name, one in narrations.items()
    }
    return {"models": models, "scope": scope, "references": file_digest(table)} | counts_of(asked) | {
        "tokenizer": next(iter(narrations.values())).model.encoder.about.get("tokenizer"),
        "template": bool(config.template),
        "bertscore": Path(config.bertscore).name if config.bertscore else None,
        "interval": f"{RESAMPLES} draws of subjects",
        "seed": config.seed,
    }  # fmt: skip


def counts_of(asked: Asked) -> dict[str, int]:
    """Stretches, sessions and people of test and train."""
    counts = {}
    for name, places in (("test", asked.test), ("train", asked.train)):
        rows = sorted({row for row, _ in places})
        counts |= {f"{name}_stretches": len(places), f"{name}_sessions": len(rows)}
        counts[f"{name}_people"] = len(np.unique(asked.tokens.subject_id[rows]))
    return counts


def notes_of(asked: Asked, seen: dict[str, int | None], scope: PartScope, config: NarrateConfig) -> list[str]:
    """The lines above the table."""
    n = counts_of(asked)
    notes = [
        f"{n['test_stretches']:,} texts, each on a {scope}, of {n['test_sessions']:,} sessions of "
        f"{n['test_people']:,} people of split test; baselines from {n['train_stretches']:,} of "
        f"{n['train_people']:,} people of train",
        "facts of all texts are counted together; a fact counts if the reference has the very same one; intervals "
        "draw people anew",
        "contradicted: facts that the reference says otherwise, and their share of all that are stated",
    ]
    if config.template:
        notes.append("sessions of test that the template does not describe are left out")
    else:
        notes.append("no template was given: two baselines")
    for name, count in seen.items():
        if count != 0:
            notes.append(f"**{name} " + (f"saw {count} people of test**" if count else "does not say whom it saw**"))
    return notes


if __name__ == "__main__":
    program(NarrateConfig, main, "benchmark.narrate")
