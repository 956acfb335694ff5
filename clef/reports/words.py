"""The words of clinical EEG reports: spelling, headings, what tells of the tracing and what of the person.

Tables for `clef.reports.rules`. Patterns are matched in normalised text (lower case, one spelling); alternatives stand
between " | " or on lines of their own. American and British wording of the usual report forms.
"""

import re


def any_of(table: str) -> re.Pattern:
    """One pattern from a table of alternatives, matched from the start of a word."""
    parts = [part.strip() for part in re.split(r" \| |\n", table) if part.strip()]
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(parts)})")


# One spelling for both sides of the Atlantic and for what is usually abbreviated; prompts go through it too.
SPELLING = [
    (re.compile(pattern), by)
    for pattern, by in {
        r"(general|organ|lateral|local|character|synchron|maxim|visual|stabil|equal)iz(?=e|i|a)": r"\1is",
        r"\((dissociative|psychogenic|functional|nonepileptic)\) (?=seizure)": r"\1 ",
        r"artifact": "artefact",
        r"\b(fronto|centro|temporo|parieto|occipito)[ -](?=\w)": r"\1",
        r"\bpdr\b": "posterior dominant rhythm",
        r"\b(lpd|gpd|grda|lrda)s?\+[frs]{1,2}\b": r"\1",
        r"\b(?:gpd|gped)s?\b": "generalised periodic discharges",
        r"\b(?:lpd|pled)s?\b": "lateralised periodic discharges",
        r"\bbi-?pl?e?ds?\b": "bilateral independent periodic discharges",
        r"\bgrda\b": "generalised rhythmic delta activity",
        r"\blrda\b": "lateralised rhythmic delta activity",
        r"\bfirda\b": "frontal intermittent rhythmic delta activity",
        r"\btirda\b": "temporal intermittent rhythmic delta activity",
        r"\bieds?\b": "interictal epileptiform discharges",
        r"\bppr\b": "photoparoxysmal response",
        r"\bncs\b": "nonconvulsive seizures",
        r"\bgsw\b": "generalised spike-and-wave",
        r"\bl\.? (?=(?:frontal|temporal|central|parietal|occipital|hemispher|anterior|posterior|mid|fronto|temporo"
        r"|centro|parieto))": "left ",
        r"\br\.? (?=(?:frontal|temporal|central|parietal|occipital|hemispher|anterior|posterior|mid|fronto|temporo"
        r"|centro|parieto))": "right ",
        r"\bncse\b": "nonconvulsive status epilepticus",
        r"\bnon-(?=\w)": "non",
        r"\b(?:electro-?encephalogra(?:m|phy)|eegs?)\b": "eeg",
        r"(?<=\d) ?(?:-|–|to) ?(?=\d)": "-",
        r"(?<=\d) ?(?:hertz|hz|c/s|c/sec|cps|cycles per second)\b": " hz",
        r"(?<=\d) ?(?:[uµμ]v|microvolts?)\b": " microvolts",
    }.items()
]

# "generalised periodic discharges (GPDs)", once the abbreviation is written out.
SAID_TWICE = re.compile(r"\b([a-z][a-z ]{8,60}) \(\1\)")

