"""Eighty sentences from the usual forms of clinical EEG reports, with what rules should make of them.

Written by hand before the rules were tuned. A seeded hash cuts them into halves: the rules were tuned on TUNED alone,
KEPT was opened once, at the end. Then 40 of 40 summaries of KEPT were right (34 with the rules of before) and 37 of 40
findings; its three faults were mended. LATER, forty more, were written after that: 38 of 40 summaries and 37 of 40
findings were right when it was opened. All are right now, so that a new number needs new sentences. Texts are invented.
"""

import hashlib
from typing import NamedTuple


class Case(NamedTuple):
    """A text; words its summary keeps and words it must not (no words to keep: the summary is empty); its findings."""

    text: str
    keep: tuple[str, ...]
    drop: tuple[str, ...]
    findings: str


def case(text: str, keep: str = "", drop: str = "", findings: str = "") -> Case:
    """One row; lists are written with " / " between."""
    kept, dropped = (tuple(part for part in words.split(" / ") if part) for words in (keep, drop))
    return Case(text, kept, dropped, findings)


SENTENCES = [
    # background and posterior dominant rhythm
    case("The background is symmetric and consists of a mixture of alpha and beta frequencies.",
         "background / symmetric / alpha and beta"),
    case("During wakefulness, the posterior dominant rhythm was a well-formed 9-10 Hz alpha rhythm that attenuated "
         "with eye opening.", "posterior dominant rhythm / 9-10 hz / attenuated with eye opening", "",
         "awake present, pdr present"),
    case("A PDR of 8.5 Hz is seen bilaterally, reactive to eye closure.",
         "posterior dominant rhythm / 8.5 hz / reactive", "", "pdr present"),
    case("No posterior dominant rhythm could be identified.", "no posterior dominant rhythm", "", "pdr absent"),
    case("PDR: Absent", "no posterior dominant rhythm", "", "pdr absent"),
    case("The background is discontinuous with burst suppression, with interburst intervals of 5 to 10 seconds.",
         "discontinuous / burst suppression", "", "burst_suppression present"),
    case("There is excess diffuse beta activity, likely secondary to benzodiazepine use.", "excess diffuse beta",
         "benzodiazepine", "diffuse_beta present"),
    case("Background amplitudes are low throughout the record.", "amplitudes are low", "", "low_voltage present"),
    case("The background was unreactive to noxious stimulation in this comatose 67-year-old man after cardiac arrest.",
         "unreactive", "67 / man / cardiac arrest"),
    case("Background: Diffuse theta and delta slowing, 5-6 Hz, without reactivity.",
         "diffuse theta and delta slowing / without reactivity", "", "generalised_slowing present"),
    # slowing
    case("There is mild to moderate generalized slowing of the background.", "generalised slowing of the background",
         "", "generalised_slowing present"),
    case("Intermittent polymorphic delta slowing was noted over the right temporal region.",
         "polymorphic delta slowing / right temporal", "", "focal_slowing present right temporal"),
    case("Continuous focal slowing in the left frontotemporal region suggests an underlying structural lesion such as "
         "a glioblastoma.", "focal slowing in the left frontotemporal", "glioblastoma",
         "focal_slowing present left frontotemporal"),
    case("No focal slowing, persistent asymmetry or epileptiform abnormality was recorded.",
         "no focal slowing / asymmetry / epileptiform", "", "focal_slowing absent, spikes absent"),
    case("There was no focal or generalised slowing.", "no focal or generalised slowing", "",
         "focal_slowing absent, generalised_slowing absent"),
    case("Mild left hemispheric slowing, maximal in the parietal leads.", "left hemispheric slowing / parietal", "",
         "focal_slowing present left parietal"),
    case("Moderate diffuse slowing consistent with a metabolic or toxic encephalopathy.", "diffuse slowing",
         "encephalopathy / metabolic", "generalised_slowing present"),
    case("Generalised slowing is not seen, but there is intermittent theta over the left temporal area.",
         "generalised slowing is not seen / left temporal", "",
         "generalised_slowing absent, focal_slowing present left temporal"),
    # spikes
    case("Frequent left anterior temporal sharp waves with a maximum at F7 and T3.",
         "left anterior temporal sharp waves / f7", "", "spikes present left temporal"),
    case("Occasional generalised 4 Hz polyspike-and-wave discharges occurred during photic stimulation.",
         "generalised 4 hz polyspike-and-wave / photic", "", "spikes present"),
    case("There were no clear epileptiform discharges.", "no clear epileptiform discharges", "", "spikes absent"),
    case("Bilateral independent centrotemporal spikes, more frequent on the right.",
         "bilateral / centrotemporal spikes", "", "spikes present both centrotemporal"),
    case("Multifocal spikes were seen over both hemispheres in this 3-month-old infant.",
         "multifocal spikes / both hemispheres", "3-month / infant", "spikes present both"),
    case("Wicket spikes were noted over the left temporal region, a normal variant.", "wicket spikes", "",
         "wicket present left temporal"),
    case("Small sharp spikes (BETS) were seen in drowsiness.", "small sharp spikes / drowsiness", "",
         "bets present, n1 present"),
    case("Interictal epileptiform discharges: Rare right frontal spike and wave discharges.",
         "right frontal spike and wave", "", "spikes present right frontal"),
    case("Photic stimulation did not elicit a photoparoxysmal response.", "did not elicit a photoparoxysmal response",
         "", "ppr absent"),
    case("A photoparoxysmal response was elicited at 15 Hz.", "photoparoxysmal response was elicited / 15 hz", "",
         "ppr present"),
    # periodic and rhythmic patterns
    case("GPDs with triphasic morphology at 1.5 Hz.", "generalised periodic discharges / triphasic / 1.5 hz", "",
         "gpd present"),
    case("Continuous PLEDs over the right parieto-occipital region at 1 Hz.",
         "lateralised periodic discharges / right parietooccipital", "", "lpd present right parietooccipital"),
    case("Bilateral independent periodic discharges were recorded for 20 minutes.",
         "bilateral independent periodic discharges", "", "bipd present"),
    case("There were no periodic discharges or rhythmic delta activity.", "no periodic discharges / rhythmic delta", "",
         "lpd absent, gpd absent, bipd absent, lrda absent, grda absent"),
    case("FIRDA was present intermittently.", "frontal intermittent rhythmic delta", "", "grda present"),
    case("Left temporal LRDA at 2 Hz without evolution.", "left temporal lateralised rhythmic delta", "",
         "lrda present left temporal"),
    # seizures
    case("Three electrographic seizures arose from the right temporal region, lasting 60 to 90 seconds.",
         "electrographic seizures / right temporal", "", "seizure present right temporal"),
    case("No electrographic or electroclinical seizures were captured.", "no electrographic / seizures", "",
         "seizure absent"),
    case("Findings are consistent with nonconvulsive status epilepticus.", "nonconvulsive status epilepticus", "",
         "status present"),
    case("Push-button events: Two events without EEG correlate.", "without eeg correlate", ""),
    case("The patient had a typical absence seizure with 3 Hz generalised spike-and-wave discharges on EEG.",
         "absence seizure / 3 hz generalised spike-and-wave", "", "seizure present, spikes present"),
    case("A typical event of right arm shaking had no electrographic correlate.", "no electrographic correlate", ""),
    # sleep
    case("Stage N2 sleep was reached, with symmetric sleep spindles and K complexes.", "spindles / k complexes", "",
         "n2 present, spindles present, k_complexes present"),
    case("Sleep was not obtained.", "sleep was not obtained", "", "n1 absent, n2 absent"),
    case("Drowsiness was characterised by slow rolling eye movements; vertex sharp waves were seen.",
         "drowsiness / vertex sharp waves", "", "n1 present, vertex_waves present"),
    case("POSTS were present in light sleep.", "posts / sleep", "", "posts present, n1 present"),
    case("Sleep spindles are asymmetric, reduced over the left hemisphere.", "spindles are asymmetric / left", "",
         "spindles present"),
    # artefact
    case("The record is obscured by muscle and movement artifact for most of its duration.",
         "muscle and movement artefact", ""),
    case("Due to excessive electrode artifact the recording is uninterpretable.", "uninterpretable", "",
         "uninterpretable present"),
    case("A breach rhythm is seen over the left central region, consistent with prior craniotomy.",
         "breach rhythm / left central", "craniotomy", "breach present left central"),
    # history, earlier studies, relatives
    case("Previous EEG showed left temporal spikes.", "", "spikes"),
    case("A prior study demonstrated generalised slowing and GPDs.", "", "slowing / periodic"),
    case("EEG in 2015 captured two seizures from the left temporal lobe.", "", "seizures"),
    case("Seizures were reported by the family.", "", "seizures"),
    case("His mother describes staring spells and generalized tonic-clonic seizures in sleep.", "",
         "seizures / mother"),
    case("The patient has had intractable seizures since childhood and takes lamotrigine and clobazam.", "",
         "seizures / lamotrigine / clobazam"),
    case("Compared with the previous recording, the right frontal sharp waves are less frequent.",
         "right frontal sharp waves", "", "spikes present right frontal"),
    case("The previously described left temporal spikes are no longer seen.", "left temporal spikes / no longer seen",
         "", "spikes absent left temporal"),
    case("Last year's EEG was normal; today's recording shows left occipital spikes.", "left occipital spikes",
         "normal", "spikes present left occipital"),
    case("An outside EEG reportedly showed bilateral spikes, but none were seen in the present recording.", "",
         "bilateral spikes"),
    case("No prior study was available for comparison.", "", "prior"),
    case("Nursing staff noted eye blinking and rhythmic jerking, concerning for seizure.", "", "seizure / nursing"),
    case("CLINICAL HISTORY: 6 year old girl with febrile seizures.\nIMPRESSION: Normal EEG in wakefulness and sleep.",
         "normal eeg in wakefulness and sleep", "febrile / girl", "normal present, awake present"),
    # verdicts
    case("This is a normal awake EEG for a 7 year old.", "normal awake eeg", "7 / year",
         "normal present, awake present"),
    case("IMPRESSION: Normal EEG for age. There is no evidence of epilepsy.", "normal eeg", "epilepsy",
         "normal present"),
    case("IMPRESSION: Abnormal EEG due to 1) generalized slowing, 2) right frontal spikes.",
         "abnormal eeg / generalised slowing / right frontal spikes", "",
         "abnormal present, generalised_slowing present, spikes present right frontal"),
    case("This awake and asleep EEG is within normal limits.", "within normal limits", "",
         "normal present, awake present"),
    case("Mildly abnormal EEG because of intermittent left temporal slowing, in a patient with known meningioma.",
         "abnormal eeg / left temporal slowing", "meningioma", "abnormal present, focal_slowing present left temporal"),
    case("A normal EEG does not exclude a diagnosis of epilepsy.", "", "epilepsy"),
    case("Conclusion: No abnormality was detected in this 45-minute recording.", "no abnormality", "",
         "abnormal absent"),
    # possibility and doubt
    case("Possible sharp waves over the left occipital region, versus artefact.",
         "possible sharp waves / left occipital", "", "spikes possible left occipital"),
    case("Nonconvulsive seizures cannot be excluded on the basis of this routine study.", "seizures cannot be excluded",
         "", "seizure possible"),
    case("Sharply contoured theta over the right temporal region is suspicious for epileptiform activity.",
         "right temporal / suspicious for epileptiform", "", "focal_slowing present right temporal, spikes possible"),
    case("There may be subtle slowing over the left frontal region.", "may be / slowing over the left frontal", "",
         "focal_slowing possible left frontal"),
    case("Questionable right temporal spikes were seen once.", "questionable right temporal spikes", "",
         "spikes possible right temporal"),
    # the person, drugs, illnesses in sentences of the tracing
    case("Burst suppression while on propofol and midazolam infusions.", "burst suppression", "propofol / midazolam",
         "burst_suppression present"),
    case("Triphasic waves, as seen in hepatic failure or cefepime toxicity.", "triphasic waves", "hepatic / cefepime"),
    case("After 2 mg of lorazepam the discharges resolved and the background improved.", "", "lorazepam"),
    case("Left temporal spikes support the diagnosis of temporal lobe epilepsy.", "left temporal spikes", "epilepsy",
         "spikes present left temporal"),
    case("These findings are typical of Creutzfeldt-Jakob disease.", "", "creutzfeldt"),
    case("Generalised periodic discharges in this patient with anoxic brain injury on levetiracetam.",
         "generalised periodic discharges", "anoxic / levetiracetam", "gpd present"),
    case("Recommend MRI to evaluate for hippocampal sclerosis and continue Keppra.", "", "sclerosis / keppra"),
]  # fmt: skip
LATER = [
    case("The posterior background consists of 9 Hz alpha activity, symmetric and reactive.", "9 hz alpha"),
    case("A 7.5 Hz posterior dominant rhythm is present bilaterally.", "7.5 hz", "", "pdr present"),
    case("The posterior dominant rhythm is not well sustained.", "posterior dominant rhythm", "", "pdr present"),
    case("Severe diffuse slowing with superimposed GPDs.", "diffuse slowing / periodic", "",
         "generalised_slowing present, gpd present"),
    case("Intermittent left frontal and right temporal sharp waves were recorded.", "left frontal / right temporal", "",
         "spikes present both"),
    case("Neither focal slowing nor epileptiform discharges were observed.", "neither / nor epileptiform", "",
         "focal_slowing absent, spikes absent"),
    case("The study is negative for seizures.", "negative for seizures", "", "seizure absent"),
    case("No seizures occurred during 24 hours of monitoring.", "no seizures", "", "seizure absent"),
    case("Two brief electrographic seizures with onset at C4 were captured.", "electrographic seizures / c4", "",
         "seizure present right central"),
    case("Rhythmic 2 Hz LRDA over the left hemisphere.", "lateralised rhythmic delta / left", "", "lrda present left"),
    case("Burst suppression was not seen.", "burst suppression was not seen", "", "burst_suppression absent"),
    case("Well-formed vertex waves and spindles appeared in stage 2 sleep.", "vertex waves / spindles", "",
         "vertex_waves present, spindles present, n2 present"),
    case("The patient did not fall asleep; sleep was not recorded.", "sleep was not recorded", "",
         "n1 absent, n2 absent"),
    case("Rare 14 and 6 Hz positive spikes, a benign variant.", "positive spikes", ""),
    case("Wickets over both temporal regions.", "wickets", "", "wicket present both temporal"),
    case("Possible left central spikes, although artefact cannot be excluded.", "left central spikes", "",
         "spikes possible left central"),
    case("It is not possible to rule out focal seizures.", "rule out focal seizures", "", "seizure possible"),
    case("The patient's wife describes nocturnal seizures.", "", "seizures / wife"),
    case("Her previous EEGs were normal.", "", "normal"),
    case("An EEG from 2018 had shown generalised spike-and-wave discharges.", "", "spike"),
    case("As compared with the study of yesterday, the GPDs have become less frequent.", "periodic discharges", "",
         "gpd present"),
    case("He is known to have juvenile myoclonic epilepsy and takes valproate.", "",
         "epilepsy / valproate / myoclonic"),
    case("Excess beta activity, probably due to clonazepam.", "excess beta", "clonazepam", "diffuse_beta present"),
    case("Right frontal slowing over a known meningioma.", "right frontal slowing", "meningioma",
         "focal_slowing present right frontal"),
    case("Triphasic waves are typical of hepatic encephalopathy.", "triphasic waves", "hepatic"),
    case("Abnormal awake EEG due to frequent bitemporal sharp waves, left more than right.", "abnormal / bitemporal",
         "", "abnormal present, awake present, spikes present both temporal"),
    case("Impression: Normal study in the awake and drowsy state.", "normal study", "",
         "normal present, awake present, n1 present"),
    case("This EEG does not show any epileptiform activity.", "does not show any epileptiform", "", "spikes absent"),
    case("The EEG is of low voltage without clear alpha rhythm.", "low voltage / without clear alpha", "",
         "low_voltage present, pdr absent"),
    case("Periodic discharges are absent.", "periodic discharges are absent", "",
         "lpd absent, gpd absent, bipd absent"),
    case("Right LPDs evolving into electrographic seizures.", "lateralised periodic / seizures", "",
         "lpd present right, seizure present"),
    case("EEG in this 4-year-old with Dravet syndrome shows multifocal spikes.", "multifocal spikes", "dravet / 4-year",
         "spikes present"),
    case("No change in the background after lorazepam.", "", "lorazepam"),
    case("Photic stimulation: photoparoxysmal response at 18 Hz.", "photoparoxysmal response at 18 hz", "",
         "ppr present"),
    case("Eye blinks and ECG artefact are present.", "artefact", ""),
    case("ESES with more than 85% of slow wave sleep.", "sleep", "", "eses present"),
    case("Occipital intermittent slowing on the right.", "slowing on the right", "",
         "focal_slowing present right occipital"),
    case("There is no persistent asymmetry and no generalised slowing.", "no persistent asymmetry / no generalised", "",
         "generalised_slowing absent"),
    case("Abundant left centroparietal spike-wave discharges in sleep.", "left centroparietal", "",
         "spikes present left centroparietal"),
    case("Recording limited by movement; uninterpretable.", "uninterpretable", "", "uninterpretable present"),
]  # fmt: skip
"""Forty more, written when KEPT had been opened and its three faults mended: a number that nothing was tuned on."""


def _rank(row: Case) -> str:
    return hashlib.sha256(f"halves 13 {row.text}".encode()).hexdigest()


_RANKED = sorted(SENTENCES, key=_rank)
TUNED, KEPT = _RANKED[: len(_RANKED) // 2], _RANKED[len(_RANKED) // 2 :]
