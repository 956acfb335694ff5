"""What NeuroNarrator reports of EEG and topographic maps, on parts of the same data sets, and how it asks.

Its pools are its own test people, its maps the voltage at a segment's middle sample.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Published:
    """Its name of a data set, its pool in segments, and R@1, R@10 and mean rank of the map from EEG and of EEG."""

    name: str
    pool: int
    to_map: tuple[float, float, float]
    to_eeg: tuple[float, float, float]


PUBLISHED = {
    "ds004504": Published("AD-65", 1382, (0.884, 0.997, 1.4), (0.920, 0.998, 1.2)),
    "adhd_nasrabadi": Published("ADHD-Child", 330, (0.873, 0.985, 2.6), (0.888, 0.982, 1.9)),
    "mdd_husm": Published("MDD-64", 1466, (0.860, 0.991, 1.5), (0.877, 0.991, 1.5)),
    "eegmat": Published("Workload", 90, (0.944, 1.0, 1.2), (0.967, 0.989, 1.1)),
}
"""By the site's name in a cohort."""

PEOPLE = (
    "its people of test are not named: these are others of the same data sets, and of some not as many",
    "R@5 and intervals are not published",
)
POWER_DIFFERENCES = (
    "its maps are the voltage at one sample, drawn as a picture and read by a frozen CLIP; these are numbers of power "
    "in four bands over ten seconds, and there is no picture",
    "its EEG side is a network on the waveform (LaBraM-Base), aligned with these pictures on 16 data sets; here it is "
    "16 tokens of a spectrogram, and a tokenizer that was not made for maps",
    *PEOPLE,
)
VOLTAGE_DIFFERENCES = (
    "its maps are drawn as pictures and read by a frozen CLIP, which loses some of them; here a map is its 19 numbers "
    "without their level, and a small network reads them",
    "its EEG side is LaBraM-Base over all ten seconds at 200 Hz, trained on 16 data sets; here a small network sees "
    "what is around the middle sample at 100 Hz, knows where the middle is, and was trained on people of this cohort",
    *PEOPLE,
)