# Headings, tried in this order (lower case, "/" read as "and"): sections dropped whole, the verdict, a single finding
# ("Seizures: none", by the name it gets in the summary), the description.
DROPPED_HEADS = any_of(r"""
    (?:\w+ ){0,2}history | hpi | indications?(?: for .*)? | reasons? for .* | allergies | examination | imaging
    mri | ct | clinical (?:information|background|summary|context|question|data|details|problem|state|events?)
    clinical (?:indications?|diagnosis) | (?:clinical|clinico-?\w*|eeg|clinical and eeg) correlations?
    correlations? | clinical (?:interpretation|significance|implications?|comments?) | recommendations? | plan
    advice | follow-?up | (?:\w+ ){0,3}(?:medications?|drugs|meds|medicines)(?: \w+){0,3} | sedation | aeds? | asms?
    anti-?\w+ therapy | treatment
    (?:(?:patient|subject|first|last|family|full)(?: full)? )?(?:name|id|age|sex|gender|number|details|information)
    patient | dob | date.* | mrn | diagnos[ie]s | cc | hospital.* | site | heart rate | hr | ekg.*
    ecg.* | electrocardiogra\w+ | technique | technical .* | techn?\w+ notes? | introduction | procedures?
    methods? | montages? | recording conditions? | conditions? of (?:the )?recording
    type of (?:study|recording|eeg) | study type | electrodes? | duration.* | start.* | end.* | referr\w+.*
    requested by | request.* | ordering .* | physician.* | consultant.* | technologist.* | technician.*
    (?:electronically )?signed.* | signature.* | read(?:ing)? (?:by|physician).*
    (?:interpreted|reported|reviewed) by | dictated.* | attending.*
""")
VERDICT_HEADS = any_of(r"""
    (?:\w+ )?impressions? | (?:eeg |final |overall )?(?:interpretation|conclusions?|opinion|diagnosis of the eeg)
    (?:eeg |final )?(?:summary|classification)(?: of (?:findings|the (?:eeg|record)))?
""")
FINDING_HEADS = {
    any_of(r"(?:\w+ )?(?:posterior|dominant|alpha)(?: \w+)* rhythm | (?:waking )?pdr"): "posterior dominant rhythm",
    any_of(r"(?:\w+ )?background(?: \w+)?"): "background",
    any_of(r"(?:\w+ ){0,2}slowing | slow (?:wave )?activity | slow waves"): "slowing",
    any_of(r"(?:\w+ )?(?:inter-?ictal|epileptiform)(?: \w+){0,2} | ieds?"): "epileptiform discharges",
    any_of(r"(?:\w+ )?(?:periodic|rhythmic)(?: (?:and|or))?(?: \w+){1,3}"): "periodic patterns",
    any_of(r"(?:\w+ )?seizures?(?: \w+)? | ictal(?: \w+)?"): "seizures",
    any_of(r"sleep(?: \w+)* | drowsiness(?: and sleep)?"): "sleep",
    any_of(r"artifacts? | artefacts?"): "artefacts",
    any_of(r"hyperventilation | hv"): "hyperventilation",
    any_of(r"(?:intermittent )?photic(?: \w+)?"): "photic stimulation",
    any_of(r"(?:\w+ )?asymmetr(?:y|ies)"): "asymmetry",
    any_of(r"reactivity"): "reactivity",
    any_of(r"variability"): "variability",
    any_of(r"amplitude | voltage"): "amplitude",
    any_of(r"symmetry | continuity"): "background",
}
DESCRIPTION_HEADS = any_of(r"""
    (?:eeg |detailed )?(?:findings?|description|results?|report)(?: of (?:the )?(?:record(?:ing)?|eeg|study|findings))?
    (?:the )?(?:record|recording|tracing|eeg) | activation(?: \w+)? | wakefulness | awake | other(?: \w+)?
    comments? | notes? | (?:eeg )?abnormalit(?:y|ies)(?: list)? | events? | push ?button.*
    (?:focal|abnormal|normal) (?:findings|features|variants|abnormalities|discharges|activity)
""")

# Words of the tracing: a clause without one of them says nothing about it.
FINDINGS = any_of(r"""
    (?:ab)?normal\b | abnormalit | background | alpha | beta\b | theta | delta | rhythm | arrhythmic | slow | spikes?\b
    polyspike | spike- | sharp | discharg | epileptiform | periodic | seizure | (?:inter-?|post-?)?ictal
    status epilepticus | burst | suppress | sleep | spindle | vertex | k-complex | drows | awake | wakeful | arous
    hyperventilat | photic | driving | artefact | a?symmetr | amplitude | voltage | attenuat | (?:un|non)?reactiv
    variability | (?:dis)?continuous | (?:dis|well-)?organi[sz] | triphasic | polymorphic | breach | wicket | lambda
    posts?\b | bets\b | bss+\b | electrocerebral | isoelectric | evol(?:v|ution) | rem\b | n[123]\b | gradient
    eeg correlate | mu\b | (?:un)?interpretable | electrographic | hz\b | microvolt | generalised | (?:multi)?focal
    diffuse | lateralised
    unremarkable (?:eeg|recording|study) | photoparoxysmal | paroxysm | waves?\b | muscle | movement | blink
""")

