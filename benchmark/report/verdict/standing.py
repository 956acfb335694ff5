"""One embedding beside the controls scored with it, as the rules of the verdict look at it.

It is held against the best control by the paired difference of means over tasks, and is above it only if three things
hold: the interval excludes zero against every control; its mean is the higher one in every draw, whoever was labelled
and however many; and both were read the same way. Nothing is corrected for the number of comparisons: to be above all
of them is the harder thing.
"""

from collections.abc import Mapping
from functools import cached_property

from benchmark.report.verdict.whole import Run, score_text
from benchmark.scores.comparing import Mean, differences
from benchmark.scores.eligibility import unknown_training
from benchmark.scores.results import Results

READOUT = ("pool", "norm", "level", "layer", "shuffle", "tokenizer")
"""What two embeddings have in common if training is all that tells their weights apart."""
AT_HEADS = {"pool", "norm"}
"""Not asked of an embedding read at its heads: these are trained weights, with a pooling and a length of their own."""


class Standing(Run):
    """One embedding among the controls."""

    def __init__(self, results: Results, mean: Mean) -> None:
        super().__init__(results)
        self.mean, self.name, self.seen = mean, mean.embedding, mean.overlap
        pairs = differences(results.scored)
        self.ahead = {d.worse: d for d in pairs if d.better == self.name}
        self.apart = {name: (d.by, d.low, d.high) for name, d in self.ahead.items()}
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

    @property
    def every_draw(self) -> bool:
        """Whether it is above the rival in every draw of labelled people."""
        return self.rival.embedding in self.ahead and self.ahead[self.rival.embedding].every_draw

    @property
    def doubt(self) -> str:
        """Why a difference is not taken for shown."""
        return f"holds, but not in each of {self.draws}" if self.is_above(self.rival) else "does not hold"

    @property
    def metadata(self) -> Mean | None:
        """A control that knows nothing of the EEG, does better than guessing, and that it is not above."""
        return self._nuisance(matched_away=True)

    @property
    def acquisition(self) -> Mean | None:
        """The same of a control that knows how the recording was made, which holds some EEG."""
        return self._nuisance(matched_away=False)

    def _nuisance(self, matched_away: bool) -> Mean | None:
        kinds = {m.embedding: self.encoders[m.embedding] for m in self.controls}
        known = [m for m in self.controls if kinds[m.embedding].nuisance and m.low > 0.5 and not self.is_above(m)]
        return next((m for m in known if kinds[m.embedding].matched_away == matched_away), None)

    @property
    def is_unknown(self) -> bool:
        """Whether its file does not say whom its model was trained on."""
        return self.name in self.results.stores and unknown_training(self.results.stores[self.name])

    @property
    def other_readout(self) -> str:
        """In what the best control was read otherwise; empty if in nothing, or if it is there in the same one, too."""
        encoder = self.encoders[self.rival.embedding]
        twins = [n for n, e in self.encoders.items() if e == encoder and not self._unlike(n)]
        return "" if twins else self._unlike(self.rival.embedding)

    @property
    def mixed_readout(self) -> str:
        """In what ablations were read otherwise, but for the best control, of which the verdict speaks."""
        ablations = [m.embedding for m in self.controls if self.role(m.embedding) == "ablation"]
        return ", ".join(odd for n in ablations if (odd := self._unlike(n)) and odd != self.other_readout)

    def _unlike(self, name: str) -> str:
        """In what a control was read otherwise, as `codes: pool=rows and not mean`; empty if in nothing."""
        mine, other = self._config(self.name), self._config(name)
        keys = set(READOUT) - (AT_HEADS if mine.get("head", "none") != "none" else set())
        odd = [key for key in READOUT if key in keys & mine.keys() & other.keys() and mine[key] != other[key]]
        return ", ".join(f"{name}: {key}={other[key]} and not {mine[key]}" for key in odd)

    def _config(self, name: str) -> Mapping:
        return self.results.stores[name].config if name in self.results.stores else {}

    @property
    def score(self) -> str:
        return score_text(self.mean)

    @property
    def best(self) -> str:
        return f"{self.rival.embedding} {self.rival.auroc:.3f}"

    @property
    def by(self) -> str:
        return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*self.difference)
