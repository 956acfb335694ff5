"""What the JSON beside a run says of it: sampling rate, number and names of electrodes, under the keys in use.

Absence is no fault: many say nothing, and the array and its name are enough. A contradiction is one.
"""

import json
import re
from pathlib import Path
from typing import Any

RATES = {"samplingfrequency", "samplingrate", "samplerate", "sfreq", "srate", "fs"}
NAMES = {"channels", "chnames", "channelnames", "channellabels", "electrodes", "electrodenames"}
COUNTS = {"eegchannelcount", "nchannels", "nchan", "nbchan", "channelcount", "numchannels"}


def read_sidecar(path: Path, name: str, rate: int, channels: int) -> tuple[str, ...] | None:
    """The names of the electrodes, if the file is there and tells them.

    Raises ValueError (one line, `name` is the file's) if it is no JSON object, or says another `rate` (Hz) or another
    number of `channels` than the array and its name.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):  # of JSON, of UTF-8, of a number with too many digits
        raise ValueError(f"{name}: not readable JSON; write it again, or take it away") from None
    if not isinstance(content, dict):
        raise ValueError(f"{name}: no JSON object; expected keys such as SamplingFrequency, or no file at all")
    values = [(key, re.sub(r"[\W_]", "", key.casefold()), value) for key, value in content.items()]
    for key, plain, value in values:
        if plain in RATES and (not _is_number(value) or value != rate):
            raise ValueError(f"{name}: {key} is {_short(value)}, its name says {rate} Hz; put the wrong one right")
        if (plain in COUNTS or (plain in NAMES and _is_number(value))) and value != channels:
            raise ValueError(f"{name}: {key} is {_short(value)}, the array has {channels} electrodes; {REMEDY}")
    lists = [(key, value) for key, plain, value in values if plain in NAMES and isinstance(value, list)]
    told = [_names(value, f"{name}: {key}", channels) for key, value in lists]
    if len(set(told)) > 1:
        raise ValueError(f"{name}: {lists[0][0]} and {lists[1][0]} name different electrodes; {REMEDY}")
    return told[0] if told else None


REMEDY = "put the wrong one right, or leave the run out"


def _names(value: list[Any], where: str, channels: int) -> tuple[str, ...]:
    """Names of electrodes from a list of texts, or of objects with a `name`."""
    texts = [each.get("name") if isinstance(each, dict) else each for each in value]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{where} holds something that is no name; expected a list of texts")
    if len(texts) != channels:
        raise ValueError(f"{where} holds {len(texts)} names, the array has {channels} electrodes; {REMEDY}")
    names = tuple(text.strip() for text in texts)
    if len(set(names)) != len(names):
        raise ValueError(f"{where} names an electrode twice; give each a name of its own")
    return names


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"
