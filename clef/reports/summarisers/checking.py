"""The check of a summary against its report: what a language model added, turned round, or should have left out.

    summary ─▶ findings: in the report too, and not denied there? same side and lobe? ┐
            ─▶ numbers: in the report too?                                            ├─▶ kinds of violation
            ─▶ words of the person: names, dates, ids, age, drugs, diagnoses, history ┘

One violation is enough for the rules to take the summary's place: a wrong word teaches the alignment something false,
and a word of the person teaches it the record. The check is strict where it cannot tell, as the rules cost nothing.
"""

import re

from clef.reports import rules, words
from clef.reports.findings import Finding, findings
from clef.reports.names import names
from clef.reports.summarisers.answers import Answer, tidy
from clef.reports.words import any_of

KINDS = {
    "denied": "a finding that the report denies",
    "invented": "a finding, a denial or a number that the report does not mention",
    "reversed": "a denial of what the report states",
    "place": "another side or lobe than the report's",
    "identity": "a name, a date, a number of a person, or sex",
    "age": "an age",
    "drug": "a drug",
    "diagnosis": "a diagnosis",
    "history": "what was before this recording, or what people told",
    "empty": "no word of the tracing that the report has, though it has some",
    "cut short": "an answer that did not end",
    "too long": "a report beyond the model's window",
    "refused": "a report that the server does not take",
}
"""What can be wrong with a summary, and with an answer."""

MEANT = {"abnormal", "normal", "awake"}
"""What a summary may say in other words than the report: looked at through the findings that they stand for."""
HARMLESS = {"normal", "awake", "n1", "n2", "spindles", "vertex_waves", "k_complexes", "posts", "pdr", "wicket", "bets"}
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*"
IDENTITY = re.compile(
    r"\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}"  # a date in figures
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?,? (?:of )?{MONTH}\b|\b{MONTH}\.?,? \d{{1,4}}(?:st|nd|rd|th)?\b|\b(?:19|20)\d\d\b"
    r"|\d{5,}|\b[a-z]{1,4}-?\d{4,}|\b\d{3}[- ]\d{2,4}[- ]\d{3,4}\b"  # numbers of patients, accessions, telephones
    r"|\b(?:mrn|dob|ssn|accession|date of birth)\b|\S@\S"
    r"|\b(?:mr|mrs|ms|dr|prof|miss|doctor|professor)\b\.? "
    r"|\b(?:he|she|his|her|him|hers|man|woman|male|female|boy|girl|lady|gentleman|mother|father|son|daughter|wife"
    r"|husband)\b"
)
AGE = re.compile(
    r"\b\d+(?:\.\d+)?[- ]?(?:years?|yrs?|months?|mos?|weeks?|wks?|days?)[- ](?:old|of age)\b|\b\d+ ?(?:yo|y/o|y\.o)\b"
    r"|\b(?:aged?|age of)[: ] ?\d+|\b\d{1,3} ?[mf]\b|\b(?:in (?:his|her|their) )?(?:early |mid |late )?\d0s\b"
    r"|\b(?:[a-z]+ty|[a-z]+teen|[a-z]+ty[- ][a-z]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
    r"[- ](?:year|month|week|day)s?[- ](?:old|of age)\b"
    r"|\b(?:neonat\w+|newborn|infan\w+|toddler|child\w*|adolescen\w+|teenage\w*|elderly|octogenarian|geriatric"
    r"|p(?:a)?ediatric|premature|preterm)\b"
)
SENTENCES = re.compile(r"(?<=[.!?;])\s+")
WORD = re.compile(r"[a-z][\w-]+")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
FREQUENCY = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))? hz\b")
CAPITALISED = re.compile(r"(?<![\w'])[A-Z][a-z][\w'-]+")
OPENS = re.compile(r"(?:^|[.!?:;\n(\"*-])[\s\"(*-]*$")
"""What stands before a word that has its capital from the sentence it opens."""
NAMED = re.compile(
    r"\b(?:patient|name|mr|mrs|ms|miss|dr|doctor|prof|physician|consultant|by|hospital|clinic|technologist|signed)\b"
    r"[.:, ]+(?:(?:name|is|by|dr)\b[.:, ]*)*((?:[A-Z][\w'-]+[ ,.]{0,2}){1,4})",
    re.IGNORECASE,
)


def accept(answer: Answer, report: str) -> tuple[str, list[str]]:
    """The summary to keep, and what was wrong with the answer: if anything was, the summary is that of the rules."""
    summary = tidy(answer.text)
    wrong = [answer.failure] if answer.failure else violations(summary, report)
    if wrong:
        return rules.condense(report), wrong
    return rules.normalise(summary) if _has_content(summary) else "", []


def violations(summary: str, report: str) -> list[str]:
    """The kinds of violation in a summary of a report, each once, in the order of KINDS."""
    text = rules.normalise(summary)
    wrong = {*_of_findings(_stated(summary), findings(report), rules.normalise(report))}
    wrong |= {"invented"} if _numbers(text) - _numbers(rules.normalise(report)) else set()
    personal = {"identity": IDENTITY, "age": AGE, "drug": names().drugs, "diagnosis": names().illnesses}
    wrong |= {kind for kind, pattern in personal.items() if pattern.search(text)}
    wrong |= {"drug"} if words.MEDICATION.search(text) else set()
    wrong |= {"identity"} if _names(summary, report) else set()
    if not wrong & {"age", "drug", "diagnosis"} and (words.STORY.search(text) or words.PAST.search(text)):
        wrong.add("history")
    blank = not _has_content(summary) or not (wrong or _repeats(summary, report))
    if blank and rules.condense(report):
        wrong.add("empty")
    return [kind for kind in KINDS if kind in wrong]


