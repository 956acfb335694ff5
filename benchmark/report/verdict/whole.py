"""The run as a whole, as the rules of the verdict look at it: who is a control, how much was drawn, what is off.

A control is a baseline or an ablation of `benchmark.encoders`, by what its file says or by its name; a reference (the
planted causes of a synthetic cohort) is neither a control nor judged.
"""

from functools import cached_property

import polars as pl

from benchmark.encoders.encoder import Encoder
from benchmark.encoders.registry import ENCODERS, with_role
from benchmark.scores.comparing import Mean, label_table, mean_scores
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored

CONTROL = ("baseline", "ablation")
SURE = 1.6
"""Half-widths of a 95 % interval from 0.5 beyond which a check of the benchmark is off: three standard errors."""


class Run:
    """The run as a whole; texts are for the sentences of the verdict."""

    def __init__(self, results: Results) -> None:
        self.results, self.subjects, self.tasks = results, results.scored.subjects, len(results.scored.tasks)
        self.means = mean_scores(results.scored)
        names = [mean.embedding for mean in self.means]
        self.encoders = {n: e for n in names if (e := results.encoders.get(n) or ENCODERS.get(n))}
        self.controls = [m for m in self.means if self.role(m.embedding) in CONTROL]
        self.judged = [m for m in self.means if self.role(m.embedding) == "model"]
        self.matched = results.about.get("protocol", {}).get("matched", True)
        self.out_of_fold = str(results.scored.scores["scored_on"][0]) != "test"

    def role(self, name: str) -> str:
        return self.encoders[name].role if name in self.encoders else "model"

    def absent(self, role: str) -> list[Encoder]:
        """Controls of a role that no row stands for, the cheapest to make first."""
        present = {encoder.name for encoder in self.encoders.values()}
        return [encoder for encoder in with_role(role) if encoder.name not in present]

    @property
    def absent_ablations(self) -> str:
        return ", ".join(f"`{encoder.name}` ({encoder.what})" for encoder in self.absent("ablation"))

    @property
    def absent_baselines(self) -> str:
        return ", ".join(f"`{encoder.name}`" for encoder in self.absent("baseline"))

    @property
    def commands(self) -> str:
        """How to make the ablations that are absent."""
        return "; ".join(
            f"python -m benchmark.encode encoder={encoder.name} cohort=COHORT "
            f"{''.join(f'{need}=… ' for need in encoder.needs)}out={encoder.name}.parquet"
            for encoder in self.absent("ablation")
        )

    @property
    def widest(self) -> str:
        """Width of the widest interval of a mean."""
        return f"{max(m.high - m.low for m in self.means):.2f}"

    @property
    def more_people(self) -> str:
        return "import more people" if self.out_of_fold else "score everybody out of fold (folds=5), or import more"

    @property
    def on(self) -> str:
        return f"{self.tasks} task{'s' * (self.tasks != 1)} and {self.subjects} people"

    @property
    def seeds(self) -> int:
        return self.results.scored.scores["seed"].n_unique()

    @property
    def times(self) -> str:
        return "once" if self.seeds == 1 else f"{self.seeds} times"

    @property
    def draws(self) -> str:
        """How many times people were drawn whose labels a probe learned from."""
        count = self.results.scored.scores.select("labels", "seed").n_unique()
        return f"{count} draw{'s' * (count != 1)} of labelled people"

    @cached_property
    def few_labels(self) -> str:
        """Who is the best with the fewest labels and who with all, if they are not the same; else an empty text."""
        shown = [m.embedding for m in self.means if self.role(m.embedding) != "reference"]
        table = label_table(self.results.scored).filter(pl.col("embedding").is_in(shown))
        few = dict(table.filter(pl.col("labels") == table["labels"][0]).select("embedding", "auroc").iter_rows())
        first, best = next(iter(few)), shown[0]
        if few[first] <= few[best]:
            return ""
        return f"with {cases_text(table['labels'][0])} {first} is the best ({few[first]:.3f}; {best} {few[best]:.3f})"

    @cached_property
    def unbalanced(self) -> int:
        """Tasks whose cases and controls differ in what they should have been matched on."""
        flagged = self.results.scored.scores.filter(pl.col("flags").str.contains("unbalanced"))
        return flagged["task"].n_unique()

    @property
    def permuted(self) -> str:
        """Embeddings that are not at 0.5 where case and control were exchanged by a draw; an empty text if none."""
        return self._off(self.results.permuted)

    @property
    def unrelated(self) -> str:
        """Embeddings that are not at 0.5 for conditions that an EEG should not show; an empty text if none."""
        return self._off(self.results.controls)

    def _off(self, scored: Scored | None) -> str:
        means = [m for m in mean_scores(scored) if self.role(m.embedding) != "reference"] if scored else []
        halves = [m.auroc - m.low if m.auroc > 0.5 else m.high - m.auroc for m in means]
        return ", ".join(
            score_text(m) for m, half in zip(means, halves, strict=True) if abs(m.auroc - 0.5) > SURE * half
        )


def cases_text(labels: str) -> str:
    """A label budget in words: `25 cases`, `5% of cases`, `all`."""
    return f"{labels} cases" if labels.isdigit() else f"{labels} of cases" if labels.endswith("%") else labels


def score_text(mean: Mean) -> str:
    """One mean in words: name, AUROC and interval."""
    return f"{mean.embedding} {mean.auroc:.3f} [{mean.low:.3f}, {mean.high:.3f}]"
