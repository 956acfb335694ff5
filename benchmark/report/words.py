"""What a score means, in words for clinicians: pairs, people found, false alarms, and what a run does not show."""

from typing import Any

from scipy.special import ndtr, ndtri

from benchmark.report.facts import Facts

FALSE_ALARMS = 0.10
"""Share of controls called cases at the threshold that the text speaks of."""
RARE = 0.05
"""Share of people with the condition in the clinic that the text speaks of."""


def cases_detected(auroc: float, false_alarms: float = FALSE_ALARMS) -> float:
    """Share of cases above the threshold that `false_alarms` of the controls exceed.

    With scores of cases and controls normal and of one width, their distance is d = √2 Φ⁻¹(AUROC) (Hanley 1988).
    """
    return float(ndtr(2**0.5 * ndtri(auroc) + ndtri(false_alarms)))


def right_alarms(detected: float, false_alarms: float = FALSE_ALARMS, prevalence: float = RARE) -> float:
    """Share of alarms that are right where `prevalence` of the people have the condition."""
    right = prevalence * detected
    return right / (right + (1 - prevalence) * false_alarms)


def in_words(facts: Facts) -> list[str]:
    """The score of the best embedding: what it means for pairs, for a threshold, and over the tasks."""
    best, tasks = facts.best, len(facts.scored.tasks)
    over = f"over {tasks} tasks" if tasks > 1 else "on the one task"
    lines = [
        f"{best.embedding} has a mean AUROC of {best.auroc:.2f} {over}: of a case and a control drawn at random, the "
        f"case gets the higher score in about {100 * best.auroc:.0f} of 100 pairs. Guessing gives 50, and 100 would "
        "be perfect.",
        f"For single patients: a threshold that {100 * FALSE_ALARMS:.0f} of 100 controls exceed would point out about "
        f"{100 * cases_detected(best.auroc):.0f} of 100 cases of such a task (were the scores normally distributed).",
    ]
    if tasks > 1:
        values = sorted((facts.intervals[task, best.embedding][0], task) for task in facts.scored.tasks)
        (low, worst), (high, top) = values[0], values[-1]
        words = facts.results.words
        lines.append(f"Its tasks reach from {low:.2f} ({words(worst)}) to {high:.2f} ({words(top)}).")
    return lines


def matching_in_words(facts: Facts) -> list[str]:
    """What matching took away, by the rows that know what cases and controls are matched on."""
    protocol = facts.about.get("protocol", {})
    if not protocol.get("matched", True):
        return ["Controls are drawn at random: differences of age, sex and site between cases and controls are a part "
                "of every score."]  # fmt: skip
    *others, last = protocol.get("match_on") or ["what the protocol names"]
    matched = f"{', '.join(others)} and {last}" if others else last
    lines = [f"Each case is compared with controls who are alike in {matched}."]
    return lines + [_row_in_words(row) for row in matched_away(facts)]


def matched_away(facts: Facts) -> list[dict[str, Any]]:
    """Rows that know what cases and controls are matched on: `what` they know, `auroc` with matching, `unmatched`."""
    without = {m.embedding: m.auroc for m in facts.unmatched}
    return [
        {"name": m.embedding, "what": encoder.what, "auroc": m.auroc, "unmatched": without.get(m.embedding)}
        for m in facts.means
        if (encoder := facts.results.encoders.get(m.embedding)) and encoder.matched_away
    ]


def _row_in_words(row: dict[str, Any]) -> str:
    line = f"The {row['name']} row knows {row['what']}. It gets {row['auroc']:.2f} here"
    if row["unmatched"] is not None:
        line += f", and {row['unmatched']:.2f} when controls are drawn at random: the difference is what matching takes"
        line += " away"
    return line + ". An embedding is of interest by what it has above this row."


def rows_in_words(facts: Facts) -> list[tuple[str, str]]:
    """What each row is that one of our encoders made: pairs of name and words."""
    rows = [(m.embedding, facts.results.encoders.get(m.embedding)) for m in facts.means + facts.references]
    return [(name, encoder.what) for name, encoder in rows if encoder]


def not_shown(facts: Facts) -> list[str]:
    """What a reader might take from the scores and must not."""
    detected = cases_detected(facts.best.auroc)
    right = 100 * right_alarms(detected)
    return [
        "A diagnosis. Cases are as frequent here as the protocol makes them. In a clinic where "
        f"{100 * RARE:.0f} of 100 people have the condition, about "
        f"{right:.0f} of 100 alarms at the threshold above would be right.",
        "The truth about patients. A case is somebody whose record holds the code; a control is somebody who had an "
        "EEG and whose record does not, rarely a healthy person.",
        "Other hospitals, amplifiers and years, and another training of the same model: intervals cover other people "
        "like these alone.",
        "Causes. A task can be answered by a drug, by sleep or by another illness that comes with the condition.",
        f"{len(facts.scored.tasks)} separate pieces of evidence: tasks share people, and conditions come together.",
    ]
