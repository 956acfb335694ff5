"""Language models of two layers with random weights and a vocabulary of a few words, as folders: nothing is fetched."""

import torch

WORDS = (
    "left",
    "right",
    "temporal",
    "frontal",
    "slowing",
    "spikes",
    "normal",
    "no",
    "seizures",
    ".",
    ",",
    "diffuse",
    "waves",
)
SIGNS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
TEXTS = ["left temporal slowing.", "normal", "no seizures. right frontal spikes, diffuse slowing.", ""]


def write_words(folder):
    """A tokenizer that knows WORDS, and puts signs around a text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    number = {word: i for i, word in enumerate((*SIGNS, *WORDS))}
    words = Tokenizer(models.WordPiece(number, unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    ends = [("[CLS]", number["[CLS]"]), ("[SEP]", number["[SEP]"])]
    words.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    names |= {"bos_token": "[CLS]", "eos_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=32, **names).save_pretrained(folder)


def write_bert(folder, seed=0):
    """A BERT as it is published: with the head that guesses words, and without the pooler."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(SIGNS) + len(WORDS), max_position_embeddings=32, **sizes)
    BertForMaskedLM(config).save_pretrained(folder)
    write_words(folder)
    return str(folder)


def write_t5(folder, seed=0):
    """A T5 1.1 with its decoder."""
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(seed)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    words = len(SIGNS) + len(WORDS)
    config = T5Config(vocab_size=words, feed_forward_proj="gated-gelu", tie_word_embeddings=False, **sizes)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    write_words(folder)
    return str(folder)


def write_gpt2(folder, seed=0):
    """A GPT-2, which writes."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, "bos_token_id": 2, "eos_token_id": 3}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(SIGNS) + len(WORDS), **sizes)).save_pretrained(folder)
    write_words(folder)
    return str(folder)


WRITERS = {"bert": write_bert, "t5": write_t5}
