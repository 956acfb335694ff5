"""Medical codes in one spelling: ICD-10 and ATC, their blocks, chapters and lengths.

Archives write one diagnosis in many ways (`ICD10CM//G40.309`, `DIAGNOSIS//ICD//10//G40309`, `G40309`). Tasks, the
record encoder and importers all ask `normalise_code`, so that they mean the same. ICD-9 is not translated: its
categories have no counterpart one to one.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

ICD10 = re.compile(r"(?:ICD-?10(?:-?\w+)?//|DIAGNOSIS//ICD//10//|^)([A-Z]\d[0-9A-Z])\.?([0-9A-Z]{0,4})[-*+†!]?$")
"""At the end may stand what WHO's and German codes carry: `G40.-`, `G63.2*`, `E10.4+`, `E10.4†`, `Z51!`."""
ICD9 = re.compile(r"(?:ICD-?9(?:-?\w+)?//|DIAGNOSIS//ICD//9//)")
ATC = re.compile(r"ATC//([A-Z](?:\d\d(?:[A-Z](?:[A-Z](?:\d\d)?)?)?)?)$")
ICD_SPACE, ATC_SPACE = "ICD10CM//", "ATC//"
CATEGORY = 3
"""Characters of an ICD-10 category."""
ATC_LEVELS = (1, 3, 4, 5, 7)
"""Characters of the five levels of an ATC code: anatomical group, two levels of classes, chemical group, substance."""

CHAPTERS = {
    "A00": "A00-B99 Infectious and parasitic diseases",
    "C00": "C00-D49 Neoplasms",
    "D50": "D50-D89 Blood and immune system",
    "E00": "E00-E89 Endocrine, nutritional and metabolic diseases",
    "F01": "F01-F99 Mental and behavioural disorders",
    "G00": "G00-G99 Nervous system",
    "H00": "H00-H59 Eye",
    "H60": "H60-H95 Ear",
    "I00": "I00-I99 Circulatory system",
    "J00": "J00-J99 Respiratory system",
    "K00": "K00-K95 Digestive system",
    "L00": "L00-L99 Skin",
    "M00": "M00-M99 Musculoskeletal system",
    "N00": "N00-N99 Genitourinary system",
    "O00": "O00-O9A Pregnancy and childbirth",
    "P00": "P00-P96 Perinatal period",
    "Q00": "Q00-Q99 Congenital malformations",
    "R00": "R00-R99 Symptoms and abnormal findings",
    "S00": "S00-T88 Injury and poisoning",
    "U00": "U00-U85 Special purposes",
    "V00": "V00-Y99 External causes",
    "Z00": "Z00-Z99 Health services",
}
"""First category of each chapter of ICD-10-CM -> its name."""
ANATOMY = {
    "A": "A Alimentary tract and metabolism",
    "B": "B Blood",
    "C": "C Cardiovascular system",
    "D": "D Skin",
    "G": "G Genitourinary system and sex hormones",
    "H": "H Systemic hormones",
    "J": "J Anti-infectives",
    "L": "L Antineoplastics and immunomodulators",
    "M": "M Musculoskeletal system",
    "N": "N Nervous system",
    "P": "P Antiparasitics",
    "R": "R Respiratory system",
    "S": "S Eye and ear",
    "V": "V Various",
}
"""Anatomical main groups of ATC."""


def normalise_code(code: str) -> str | None:
    """A code in the form `ICD10CM//G40.909` or `ATC//N03AX14`; None if it is of neither classification.

    Takes bare ICD-10 codes (`G40909`), codes without dots, any edition's name (`ICD10//`, `ICD10GM//`) and MIMIC's
    `DIAGNOSIS//ICD//10//G40909`. Everything else (ICD-9, drug names, laboratory values, `FINDING//…`, `LABEL//…`) is
    None.
    """
    code = code.strip().upper()
    if match := ICD10.match(code):
        return f"{ICD_SPACE}{match[1]}.{match[2]}" if match[2] else f"{ICD_SPACE}{match[1]}"
    return code if ATC.match(code) else None


def is_icd9(code: str) -> bool:
    """Whether a code is of ICD-9, which no task asks for."""
    return bool(ICD9.match(code.strip().upper()))


def block(code: str) -> str:
    """The block a code or its beginning belongs to: whoever has another code of it is a neighbour, no control.

    ICD-10: the category of three characters. ATC: one level up, but not above the therapeutic group, `ATC//N03AX` of
    `ATC//N03AX14` and `ATC//N03A` of `ATC//N03AX`. Any other code is its own block.
    """
    space, _, value = code.rpartition("//")
    if f"{space}//" == ICD_SPACE:
        return f"{ICD_SPACE}{value.replace('.', '')[:CATEGORY]}"
    if f"{space}//" == ATC_SPACE and len(value) > ATC_LEVELS[2]:
        return f"{ATC_SPACE}{value[: max(n for n in ATC_LEVELS if n < len(value))]}"
    return code


def concept_group(code: str) -> str | None:
    """The group a code is drawn with: its ICD-10 category, its ATC subgroup of four characters (`ATC//N03A`).

    None for codes that are wider than a group, and for those of neither classification.
    """
    normal = normalise_code(code)
    if normal is None:
        return None
    space, _, value = normal.rpartition("//")
    length = ATC_LEVELS[2] if f"{space}//" == ATC_SPACE else CATEGORY
    return f"{space}//{value[:length]}" if len(value) >= length else None


def overlap(code: str, groups: Iterable[str]) -> bool:
    """Whether a code or its beginning, as `normalise_code` writes it, is of one of the groups or wider than it."""
    return any(code.startswith(group) or group.startswith(code) for group in groups)


def prefixes(code: str) -> list[str]:
    """A code as `normalise_code` writes it and what it is a case of, the widest first: `ICD10CM//G`, `ICD10CM//G40`,
    `ICD10CM//G40.909`; of ATC every level.
    """
    space, _, value = code.rpartition("//")
    levels = ATC_LEVELS if f"{space}//" == ATC_SPACE else (1, CATEGORY)
    return [f"{space}//{value[:n]}" for n in levels if n < len(value)] + [code]


def chapter(code: str) -> str:
    """The name of a code's chapter (ICD-10) or anatomical group (ATC), empty for what is of neither."""
    space, _, value = code.rpartition("//")
    if f"{space}//" == ATC_SPACE:
        return ANATOMY.get(value[:1], "")
    first = list(CHAPTERS)
    place = bisect_right(first, value.replace(".", "")[:CATEGORY].ljust(CATEGORY, "0"))
    return CHAPTERS[first[place - 1]] if f"{space}//" == ICD_SPACE and place else ""


def code_lengths(codes: Iterable[str]) -> dict[str, set[int]]:
    """How many characters codes have, the dot not counted: of a classification (`ATC//`) and of each of its letters
    (`ATC//N`). Codes that `normalise_code` does not know are passed over.
    """
    lengths: dict[str, set[int]] = defaultdict(set)
    for code in {normal for code in codes if "//" in code and (normal := normalise_code(code))}:
        space, _, value = code.rpartition("//")
        for place in (f"{space}//", f"{space}//{value[0]}"):
            lengths[place].add(len(value.replace(".", "")))
    return dict(lengths)
