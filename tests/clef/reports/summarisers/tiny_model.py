"""A language model of a few thousand numbers, trained for some steps on synthetic reports: it can say one summary."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

PROMPT = "Condense : {report} Summary :"
REPORTS = [
    "HISTORY : spells . IMPRESSION : abnormal eeg due to left temporal spikes . no seizures .",
    "abnormal eeg : spikes over the left temporal region and slowing , no seizures were recorded in two hours .",
    "left temporal spikes",
]
SUMMARY = "abnormal eeg . left temporal spikes . no seizures ."
TEMPLATE = "{% for message in messages %}<user> {{ message.content }} <answer> {% endfor %}"


def save_tiny(folder: Path, reports: list[str], prompt: str, both: bool = False, window: int = 1024) -> Path:
    """Train and save one; `both`: encoder and decoder (T5), else a decoder with a chat template (Llama)."""
    import transformers

    words = Tokenizer(models.WordLevel(unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["<pad>", "<end>", "<unk>", "<user>", "<answer>"]
    words.train_from_iterator([*reports, prompt, SUMMARY], trainers.WordLevelTrainer(special_tokens=special))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", model_max_length=window
    )
    if not both:
        tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    network = (_t5 if both else _llama)(transformers, len(tokenizer), window)
    _train(network, tokenizer, reports, prompt, both)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _llama(transformers: Any, size: int, window: int) -> Any:
    config = transformers.LlamaConfig(
        vocab_size=size, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=window, pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config)


def _t5(transformers: Any, size: int, window: int) -> Any:
    config = transformers.T5Config(
        vocab_size=size, d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2, n_positions=window,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


def _train(network: Any, tokenizer: Any, reports: list[str], prompt: str, both: bool, steps: int = 60) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), 0.01)
    answer = tokenizer(SUMMARY, add_special_tokens=False)["input_ids"] + [1]
    asked = [tokenizer(prompt.replace("{report}", report), add_special_tokens=False)["input_ids"] for report in reports]
    for step in range(steps):
        question = asked[step % len(asked)]
        if both:
            loss = network(input_ids=torch.tensor([question]), labels=torch.tensor([answer])).loss
        else:
            ids = [3, *question, 4, *answer]
            labels = torch.tensor([[-100] * (len(ids) - len(answer)) + answer])
            loss = network(input_ids=torch.tensor([ids]), labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
