"""Summaries from a language model that runs on this machine, through transformers: a folder, or an id on the hub.

Nothing leaves the machine. Weights are read from safetensors alone, and no code that comes with a model is run.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from clef.reports.summarisers.answers import MAX_TOKENS, VERSION, Answer
from clef.reports.summarisers.prompt import fill
from tokenizer.base.files import file_digest, fingerprint
from tokenizer.base.limits import check_settings

READ = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
"""Files of a model folder that make it what it is."""


@dataclasses.dataclass
class HfConfig:
    """How a model on this machine is run."""

    batch: int = 8
    """Reports summarised at a time; less if memory does not suffice."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


LIMITS = {"batch": (1, 4096)}


def model_folder(folder_or_id: str) -> Path:
    """The folder of a model: the one that is named, or the copy of a hub repository, fetched if it is not here yet.

    Raises ValueError (one line) if there is none.
    """
    folder = Path(folder_or_id).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise ValueError(
                f"hf:{folder_or_id}: expected a folder with config.json and *.safetensors, as transformers saves"
            )
        return folder
    if folder.is_absolute() or folder_or_id.count("/") != 1:
        raise ValueError(f"hf:{folder_or_id}: there is no such folder, and ids of the hub are written OWNER/NAME")
    from huggingface_hub import snapshot_download

    for here in (True, False):  # first without asking the hub: a hospital's machine may not reach it
        with contextlib.suppress(Exception):
            return Path(snapshot_download(folder_or_id, allow_patterns=list(READ), local_files_only=here))
    raise ValueError(
        f"hf:{folder_or_id}: neither a folder here nor reachable on the hub; fetch it on a machine that reaches it "
        f"(hf download {folder_or_id} --local-dir FOLDER), copy the folder, then give hf:FOLDER"
    )


def model_fingerprint(folder_or_id: str, prompt: str) -> str:
    """The fingerprint of summaries by a model and a prompt: of the bytes of the model, wherever it lies."""
    folder = model_folder(folder_or_id)
    files = sorted({path for pattern in READ for path in folder.glob(pattern)})
    digests = [f"{path.name} {file_digest(path)}" for path in files]
    return fingerprint("hf", *digests, prompt, VERSION)


class LocalModel:
    """A causal or sequence-to-sequence language model. Raises ValueError (one line) if it cannot be loaded."""

    place = "a model on this machine"

    def __init__(self, folder_or_id: str, prompt: str, config: HfConfig | None = None):
        self.config, self.prompt, self.name = config or HfConfig(), prompt, folder_or_id
        check_settings(self.config, LIMITS, "hf")
        transformers = _transformers()
        self.fingerprint = model_fingerprint(folder_or_id, prompt)
        folder = model_folder(folder_or_id)
        try:
            described = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(
                folder, trust_remote_code=False, padding_side="left"
            )
            self.both = bool(described.is_encoder_decoder)
            kind = transformers.AutoModelForSeq2SeqLM if self.both else transformers.AutoModelForCausalLM
            self.device, precision = _device_and_precision(self.config.device)
            network = kind.from_pretrained(folder, trust_remote_code=False, use_safetensors=True, dtype=precision)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"hf:{folder_or_id}: no language model that transformers can load ({reason})") from None
        self.network = network.to(self.device).eval()
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.window = _window(described, self.tokenizer)

    def answers(self, reports: Sequence[str]) -> Iterator[tuple[int, Answer]]:
        """The number and the answer of each report, the longest first: memory that does not suffice shows at once.

        Raises ValueError (one line) when it does not.
        """
        import torch

        order = sorted(range(len(reports)), key=lambda number: len(reports[number]), reverse=True)
        for start in range(0, len(order), self.config.batch):
            numbers = order[start : start + self.config.batch]
            try:
                found = self._batch([reports[number] for number in numbers])
            except torch.OutOfMemoryError:
                raise ValueError(
                    f"hf.batch={self.config.batch}: memory does not suffice; give half as many, or a smaller model"
                ) from None
            yield from zip(numbers, found, strict=True)

    def _batch(self, reports: list[str]) -> list[Answer]:
        """Answers to some reports; a prompt beyond the model's window is none: what is cut could be the impression."""
        prompts = [self._prompt(report) for report in reports]
        ids = self.tokenizer(prompts, add_special_tokens=not self._has_template)["input_ids"]
        fits = [len(one) + (0 if self.both else MAX_TOKENS) <= self.window for one in ids]
        texts = iter(self._generate([one for one, fit in zip(ids, fits, strict=True) if fit]))
        return [next(texts) if fit else Answer("", "too long") for fit in fits]

    @property
    def _has_template(self) -> bool:
        return bool(getattr(self.tokenizer, "chat_template", None))

    def _prompt(self, report: str) -> str:
        """The prompt as the model was taught to read it, in one turn: some templates know no system."""
        text = fill(self.prompt, report)
        if not self._has_template:
            return text
        turn = [{"role": "user", "content": text}]
        return self.tokenizer.apply_chat_template(
            turn, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )

    def _generate(self, ids: list[list[int]]) -> list[Answer]:
        import torch

        if not ids:
            return []
        padded = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self.device)
        inputs = {name: padded[name] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            out = self.network.generate(
                **inputs, do_sample=False, num_beams=1, temperature=None, top_p=None, top_k=None,
                max_new_tokens=MAX_TOKENS, pad_token_id=self.tokenizer.pad_token_id,
            )  # fmt: skip
        new = out if self.both else out[:, inputs["input_ids"].shape[1] :]
        return [self._answer(row) for row in new.tolist()]

    def _answer(self, ids: list[int]) -> Answer:
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        ends = _ends(self.network, self.tokenizer)
        return Answer(text, "" if ends & set(ids[1:]) else "cut short")  # seq2seq models may begin with their end


def _ends(network: Any, tokenizer: Any) -> set[int]:
    """Ids that end an answer."""
    given = network.generation_config.eos_token_id
    ends = set(given) if isinstance(given, list | tuple) else {given}
    return {end for end in (*ends, tokenizer.eos_token_id) if end is not None}


def _window(config: Any, tokenizer: Any) -> int:
    """The longest text in tokens that a model reads."""
    known = (getattr(config, name, None) for name in ("max_position_embeddings", "n_positions"))
    return min([size for size in (*known, tokenizer.model_max_length) if size])


def _device_and_precision(device: str) -> tuple[Any, Any]:
    """Half precision where the hardware multiplies in it, which is up to twice as fast; float32 elsewhere."""
    import torch

    from tokenizer.base.ranks import set_up

    picked = set_up(device)
    if picked.type != "cuda":
        return picked, torch.bfloat16 if _multiplies_bfloat16() else torch.float32
    return picked, torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16 (AVX512_BF16 or AMX); without them it is slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return " avx512_bf16" in flags or " amx_bf16" in flags


def _transformers() -> Any:
    try:
        import transformers
    except ImportError:
        raise ValueError("summariser=hf:…: needs the package transformers; pip install transformers") from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers
