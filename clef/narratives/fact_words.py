"""The words of facts: how texts about EEG name bands, what is said of them, states, and regions.

Tables for `clef.narratives.facts`. Patterns are matched in normalised text (`clef.reports.rules.normalise`). Findings
are read by `clef.reports.findings`; here are the words that reports have no code for.
"""

import re

from clef.reports.finding_words import LOBES, LOBES_OF_ELECTRODES, SIDES

BAND = re.compile(r"\b(delta|theta|alpha|beta|(?:high|low)[- ]gamma|gamma)\b(?! (?:brush|coma))")
LISTED = re.compile(r"(?:[ -](?:band|power|activity|waves?|rhythms?|range|frequenc(?:y|ies)))*(?:,| and| or|, and|/) ?")
"""What stands between bands of which the same is said: "theta and beta power are low"."""

RATHER = r"(?:\w+ly )?"
STATED: dict[str, re.Pattern] = {
    "dominant": re.compile(
        r"\b(?:(?:pre)?dominat\w*|(?:pre)?dominant(?:ly)?(?! (?:hand|hemisphere|side))|prevail\w*|mainly|mostly"
        r"|most (?:power|energy)|(?:highest|strongest|largest|greatest|most) (?:\w+ )?(?:power|energy|activity|band)"
        r"|strongest|leading band)\b"
    ),
    "same": re.compile(
        r"\b(?:stable|steady|unchanged|constant|unaltered|similar to (?:the )?(?:preceding|previous|last|earlier)\w*"
        r"|(?:without|no|not|n't) (?:\w+ )?(?:chang\w+|trend|difference|vary|varying))\b"
    ),
    "up": re.compile(
        r"\b(?:increas\w+|ris(?:e|es|ing|en)|rose|grow\w*|grew|strengthen\w*|climb\w*|elevated|raised|enhanced|prominent"
        r"|higher|augmented|upward|strong|high)\b"
    ),
    "down": re.compile(
        r"\b(?:decreas\w+|fall\w*|fell|declin\w+|drop\w*|reduc\w+|weak\w*|diminish\w*|attenuat\w+|lower\w*|downward"
        r"|suppressed|low|little|minimal|sparse|scarce)\b"
    ),
    "absent": re.compile(r"\b(?:absent|lacking|missing)\b"),
}
"""What is said of a band, tried in this order: words that one has matched are hidden from the next."""
TOWARDS = re.compile(
    r"[ :-]*(?:(?:in|of|by|the|is|was|are|lies|at|to|a|an|overall|relative|absolute|levels?|power|band|rhythm|frequency"
    r"|activity|energy)[ :-]+)*"
)
"""Stands between what is said and a band behind it: "a decrease of relative theta power"."""
DENIED = re.compile(r"(?:\b(?:no|not|nor|never|neither|without|lack of|absence of|fails? to)|n't)(?: [a-z]+){0,2} $")
"""Stands before what it denies, two words between at most."""
NO_BAND = re.compile(r"\b(?:no|without|absence of|lack of)(?: (?:clear|significant|visible|any))? $")
"""Stands before a band that is said to be absent."""
NO_DOMINANCE = re.compile(
    r"\b(?:no|without an?y?|lacks an?y?) (?:\w+ )?(?:dominant|predominant) (?:band|frequency|rhythm)"
)

CLAUSE = re.compile(
    r"[.;!?](?!\d)|\b(?:but|while|whereas|although|though|however|followed by|accompanied by|together with)\b|, with\b"
)
"""Ends what is said in one go."""

STATES = {
    "eyes_closed": re.compile(r"\beyes? (?:are |were |was )?clos\w+|\bclosed eyes\b"),
    "eyes_open": re.compile(r"\beyes? (?:are |were |was )?open\w*|\bopen eyes\b"),
    "rest": re.compile(r"\b(?:at rest|resting)\b"),
    "task": re.compile(r"\b(?:mental arithmetic|arithmetic task|attention task|visual task|workload|during a task)\b"),
    "n3": re.compile(r"\b(?:(?:sleep )?stage n?3|n3|slow[- ]wave sleep|deep sleep)\b"),
    "rem": re.compile(r"\b(?<!non)(?<!non-)(?<!non )rem\b"),
    "coma": re.compile(r"\b(?:comatose|in (?:a )?coma)\b"),
    "artefact": re.compile(r"\b(?:artefacts?|muscle activity|eye (?:blinks?|movements?)|blinking|movement)\b"),
}
"""Events beside the findings of reports."""
FINDINGS = frozenset(
    (
        *("abnormal", "normal", "uninterpretable", "low_voltage", "pdr", "breach", "ppr", "burst_suppression"),
        *("awake", "n1", "n2", "spindles", "vertex_waves", "k_complexes", "posts", "wicket", "bets"),
        *("spikes", "seizure", "status", "eses", "lpd", "gpd", "bipd", "lrda", "grda"),
        *("focal_slowing", "generalised_slowing"),
    )
)
"""Findings that are events; diffuse beta is something said of a band."""
RHYTHMIC = re.compile(
    r"(?<!rhythmic )(?<!polymorphic )\b(?:delta|theta|beta)\b(?! (?:slowing|brush))|\bslow(?=er\b|est\b)"
)
"""Bands of which power is told: no findings. "Frontal theta power" is no focal slowing."""

COMPOUND = re.compile(r"(fronto|centro|temporo|parieto|occipito)(frontal|central|temporal|parietal|occipital)")
PARTS = {"fronto": "frontal", "centro": "central", "temporo": "temporal", "parieto": "parietal"}
PARTS |= {"occipito": "occipital"}
WHOLE = {"anterior": "anterior", "posterior": "posterior", "hemisphere": "hemisphere", "hemispheric": "hemisphere"}
EVERYWHERE = re.compile(r"\b(?:diffuse(?:ly)?|generalised|widespread|global(?:ly)?|all electrodes|whole scalp)\b")
PLACES = re.compile(
    r"\b(?:" + "|".join(sorted({*LOBES, *LOBES_OF_ELECTRODES, *SIDES, *WHOLE}, key=len, reverse=True)) + r")\b"
    r"(?! dominant rhythm| nervous)"
)