# Words of the person and of the room: a clause with one of them is left out.
MEDICATION = any_of(
    r"medic\w+ | drugs?\b | meds?\b | \d+ ?m(?:c|i?cro)?g\b | infusions?\b | intravenous | iv\b | loaded with"
)
IDENTITY = any_of(r"born\b | dob\b | date of birth | mrn\b")
"""A sentence with one of them is left out whole: what stands beside a date of birth is a name."""
PERSON = any_of(r"""
    (?:he|she|his|her|him|man|woman|male|female|boy|girl|lady|gentleman|infant|mother|father|son|daughter|wife|husband)\b
    \d+(?:\.\d+)?[- ]?(?:year|yr|month|week|day)s?[- ]?(?:old|of age)\b | \d+ ?(?:yo|y/o)\b | aged? \d+ | aged?\b
    (?:mr|mrs|ms|dr|prof|md|m\.d|mrn|dob)\b | \d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b | signed\b
    i have (?:personally )?reviewed
""")
STORY = any_of(r"""
    history\b | denie[sd]\b | hx\b | present(?:s|ed|ing) (?:with|for|to|after) | admitted | diagnos | status[- ]post
    s/p\b | known (?:to|case|epilep) | (?:last|past|previous) (?:night|week|month|year|few)\b | ago\b | yesterday
    childhood\b | since (?!the (?:start|prior|previous)) | ruled? out (?:a |an |the )?(?:clinical|underlying) | r/o\b
    evaluat(?:e|ion) (?:for|of) | requested | referred | indication | question of | concern(?:s|ing)? for
    episodes? of (?:confusion|staring|unrespons) | mri\b | ct\b | imaging\b
    patient (?:has|had|have|takes|reports?|denies|presents)\b(?!.*(?:electrographic|recording|study|eeg))
""")
SETTING = any_of(r"""
    10[-/ ]?20 (?:system|international|electrode) | 10[-/ ]20\b(?! hz) | electrodes? (?:were|was|place|appli)
    montage | sampl(?:ed|ing) | filter | digital | video\b | channels?\b | impedance
    (?:heart rate|electrocardiogra\w+)\b | (?:ekg|ecg)\b(?!.*artefact) | correlation | correlate clinically
    (?:clinically|please|to|should) correlate | recommend | advised?\b | repeat (?:eeg|study) | does not support
    exclude[sd]? (?:a |an |the |any )?(?:clinical|underlying|diagnos|possib) | (?:continue|start|consider)\b
    (?:eeg|study|recording) (?:was|is|were) (?:a )?(?:performed|obtained|recorded|acquired|carried out|done|requested)
    support(?:s|ive) (?:a|of|the) (?:clinical )?diagnos
""")
# What was seen before this recording, or told of the person by others; up to the next turn of the sentence.
STUDY = r"(?:eegs?|stud(?:y|ies)|recordings?|records?|tracings?|examinations?|monitoring|video-?eegs?)\b"
OLD = r"(?:previous|prior|earlier|preceding|past|old|outside|initial|first|last|baseline)"
OTHERS = (
    r"(?:patients?|famil(?:y|ies)|parents?|mother|father|wife|husband|spouse|partner|daughter|son|relatives?|teachers?"
    r"|care ?givers?|carers?|nurs(?:e|es|ing)|staff|witness(?:es)?|ems|roommate|friends?|bystanders?)\b"
)
PAST = any_of(rf"""
    {OLD} (?:[\w-]+ ){{0,3}}?{STUDY} | previously (?:had|showed|demonstrated|recorded|documented) | history\b | hx\b
    {STUDY} (?:in|from|of|dated) (?:\w+ )?(?:(?:19|20)\d\d|\d{{1,2}}/\d{{2,4}})\b
    (?:on|in|at) (?:an? |the |her |his |their )?{OLD} | ago\b | yesterday
    (?<!possible )(?<!difficult )(?<!unable )to rule out
    r/o\b
    (?:last|past|previous) (?:night|week|month|year) | since childhood | in childhood | indication\b
    (?:reported|described|witnessed|noted|seen|observed) (?:by|per) (?:the |her |his )?{OTHERS}
    (?:mother|father|parents?|brother|sister|siblings?|son|daughter|cousin|aunt|uncle) (?:\w+ )?(?:has|had|have)\b
    {OTHERS} (?:\w+ )?(?:reports?|reported|describ\w+|witness\w+|states?|notes?|noted|observ\w+)
    (?:per|according to) (?:the |her |his )?(?:{OTHERS}|chart|notes?\b|referr) | denie[sd]\b | admitted
    present(?:s|ed|ing) (?:with|for|to|after) | known (?:to|case|epilep|seizure)
    (?:evaluat\w+|referred|requested|monitor\w*|assess\w*|question) (?:for|of|because)
    (?<!raising )(?<!raises )(?<!raise )concern (?:for|of|because)
    (?:he|she|they) (?:has|had|have|was|is|were|takes)\b
    (?:the )?patient (?:has|had|have|takes|reports?|presents)\b(?!.*(?:electrographic|recording|study|eeg|during))
""")
DATE = re.compile(r" ?\b(?:on|at) (?:\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}|\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?)\b")
GONE = re.compile(
    rf"\b{OLD} (?:[\w-]+ ){{0,2}}?{STUDY} (?:had )?(?:showed|shown|demonstrated|revealed|recorded|captured) ([^,;]+), "
    r"which (?:(?:is|are|was|were) (?:not|no longer) (?:seen|present|recorded|observed)"
    r"|(?:has|have) (?:now )?resolved)\b"
)
"""What an earlier study showed and this one does not."""
COMPARED = re.compile(
    rf"\b(?:(?:when |as )?compared (?:to|with)|in comparison (?:to|with)|unchanged (?:from|since)|relative to"
    rf"|similar to|since|than|as (?:in|on|at)|from) (?:(?:the|an?|that of the|her|his|those (?:in|of) the) )?"
    rf"(?:[\w-]+ )?{OLD} (?:[\w-]+ ){{0,3}}?{STUDY}"
    rf"(?: (?:of|from|on|dated|in)(?: \d{{1,2}})? [\w/.-]+(?:,? (?:19|20)\d\d)?)?,?"
    rf"|\b(?:as )?compared (?:to|with) (?:the )?(?:{STUDY} (?:of|from) )?(?:yesterday|last \w+)(?:'s {STUDY})?,?"
    rf"|\bpreviously (?:seen|noted|described|reported|recorded|documented|identified) "
)
TURN_OF_STORY = re.compile(
    r";|,? \b(?:but|however|whereas|while)\b,?"
    r"|, (?=(?:and )?(?:today|now|currently|the (?:current|present)|this|there)\b)"
)
TRUISM = re.compile(
    r"\bnormal (?:\w+ )?(?:eeg|study|recording) (?:does|do|did|would) not (?:exclude|rule out|preclude)"
)
VERDICT = re.compile(
    r"\b(?:ab)?normal (?:[\w-]+,? ){0,5}?(?:eeg|study|recording)\b|\b(?:is|was) (?:\w+ly )?(?:ab)?normal\b"
)
"""The verdict is kept also where it speaks of the technique: "a normal video EEG"."""
NEGATION = any_of(r"""
    (?:no|not|nor|none|never|without|absent|absence of|denie[sd]|nothing|neither|failed|cannot|free of|negative)\b
    lack(?:s|ed|ing)?\b | \w+n't\b | resolved\b | ceased\b | rather than\b | ruled out\b | exclude
""")
GOVERNS_NEXT = re.compile(r"\b(?:not|nor|no|never|neither|only|except|without|n't),? ?$")
DENIED = any_of(
    r"not\b | absent\b | never\b | none\b | negative\b | \w+n't\b"
)  # a negation of what came before it, not of what follows

# What a finding is said to mean, up to the next comma.
MEANING = re.compile(
    r",? ?\(?\b(?:(?:which|that|this|these|findings?|and) )*"
    r"(?:(?:is|are|may be|can be|could be|would be|likely|most likely|possibly|probably) )*"
    r"(?:suggest(?:s|ive of|ing|ed)?|consistent with|compatible with|indicat(?:es?|ive of|ing)|(?:in )?keeping with"
    r"|secondary to|due to|because of|represent\w*"
    r"|(?:as|often|typically|commonly|usually|sometimes|can be|may be) seen (?:in|with)"
    r"|related to|in the (?:setting|context) of"
    r"|support(?:s|ing|ive of)?|typical (?:of|for)|characteristic of|reflect\w*|attributable to) [^,;.)]*\)?"
)
# "on propofol", "after 2 mg of lorazepam", "with hepatic failure": the name that follows decides.
WITH = (
    r" (?:(?:which|that) (?:is|was|are|were) )?(?:while |still )?"
    r"(?:on|under|after|during|following|with|despite|in|from|given|over)"
)
# "in this 60-year-old man with a stroke", up to the next comma or verb.
IN_A_PERSON = re.compile(
    r"\b(?:in|for|of|on) (?:an?|the|this) (?:[\w-]+ ){0,3}?"
    r"(?:patient|man|woman|male|female|boy|girl|person|adult|child|infant|gentleman|lady"
    r"|\d+(?:\.\d+)?[- ]?(?:years?|yrs?|months?|weeks?|days?)[- ]?olds?)\b"
    r"(?:(?! (?:due to|because|show\w*|demonstrat\w*|character\w+|reveal\w*|is|was|are|were)\b)[^,;:.])*"
)
FOR_AGE = re.compile(r" ?\bfor (?:the )?(?:patient's )?(?:stated )?age(?: and state)?\b")

