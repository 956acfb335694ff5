"""The table of an evaluated tokenizer, for the terminal and as Markdown: measures with what they stand beside."""

from typing import Any

from benchmark.fidelity.disturbances import CODES_WITHIN, LEVEL_TIMES
from benchmark.fidelity.probes import FEW_SUBJECTS
from benchmark.report.terminal.tables import text_table
from tokenizer.cells import CELL_FLOOR_DB, CELL_NOISE_DB, RAW_FLOOR_DB

SITES = 6
"""Most sites with a column of their own; tokenizer.json has all."""
MEASURES = (
    ("raw_mae", "raw error, dB", 2),
    ("raw_mae_static", f"· own median spectrum (floor {RAW_FLOOR_DB})", 2),
    ("cell_mae", "cell error (2 Hz x 10 s), dB", 2),
    ("cell_mae_static", f"· own median (floor {CELL_FLOOR_DB:.2f})", 2),
    ("dynamics_r2", "dynamics R²", 2),
    *((f"dynamics_r2_{band}", f"· {band}", 2) for band in ("delta", "theta", "alpha", "beta")),
    ("dynamics_db", "· sd of the true course, dB", 2),
    ("cell_noise_db", f"· sd of the scatter, dB (theory {CELL_NOISE_DB})", 2),
    ("noise_copied", "· share of the scatter copied", 2),
    ("dynamics_r2_credited", "· if copied scatter is credited", 2),
    ("dynamics_r2_uncorrected", "· not corrected", 2),
    ("asymmetry_r2", "left–right asymmetry R²", 2),
    ("asymmetry_db", "· sd of it among recordings, dB", 2),
    ("asymmetry_r2_zero", "· against no asymmetry", 2),
    ("gradient_r2", "antero-posterior gradient R²", 2),
    ("gradient_db", "· sd of it among recordings, dB", 2),
    ("gradient_r2_zero", "· against no gradient", 2),
    *((f"band_power_r2_{b}", f"band power R² at 60 s, {b}", 2) for b in ("delta", "theta", "alpha", "beta")),
    ("alpha_peaks", "clear alpha peaks", 0),
    ("alpha_peak_kept", "· share still clear", 2),
    ("alpha_peak_error_hz", "· median error of those, Hz", 2),
    ("alpha_peak_within_half_hz", "· share clear and within 0.5 Hz", 2),
    ("codes_used", "share of codes used", 3),
    ("perplexity", "perplexity of the codes", 0),
    ("bits_per_second", "bits/s, log2 of the codebook", 1),
    ("bits_per_second_entropy", "bits/s, entropy of the codes", 1),
)
EXPECTED = (
    ("raw_mae", "raw error against the expected spectrum, dB", "raw_mae_original", "raw_mae_static", "raw_mae_floor"),
    ("cell_mae", "cell error against it, dB", "cell_mae_original", "cell_mae_static", "cell_mae_floor"),
    ("dynamics_r2", "dynamics R² against it", "dynamics_r2_original", None, None),
    ("noise_copied", "share of the scatter copied", None, None, None),
    ("signal_slope", "share of the true course kept (slope)", None, None, None),
)


