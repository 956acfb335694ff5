"""The course of a synthetic session: what each of its minutes holds, and the order in which the minutes come.

The unit is the minute. First **what** the minutes hold is drawn, all of them: stages of sleep and wakefulness, how good
the alpha rhythm and how strong its reaction, how many sharp transients, seizures, muscle. None of it knows the causes
planted in the order. Then the causes decide **in which order** these minutes come, and nothing else. So no statistic of
a session's minutes that ignores their order, be it of single minutes or of all together, tells such a cause from its
absence, and a session whose minutes are shuffled has lost it.

| latent             | 1 and 0                                                                     | cause           |
|--------------------|-----------------------------------------------------------------------------|-----------------|
| order_sleep_early  | sleep comes early · late                                                    | melatonin       |
| order_sleep_broken | sleep returns after arousals, in bouts · one block                          | restless legs   |
| order_rem_late     | REM-like minutes follow slow-wave sleep · precede it                        | venlafaxine     |
| order_after_waking | sharp transients cluster right after waking · in other waking minutes       | hypersomnia     |
| order_upward       | alpha grows and reacts better from minute to minute · fades                 | methylphenidate |
|                    | in intensive care: sedation or suppression deepens · lightens               | midazolam       |
| order_spread_back  | a seizure moves from the frontal lobe to its focus · the other way          | stroke, tumour  |

A night of sleep is squeezed into minutes: a real cycle takes ninety. Sessions below five minutes have shorter units.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

W, N1, N2, N3, REM, COMA = range(6)
STAGES = ("W", "N1", "N2", "N3", "REM", "coma")
MORE_STAGES = (0.3, 0.35, 0.2, 0.15)
"""Chances of N1, N2, N3 and REM for each minute of sleep beyond the first three."""
ORDERS = 96
"""Orders of the waking minutes of which the best is taken."""


@dataclass(frozen=True)
class Course:
    """Minutes of a session in their order: `unit` s each, n of them, and what is left at the end is like `rest`.

    stage (n,) int of STAGES · level (n,) 0 to 1, alpha and its reaction, or the depth of sedation · sharp (n,) mean 1,
    rate of transients · fit (n,) 1 a seizure where it begins or ends, 2 in the frontal lobe · muscle (n,) factor ·
    opening (n,) s into the minute at which eyes open, and for how long, `opened` (n,) s
    """

    unit: int
    stage: np.ndarray
    level: np.ndarray
    sharp: np.ndarray
    fit: np.ndarray
    muscle: np.ndarray
    opening: np.ndarray
    opened: np.ndarray

    def __len__(self) -> int:
        return len(self.stage)

    @property
    def rest(self) -> int:
        """Stage of the seconds that make no whole unit."""
        return COMA if self.stage[0] == COMA else W

    def take(self, order: np.ndarray) -> "Course":
        """The same minutes in another order (n,)."""
        return Course(self.unit, *(getattr(self, name)[order] for name in MINUTE))

    def each_second(self, name: str, seconds: int, rest: float) -> np.ndarray:
        """(seconds,) the values of a field, and `rest` after the last whole unit."""
        values = np.repeat(getattr(self, name), self.unit)
        return np.concatenate([values, np.full(seconds - len(values), rest, values.dtype)])


MINUTE = ("stage", "level", "sharp", "fit", "muscle", "opening", "opened")


def course_of(z: dict[str, Any], seconds: int) -> Course:
    """The course of a session of latents `z`: minutes drawn from its `course_seed`, in the order of its causes."""
    rng = np.random.default_rng(z["course_seed"])
    minutes = draw_minutes(z, seconds, rng)
    return minutes.take(arrange(minutes, z, rng))


def draw_minutes(z: dict[str, Any], seconds: int, rng: np.random.Generator) -> Course:
    """What the minutes hold, in no order. Of `z` it reads what is no cause of an order."""
    unit = max(min(60, seconds // 5), 1)
    n = seconds // unit
    stage = np.full(n, COMA) if z["coma"] else _draw_stages(n, z["drowsy_share"], rng)
    sharp = np.exp(1.1 * rng.standard_normal(n))
    level = rng.permutation((np.arange(n) + rng.random(n)) / n)
    fit, awake = np.zeros(n, int), rng.permutation(np.flatnonzero((stage == W) | (stage == COMA)))
    if z["seizures"]:
        fit[awake[:2]] = (1, 2)
    muscle = np.where(rng.random(n) < 0.2, 4.0, 0.7)
    opened = np.where(stage == W, rng.uniform(0.17, 0.4, n) * unit, 0)
    return Course(unit, stage, level, sharp / sharp.mean(), fit, muscle, rng.uniform(0.1, 0.5, n) * unit, opened)


def _draw_stages(n: int, drowsy_share: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) stages: N2, N3 and REM once at least, more sleep in who is drowsier, two waking minutes at least."""
    asleep = int(np.clip(round(n * (0.4 + 0.5 * drowsy_share)), 3, n - 2))
    more = rng.choice((N1, N2, N3, REM), asleep - 3, p=MORE_STAGES)
    return np.concatenate([np.full(n - asleep, W), (N2, N3, REM), more])


