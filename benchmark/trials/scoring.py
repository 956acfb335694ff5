"""Scores of one row: how often it names the category, and how well it finds the caption of what was seen.

A candidate is a caption of the pool; its own is right, and by class any caption of its category. BERTScore compares the
caption that comes first with the true one, which is generous: captions of one kind of picture share most of their
words, so the row without EEG says what that alone gives.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmark.protocols.captions import CaptionRetrieval, retrieve_captions
from benchmark.texts.bertscore import bertscore, share_above
from benchmark.trials.accuracy import Share, by_subject, over_subjects
from benchmark.trials.answers import Answers, Asked
from clef.network.language_model import LanguageModel


@dataclasses.dataclass(frozen=True)
class Row:
    """Scores of one way to answer.

    accuracy, first: shares of right categories and of own captions in the first place, over all subjects
    subjects: accuracy of each · words: mean F1 of BERTScore and the share above 0.7, if it was asked for
    """

    name: str
    accuracy: Share
    first: Share
    subjects: dict[str, Share]
    retrieval: CaptionRetrieval
    words: tuple[float, float] | None

    def as_plain(self) -> dict[str, Any]:
        """Every measure as plain values."""
        plain = {"name": self.name, "accuracy": self.accuracy.as_plain(), "r_at_1_caption": self.first.as_plain()}
        plain |= {"accuracy_by_subject": {name: share.as_plain() for name, share in self.subjects.items()}}
        words = None if self.words is None else {"f1": self.words[0], "share_above_0.7": self.words[1]}
        return plain | {"retrieval": self.retrieval.as_plain(), "bertscore": words}


def score(answers: Answers, asked: Asked, categories: Sequence[str], language: LanguageModel | None, seed: int) -> Row:
    """The row of some answers; `categories`: of the logits, in their order."""
    subject = asked.table["subject"].to_numpy().astype(str)
    named = np.array(categories)[answers.logits.argmax(1)]
    is_right = named == asked.table["category"].to_numpy()
    own = asked.table["candidate"].to_list()
    class_of = dict(enumerate(asked.categories))
    retrieval = retrieve_captions(answers.vectors, own, asked.vectors, range(len(asked.texts)), class_of)
    return Row(
        answers.name,
        over_subjects(is_right, subject, seed),
        over_subjects(retrieval.by_caption.ranks == 1, subject, seed),
        by_subject(is_right, subject),
        retrieval,
        None if language is None else _words(answers, asked, language),
    )


def _words(answers: Answers, asked: Asked, language: LanguageModel) -> tuple[float, float]:
    """BERTScore of the caption in the first place against the true one."""
    first = (answers.vectors @ asked.vectors.T).argmax(1)  # of equals the first, as in the ranking
    scores = bertscore(language, asked.table["caption"].to_list(), [asked.texts[i] for i in first])
    return float(np.mean([each.f1 for each in scores])), share_above(scores)
