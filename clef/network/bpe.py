"""Byte-pair encoding of report summaries, learned on the training reports alone.

    n texts -> ids (n, L) int64, mask (n, L) bool

Texts pass through `clef.reports.rules.normalise` first, when learning as when encoding, so that a prompt in any
spelling meets the reports' own. Byte-level, so that no text is ever outside the vocabulary; kept as plain JSON inside
the model's config. That JSON goes wherever the model goes, so a word of a few subjects' reports alone, which may be a
name, is not learned from: it is spelled with pieces of other words. The work is done by Hugging Face's `tokenizers`.
Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units" (2016).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.decoders import ByteLevel

from clef.reports.rules import normalise

PAD = "<pad>"  # id 0
BYTES = 256
LOWER = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
WORDS = pre_tokenizers.ByteLevel(add_prefix_space=True)


class Bpe:
    """A learned byte-pair encoding: `len(bpe)` ids, 0 is padding. Make one with `learn` or `Bpe.from_json`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.encode_special_tokens = True  # "<pad>" in a text is a word like others

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size()

    def encode(self, texts: list[str], length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Texts -> ids (n, length) int64 with zeros after the end, and mask (n, length) bool; longer texts are cut."""
        ids = torch.zeros(len(texts), length, dtype=torch.int64)
        mask = torch.zeros(len(texts), length, dtype=torch.bool)
        for row, encoded in enumerate(self._tokenizer.encode_batch([normalise(text) for text in texts])):
            kept = encoded.ids[:length]
            ids[row, : len(kept)] = torch.tensor(kept, dtype=torch.int64)
            mask[row, : len(kept)] = True
        return ids, mask

    def decode(self, ids: Iterable[int]) -> str:
        """Ids of one text -> the text, as normalised."""
        return self._tokenizer.decode([int(i) for i in ids if i]).strip()

    def to_json(self) -> dict[str, Any]:
        """The encoding as plain values, for a model's config."""
        return json.loads(self._tokenizer.to_str())

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Bpe":
        """The encoding that `to_json` wrote. Raises ValueError if it is something else."""
        try:
            tokenizer = Tokenizer.from_str(json.dumps(value))
        except Exception as error:  # the library has no kind of its own
            raise ValueError(str(error)) from None
        ids = tokenizer.get_vocab().values()
        if sorted(ids) != list(range(len(ids))):
            raise ValueError("its ids are not 0, 1, 2, …")
        return cls(tokenizer)


def learn(subjects: Iterable[Sequence[str]], vocabulary_size: int, min_count: int) -> Bpe:
    """Learn a byte-pair encoding of at most `vocabulary_size` ids from the texts of each subject.

    Only words that at least `min_count` subjects have in their texts count, and pairs that stand at least twice. The
    same texts give the same encoding. Raises ValueError if there are no texts or the vocabulary cannot hold every byte.
    """
    total, having = _count_words(subjects)
    if not total:
        raise ValueError("no training report has any text, so no words can be learned; align without reports instead")
    if vocabulary_size <= BYTES:
        raise ValueError(
            f"vocabulary={vocabulary_size}: must be more than {BYTES}, one id per byte and one for padding"
        )
    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=[PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    shared = (word for word in sorted(total) if having[word] >= min_count)
    tokenizer.train_from_iterator((word for word in shared for _ in range(total[word])), trainer)
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = LOWER, WORDS, ByteLevel()
    return Bpe(tokenizer)


def _count_words(subjects: Iterable[Sequence[str]]) -> tuple[Counter[str], Counter[str]]:
    """How often each word stands in all texts, and how many subjects have it; a word is what `WORDS` cuts."""
    total, having = Counter(), Counter()
    for texts in subjects:
        normal = (LOWER.normalize_str(normalise(text)) for text in texts if text.strip())
        mine = Counter(word for text in normal for word, _ in WORDS.pre_tokenize_str(text))
        total.update(mine)
        having.update(mine.keys())
    return total, having
