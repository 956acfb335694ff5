"""The words of findings: how reports write the findings of `FINDING//` codes, places, denial and doubt.

Tables for `clef.reports.findings`. Patterns are matched in normalised text (`clef.reports.rules.normalise`).
"""

import re

from clef.reports.words import any_of

TITLES = {
    "abnormal": "Abnormal EEG",
    "normal": "Normal EEG",
    "awake": "Awake",
    "n1": "Sleep stage N1",
    "n2": "Sleep stage N2",
    "spindles": "Sleep spindles",
    "vertex_waves": "Vertex waves",
    "k_complexes": "K-complexes",
    "posts": "Positive occipital sharp transients of sleep",
    "wicket": "Wicket spikes",
    "bets": "Benign epileptiform transients of sleep",
    "breach": "Breach rhythm",
    "pdr": "Posterior dominant rhythm",
    "spikes": "Epileptiform spikes or sharp waves",
    "seizure": "Seizure in the recording",
    "status": "Status epilepticus in the recording",
    "lpd": "Lateralised periodic discharges",
    "gpd": "Generalised periodic discharges",
    "bipd": "Bilateral independent periodic discharges",
    "lrda": "Lateralised rhythmic delta activity",
    "grda": "Generalised rhythmic delta activity",
    "burst_suppression": "Burst suppression",
    "focal_slowing": "Focal slowing",
    "generalised_slowing": "Generalised slowing",
    "diffuse_beta": "Diffuse beta activity",
    "low_voltage": "Low voltage",
    "ppr": "Photoparoxysmal response",
    "eses": "Electrical status epilepticus in sleep",
    "uninterpretable": "Recording not interpretable",
    "cjd": "Periodic pattern of Creutzfeldt-Jakob disease",
    "bects": "Pattern of epilepsy with centrotemporal spikes",
    "jae": "Pattern of juvenile absence epilepsy",
    "jme": "Pattern of juvenile myoclonic epilepsy",
    "dravet": "Pattern of Dravet syndrome",
    "jeavons": "Pattern of Jeavons syndrome",
    "sunflower": "Pattern of sunflower syndrome",
    "angelman": "Pattern of Angelman syndrome",
    "fold": "fold (HEEDB does not say what it is)",
    "wham": "wham (HEEDB does not say what it is)",
}
"""The findings of EEG that have a code: name in `FINDING//…` -> its words."""

