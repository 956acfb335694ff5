"""Verdicts on the statements of one synthetic session: hits, false statements and misses."""

from typing import Any

import numpy as np

from clef.descriptions.description import Description, describe
from clef.descriptions.statements import Statement
from clef.importers.synthetic.course import N2, N3, course_of
from tokenizer.quality.measures import measure_session
from tokenizer.reading.read import ReadingConfig, read_with_raw, row_job
from tokenizer.recording import SECONDS
from tools.descriptions.planted import SESSION_TRUTHS, Truth, eyes_of, reaction


def judged(cohort: str, z: dict[str, Any]) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Verdicts on one session (row of the table, verdict), and its statements as plain rows."""
    job = row_job(cohort, z, ReadingConfig())
    session, raw = read_with_raw(job.source, job.config)
    seconds = round(session.seconds)
    eyes = np.full(SECONDS, -1)
    eyes[:seconds] = eyes_of(z, seconds)
    made = describe(session, measure_session(session, raw), eyes)
    by_kind = {s.kind: s for s in made.of("session") if s.kind not in ("artefact", "power")}
    pops = [s for s in made.of("session") if s.kind == "artefact" and s.numbers[0][0].startswith("pops")]
    by_kind["pops"] = pops[0] if pops else Statement("session", 0, seconds, "artefact", False)
    verdicts = [(name, verdict(by_kind[kind], of(z))) for name, (kind, of) in SESSION_TRUTHS.items()]
    verdicts.append(("reactivity", verdict(by_kind["reactivity"], reaction(z, seconds))))
    plain = [{"session_id": z["session_id"], "kind": kind, "present": s.present, "lobe": s.lobe, "side": s.side,
              "numbers": str(s.numbers)} for kind, s in by_kind.items()]  # fmt: skip
    return verdicts + sleep_verdicts(made, z, seconds), plain


def verdict(statement: Statement, truth: Truth) -> str:
    """hit, false, miss, absent, between the limits, or not measured."""
    if statement.present is None:
        return "not measured"
    if statement.present and (truth.present is False or not truth.matches(statement)):
        return "false"
    if truth.present is None:
        return "between"
    return "hit" if statement.present else "miss" if truth.present else "absent"


def sleep_verdicts(made: Description, z: dict[str, Any], seconds: int) -> list[tuple[str, str]]:
    """Minutes of slow-wave sleep: delta dominates, it rises where they follow others, energy is highest frontally."""
    course = course_of(z, seconds)
    if course.unit != 60 or z["suppression"]:
        return []
    verdicts = []
    for i, stage in enumerate(course.stage):
        parts = {s.kind: s for s in made.of("minute") if s.start == 60 * i}
        band, energy = parts.get("dominant band"), parts.get("energy")
        if stage == N3 and band:
            verdicts.append(("dominant band in slow-wave sleep", "hit" if band.band == "delta" else "false"))
            names = [name for name, _, _ in energy.numbers[3:]] if energy else []
            verdicts.append(("energy in slow-wave sleep at Fz", "hit" if "Fz" in names else "false"))
            change, limit = band.number("change"), band.number("limit")
            if change is not None and not (course.stage[:i] == N3).any() and (course.stage[:i] != N2).all():
                verdicts.append(("delta rises into slow-wave sleep", "hit" if change >= limit else "miss"))
    return verdicts
