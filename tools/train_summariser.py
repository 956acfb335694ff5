"""A small encoder-decoder that learns the rules' summaries of a cohort's reports, saved as transformers saves models.

    python -m tools.train_summariser cohort=COHORT out=FOLDER minutes=8 without=OTHER_COHORT
    python -m clef.summarise cohort=OTHER_COHORT summariser=hf:FOLDER prompt=FOLDER/prompt.txt

It is no instruction model and knows no medicine: it stands in for one where none can be had, to try `hf:` and `http:`
on whole cohorts. Give it synthetic reports: it can say again what it has read. Its prompt is the report alone.
"""

import logging
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from clef.cohort import read_reports
from clef.reports.rules import condense
from tokenizer.base.cli import program

log = logging.getLogger(__name__)
SPECIAL = ["<pad>", "</s>", "<unk>"]
PROMPT = "# The model was trained on reports alone.\n{report}\n"


@dataclass
class TrainSummariser:
    """Settings of tools.train_summariser."""

    cohort: str = "???"
    """Cohort folder whose reports it learns."""
    out: str = "???"
    """Folder for the model, its tokenizer and its prompt."""
    without: str | None = None
    """Another cohort folder, whose reports are not learned: it is to be summarised."""
    minutes: float = 8.0
    """How long it is trained."""
    width: int = 128
    """Width of the model."""
    layers: int = 2
    """Layers of the encoder, and of the decoder."""
    batch: int = 16
    """Reports of a step."""
    lr: float = 2e-3
    """Highest learning rate; it falls to zero with the time."""
    seed: int = 0
    """Seed of the first weights and of the order."""


def main(config: TrainSummariser) -> None:
    """Train, save and say how well it does what it learned."""
    import transformers

    pairs = report_pairs(config.cohort, config.without)
    tokenizer = make_tokenizer(transformers, [text for pair in pairs for text in pair])
    torch.manual_seed(config.seed)
    network = make_network(transformers, len(tokenizer), config)
    steps, loss = train(network, [tuple(tokenizer(list(pair))["input_ids"]) for pair in pairs], config)
    out = Path(config.out)
    network.save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    log.info("wrote %s: %d parameters, %d steps on %d reports, loss %.4f nats a token", out,
             sum(p.numel() for p in network.parameters()), steps, len(pairs), loss)  # fmt: skip


def report_pairs(cohort: str, without: str | None) -> list[tuple[str, str]]:
    """Reports of a cohort and the rules' summaries of them, but for reports that another cohort has too."""
    texts = set(read_reports(cohort)["text"].drop_nulls())
    texts -= set(read_reports(without)["text"].drop_nulls()) if without else set()
    return [(text, summary) for text in sorted(texts) if (summary := condense(text))]


def make_tokenizer(transformers: Any, texts: list[str], size: int = 2000) -> Any:
    """Byte pairs, so that any text can be written and read back as it was."""
    bytes_ = Tokenizer(models.BPE())
    bytes_.pre_tokenizer, bytes_.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bytes_.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    bytes_.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=2048
    )


def make_network(transformers: Any, size: int, config: TrainSummariser) -> Any:
    """A T5 without trained weights."""
    described = transformers.T5Config(
        vocab_size=size, d_model=config.width, d_kv=32, d_ff=4 * config.width, num_layers=config.layers,
        num_heads=max(1, config.width // 32), dropout_rate=0.0, feed_forward_proj="gated-gelu",
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(described)


def train(network: Any, pairs: list[tuple[list[int], list[int]]], config: TrainSummariser) -> tuple[int, float]:
    """Train for `config.minutes`; the number of steps, and the mean loss of the last fifty."""
    optimiser = torch.optim.AdamW(network.parameters(), config.lr, betas=(0.9, 0.95))
    draw, began, losses = random.Random(config.seed), time.monotonic(), []
    while (share := (time.monotonic() - began) / (60 * config.minutes)) < 1 or not losses:
        for group in optimiser.param_groups:
            group["lr"] = config.lr * min(1.0, (len(losses) + 1) / 50) * max(0.0, 1 - share)
        some = draw.sample(pairs, min(config.batch, len(pairs)))
        loss = network(input_ids=_padded([p[0] for p in some], 0), attention_mask=_mask([p[0] for p in some]),
                       labels=_padded([p[1] for p in some], -100)).loss  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
        if len(losses) % 50 == 0:
            log.info("step %d, loss %.4f", len(losses), sum(losses[-50:]) / 50)
    return len(losses), sum(losses[-50:]) / len(losses[-50:])


def _padded(rows: list[list[int]], by: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [by] * (longest - len(row)) for row in rows])


def _mask(rows: list[list[int]]) -> torch.Tensor:
    return _padded([[1] * len(row) for row in rows], 0)


if __name__ == "__main__":
    program(TrainSummariser, main, "tools.train_summariser")