RECORDING = r"(?:eeg|study|recording|record|tracing|examination)"
SLOW = r"(?:slow(?:ing)?(?: waves?)?(?: activity)?\b|theta\b|delta\b)"
PLACE = (
    r"(?:left|right|bilateral|bi|temporal|frontal|central|parietal|occipital|frontotemporal|frontocentral|centrotemporal"
    r"|centroparietal|temporoparietal|parietooccipital|temporooccipital|frontoparietal|frontopolar|anterior|posterior"
    r"|mid|hemispheric|hemisphere|focal|regional|lateralised|multifocal)"
)
BETWEEN = r"(?:,? (?!and |or |with |left|right|over |beta|alpha|spike|sharp|disch|epilep|but )[\w-]+)"
# Tried in this order; what one has matched is hidden from the next ("wicket spikes" are no spikes). The names that a
# pattern states; "-name": only denied by it ("no periodic discharges" denies three, "periodic discharges" is none).
MENTIONS = [
    (re.compile(pattern), tuple(names.split()))
    for pattern, names in {
        r"\b(?:wicket (?:spikes?|waves?|rhythm|fragments?|activity)|wickets?)\b": "wicket",
        r"\b(?:small sharp spikes?|bets|bss+|benign (?:epileptiform transients|sporadic sleep spikes)"
        r"(?: of sleep)?)\b": "bets",
        r"\b(?:posts?\b(?! ?-)(?=\W|$)(?! ictal)|positive occipital sharp (?:transients|waves)(?: of sleep)?)": "posts",
        r"\bpositive spikes\b": "",
        r"\b(?:eses|electrical status epilepticus (?:in|of|during) (?:slow[- ]wave )?sleep)\b": "eses",
        r"\b(?:nonconvulsive |convulsive |electrographic |focal |generalised )*status(?: epilepticus)\b": "status",
        r"\bburst[- ]suppress\w+|\bsuppression[- ]bursts?\b": "burst_suppression",
        r"\bbilateral independent (?:lateralised )?periodic discharges": "bipd",
        r"\b(?:lateralised periodic (?:epileptiform )?discharges|periodic lateralised epileptiform discharges)": "lpd",
        r"\b(?:generalised (?:\w+ )?periodic (?:epileptiform )?(?:discharges|complexes|sharp waves|triphasic waves)"
        r"|periodic generalised (?:epileptiform )?discharges)": "gpd",
        r"\b(?:lateralised rhythmic delta(?: activity)?|temporal intermittent rhythmic delta(?: activity)?)": "lrda",
        r"\b(?:generalised rhythmic delta(?: activity)?|frontal(?:ly predominant)? intermittent rhythmic delta"
        r"(?: activity)?)": "grda",
        r"\bperiodic (?:or|and) rhythmic (?:patterns?|discharges|activity)|\brhythmic (?:or|and) periodic "
        r"(?:patterns?|discharges|activity)": "-lpd -gpd -bipd -lrda -grda",
        r"\bperiodic (?:or (?=rhythmic))?(?:epileptiform )?(?:discharges|patterns?|complexes)": "-lpd -gpd -bipd",
        r"\brhythmic (?:delta(?: activity)?|patterns?)": "-lrda -grda",
        r"\bphoto(?:paroxysmal|convulsive)(?: responses?)?": "ppr",
        r"\b(?:k[- ]complex\w*)": "k_complexes",
        r"\b(?:vertex|v)[- ](?:sharp )?(?:waves?|transients?)(?: transients?)?": "vertex_waves",
        r"\b(?:sleep )?spindles?\b": "spindles",
        r"\bbreach(?: rhythm| effect| artefact)?": "breach",
        r"\b(?:(?:inter-?ictal |focal |multifocal |generalised |paroxysmal )*epileptiform (?:\w+ )?"
        r"(?:discharges?|activity|abnormalit\w+|transients?|potentials?|features?|waves?|changes|patterns?|findings?"
        r"|elements?|events?|bursts?|complexes|phenomena)"
        r"|interictal (?:discharges|spikes)|(?:poly)?spikes?(?:[- ](?:and|&)[- ]|-)(?:slow[- ])?waves?"
        r"(?: (?:discharges|complexes|activity))?|polyspikes?|sharp[- ]and[- ]slow[- ]waves?(?: complexes)?"
        r"|spikes?\b(?! sleep)|sharp[- ]waves?(?: (?:discharges|complexes))?)": "spikes",
        r"\b(?:(?<!nonepileptic )(?<!dissociative )(?<!psychogenic )(?<!functional )seizures?\b"
        r"(?!-| (?:disorder|histor|focus|tendency|threshold|risk|frequency|prone|medic|like|type|free|precaution"
        r"|semiolog|control|prophyla|syndrome|management))"
        r"|(?<!inter)ictal(?= (?:or|and|nor)\b)"
        r"|ictal (?:\w+ )?(?:patterns?|discharges?|rhythms?|activity|events?|onsets?|evolution|changes?|correlates?))"
        "": "seizure",
        r"\buninterpretable\b|\b(?:can)?not (?:be )?(?:\w+ly )?interpret(?:able|ed)\b": "uninterpretable",
        r"\babnormal (?:(?!normal)[\w-]+,? ){0,6}?" + RECORDING + r"\b"
        r"|\b" + RECORDING + r"(?: (?:\w+ )?(?:is|was|remains?))? (?:\w+ly )?abnormal\b"
        r"|\babnormal(?= (?:due|because|for)|:)": "abnormal",
        r"\bnormal (?:(?!abnormal)[\w-]+,? ){0,6}?" + RECORDING + r"\b"
        r"|\b" + RECORDING + r"(?:,? (?:[\w,]+ ){0,4}?(?:is|was))? (?:entirely |completely )?"
        r"(?:within (?:the )?(?:broad )?(?:normal limits|limits of normal)|normal\b(?! (?:\w+ )?(?:limits|variant)))"
        "": "normal",
        r"\b(?:posterior (?:dominant |basic |background |alpha )?rhythm|dominant posterior (?:\w+ )?rhythm|alpha rhythm"
        r"|occipital (?:dominant )?(?:rhythm|alpha)|(?:waking )?posterior (?:dominant )?alpha|alpha of [\d.-]+ hz over"
        r" the (?:occipital|posterior))": "pdr",
        r"\b(?:focal|lateralised|localised|regional)"
        r"(?= (?:or|and|nor|and/or) (?:generalised|diffuse) (?:[\w-]+ ){0,2}?slow)": "focal_slowing",
        r"\b(?:generalised|diffuse)(?= (?:or|and|nor|and/or) focal (?:[\w-]+ ){0,2}?slow)": "generalised_slowing",
        r"\b(?:generalised|diffuse(?:ly)?|global(?:ly)?|bihemispheric|background|bilateral diffuse)"
        + BETWEEN
        + r"{0,4}?,? "
        + SLOW
        + r"|\b"
        + SLOW
        + r" (?:of|in) the (?:\w+ )?background|\bbackground(?: activity| rhythms?)?(?: is| was| appears|:)"
        r" (?:(?!not |no |without |_)[\w-]+,? ){0,5}?slow(?:ed)?\b|\bslow(?:ed)? background": "generalised_slowing",
        r"\bfocal (?:or (?:generalised|diffuse) )?slow\w*(?: (?:waves?|activity))?": "focal_slowing",
        r"\b" + PLACE + r"(?:(?!_)[\w -]){0,60}?\b(?:slow(?:ing)?(?: waves?)?(?: activity)?\b"
        r"|(?:theta|delta) (?:slowing|activity|waves?)\b|polymorphic delta)": "focal_slowing",
        r"\b(?:polymorphic |intermittent |irregular |arrhythmic )*(?:slowing|slow waves?|slow activity"
        r"|(?:theta|delta)\b(?: slowing| activity)?)(?= [^,;]*\b(?:over|in|at|on|from) (?:the )?[\w -]*\b(?:left|right"
        r"|temporal|frontal|central|parietal|occipital|hemisphere)\b)": "focal_slowing",
        r"\bslow(?:ing| activity), (?=(?:(?:focal|regional|maxim\w+|left|right|over|the|bilateral|anterior|posterior"
        r"|mid|temporal|frontal|central|parietal|occipital|frontotemporal|regions?),? ?)+(?:$|[;.]))": "focal_slowing",
        r"\bslowing: (?:\w+,? ){0,2}(?:generalised|diffuse)\b": "generalised_slowing",
        r"\bslowing: (?=(?:[\w-]+,? ){0,3}(?:left|right|focal|temporal|frontal|central|parietal|occipital)\b)|\b"
        + PLACE
        + r" (?:[\w-]+ ){0,2}?(?:theta|delta)\b(?! (?:brush|range|rhythm))": "focal_slowing",
        r"\bslowing\b": "-focal_slowing -generalised_slowing",
        r"\bbeta (?:activity )?(?:is|was) (?:\w+ly )?(?:increased|prominent|excessive)"
        r"|\b(?:excess(?:ive)?|diffuse|prominent|increased|generalised|abundant|widespread)"
        r"(?:,? (?!paroxysmal)[\w-]+){0,3}? (?:beta"
        r"|fast)(?: (?:activity|frequencies|rhythms?))?\b": "diffuse_beta",
        r"\b(?:low[- ](?:voltage|amplitude)(?! (?:beta|fast|theta|alpha|delta|mixed|spikes?|sharp))"
        r"|(?:amplitudes?|voltages?) (?:\w+ )?(?:is|are|was|were) (?:\w+ly )?low|amplitude: low)": "low_voltage",
        r"\bpositive occipital sharp": "posts",
        r"\bunremarkable (?:[\w-]+ ){0,3}?" + RECORDING: "normal",
        r"\babnormalit(?:y|ies)\b": "-abnormal",
        r"\b(?:stage (?:n1|1|i)\b(?: sleep)?|n1\b(?: sleep)?|drows\w+|light sleep)(?!: no )": "n1",
        r"\b(?:stages? (?:n2|2|ii)\b(?: sleep)?|n2\b(?: sleep)?)(?!: no )": "n2",
        r"\b(?<!eeg )(?<!slow[- ]wave )(?<!rem )(?<!deep )sleep\b"
        r"(?!: no | (?:depriv|spindle|study|transient|architect|structure|stages?|apn))": "-n1 -n2",
        r"\b(?:awake|wakeful\w*|waking)\b(?!: no )": "awake",
    }.items()
]
VERDICTS = (("abnormal",), ("normal",))
"""Mentions that hide nothing: a normal awake EEG is one of wakefulness too."""
PLACELESS = {"abnormal", "normal", "awake", "n1", "n2", "pdr", "spindles", "vertex_waves", "k_complexes", "posts"}
PLACELESS |= {"grda", "gpd", "generalised_slowing", "diffuse_beta", "low_voltage", "ppr", "eses", "uninterpretable"}
PLACELESS |= {"burst_suppression", "bipd"}
"""Findings whose side and lobe are not asked for: they are all over the head, or states."""

