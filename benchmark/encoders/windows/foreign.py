"""A stranger's encoder: a Python file with ENCODER, a `WindowModel`, or encoder(weights, device) that gives one."""

import dataclasses
import functools
import runpy
from pathlib import Path

from benchmark.encoders.encoder import Encoder, Inputs
from benchmark.encoders.windows.sliding import embed_both, embed_sessions, first_line
from benchmark.encoders.windows.window_model import WindowModel
from tokenizer.base import ranks
from tokenizer.base.files import file_digest

FOREIGN = "foreign"
EXPECTED = "expected ENCODER, a WindowModel, or a function encoder(weights, device) that gives one (docs/compare.md)"


def is_file(name: str) -> bool:
    """Whether what was given as encoder= is a file of a person's own."""
    return name.endswith(".py")


def encoder_in(path: str) -> Encoder:
    """The encoder of a file. ValueError in one line if there is no such file."""
    if not Path(path).is_file():
        raise ValueError(f"encoder={path}: there is no such file; {EXPECTED}")

    build = functools.partial(load, path)
    embed, both = (functools.partial(one, build=build, kind=FOREIGN) for one in (embed_sessions, embed_both))
    return Encoder(Path(path).stem, f"the encoder of {Path(path).name}", embed, FOREIGN, role="model", both=both)


def load(path: str, inputs: Inputs) -> WindowModel:
    """Run a person's file and take its encoder. ValueError in one line for a file that fails or defines none."""
    name = Path(path).name
    try:
        defined = runpy.run_path(path)
        model = defined.get("ENCODER")
        if model is None and callable(defined.get("encoder")):
            model = defined["encoder"](inputs.weights, ranks.set_up(inputs.device))
    except Exception as error:  # whatever a stranger's code raises
        raise ValueError(f"encoder={name}: it failed: {first_line(error)}") from error
    if not isinstance(model, WindowModel):
        given = "nothing" if model is None else type(model).__name__
        raise ValueError(f"encoder={name}: it defines {given}; {EXPECTED}")
    return dataclasses.replace(model, fingerprint=model.fingerprint or file_digest(Path(path)))