# Where sentences and clauses end.
ABBREVIATIONS = re.compile(r"\b(dr|mr|mrs|ms|prof|vs|approx|e\.g|i\.e|etc|m\.d)\.(?= )", re.IGNORECASE)
OPEN_END = re.compile(
    r"(?:\b(?:no|not|and|or|the|an?|of|over|with|without|in|to|from|at|by|is|was|were|any|for)|,)$", re.I
)
SENTENCE_END = re.compile(
    r"(?<=[.!?])\s+(?=[A-Z0-9(\"-])|\n\s*|;\s+(?=\(?\d[.)])"
    # in text of small letters: behind a word, but for the usual abbreviations
    r"|(?<=[a-z)]{3}[.!?])(?<!\b(?:sec|min|max|occ|ant|lat|inf|sup|gen|avg|fig)\.)"
    r"(?<!\b(?:freq|resp|temp|post|incl|excl|cont|ampl)\.)(?<!\b(?:bilat|assoc)\.)\s+(?=[a-z])"
)
CLAUSE_END = re.compile(r"(?<!\d),\s*|(?<=\d),\s+|;\s*|\s\((?=[^)]*\))|\)")
LIST_MARK = re.compile(r"^\s*(?:[-*•]+|\(?\d{1,2}[.)](?!\d)|\(?[a-h]\))\s*|(?<=[:;,.])\s*\(?\d{1,2}[.)](?= )")
NONE = re.compile(
    r"(?:none|nil|absent|negative|not (?:seen|present|observed|noted|captured|identified))(?: \w+){0,2}"
    r"|no(?: (?:significant|clear|definite|obvious|persistent|seen|present|observed|noted|recorded|identified)){0,2}"
)
VERDICT_ALONE = re.compile(r"(?:\w+ly )?(?:ab)?normal")
NOT_DONE = re.compile(r"(?:not (?:obtained|recorded|reached|performed|done|achieved)|n/?a)(?: \w+){0,2}")
LOOSE_ENDS = re.compile(
    r"^(?:(?:and|or|but|with|due to|then) )+|(?:,? (?:and|or|but|with|due to|some|because of|which))+$"
)