LOBES = {
    **dict.fromkeys(("frontal", "frontally", "frontopolar", "bifrontal"), "frontal"),
    **dict.fromkeys(("temporal", "temporally", "midtemporal", "bitemporal", "anterotemporal"), "temporal"),
    **dict.fromkeys(("central", "centrally", "rolandic", "midcentral", "bicentral"), "central"),
    **dict.fromkeys(("parietal", "biparietal"), "parietal"),
    **dict.fromkeys(("occipital", "occipitally", "bioccipital"), "occipital"),
    **{name: name for name in ("frontotemporal", "frontocentral", "centrotemporal", "centroparietal")},
    **{name: name for name in ("temporoparietal", "parietooccipital", "temporooccipital", "frontoparietal")},
}
"""A word -> its lobe."""
LOBES_OF_ELECTRODES = {
    **dict.fromkeys(("f3", "f4", "fp1", "fp2", "fz"), "frontal"),
    **dict.fromkeys(("f7", "f8"), "frontotemporal"),
    **dict.fromkeys(("t3", "t4", "t5", "t6", "t7", "t8", "p7", "p8"), "temporal"),
    **dict.fromkeys(("c3", "c4", "cz"), "central"),
    **dict.fromkeys(("p3", "p4", "pz"), "parietal"),
    **dict.fromkeys(("o1", "o2"), "occipital"),
}
"""An electrode -> its lobe, asked where no word says it: F7 also sees the temporal lobe."""
SIDES = {
    "left": "left",
    "right": "right",
    **dict.fromkeys(("bilateral", "bilaterally", "both", "bifrontal", "bitemporal", "bicentral", "biparietal"), "both"),
    "bioccipital": "both",
    **dict.fromkeys(("f3", "fp1", "f7", "t3", "t5", "t7", "p7", "c3", "p3", "o1"), "left"),
    **dict.fromkeys(("f4", "fp2", "f8", "t4", "t6", "t8", "p8", "c4", "p4", "o2"), "right"),
}
"""A word or electrode -> its side."""
PLACE_WORD = re.compile(
    r"\b(?:" + "|".join(sorted({*LOBES, *LOBES_OF_ELECTRODES, *SIDES}, key=len, reverse=True)) + r")\b(?! rhythm)"
)
END_OF_PLACE = re.compile(r",|;|\b(?:regions?|areas?|hemispheres?|lobes?|leads|electrodes?|head|quadrants?)\b")
"""Where a place that was said of the finding before ends."""

