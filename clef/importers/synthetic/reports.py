"""The neurologist's report of a synthetic session: sections, varied wording, negations, a side and a lobe.

The reader states what `clef.importers.synthetic.latents.draw_findings` says was seen, which is the truth with a few
misses; degrees, sides and frequencies come from the latents. Each site writes under its own headings. No names.
"""

import numpy as np

from clef.importers.synthetic.concepts import concepts_of

HEADINGS = {
    "A": ("HISTORY", "TECHNIQUE", "BACKGROUND", "ABNORMALITIES", "IMPRESSION"),
    "B": ("Clinical information", "Recording", "Background activity", "Abnormal findings", "Conclusion"),
    "C": ("Reason for study", "Procedure", "Description", "Abnormal activity", "Interpretation"),
}
QUESTIONS = ("Episodes of altered awareness.", "Question of seizures.", "Confusion.",
             "Spell with loss of consciousness.", "Follow-up study.", "Altered mental status.",
             "Evaluate for epileptiform activity.")  # fmt: skip
CHATTER = ("The study was technically adequate.", "A single-lead ECG was unremarkable.",
           "Hyperventilation was deferred.", "Clinical correlation is advised.", "Photic stimulation was not done.",
           "No prior study was available for comparison.")  # fmt: skip
NEGATIVES = {
    "spikes": ("No epileptiform discharges were seen.", "There were no spikes or sharp waves.",
               "Epileptiform activity is absent."),
    "focal_slowing": ("No focal slowing was seen.", "There is no focal slowing or persistent asymmetry.", ""),
    "generalised_slowing": ("There is no generalised slowing.", "", ""),
    "seizure": ("No electrographic seizures were recorded.", "No seizures occurred.", ""),
    "periodic": ("No periodic discharges.", "There were no periodic or rhythmic patterns.", ""),
}  # fmt: skip


ORDERS = {
    "early": ("Sleep is reached early in the recording.", "The patient falls asleep soon after the start."),
    "late": ("Sleep comes late in the recording.", "After a long period of wakefulness the patient falls asleep."),
    "broken": ("Drowsiness and sleep alternate with wakefulness, with repeated arousals.",
               "Sleep is fragmented by arousals."),
    "block": ("Sleep is continuous until a single arousal.", "One consolidated period of sleep."),
    "rem_late": ("REM sleep follows slow-wave sleep.",),
    "rem_first": ("REM sleep appears before slow-wave sleep.",),
    "after_waking": ("Benign sharp transients cluster after awakening.",),
    "scattered": ("Benign sharp transients occur in established wakefulness.",),
    "rising": ("The alpha rhythm becomes better formed and more reactive towards the end.",),
    "fading": ("The alpha rhythm fades in the course of the recording and reacts less to eye opening.",),
    "deepening": ("In the course of the recording the background becomes slower and deeper.",
                  "Sedation deepens during the study."),
    "lightening": ("The background lightens in the course of the recording.", "Sedation lightens during the study."),
}  # fmt: skip


