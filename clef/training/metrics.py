"""The file metrics.jsonl of a run: one JSON object per line, each with its `step`."""

import json
import logging
import os
from pathlib import Path

from tokenizer.base.files import write_text

log = logging.getLogger(__name__)


class MetricsFile:
    """A run's metrics, appended by one process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, metrics: dict[str, float]) -> None:
        """Write one line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")

    def flush(self) -> None:
        """Put all lines onto the disk: a checkpoint promises those up to its step."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def forget_after(self, step: int) -> None:
        """Drop the lines of later steps and those that are no lines; one of the latter among others is named."""
        before = self.path.read_bytes() if self.path.is_file() else b""
        lines = before.splitlines(keepends=True)
        steps = [_step(line) for line in lines]
        damaged = [i + 1 for i, of in enumerate(steps) if of is None and any(s is not None for s in steps[i:])]
        if damaged:
            log.warning("%s: %d damaged lines left out, the first is line %d", self.path, len(damaged), damaged[0])
        kept = b"".join(x.strip(b"\0") for x, of in zip(lines, steps, strict=True) if of is not None and of <= step)
        if kept != before:
            write_text(self.path, kept.decode())


def _step(line: bytes) -> int | None:
    """The step of a line; None if it is cut or damaged. A power cut may leave zero bytes before or after it."""
    try:
        value = json.loads(line.strip(b"\0")) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    step = value.get("step") if isinstance(value, dict) else None
    return step if isinstance(step, int) else None