def arrange(minutes: Course, z: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """(n,) the order in which the causes of `z` bring these minutes."""
    sleeping = np.flatnonzero((minutes.stage != W) & (minutes.stage != COMA))
    waking = np.flatnonzero((minutes.stage == W) | (minutes.stage == COMA))
    asleep = _sleep_pattern(len(sleeping), len(waking), z, rng)
    order = np.zeros(len(minutes), int)
    order[asleep] = sleeping[_order_of_sleep(minutes.stage[sleeping], z["order_rem_late"], rng)]
    order[~asleep] = waking[_order_awake(minutes.take(waking), asleep, z, rng)]
    return order


def _sleep_pattern(sleep: int, wake: int, z: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """(sleep + wake,) bool, asleep: a block or bouts, early or late; one waking minute at least after a bout."""
    if not sleep:
        return np.zeros(wake, bool)
    bouts = min(wake, sleep, 2 + (sleep + wake) // 8) if z["order_sleep_broken"] else 1
    spare = wake - bouts  # waking minutes beside the one that ends each bout
    before = int(rng.integers(0, spare // 3 + 1))
    before = before if z["order_sleep_early"] else spare - before
    cuts = np.sort(rng.choice(np.arange(1, sleep), bouts - 1, replace=False)) if bouts > 1 else np.zeros(0, int)
    lengths = np.diff(np.concatenate([[0], cuts, [sleep]]))
    lengths = np.sort(lengths)[::-1] if z["order_sleep_early"] else np.sort(lengths)
    parts = [np.zeros(before, bool)] + [np.arange(length + 1) < length for length in lengths]
    return np.concatenate([*parts, np.zeros(spare - before, bool)])


def _order_of_sleep(stage: np.ndarray, rem_late: bool, rng: np.random.Generator) -> np.ndarray:
    """Order of the sleeping minutes: cycles of N1, N2, N3 of at most six minutes, REM after or before N3 in each."""
    cycles = max(len(stage) // 6, 1)
    number, counted = np.zeros(len(stage), int), rng.permutation(len(stage))
    for kind in (N1, N2, N3, REM):  # each stage is dealt out to the cycles in turn
        mine = counted[stage[counted] == kind]
        number[mine] = np.arange(len(mine)) % cycles
    rank = {N1: 0, REM: 1, N2: 2, N3: 3} if not rem_late else {N1: 0, N2: 2, N3: 3, REM: 4}
    return np.lexsort((rng.random(len(stage)), [rank[int(s)] for s in stage], number))


def _order_awake(minutes: Course, asleep: np.ndarray, z: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Order of the waking (or comatose) minutes that come at `~asleep`: of many, the one that suits the causes best."""
    places = np.flatnonzero(~asleep)
    orders = np.argsort(rng.random((ORDERS, len(places))), axis=1)
    orders[0] = np.argsort(minutes.level)[:: 1 if z["order_upward"] else -1]
    time, level = (_standard(places), _standard(minutes.level))
    upward = (level[orders] * time).mean(1)
    score = upward if z["order_upward"] else -upward
    woken = np.array([place > 0 and asleep[place - 1] for place in places])
    if woken.any() and not woken.all():
        after = (_standard(np.log(minutes.sharp))[orders] * _standard(woken)).mean(1)
        score = score + 1.2 * (after if z["order_after_waking"] else -after)
    if z["seizures"]:
        begins, frontal = (places[(minutes.fit[orders] == kind).argmax(1)] for kind in (1, 2))
        step = begins - frontal if z["order_spread_back"] else frontal - begins
        score = score + np.where(step == 1, 6, np.where(step > 0, 3, 0))
    return orders[score.argmax()]


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() + 1e-9)