class Dictation:
    """One report: `z` the latents, `seen` findings by name, `person` facts; wording is drawn from `rng`."""

    def __init__(self, z: dict, seen: dict[str, bool], person: dict, rng: np.random.Generator):
        self.z, self.seen, self.person, self.rng = z, seen, person, rng

    def one(self, *wordings: str) -> str:
        return wordings[int(self.rng.integers(len(wordings)))]

    def report(self) -> str:
        """The whole text, one paragraph per section."""
        sections = (self.history(), self.technique(), self.background(), self.abnormalities(), self.impression())
        headings = HEADINGS[self.person["site"]]
        return "\n\n".join(f"{h}: {' '.join(s for s in text if s)}" for h, text in zip(headings, sections, strict=True))

    def history(self) -> list[str]:
        sex = "woman" if self.person["sex"] == "F" else "man"
        text = [self.one(f"{int(self.person['age'])}-year-old {sex}.", f"A {sex} of {int(self.person['age'])} years.")]
        diseases, medicines = concepts_of(self.person)
        ill = [c.words for c in diseases if self.person[c.name] and self.rng.random() < 0.5]
        drugs = [c.name for c in medicines if self.person[c.name] and self.rng.random() < 0.7]
        if ill:
            text.append(f"{self.one('History of', 'Known', 'Past history:')} {'; '.join(w.lower() for w in ill)}.")
        text.append(self.one(*QUESTIONS))
        if drugs:
            text.append(f"{self.one('Medications:', 'Current medication includes', 'Taking')} {', '.join(drugs)}.")
        return text

    def technique(self) -> list[str]:
        where = {"icu": "at the bedside in intensive care", "emu": "in the epilepsy monitoring unit",
                 "ambulatory": "as an ambulatory study", "routine": "in the laboratory"}  # fmt: skip
        how = self.one("Digital EEG with the 10-20 system", "Scalp EEG with 19 electrodes", "EEG with 10-20 placement")
        return [f"{how} {where[self.person['setting']]}.", self.one(*CHATTER) if self.rng.random() < 0.5 else ""]

    def background(self) -> list[str]:
        return [self.rhythm(), self.beta(), self.slowing(), self.sleep(), self.voltage(), *self.course()]

    def rhythm(self) -> str:
        hz = f"{self.z['alpha_hz']:.1f}" if self.rng.random() < 0.5 else f"{round(2 * self.z['alpha_hz']) / 2:g}"
        if self.seen["pdr"]:
            return self.one(f"In wakefulness a {hz} Hz posterior dominant rhythm is seen, attenuated by eye opening.",
                            f"The posterior dominant rhythm is {hz} Hz, symmetric and reactive.",
                            f"Well-formed alpha of {hz} Hz over the occipital regions.")  # fmt: skip
        if not self.seen["awake"]:
            return self.one("The patient is comatose; no posterior dominant rhythm is present.",
                            "No waking background was recorded; there is no reactivity.")  # fmt: skip
        if self.z["alpha_hz"] < 8:
            return self.one(
                f"The posterior rhythm is slow, {hz} Hz.", f"A {hz} Hz posterior rhythm, slower than normal."
            )
        return self.one(
            "The posterior dominant rhythm is poorly formed.", "No clear posterior dominant rhythm is seen."
        )

    def beta(self) -> str:
        if self.seen["diffuse_beta"]:
            return self.one("Excess diffuse beta activity is present.",
                            "There is prominent beta, a likely drug effect.",
                            f"Diffuse fast activity around {self.z['beta_hz']:.0f} Hz.")  # fmt: skip
        return self.one("", "", "Beta activity is not increased.")

    def slowing(self) -> str:
        if not self.seen["generalised_slowing"]:
            return self.one(*NEGATIVES["generalised_slowing"])
        degree = "mild" if self.z["slowing"] < 0.55 else "moderate" if self.z["slowing"] < 0.95 else "marked"
        return self.one(f"There is {degree} generalised slowing in the theta and delta range.",
                        f"{degree.capitalize()} diffuse slowing of the background.",
                        f"The background shows {degree} generalised polymorphic slow activity.")  # fmt: skip

    def sleep(self) -> str:
        drowsy = ("Drowsiness was recorded, with alpha drop-out and vertex waves.", "The patient became drowsy.")
        sentences = [self.one(*drowsy) if self.seen["drowsy"] else self.one("", "", "Sleep was not recorded.")]
        if self.seen["spindles"]:
            sentences.append(self.one("Sleep spindles are present.", "Frequent spindles over the central regions."))
            sentences[0] = sentences[0].replace("Sleep was not recorded.", "")
        if self.has_course and not self.z["coma"]:
            sentences[0] = sentences[0].replace("Sleep was not recorded.", "")
        return " ".join(text for text in sentences if text)

    @property
    def has_course(self) -> bool:
        return "course_seed" in self.z

    def course(self) -> list[str]:
        """What changed in the course of the recording, where there is a course; not everything is always mentioned."""
        if not self.has_course:
            return []
        z, text = self.z, []
        if not z["coma"]:
            text.append(self.one(*ORDERS["early" if self.seen["early_sleep"] else "late"]))
            text.append(self.one(*ORDERS["broken" if self.seen["fragmented_sleep"] else "block"]))
            text.append(self.one(*ORDERS["rem_late" if z["order_rem_late"] else "rem_first"], ""))
            text.append(self.one(*ORDERS["after_waking" if z["order_after_waking"] else "scattered"], ""))
        if z["in_icu"]:
            text.append(self.one(*ORDERS["deepening" if self.seen["deepening"] else "lightening"]))
        elif self.seen["pdr"]:
            text.append(self.one(*ORDERS["rising" if z["order_upward"] else "fading"], ""))
        return text

    def voltage(self) -> str:
        return self.one("The record is of low voltage.", "Amplitudes are low throughout.") * self.seen["low_voltage"]

    def abnormalities(self) -> list[str]:
        seen = self.seen
        text = [self.focal() if seen["focal_slowing"] else self.one(*NEGATIVES["focal_slowing"])]
        text.append(self.spikes() if seen["spikes"] else self.one(*NEGATIVES["spikes"]))
        patterns = [self.pattern(name) for name in ("gpd", "lpd", "grda") if seen[name]]
        text += patterns or [self.one(*NEGATIVES["periodic"])]
        text.append(self.seizure() if seen["seizure"] else self.one(*NEGATIVES["seizure"]))
        if seen["burst_suppression"]:
            text.append(f"Burst suppression, suppressed about {10 * round(10 * self.z['suppression']):d}% of the time.")
        side = self.side("defect_side")
        if seen["breach"]:
            text.append(
                self.one(f"Breach rhythm over the {side} central region.", f"A {side} breach effect is present.")
            )
        if seen["attenuation"]:
            text.append(self.one(f"Voltage is attenuated over the {side} hemisphere.", f"Attenuation on the {side}."))
        return text

    def side(self, name: str) -> str:
        """Words for a side; a finding the reader invented is given one by chance."""
        return {-1: "left", 1: "right"}.get(int(self.z[name]), self.one("left", "right"))

    def place(self, side: str, lobe: str) -> str:
        return f"{self.side(side)} {self.z[lobe] or 'temporal'}"

    def focal(self) -> str:
        place = self.place("focal_side", "focal_lobe")
        return self.one(f"There is focal slowing over the {place} region.",
                        f"Focal {place} slowing, polymorphic delta.",
                        f"Intermittent focal delta slowing in the {place} area.")  # fmt: skip

    def spikes(self) -> str:
        if self.z["wave_rate"]:
            return self.one("Bursts of generalised 3 Hz spike-and-wave discharges.",
                            "Generalised epileptiform discharges, spike-and-wave, frontally predominant.")  # fmt: skip
        place = self.place("spike_side", "spike_lobe")
        often = "Frequent" if self.z["spike_rate"] > 9 else "Occasional"
        return self.one(f"{often} {place} spikes.", f"{often} epileptiform sharp waves over the {place} region.")

    def pattern(self, name: str) -> str:
        if name == "grda":
            return self.one("Generalised rhythmic delta activity (GRDA), frontally predominant.",
                            "Frontal intermittent rhythmic delta activity.")  # fmt: skip
        hz = f"{self.z[f'{name}_hz']:.1f}"
        if name == "gpd":
            return self.one(f"Generalised periodic discharges (GPDs) at {hz} Hz.",
                            f"Generalised periodic discharges with triphasic morphology at {hz} Hz.")  # fmt: skip
        place = self.place("spike_side", "spike_lobe")
        return f"Lateralised periodic discharges (LPDs) over the {place} region at {hz} Hz."

    def seizure(self) -> str:
        place = self.place("spike_side", "spike_lobe")
        if self.has_course:
            other = "temporal" if self.z["spike_lobe"] == "frontal" else "frontal"
            begins, ends = (
                (other, self.z["spike_lobe"]) if self.z["order_spread_back"] else (self.z["spike_lobe"], other)
            )
            where = f"from the {self.side('spike_side')} {begins} to the {ends} region"
            return f"An electrographic seizure spread {where}, slowing as it went."
        return self.one(f"An electrographic seizure arose from the {place} region, evolving in frequency and field.",
                        f"Seizure with {place} onset.")  # fmt: skip

    def impression(self) -> list[str]:
        if self.seen["normal"]:
            return [self.one("Normal EEG.", "This is a normal recording.", "EEG within normal limits."),
                    self.one("", "A normal EEG does not exclude epilepsy.")]  # fmt: skip
        reasons = [words for name, words in IMPRESSIONS.items() if self.seen[name]]
        start = self.one("Abnormal EEG because of", "Abnormal study due to", "This recording is abnormal:")
        return [f"{start} {', '.join(reasons)}.", self.one("", "", *CHATTER)]


IMPRESSIONS = {
    "seizure": "electrographic seizure", "burst_suppression": "burst suppression",
    "gpd": "generalised periodic discharges", "lpd": "lateralised periodic discharges",
    "spikes": "epileptiform discharges", "focal_slowing": "focal slowing",
    "generalised_slowing": "generalised slowing", "grda": "rhythmic delta activity",
    "attenuation": "asymmetric attenuation", "breach": "breach rhythm", "low_voltage": "low voltage",
}  # fmt: skip