def _stated(summary: str) -> list[Finding]:
    """Every finding of every sentence: `findings` of the whole would keep the strongest statement of each alone."""
    return [finding for sentence in SENTENCES.split(summary) for finding in findings(sentence)]


def _has_content(summary: str) -> bool:
    return words.FINDINGS.search(rules.normalise(summary)) is not None


def _repeats(summary: str, report: str) -> bool:
    """Whether a summary has a finding or a word of the tracing from its report: "the cat sleeps" has none."""
    stated = ({finding.name for finding in findings(text)} for text in (summary, report))
    spoken = ({w for w in WORD.findall(rules.normalise(t)) if words.FINDINGS.match(w)} for t in (summary, report))
    return bool(set.intersection(*stated) or set.intersection(*spoken))


# ---- findings
def _of_findings(stated: list[Finding], reported: list[Finding], report: str) -> set[str]:
    """What is wrong with the findings of a summary, held against those of the report."""
    wrong = set()
    for finding in stated:
        same = [other for other in reported if other.name == finding.name]
        seen = [other for other in same if other.presence != "absent"]
        denied = [other for other in same if other.presence == "absent"]
        if finding.presence == "absent":
            if seen and not any(_covers(other, finding) for other in denied):
                wrong.add("reversed")
            elif not same and finding.name not in MEANT:
                wrong.add("invented")
        elif seen:
            wrong |= {"place"} if _is_elsewhere(finding, seen, report) else set()
        elif denied:
            wrong.add("denied")
        elif not _is_meant(finding.name, reported):
            wrong.add("invented")
    return wrong


def _covers(denial: Finding, other: Finding) -> bool:
    """Whether the report denies a finding just where the summary does, beside what it saw elsewhere."""
    return denial[2:] == other[2:] and any(denial[2:])


def _is_meant(name: str, reported: list[Finding]) -> bool:
    """Whether a verdict that the report does not pronounce follows from its findings."""
    seen = {other.name for other in reported if other.presence == "present"}
    if name == "abnormal":
        return bool(seen - HARMLESS) and "normal" not in seen
    return name == "awake" and "pdr" in seen


def _is_elsewhere(finding: Finding, seen: list[Finding], report: str) -> bool:
    """Whether the side or lobe of a finding is none that the report gives it, as far as it gives any."""
    for place, known in ((finding.side, {other.side for other in seen}), (finding.lobe, {o.lobe for o in seen})):
        stated = known - {None}
        if place and stated and place not in stated:
            return True
        if place and not stated and place not in ("both", "left and right") and place not in report:
            return True
    return False


def _numbers(text: str) -> set[str]:
    """Numbers as values: 9.0 is 9. Frequencies count apart: the 10-20 system is no rhythm of 10 Hz."""
    hz = {f"{float(number):g} hz" for pair in FREQUENCY.findall(text) for number in pair if number}
    return hz | {f"{float(number):g}" for number in NUMBER.findall(text)}


# ---- names
def _names(summary: str, report: str) -> set[str]:
    """Words of a summary that the report has as names, and words with a capital of their own that are none of ours."""
    spoken = {word.lower() for word in re.findall(r"[A-Za-z][\w'-]+", summary)}
    own = {word.lower() for word in _inside_sentences(summary)}
    return {word for word in (spoken & _report_names(report)) | own if not _is_ours(word)}


def _report_names(report: str) -> set[str]:
    """Words that are names in a report: behind a title or a heading of names, or with a capital inside sentences.

    In sections that the rules drop, a capital that opens a sentence counts too: "HISTORY: Marlow takes …".
    """
    behind = {word for match in NAMED.finditer(report) for word in re.findall(r"[A-Z][\w'-]+", match[1])}
    dropped = " ".join(section.text for section in rules.sections(report) if section.kind == "drop")
    capitals = {*_inside_sentences(report), *CAPITALISED.findall(dropped)}
    plain = set(re.findall(r"(?<![\w'])[a-z][\w'-]+", report))
    return {word.lower() for word in behind | capitals} - plain


def _inside_sentences(text: str) -> list[str]:
    return [match[0] for match in CAPITALISED.finditer(text) if not OPENS.search(text[: match.start()])]


def _is_ours(word: str) -> bool:
    """Whether a word is of the tracing or of every report, so that it is no name."""
    return bool(OURS.match(word) or words.FINDINGS.match(word))


OURS = any_of(r"""
    eeg | video | electro | fp\d | [fctpo]\d | [fcptoa]z\b | hz | frontal | temporal | parietal | occipital | central
    fronto\w+ | temporo\w+ | parieto\w+ | centro\w+ | occipito\w+ | rolandic | midline | left\b | right\b | bilateral
    posterior | anterior | dominant | hemispher | region | head\b | lobe | eyes?\b | the\b | there\b | no\b | not\b
    this\b | these\b | with | and\b | or\b | is\b | was\b | were\b | are\b | in\b | of\b | an?\b | at\b | by\b
    impression
    conclusion | overall | summary | findings? | activity | activation | pattern | record | study | tracing | clear
    intermittent | continuous | occasional | frequent | rare | abundant | brief | mild | moderate | severe | marked
    poorly | well | patient | present | absent | seen | noted | during | technician | stage | response | react | eye
    procedures? | stimulation | excess | increased | decreased | reduced | medium | high | low | fast | mixed
    taking | takes | current | known | prior | past | medications? | history | confusion | spells? | routine
    report | interpretation | description | classification | none\b | some\b | over\b | also\b | its\b | it\b
""")