def table(report: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: the whole with its interval, then each site."""
    groups = report["groups"]
    sites = [name for name in groups if name != "all"][:SITES]
    header = ["measure", "all", "95 %", *sites]
    rows = [[key, *_counted(groups["all"]["count"][key]), *(_counted(groups[s]["count"][key])[0] for s in sites)]
            for key in ("people", "recordings", "hours", "tokens")]  # fmt: skip
    for key, words, digits in MEASURES:
        value, low, high = groups["all"]["numbers"][key]
        ends = "" if low is None else f"{low:.{digits}f} to {high:.{digits}f}"
        others = [_shown(groups[s]["numbers"][key][0], digits) for s in sites]
        rows.append([words, _shown(value, digits), ends, *others])
    return header, rows


def _counted(value: float) -> tuple[str, str]:
    return (f"{value:.2f}" if isinstance(value, float) else f"{value:,}"), ""


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def expected_table(numbers: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of what a synthetic cohort tells beside: reconstruction, original, static spectrum, floor."""
    rows = [[words, *(_shown(numbers.get(key), 2) if key else "" for key in (mine, *others))]
            for mine, words, *others in EXPECTED]  # fmt: skip
    return ["synthetic truth", "rebuilt", "original itself", "own median", "floor of the estimate"], rows


def protocol_lines(report: dict[str, Any]) -> list[str]:
    """What was evaluated, on whom, and what to beware of, one line each."""
    p = report["protocol"]
    data = "SYNTHETIC DATA, not patients" if p["synthetic"] else p["cohort"]
    count = report["groups"]["all"]["count"]
    lines = [
        f"tokenizer {p['tokenizer']} ({p['codes']:,} codes, {p['grid'][0]} x {p['grid'][1]}) on {data}, split "
        f"{p['split']}: {count['people']} people, {count['recordings']} recordings, {count['hours']:.2f} valid hours, "
        f"{count['tokens']:,} tokens; {len(p['refused'])} recordings not read"
    ]
    if p["seen"]:
        each = ", ".join(f"{n} in its {split}" for split, n in p["seen"].items())
        lines.append(f"SEEN: the tokenizer was trained or selected on people evaluated here ({each}): not held out")
    if p["seen"] is None:
        lines.append("the tokenizer does not say whom it was trained on: it cannot be excluded that it has seen them")
    return lines


def disturbance_table(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: the same recordings disturbed, and whether the bars hold."""
    header = ["disturbance", "different codes", "level error", "cell error, dB", "equal tokens", "bars"]
    lines = []
    for row in rows:
        missed = [words for key, words in (("codes_hold", "codes"), ("level_holds", "level")) if not row[key]]
        level = f"{row['level_db']:.2f} to {row['level_db_after']:.2f} dB, x {row['level_error']:.2f}"
        cell = f"{row['cell_db']:.2f} to {row['cell_db_after']:.2f}"
        bars = f"MISSED: {' and '.join(missed)}" if missed else "hold"
        lines.append([row["disturbance"], f"x {row['codes']:.2f}", level, cell, f"{row['equal_tokens']:.2f}", bars])
    return header, lines


def disturbance_line(rows: list[dict[str, Any]]) -> str:
    """How many bars hold, in a sentence."""
    held = sum(row["codes_hold"] and row["level_holds"] for row in rows)
    words = f"different codes within {CODES_WITHIN:.0%}, level error at most {LEVEL_TIMES:g} times that of the original"
    return f"{held} of {len(rows)} disturbances within the bars ({words}), {rows[0]['recordings']} recordings"


def event_table(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: each kind of planted event, before the codes, before the quantiser and after it."""
    header = [
        "planted event",
        "with, without",
        "AUROC recorded",
        "before the quantiser",
        "after it",
        "kept before, after",
    ]
    lines = []
    for row in rows:
        kept = ", ".join(_shown(row.get(key), 2) for key in ("kept_unquantised", "kept_rebuilt"))
        areas = [_shown(row[key], 2) for key in ("original", "unquantised", "rebuilt")]
        lines.append([row["kind"], f"{row['with']}, {row['without']}", *areas, kept])
    return header, lines


def focal_line(numbers: dict[str, float]) -> str:
    """Planted focal slowing in a sentence."""
    if not numbers["sessions"]:
        return "no session with planted focal slowing, and without attenuation, among those evaluated"
    line = (
        f"planted focal slowing, {numbers['sessions']} sessions: {numbers['difference_db_original']:.1f} dB in the "
        f"originals, {numbers['difference_db_rebuilt']:.1f} rebuilt ({numbers['kept']:.2f} kept); side right in "
        f"{numbers['side_right_original']:.2f} of originals, {numbers['side_right_rebuilt']:.2f} rebuilt"
    )
    if "auroc_rebuilt" in numbers:
        line += f"; AUROC against {numbers['without']} without: {numbers['auroc_original']:.2f}, "
        line += f"{numbers['auroc_rebuilt']:.2f}"
    return line


def retention_line(probes: dict[str, Any]) -> str:
    """Retention of band-power probes in a sentence."""
    value, low, high = probes["retention"]
    auroc, few = probes["auroc"], probes["subjects"] < FEW_SUBJECTS
    ends = "the original is not surely above chance" if low is None else f"95 % {low:.2f} to {high:.2f}"
    line = (
        f"band-power probes, {probes['tasks']} tasks, {probes['subjects']} subjects: mean AUROC "
        f"{auroc['original']:.3f} from originals, {auroc['rebuilt']:.3f} rebuilt; retention {_shown(value, 2)} ({ends})"
    )
    line += f"; {probes['overlap']} scored people are of the tokenizer's training" if probes["overlap"] else ""
    return line + (f"; fewer than {FEW_SUBJECTS} subjects: take the interval seriously" if few else "")


def as_text(report: dict[str, Any]) -> str:
    """The whole report for a terminal."""
    parts = ["\n".join(protocol_lines(report)), text_table(*table(report))]
    if report.get("expected"):
        parts.append(text_table(*expected_table(report["expected"])) + "\n" + _draws(report["expected"]))
    if rows := report.get("events"):
        parts.append(text_table(*event_table(rows)))
    if rows := report.get("disturbances"):
        parts.append(text_table(*disturbance_table(rows)) + "\n" + disturbance_line(rows))
    return "\n\n".join([*parts, "\n".join(_sentences(report))])


def _draws(numbers: dict[str, Any]) -> str:
    return f"from {numbers['sessions']} sessions, each drawn again {numbers['draws']} times"


def _sentences(report: dict[str, Any]) -> list[str]:
    lines = [focal_line(report["focal"])] if report.get("focal") else []
    lines += [retention_line(report["probes"])] if report.get("probes") else []
    return lines + report["notes"]


def as_markdown(report: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    parts = ["# What the codes keep", *protocol_lines(report), _pipes(*table(report))]
    if report.get("expected"):
        parts += [_pipes(*expected_table(report["expected"])), _draws(report["expected"])]
    if rows := report.get("events"):
        parts += ["## Planted events", _pipes(*event_table(rows))]
    if rows := report.get("disturbances"):
        parts += ["## Disturbed", _pipes(*disturbance_table(rows)), disturbance_line(rows)]
    parts += _sentences(report)
    details = report["groups"]["all"]["details"]
    for key, words in (
        ("dynamics_r2_by_band_and_channel", "Dynamics R²"),
        ("band_power_r2_by_band_and_channel", "Band power R² at 60 s"),
    ):
        bands = list(details[key])
        rows = [[c, *(_shown(details[key][b][c], 2) for b in bands)] for c in details[key][bands[0]]]
        parts += [f"## {words}", _pipes(["channel", *bands], rows)]
    pairs = details["asymmetry_r2_by_pair"]
    parts += ["## Left–right asymmetry R²", _pipes(["pair", "R²"], [[p, _shown(v, 2)] for p, v in pairs.items()])]
    parts.append("![sessions](tokenizer.png)")
    return "\n\n".join(parts) + "\n"


def _pipes(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
