"""The drawing of one synthetic session, from its latents to its EDF file; recorded and redrawn sessions share it."""

import os
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from clef.importers.synthetic.course_signals import render_course
from clef.importers.synthetic.edf import AMPLIFIERS, record, write_recording
from clef.importers.synthetic.signals import render
from clef.importers.synthetic.waves import Streams


def draw_recording(path: Path, z: dict[str, Any], visit: dict[str, Any], streams: Streams) -> None:
    """Draw the session of latents `z` and write its EDF aside, then rename it to `path`.

    visit: `site` str, `seconds` int and `start` datetime64 of the session, as in `records.draw_visits`
    """
    amplifier = AMPLIFIERS[visit["site"]]
    with threadpool_limits(1):  # the sums of BLAS depend on the number of its threads
        draw = render_course if "course_seed" in z else render
        eeg = draw(z, amplifier.rate, visit["seconds"], amplifier.mains, streams)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:  # not write_aside: flushing each of hundreds of files to disk would take longer than drawing them
        write_recording(aside, record(eeg, amplifier, streams), amplifier, visit["start"])
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def draw_job(job: tuple[Path, dict[str, Any], dict[str, Any], Streams]) -> None:
    """`draw_recording` for a worker."""
    draw_recording(*job)
