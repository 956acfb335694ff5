"""Tables of `benchmark.align`: what each run is worth, retrieval, words, and paired differences."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from benchmark.protocols import ranking
from benchmark.protocols.alignment import HEADS, PERSON, WAYS, ZERO_SHOT, Worth
from benchmark.protocols.captions import measures
from benchmark.protocols.retrieval import AT, recall_interval
from benchmark.protocols.zero_shot import share_of_ceiling
from benchmark.report.terminal.tables import difference_text, text_table
from benchmark.scores.comparing import Mean, differences, mean_scores, per_task

K = 10


@dataclasses.dataclass(frozen=True)
class Block:
    """A table with the line above it; without a header its rows are sentences."""

    title: str
    header: list[str]
    rows: list[list[Any]]

    def as_text(self) -> str:
        body = text_table(self.header, self.rows) if self.header else "\n".join(row[0] for row in self.rows)
        return f"{self.title}\n\n{body}"

    def as_markdown(self) -> str:
        if not self.header:
            return "\n".join([f"## {self.title}", "", *(f"- {row[0]}" for row in self.rows)])
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join([f"## {self.title}", "", *("| " + " | ".join(map(str, line)) + " |" for line in lines)])


def blocks(worth: Worth) -> list[Block]:
    """The tables in reading order; those of which nothing is known are left out."""
    made = [
        worth_block(worth),
        retrieval_block(worth),
        items_block(worth),
        words_block(worth),
        heldout_block(worth),
        differences_block(worth),
    ]
    return [block for block in made if block.rows]


def worth_block(worth: Worth) -> Block:
    """A row per run: probes, retrieval both ways with chance, words, on people that no run has seen."""
    spaces = [
        (p, w)
        for p in ("report", "record")
        for w in WAYS
        if any((r, p, "unseen", w) in worth.retrievals for r in worth.runs)
    ]
    probes = {mean.embedding: mean for mean in mean_scores(worth.probes)} if worth.probes else {}
    words = {mean.embedding: mean for mean in mean_scores(worth.words)} if worth.words else {}
    asked = [name for name in PERSON if any(name in known for known in worth.person.values())]
    header = ["run", *(["probe, pooled", "probe, heads"] if probes else []), *(f"R@{K} {way} {p}" for p, way in spaces)]
    header += ([f"words, {len(worth.words.tasks)} findings", "share of best probe"] if worth.words else []) + [
        f"words, {name.replace('_', ' ')}" for name in asked
    ]
    rows = []
    for run in worth.runs:
        row = [run, *([_mean(probes.get(run)), _mean(probes.get(run + HEADS))] if probes else [])]
        row += [_recall(worth, run, partner, way) for partner, way in spaces]
        row += [_mean(words.get(run + ZERO_SHOT)), _share(worth, run)] if worth.words else []
        rows.append(row + [_interval(worth.person.get(run, {}).get(name)) for name in asked])
    rows += [[m.embedding, _mean(m), *[""] * (len(header) - 2)] for m in _others(worth, probes)]
    return Block("What each run is worth, on people that no run has seen", header, rows)


def _others(worth: Worth, probes: dict[str, Mean]) -> list[Mean]:
    ours = {run + ending for run in worth.runs for ending in ("", HEADS)}
    return [mean for name, mean in probes.items() if name not in ours]


def _mean(mean: Mean | None) -> str:
    return f"{mean.auroc:.3f} [{mean.low:.3f}, {mean.high:.3f}]" if mean else ""


def _interval(known: tuple[float, float, float] | None) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*known) if known else ""


def _recall(worth: Worth, run: str, partner: str, way: str) -> str:
    found = worth.retrievals.get((run, partner, "unseen", way))
    return f"{found.recall(K):.1%} ({found.recall(K) / found.chance(K):.1f}x chance)" if found else ""


def best_probe(worth: Worth) -> str:
    """The probe with the highest mean over the findings that are asked in words."""
    probes = [mean for mean in mean_scores(worth.words) if not mean.embedding.endswith(ZERO_SHOT)]
    return probes[0].embedding


def _share(worth: Worth, run: str) -> str:
    if run + ZERO_SHOT not in worth.words.embeddings:
        return ""
    share = share_of_ceiling(worth.words, run + ZERO_SHOT, best_probe(worth))
    return f"{share.share:.2f} [{share.low:.2f}, {share.high:.2f}]" if share else ""


def retrieval_block(worth: Worth) -> Block:
    """A row per run, partner, people and way."""
    header = ["run", "asks", "people", "pool", *(f"R@{k}" for k in AT), f"R@{K} 95 %", f"R@{K} chance"]
    header += ["mean rank", "median rank", "MAP"]
    rows = []
    for (run, partner, people, way), found in worth.retrievals.items():
        low, high = recall_interval(found, K)
        row = [
            run,
            _asks(partner, way),
            people,
            found.pool,
            *(f"{found.recall(k):.1%}" for k in AT),
            f"{low:.1%}–{high:.1%}",
        ]
        row += [f"{found.chance(K):.1%}", f"{found.mean_rank:.1f}", f"{found.median_rank:.1f}"]
        rows.append([*row, f"{found.mean_average_precision:.3f}"])
    return Block("Retrieval; all sessions of a subject count as one, pool in subjects, ties by index", header, rows)


def items_block(worth: Worth) -> Block:
    """A row per run, partner, people and way, of single sessions and partners."""
    header = ["run", "asks", "people", "pool", *(f"R@{k}" for k in ranking.AT), "MAP", "MAP chance", "mean rank"]
    header += [*(f"alike R@{k}" for k in ranking.AT), "alike MAP", "alike MAP chance"]
    rows = []
    for (run, partner, people, way), items in worth.items.items():
        own, alike = items.own, items.alike
        row = [run, _asks(partner, way), people, own.pool, *(f"{own.recall(k):.1%}" for k in ranking.AT)]
        row += [f"{own.mean_average_precision:.3f}", f"{own.chance_precision:.3f}", f"{own.mean_rank:.1f}"]
        row += [*(f"{alike.recall(k):.1%}" for k in ranking.AT)]
        rows.append([*row, f"{alike.mean_average_precision:.3f}", f"{alike.chance_precision:.3f}"])
    title = "Retrieval of single items; alike: every report of the same words, record of the same codes"
    return Block(title, header, rows)


def _asks(partner: str, way: str) -> str:
    return f"session > {partner}" if way == "to" else f"{partner} > session"


def words_block(worth: Worth) -> Block:
    """AUROC of each finding: words and probes on the same rows."""
    if worth.words is None:
        return Block("", [], [])
    shown = [name for name in worth.words.embeddings if name.endswith(ZERO_SHOT)]
    shown += [name for name in worth.words.embeddings if name not in shown]
    columns = [worth.words.embeddings.index(name) for name in shown]
    cases = dict(worth.words.scores.select("task", "cases").unique("task").iter_rows())
    rows = [
        [task.split("//")[-1], cases[task], *(f"{values[i]:.2f}" for i in columns)]
        for task, values in zip(worth.words.tasks, per_task(worth.words), strict=True)
    ]
    means = per_task(worth.words).mean(0)
    rows.append(["mean", "", *(f"{means[i]:.3f}" for i in columns)])
    return Block(
        f"Findings: AUROC by words and by probes; best probe {best_probe(worth)}", ["finding", "cases", *shown], rows
    )


def heldout_block(worth: Worth) -> Block:
    """Gains over the first run where alignment met a concept and where it did not."""
    seen, held = worth.heldout[0].tasks if worth.heldout else (0, 0)
    header = ["run", f"gain, {seen} concepts seen", f"gain, {held} held out", "held out - seen"]
    rows = [
        [each.embedding, *(_signed(*interval) for interval in (each.seen, each.held_out, each.difference))]
        for each in worth.heldout
    ]
    return Block(f"Concepts held out of alignment: gain in AUROC over {worth.runs[0]}, pooled", header, rows)


def _signed(by: float, low: float, high: float) -> str:
    return f"{by:+.3f} [{low:+.3f}, {high:+.3f}]"


def differences_block(worth: Worth) -> Block:
    """Paired differences in sentences: probes, retrieval, words."""
    lines = [f"probe: {difference_text(d)}" for d in differences(worth.probes)] if worth.probes else []
    for (a, partner, _, way), (b, *_), (by, low, high) in worth.differences(K):
        outcome = "holds" if low > 0 or high < 0 else "does not hold"
        lines.append(f"R@{K} {way} {partner}: {a} - {b}: {by:+.1%} [{low:+.1%}, {high:+.1%}]: {outcome}")
    if worth.words:
        pairs = [d for d in differences(worth.words) if d.better.endswith(ZERO_SHOT) and d.worse.endswith(ZERO_SHOT)]
        lines += [f"words: {difference_text(d)}" for d in pairs]
    title = "Paired differences, 95 % intervals; probes won/level/lost: tasks, at a false discovery rate of 5 %"
    return Block(title, [], [[line] for line in lines])


def as_plain(worth: Worth, notes: Sequence[str]) -> dict[str, Any]:
    """Everything as plain values for align.json; no name of a session or a subject."""
    retrieval = [
        dict(zip(("run", "partner", "people", "way"), key, strict=True))
        | {"pool": found.pool, "questions": len(found.ranks), "mean_rank": found.mean_rank}
        | {"median_rank": found.median_rank, "map": found.mean_average_precision}
        | {f"r_at_{k}": found.recall(k) for k in AT}
        | {f"chance_at_{k}": found.chance(k) for k in AT}
        | {"r_at_10_interval": recall_interval(found, K)}
        for key, found in worth.retrievals.items()
    ]
    items = [
        dict(zip(("run", "partner", "people", "way"), key, strict=True))
        | {"own": measures(each.own, ranking.AT), "alike": measures(each.alike, ranking.AT)}
        for key, each in worth.items.items()
    ]
    plain: dict[str, Any] = {
        "runs": worth.runs,
        "retrieval": retrieval,
        "items": items,
        "person": worth.person,
        "notes": list(notes),
    }
    for name, scored in (("probes", worth.probes), ("words", worth.words)):
        if scored is not None:
            plain[name] = {
                "tasks": scored.tasks,
                "embeddings": scored.embeddings,
                "auroc": per_task(scored).tolist(),
                "means": [dataclasses.asdict(mean) for mean in mean_scores(scored)],
                "differences": [dataclasses.asdict(d) for d in differences(scored)],
            }
    plain["heldout"] = [dataclasses.asdict(each) for each in worth.heldout]
    plain["r_at_10_differences"] = [
        {"better": a[0], "worse": b[0], "partner": a[1], "way": a[3], "by": by, "low": low, "high": high}
        for a, b, (by, low, high) in worth.differences(K)
    ]
    return plain
