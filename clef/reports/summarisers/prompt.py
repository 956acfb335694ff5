"""The prompt that language models get with a report: a file of text, with the reason for each line beside it."""

from pathlib import Path

BUILT_IN = Path(__file__).with_name("prompt.txt")
PLACE = "{report}"
"""Where the report goes."""


def read_prompt(path: str | Path | None = None) -> str:
    """The text of a prompt file, without the lines that begin with `#`; the built-in one if `path` is None.

    Raises ValueError (one line) if it cannot be read or has no place for the report.
    """
    file = Path(path or BUILT_IN)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"prompt={path}: not a file of text that can be read; leave prompt= out for our own") from None
    text = "\n".join(line for line in lines if line.strip() and not line.startswith("#"))
    if text.count(PLACE) != 1:
        raise ValueError(
            f"prompt={path}: {PLACE} stands in it {text.count(PLACE)} times, expected once, for the report"
        )
    return text


def fill(prompt: str, report: str) -> str:
    """The prompt with a report in its place; braces in reports mean nothing."""
    return prompt.replace(PLACE, report.strip())
