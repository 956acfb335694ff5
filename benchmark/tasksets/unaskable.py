"""Tasks that a cohort cannot answer because of how its codes are written, and what else is said of its events.

A cohort of WHO's ICD-10 has no fifth character, HEEDB's public table no drug below the chemical group. A task that
asks for more matches nobody there, which is not the same as a disease that nobody has.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.tasksets.suite_files import NAMESPACES
from benchmark.tasksets.suites import Definition
from clef.codes import ATC_LEVELS, ATC_SPACE, ICD_SPACE, code_lengths

NAMES = {ICD_SPACE: "ICD-10", ATC_SPACE: "ATC", "FINDING//": "findings", "LABEL//": "labels"}
STATUS = f"{ICD_SPACE}G41"
"""Status epilepticus, a category of WHO's ICD-10 that ICD-10-CM does not have."""


def find_unaskable(definitions: Iterable[Definition], codes: Iterable[str]) -> dict[str, str]:
    """Task -> why none of its codes can be on record, for a cohort that holds `codes`.

    A diagnosis is judged among the codes of its own letter: WHO's codes of injuries have five characters, those of the
    nervous system four.
    """
    codes = list(codes)
    longest = {place: max(lengths) for place, lengths in code_lengths(codes).items()}
    spaces = {code[: code.index("//") + 2] for code in codes}
    edition = " (it seems to be WHO's ICD-10: G41 is on record)" if any(c.startswith(STATUS) for c in codes) else ""
    reasons = ((task.task, _why(task, longest, spaces, edition)) for task in definitions)
    return {task: why for task, why in reasons if why}


def _why(task: Definition, longest: Mapping[str, int], spaces: set[str], edition: str) -> str:
    space = NAMESPACES[task.family]
    if space not in spaces:
        return f"the cohort holds no {NAMES[space]}" + (" codes" if task.family in ("phenotype", "medication") else "")
    if task.family in ("finding", "label"):
        return ""
    wanted = [code.removeprefix(space).replace(".", "") for code in task.codes]
    places = [space if space == ATC_SPACE else space + value[0] for value in wanted]
    if any(len(value) <= longest.get(place, len(value)) for value, place in zip(wanted, places, strict=True)):
        return ""  # also where the cohort has no code of the letter: then nobody has the disease
    letters = " and ".join(sorted({place.removeprefix(space) for place in places} - {""}))
    of_letters = f" of {letters}" if letters else ""
    most = max(longest[place] for place in places)
    return (
        f"it asks for {min(map(len, wanted))} characters, and the cohort's {NAMES[space]} codes{of_letters} have "
        f"{most} at most{edition if space == ICD_SPACE else ''}"
    )


def unaskable_lines(definitions: Iterable[Definition], unaskable: Mapping[str, str], codes: Iterable[str]) -> list[str]:
    """How many tasks cannot be asked and why, a line per reason; and what to do where it is every drug."""
    families = defaultdict(list)
    for task in definitions:
        families[task.family].append(task.task)
    lines = []
    for family, tasks in families.items():
        reasons = defaultdict(list)
        for task in (task for task in tasks if task in unaskable):
            reasons[unaskable[task]].append(task)
        lines += [
            f"{len(lost)} of {len(tasks)} {family} tasks cannot be asked (first: {lost[0]}): {why}"
            for why, lost in sorted(reasons.items())
        ]
    drugs = families["medication"]
    if drugs and set(drugs) <= set(unaskable) and ATC_LEVELS[-2] in code_lengths(codes).get(ATC_SPACE, ()):
        lines.append("this cohort's drugs are coded by group: suite=clinical asks for groups of five characters")
    return lines


def event_lines(counts: Mapping[str, Any]) -> list[str]:
    """What has to be known of a cohort's events: ICD-9 left out, codes without date, findings without session."""
    lines = []
    if counts["icd9"]:
        lines.append(f"{counts['icd9']} events of ICD-9 left out: tasks ask for ICD-10")
    for space in (s for s in (ICD_SPACE, ATC_SPACE) if counts["undated"].get(s)):
        n, all_of_them = counts["undated"][space], counts["events"][space]
        lines.append(f"{NAMES[space]}: {n} of {all_of_them} codes carry no date; they count whenever the session was")
    for space, n in counts["unplaced"].items():
        if n:
            lines.append(
                f"{n} {NAMES[space]} could not be given to one session and count for none: write their session_id, or "
                f"a time inside the recording"
            )
    return lines
