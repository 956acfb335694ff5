"""The protocol of a run: a table of what and how, one paragraph that can be quoted, and how to cite the software."""

from collections import Counter
from pathlib import Path
from typing import Any

import clef
from benchmark.report.facts import Facts

HOMES = (Path(__file__).parent, Path(__file__).parents[2])
"""Where CITATION.cff is: beside this file in a wheel, on top of a checkout."""

READ = ("pool", "head", "norm", "level", "layer", "shuffle")
"""What embedding files say of their readout."""


def protocol_rows(facts: Facts) -> list[tuple[str, str]]:
    """The whole protocol as pairs (what, how); what the file of tasks does not say is left out."""
    scores, about, protocol = facts.scores, facts.about, facts.about.get("protocol", {})
    cohort, seeds = about.get("cohort", {}), scores["seed"].n_unique()
    kept = sum(bool(c["kept"]) for c in about.get("counts", {}).values())
    rows = [
        ("Suite", f"{about.get('suite', '?')}: {len(facts.scored.tasks)} tasks scored, {kept} built"),
        ("Cohort", f"{cohort.get('name', '?')} ({cohort.get('fingerprint', '?')}), {facts.scored.subjects} scored"),
        ("Unit", f"{scores['unit'][0]}: one score per session"),
        ("Windows", windows(facts)),
        ("Neither case nor control", excluded(facts)),
        ("Controls", f"{protocol.get('controls', '?')} per case; {protocol.get('matching', '?')}"),
        ("Scored on", f"{scores['scored_on'][0]}; split hash {split_hash(facts)}"),
        ("Probe", probe(facts)),
        ("Width", components(facts)),
        ("Embeddings read with", readouts(facts)),
        ("Training cases", budgets(facts)),
        ("Settings chosen on", ", ".join(scores["chosen_on"].unique().sort())),
        ("Intervals", f"95 %, the probe held fixed. Per task: {facts.scored.replicates.shape[-1]} bootstrap "
                      "resamples of matched sets, their standard error on the logit scale. Means and differences: "
                      "DeLong's covariance by matched set, paired over embeddings, and by person over tasks"),
        ("Single tasks", single_tasks(facts)),
        ("Seeds", f"{seeds} (other draws of folds and labelled people; not covered by the intervals)"),
        ("Software", f"clef-eeg {clef.__version__}"),
    ]  # fmt: skip
    return [(what, how) for what, how in rows if how]


def probe(facts: Facts) -> str:
    """The probe in words."""
    column = "protocol" if "protocol" in facts.scores.columns else "probe"
    return ", ".join(facts.scores[column].unique().sort())


def readouts(facts: Facts) -> str:
    """How each embedding was read from its model, those that were read alike together."""
    alike: dict[str, list[str]] = {}
    for name, store in facts.results.stores.items():
        how = ", ".join(
            f"{key}={store.config[key]}" for key in READ if store.config.get(key) not in (None, "none", False)
        )
        alike.setdefault(how, []).append(name)
    return "; ".join(f"{', '.join(names)}: {how}" for how, names in alike.items() if how)


def budgets(facts: Facts) -> str:
    """Label budgets in words, the smallest first."""
    *fewer, most = reversed(facts.budgets)
    return f"{', '.join(fewer)} and {most}" if fewer else most


def split_hash(facts: Facts) -> str:
    return ", ".join(facts.scores["split_hash"].unique().sort())


def windows(facts: Facts) -> str:
    """How long before and after a session an event may be, by how many tasks ask so."""
    counts = Counter(_window(d) for d in _definitions(facts))
    return "; ".join(f"{text} ({n} tasks)" for text, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _definitions(facts: Facts) -> list[dict[str, Any]]:
    """What the file says of the tasks that were scored."""
    every = facts.about.get("protocol", {}).get("definitions", {})
    return [every[task] for task in facts.scored.tasks if task in every]


def _window(definition: dict[str, Any]) -> str:
    kind, days = definition.get("window"), definition.get("window_days")
    if kind == "ever" or (kind is None and days is None):
        return "anywhere in the record" if definition.get("family") not in ("finding", "label") else "of the session"
    where = {"before": "before the session", "around": "before or after the session"}.get(kind, "around the session")
    return f"{where}, up to {days:g} day{'s' * (days != 1)}" if days is not None else where


def excluded(facts: Facts) -> str:
    """Whose neighbouring codes leave them out, in how many tasks; empty if the file does not say."""
    each = [d["exclude"] for d in _definitions(facts) if "exclude" in d]
    whom = "people with a code of the same block and none of the task's own"
    return f"{whom} ({sum(map(bool, each))} of {len(each)} tasks)" if each else ""


def components(facts: Facts) -> str:
    """How often the probe took all dimensions of an embedding or whitened components; empty if it had no choice."""
    if "components" not in facts.scores.columns:
        return ""
    counts = facts.scores["components"].value_counts().sort("components").iter_rows()
    return "; ".join(f"{f'{c} whitened' if c else 'all dimensions'}: {n} probes" for c, n in counts)


def single_tasks(facts: Facts) -> str:
    """How single tasks are tested; empty without a control."""
    test = "by DeLong's paired test, with false discovery rates (q) over tasks by Benjamini and Hochberg"
    return f"compared with {facts.control} {test}" if facts.control and facts.judged else ""


def quotation(facts: Facts) -> str:
    """One paragraph with every setting, for a methods section."""
    about, protocol, scores = facts.about, facts.about.get("protocol", {}), facts.scores
    on, controls, seeds = scores["scored_on"][0], protocol.get("controls", "?"), scores["seed"].n_unique()
    cohort = ", a synthetic cohort" if facts.results.synthetic else ""
    neither, events, tests = excluded(facts), windows(facts), single_tasks(facts)
    where = "on the test split" if on == "test" else f"out of fold ({on})"
    sentences = [
        f"Embeddings were scored with CLEF's benchmark (clef-eeg {clef.__version__}), suite {about.get('suite', '?')}: "
        f"{len(facts.scored.tasks)} tasks, {facts.scored.subjects} people{cohort}, one session per person and task.",
        f"Each case had {controls} control{'s' * (controls != 1)}; matching: {protocol.get('matching', '?')}.",
        f"Neither case nor control: {neither}." if neither else "",
        f"Codes count as follows: {events}." if events else "",
        f"Frozen embeddings were read by a probe: {probe(facts)}; trained on {budgets(facts)} training cases.",
        f"Scores are AUROCs, {where}, means over {seeds} seed{'s' * (seeds != 1)}, with 95 % intervals that hold the "
        f"probe fixed: of tasks from {facts.scored.replicates.shape[-1]} bootstrap resamples of matched sets, of means "
        "and paired differences from DeLong's covariance by matched set and by person.",
        f"Single tasks were {tests}." if tests else "",
        f"Split hash {split_hash(facts)}.",
    ]
    return " ".join(filter(None, sentences))


def citations() -> list[str]:
    """The entries of CITATION.cff as lines of text: the software, and the works that it refers to; none without it."""
    import yaml

    file = next((path for home in HOMES if (path := home / "CITATION.cff").is_file()), None)
    if file is None:
        return []
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