# Denial before a finding, over it and the list it opens; and behind it.
UNDENIED = re.compile(
    r"\bnot? (?:\w+ ){0,2}?(?:change|difference|increase|decrease|improvement|response|effect|evolution"
    r"|correlate|doubt|only|uncommon|significantly (?:changed|different))\w*(?: (?:in|of|to|from|with|between)\b)?"
)
"""Denies what it names and not what follows, unless what it names is a finding: "no breach effect"."""
NOT_MEANT = re.compile(
    r"\b(?:mistaken|confused|misread|misinterpreted) (?:for|with|as) [^,;.]*"
    r"|\b(?:risk|potential|tendency|predisposition|propensity|threshold) (?:of|for|to) (?:[\w-]+ ){0,2}seizures?"
)
ALL_OVER = re.compile(r"\b(?:generalised|diffuse(?:ly)?|bisynchronous|both hemispheres synchronously)\b")
"""Said of a finding that has no side: where it is strongest is not where it is."""
DENIED_BEFORE = any_of(r"""
    no\b(?! longer) | not\b | nor\b | without\b | (?:absence|lack|free|devoid) of\b | neither\b | never\b
    negative for\b | fail(?:s|ed) to | \w+n't\b | rather than\b | instead of\b | denie[sd]\b | none of\b
    absent\b(?=(?: \w+)? *$) | nil\b | nothing\b | (?:loss|resolution|disappearance) of\b | lack(?:s|ing)\b
""")
DENIED_BEHIND = re.compile(
    r"\b(?:(?:is|are|was|were|has been|have been|had been|could|can|did|do|does) (?:\w+ly )?(?:not|never|no longer)\b"
    r"(?! (?:well|fully|always|consistently|entirely|only|more|as|necessarily|clinically|time-?locked|sustained"
    r"|reactive|symmetric\w*|continuous|persistent|frequent|prominent|lateralised|associated|accompanied|followed"
    r"|related|due|changed|altered|affected|increased|a normal|an? abnormal"
    r"|be (?:assessed|evaluated|determined|judged|analysed))\b)"
    r"|(?:is|are|was|were|has been|have been) (?:\w+ly )?(?:absent|lacking|denied|ruled out|excluded)\b"
    r"|\w+n't\b|never\b|no longer\b"
    r"|not (?:\w+ )?(?:seen|recorded|observed|noted|obtained|captured|identified|present|reached|achieved|appreciated"
    r"|demonstrated|evident|apparent|elicited|detected|found|visible|provoked|induced|documented)"
    r"|absent\b|(?:have|has) (?:now |since )?(?:resolved|disappeared|ceased|stopped)\b)"
    r"|(?::| -| =) ?(?:none|no|nil|0|absent|negative|not (?:seen|recorded|present|observed))(?![\w.])"
)
POSSIBLE_BEFORE = any_of(r"""
    possibl[ey] | probabl[ey] | questionable | suspicious (?:for|of) | suspected\b | suspicion (?:of|for) | equivocal
    may\b | might\b | could (?:be|represent|reflect)\b
    (?:cannot|can not|could not|does not|do not|can't|not) (?:\w+ )?(?:be excluded|exclude|rule out|rules out)
    (?:not|im)[ ]?possible to (?:exclude|rule out) | (?:difficult|unable|hard) to (?:exclude|rule out)
    concern(?:ing|s)? for | suggest\w* | uncertain | borderline | versus\b | vs\b | likely\b | unlikely\b | \?
""")
POSSIBLE_BEHIND = re.compile(
    r"\b(?:(?:cannot|can not|could not|can't) (?:\w+ )?be (?:\w+ )?(?:excluded|ruled out|determined)"
    r"|(?:is|are|was|were) (?:\w+ly )?(?:not excluded|not ruled out|possible|suspected|questionable|equivocal|unlikely)"
    r"|(?:may|might|could) (?:be (?!seen|identified|recorded|discerned|found|obtained)|represent\b)"
    r"|not (?:entirely )?(?:excluded|ruled out)|versus\b|vs\b)"
)
# What a denial or a doubt does not reach beyond.
DURING = re.compile(
    r"\b(?:in|into|during|throughout) (?:(?:either|both|the|any|all|light|wakefulness|drowsiness|sleep|stages?|n[12]"
    r"|and|or)[ ,]*)*$"
)
"""Stands before a state of which something else is said: "no spikes in sleep"."""
STATES = {"awake", "n1", "n2", "-n1", "-n2"}
TURN = re.compile(
    r";|\b(?:but|however|although|though|while|whereas|except|apart from|other than|aside from|with the exception of)\b"
    r"|,? (?:and )?(?:there|which) (?:is|are|was|were|has|have)\b|,? (?:and|with) (?:frequent|occasional|abundant|rare"
    r"|intermittent|superimposed|a|an|the)\b|\. |\b(?:due to|because of|showing|shows|(?<!not )demonstrat\w+)\b"
)
NEXT = re.compile(r",| and\b")
"""Opens what is said of the next finding, where one follows."""
VERB = re.compile(r"\b(?:is|are|was|were|seen|noted|recorded|present|occurred|occur|occurs)\b")
CHOICE = re.compile(r",? (?:or|nor|and/or|and no) ")
