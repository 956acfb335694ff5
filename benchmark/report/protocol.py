"""The protocol of a run: a table of what and how, one paragraph that can be quoted, and how to cite the software."""

from collections import Counter
from pathlib import Path
from typing import Any

import clef
from benchmark.report.facts import Facts

HOMES = (Path(__file__).parent, Path(__file__).parents[2])
"""Where CITATION.cff is: beside this file in a wheel, on top of a checkout."""


def protocol_rows(facts: Facts) -> list[tuple[str, str]]:
    """The whole protocol as pairs (what, how)."""
    scores, about, protocol = facts.scores, facts.about, facts.about.get("protocol", {})
    chosen = ", ".join(
        f"{n} x {w}" for w, n in scores["chosen_on"].value_counts(sort=True).sort("chosen_on").iter_rows()
    )
    kept = sum(bool(c["kept"]) for c in about.get("counts", {}).values())
    cohort = about.get("cohort", {})
    rows = [
        ("Suite", f"{about.get('suite', '?')}: {len(facts.scored.tasks)} tasks scored, {kept} built"),
        ("Cohort", f"{cohort.get('name', '?')} ({cohort.get('fingerprint', '?')}); {facts.scored.subjects} people scored"),
        ("Unit", f"{scores['unit'][0]}: one score per session"),
        ("Windows", windows(protocol)),
        ("Neither case nor control", excluded(protocol)),
        ("Controls", f"{protocol.get('controls', '?')} per case; {protocol.get('matching', '?')}"),
        ("Scored on", f"{scores['scored_on'][0]}; split hash {split_hash(facts)}"),
        ("Probe", ", ".join(scores["protocol" if "protocol" in scores.columns else "probe"].unique().sort())),
        ("Components", components(facts)),
        ("Label budgets", ", ".join(reversed(facts.budgets)) + " training cases" if facts.budgets else "all training cases"),
        ("Regularisation chosen on", chosen),
        ("Intervals", f"95 %, {facts.scored.replicates.shape[-1]} bootstrap resamples of matched sets, paired over "
                      "embeddings, tied over tasks by shared subjects; the probe is held fixed. Per task: standard "
                      "error on the logit scale; means and differences: percentiles"),
        ("Single tasks", single_tasks(facts)),
        ("Seeds", f"{scores['seed'].n_unique()} (other draws of folds and labelled people; not covered by the intervals)"),
        ("Software", f"clef-eeg {clef.__version__}"),
    ]  # fmt: skip
    return [(what, how) for what, how in rows if how]


def split_hash(facts: Facts) -> str:
    return ", ".join(facts.scores["split_hash"].unique().sort())


def windows(protocol: dict[str, Any]) -> str:
    """How long before and after a session an event may be, by how many tasks ask so."""
    counts = Counter(_window(d) for d in protocol.get("definitions", {}).values())
    return "; ".join(f"{text} ({n} tasks)" for text, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _window(definition: dict[str, Any]) -> str:
    kind, days = definition.get("window"), definition.get("window_days")
    if kind == "ever" or (kind is None and days is None):
        return "anywhere in the record" if definition.get("family") not in ("finding", "label") else "of the session"
    where = {"before": "before the session", "around": "before or after the session"}.get(kind, "around the session")
    return f"{where}, up to {days:g} days" if days is not None else where


def excluded(protocol: dict[str, Any]) -> str:
    """Of how many tasks carriers of neighbouring codes are left out; empty if the file does not say."""
    each = [d["exclude"] for d in protocol.get("definitions", {}).values() if "exclude" in d]
    return f"carriers of a code of the same block, in {sum(map(bool, each))} of {len(each)} tasks" if each else ""


def components(facts: Facts) -> str:
    """How often the probe took all dimensions of an embedding or whitened components; empty if it had no choice."""
    if "components" not in facts.scores.columns:
        return ""
    counts = facts.scores["components"].value_counts().sort("components").iter_rows()
    return "; ".join(f"{f'{c} whitened' if c else 'all dimensions'}: {n} probes" for c, n in counts)


def single_tasks(facts: Facts) -> str:
    if not facts.control:
        return ""
    return f"held against {facts.control}: paired DeLong, false discovery rate over tasks by Benjamini and Hochberg"


def quotation(facts: Facts) -> str:
    """One paragraph with every setting, for a methods section."""
    about, protocol, scores = facts.about, facts.about.get("protocol", {}), facts.scores
    said = dict(protocol_rows(facts))
    budgets = f" It was trained on {said['Label budgets']}." if facts.budgets else ""
    neither = (
        f" Neither cases nor controls were {said['Neither case nor control']}."
        if "Neither case nor control" in said
        else ""
    )
    events = f" Events count as follows: {said['Windows']}." if "Windows" in said else ""
    return (
        f"Embeddings were scored with the CLEF benchmark (clef-eeg {clef.__version__}), suite {about.get('suite', '?')}: "
        f"{len(facts.scored.tasks)} tasks, {facts.scored.subjects} people{', a synthetic cohort' if facts.results.synthetic else ''}, "
        f"one session per person and task. Each case had {protocol.get('controls', '?')} control(s); matching: "
        f"{protocol.get('matching', '?')}.{neither}{events} A frozen embedding was read by this probe: {said['Probe']}."
        f"{budgets} Scores are AUROCs on {scores['scored_on'][0]}, means over {scores['seed'].n_unique()} seed(s), with "
        f"95 % intervals from {facts.scored.replicates.shape[-1]} bootstrap resamples of matched sets that hold the probe "
        f"fixed.{f' Single tasks were {single_tasks(facts)}.' if facts.control else ''} Split hash {split_hash(facts)}."
    )


def citations() -> list[str]:
    """The entries of CITATION.cff as lines of text: the software, and the works that it refers to."""
    import yaml

    file = next(path for home in HOMES if (path := home / "CITATION.cff").is_file())
    entry = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [_citation(work) for work in [entry, *entry.get("references", [])]]


def _citation(work: dict[str, Any]) -> str:
    authors = ", ".join(
        a.get("name") or f"{a.get('family-names', '')}, {a.get('given-names', '')}" for a in work["authors"]
    )
    version = f", version {work['version']}" if "version" in work else ""
    year = f" ({work['year']})" if "year" in work else ""
    where = [i["value"] for i in work.get("identifiers", [])] + [work[k] for k in ("url", "license") if k in work]
    kind = " [software]" if work.get("type") == "software" else ""
    return f"{authors}{year}. {work['title']}{version}{kind}. {'. '.join(where)}."
