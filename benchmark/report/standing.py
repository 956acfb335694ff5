"""What the rules of the verdict look at: a run as a whole, and one embedding beside the controls scored with it.

A control is a baseline or an ablation of `benchmark.encoders`, by what its file says or by its name. An embedding is
held against the best control by the paired difference of means over tasks, and is above it only if it is above every
other control, too. Nothing is corrected for the number of comparisons.
"""

from collections.abc import Mapping
from functools import cached_property

from benchmark.encoders.encoder import Encoder
from benchmark.encoders.registry import ENCODERS, with_role
from benchmark.scores.comparing import Mean, differences, mean_scores
from benchmark.scores.eligibility import unknown_training
from benchmark.scores.results import Results

READOUT = ("pool", "layer", "head", "tokenizer")
"""What two embeddings have in common if training is all that tells their weights apart."""


class Run:
    """The run as a whole; texts are for the sentences of the verdict."""

    def __init__(self, results: Results) -> None:
        self.results, self.subjects, self.tasks = results, results.scored.subjects, len(results.scored.tasks)
        self.means = mean_scores(results.scored)
        names = [mean.embedding for mean in self.means]
        self.encoders = {n: e for n in names if (e := results.encoders.get(n) or ENCODERS.get(n))}
        self.controls = [m for m in self.means if self.role(m.embedding) in ("baseline", "ablation")]
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


class Standing(Run):
    """One embedding among the controls."""

    def __init__(self, results: Results, mean: Mean) -> None:
        super().__init__(results)
        self.mean, self.name, self.seen = mean, mean.embedding, mean.overlap
        pairs = differences(results.scored)
        self.apart = {d.worse: (d.by, d.low, d.high) for d in pairs if d.better == self.name}
        self.apart |= {d.better: (-d.by, -d.high, -d.low) for d in pairs if d.worse == self.name}

    @cached_property
    def rival(self) -> Mean | None:
        """The best control that it is not above; the best of all if it is above each; None if there is none."""
        unbeaten = [m for m in self.controls if not self.is_above(m)]
        return next(iter(unbeaten + self.controls), None)

    def is_above(self, control: Mean) -> bool:
        """Whether the interval of the paired difference lies above zero."""
        return self.apart[control.embedding][1] > 0

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """Its mean AUROC minus the rival's, with the interval: (by, low, high)."""
        return self.apart[self.rival.embedding] if self.rival else None

    @cached_property
    def nuisance(self) -> Mean | None:
        """A control that knows hardly anything of the brain, does better than guessing, and that it is not above."""
        known = [m for m in self.controls if self.encoders[m.embedding].nuisance and m.low > 0.5]
        return next((m for m in known if not self.is_above(m)), None)

    @property
    def is_unknown(self) -> bool:
        """Whether its file does not say whom its model was trained on."""
        return self.name in self.results.stores and unknown_training(self.results.stores[self.name])

    @cached_property
    def other_readout(self) -> str:
        """In what the ablations were read otherwise, as `codes: pool=rows and not mean`; empty if in nothing."""
        ablations = [m.embedding for m in self.controls if self.role(m.embedding) == "ablation"]
        mine, parts = self._config(self.name), []
        for name, other in ((name, self._config(name)) for name in ablations):
            odd = [key for key in READOUT if key in mine and key in other and mine[key] != other[key]]
            parts += [f"{name}: {key}={other[key]} and not {mine[key]}" for key in odd]
        return ", ".join(parts)

    def _config(self, name: str) -> Mapping:
        return self.results.stores[name].config if name in self.results.stores else {}

    @property
    def score(self) -> str:
        return f"{self.name} {self.mean.auroc:.3f} [{self.mean.low:.3f}, {self.mean.high:.3f}]"

    @property
    def best(self) -> str:
        return f"{self.rival.embedding} {self.rival.auroc:.3f}"

    @property
    def by(self) -> str:
        return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*self.difference)
