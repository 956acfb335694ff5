"""What the EEG of a session shows, drawn from what the person has and takes: the planted truth.

| latent                      | unit      | meaning                                                              |
|-----------------------------|-----------|----------------------------------------------------------------------|
| alpha_hz, alpha_uv          | Hz, µV    | posterior dominant rhythm, RMS over O1 and O2 with eyes closed       |
| asymmetry                   | ln ratio  | frontal alpha, left over right                                       |
| frontal_alpha_uv            | µV        | anteriorised alpha of propofol                                       |
| beta_hz, beta_uv            | Hz, µV    | fast activity                                                        |
| theta_uv                    | µV        | frontocentral theta                                                  |
| slowing                     | degree    | generalised slowing: 0 none, 0.4 mild, 1 marked                      |
| focal, focal_side, _lobe,_hz| degree, ±1| focal slowing; side −1 left, 1 right; upper frequency of the slowing |
| spike_rate, _side, _lobe    | 1/min, ±1 | focal spikes                                                         |
| wave_rate                   | 1/min     | bursts of generalised 3 Hz spike-and-wave                            |
| gpd_hz, lpd_hz              | Hz        | generalised, lateralised periodic discharges; 0 none                 |
| grda_share                  | share     | time with rhythmic delta                                             |
| seizures                    | count     | electrographic seizures                                              |
| suppression                 | share     | time suppressed, in burst suppression                                |
| breach, attenuation         | degree    | on side `defect_side`: fast activity through bone, or loss of voltage|
| drowsy_share, spindle_rate  | share, 1/min | drowsiness; spindles                                              |
| tremor_uv, blink_rate       | µV, 1/min | tremor artefact; blinks with eyes open                               |
| voltage                     | factor    | amplitude of everything cerebral                                     |
| coma                        | bool      | no wakefulness: no eye opening, no blinks, no drowsiness             |
| order_…                      | bool      | of a course alone: which order its minutes come in (see course.py)   |
| course_seed, in_icu          |           | of a course alone: what its minutes hold follows from them           |
| muscle, drift_uv, pops, mains_uv, noise_uv | | artefacts; from site, setting and chance alone                       |
"""

from dataclasses import dataclass

import numpy as np

from clef.importers.synthetic.concepts import has_course
from clef.importers.synthetic.records import Dice

Columns = dict[str, np.ndarray]
LOBES = ("frontal", "temporal", "parietal", "occipital")
LOBE_WEIGHTS = {"stroke": (0.2, 0.5, 0.3, 0.0), "tumour": (0.5, 0.3, 0.1, 0.1), "focal_epilepsy": (0.2, 0.8, 0.0, 0.0),
                "subdural": (0.4, 0.2, 0.4, 0.0)}  # fmt: skip
FOCAL_CHANCE = {"stroke": 0.75, "tumour": 0.7, "subdural": 0.35, "focal_epilepsy": 0.3}
FOCAL_HZ = {"stroke": 2.5, "tumour": 4.5, "subdural": 3.5, "focal_epilepsy": 4.0}


@dataclass(frozen=True)
class Traits(Dice):
    """Dice whose throws stay with the person: a lesion keeps its side, a rhythm most of its frequency (r = 0.64)."""

    person: np.ndarray

    def uniform(self, name: str) -> np.ndarray:
        return Dice(self.seed, int(self.person.max()) + 1).uniform(f"latent {name}")[self.person]

    def normal(self, name: str) -> np.ndarray:
        return 0.8 * super().normal(name) + 0.6 * Dice(self.seed, self.n).normal(f"{name} that day")


def draw_latents(visits: Columns, seed: int) -> Columns:
    """Columns (n sessions,) of the table above."""
    dice = Traits(seed, len(visits["age"]), visits["person"])
    truth = {
        "coma": visits["anoxia"] & (dice.uniform("anoxic") < 0.85) | visits["propofol"] & (dice.uniform("deep") < 0.75)
    }
    for part in (_rhythms, _slowing, _focus, _discharges, _suppression, _defect, _sleep, _artefacts):
        truth |= part(visits, truth, dice)
    return truth | (_order(visits, dice) if has_course(visits) else {})


def _rhythms(v: Columns, truth: Columns, dice: Dice) -> Columns:
    old = (v["age"] - 58) / 15
    hz = 9.9 - 0.35 * old + 0.5 * dice.normal("alpha_hz") - 1.0 * v["alzheimer"] - 0.5 * v["parkinson"]
    hz = hz - 0.9 * v["carbamazepine"] - 0.6 * v["valproate"] - 0.7 * v["encephalopathy"] - 0.4 * v["clozapine"]
    uv = np.log(14) - 0.12 * old + 0.35 * dice.normal("alpha_uv") - 0.45 * v["alzheimer"] - 0.5 * v["alcohol"]
    uv = uv - 0.25 * v["anxiety"] - 0.5 * v["encephalopathy"] - 1.8 * truth["coma"] + 0.15 * v["depression"]
    drugs = (v["lorazepam"], v["clonazepam"], v["clobazam"])
    beta = np.log(2.6) + 0.38 * dice.normal("beta_uv") + 0.75 * np.minimum(sum(drug * 1.0 for drug in drugs), 1.3)
    beta_hz = 18.5 + 2.5 * (drugs[0] * 1.0 - drugs[2]) - 1.0 * drugs[1] + 1.4 * dice.normal("beta_hz")
    theta = np.log(3.5) + 0.3 * dice.normal("theta_uv") + 0.5 * v["quetiapine"] + 0.3 * v["alzheimer"]
    return {
        "alpha_hz": np.clip(hz, 6.2, 12.2), "alpha_uv": np.clip(np.exp(uv), 1, 32),
        "asymmetry": 0.3 * dice.normal("asymmetry") + 0.22 * v["depression"],
        "frontal_alpha_uv": v["propofol"] * (dice.uniform("anterior") < 0.85) * 12 * np.exp(0.3 * dice.normal("front")),
        "beta_hz": np.clip(beta_hz, 13.5, 25), "beta_uv": np.clip(np.exp(beta + 0.3 * v["alcohol"]), 1, 14),
        "theta_uv": np.clip(np.exp(theta + 0.3 * v["clozapine"]), 1, 16),
        "voltage": np.exp(0.18 * dice.normal("voltage") - 0.45 * v["anoxia"] - 0.2 * v["alcohol"]),
    }  # fmt: skip


def _slowing(v: Columns, truth: Columns, dice: Dice) -> Columns:
    degree = 0.08 + 0.1 * dice.normal("slowing") + 0.2 * v["alzheimer"] + 0.1 * v["parkinson"] + 0.3 * v["fentanyl"]
    degree = degree + 0.3 * v["clozapine"] + 0.4 * truth["coma"]
    degree = degree + v["encephalopathy"] * (0.25 + 0.6 * dice.uniform("encephalopathy degree"))
    return {"slowing": np.clip(degree, 0, 1.6)}


def _focus(v: Columns, truth: Columns, dice: Dice) -> Columns:
    """The first disease that slows a lobe decides which; the side is a coin."""
    lobe, hz = np.full(dice.n, "", "<U9"), np.zeros(dice.n)
    for name, chance in FOCAL_CHANCE.items():
        hit = (lobe == "") & v[name] & (dice.uniform(f"focal {name}") < chance)
        lobe = np.where(hit, dice.choice(f"lobe {name}", LOBES, LOBE_WEIGHTS[name]), lobe)
        hz = np.where(hit, FOCAL_HZ[name] + 0.5 * dice.normal("focal_hz"), hz)
    degree = (lobe != "") * np.clip(np.exp(0.3 * dice.normal("focal")), 0.55, 1.8)
    side = np.where(dice.uniform("side") < 0.5, -1, 1)
    return {"focal": degree, "focal_side": side * (lobe != ""), "focal_lobe": lobe, "focal_hz": hz}


def _discharges(v: Columns, truth: Columns, dice: Dice) -> Columns:
    icu, focal = v["setting"] == "icu", truth["focal"] > 0
    chance = 0.68 * v["focal_epilepsy"] * (1 - 0.15 * v["levetiracetam"]) + 0.25 * v["tumour"] * focal
    spikes = dice.uniform("spikes") < np.clip(chance, 0, 0.9)
    waves = dice.uniform("waves") < np.clip(0.7 * v["generalised_epilepsy"] + 0.2 * v["clozapine"], 0, 0.85)
    gpd = dice.uniform("gpd") < v["anoxia"] * truth["coma"] * 0.6 + v["encephalopathy"] * ~v["anoxia"] * (
        0.25 + 0.25 * icu
    )
    lpd = dice.uniform("lpd") < focal * icu * (0.5 * v["stroke"] + 0.3 * v["subdural"] * ~v["stroke"] + 0.1)
    grda = dice.uniform("grda") < np.clip(0.65 * v["hydrocephalus"] + 0.08 * v["encephalopathy"], 0, 0.8)
    fits = dice.uniform("seizure") < 0.2 * v["focal_epilepsy"] * (v["setting"] == "emu") + 0.25 * lpd
    side = np.where(focal, truth["focal_side"], np.where(dice.uniform("spike side") < 0.55, -1, 1))
    lobe = np.where(focal, truth["focal_lobe"], dice.choice("spike lobe", LOBES, LOBE_WEIGHTS["focal_epilepsy"]))
    return {
        "spike_rate": spikes * np.clip(8 * np.exp(0.45 * dice.normal("spike_rate")), 3, 30),
        "spike_side": side * (spikes | lpd | fits), "spike_lobe": np.where(spikes | lpd | fits, lobe, ""),
        "wave_rate": waves * np.clip(2.2 * np.exp(0.4 * dice.normal("wave_rate")), 1, 6),
        "gpd_hz": gpd * (0.7 + 0.8 * dice.uniform("gpd_hz")), "lpd_hz": lpd * (0.6 + 0.7 * dice.uniform("lpd_hz")),
        "grda_share": grda * (0.2 + 0.3 * dice.uniform("grda_share")),
        "seizures": fits * (1 + (dice.uniform("two") < 0.3)),
    }  # fmt: skip


def _suppression(v: Columns, truth: Columns, dice: Dice) -> Columns:
    deep = dice.uniform("suppression") < 0.3 * v["anoxia"] + 0.3 * v["propofol"]
    return {"suppression": deep * truth["coma"] * (0.4 + 0.35 * dice.uniform("suppressed share"))}


def _defect(v: Columns, truth: Columns, dice: Dice) -> Columns:
    operated = dice.uniform("breach") < 0.5 * v["subdural"] + 0.35 * v["tumour"] * ~v["subdural"]
    thick = dice.uniform("attenuation") < 0.6 * v["subdural"]
    coin = np.where(dice.uniform("defect side") < 0.5, -1, 1)
    return {
        "breach": operated * (0.7 + 0.8 * dice.uniform("breach degree")),
        "attenuation": thick * (0.35 + 0.35 * dice.uniform("attenuation degree")),
        "defect_side": np.where(truth["focal"] > 0, truth["focal_side"], coin) * (operated | thick),
    }


def _sleep(v: Columns, truth: Columns, dice: Dice) -> Columns:
    share = 0.1 + 0.11 * dice.normal("drowsy") + 0.2 * v["apnoea"] + 0.1 * v["zolpidem"] + 0.08 * v["fentanyl"]
    share = np.clip(share - 0.08 * v["anxiety"], 0, 0.7) * ~truth["coma"]
    rate = np.exp(0.5 * dice.normal("spindles") + 0.9 * v["zolpidem"] - 0.4 * v["apnoea"]) * (share > 0.05)
    sedated = v["dexmedetomidine"] & (dice.uniform("sedated") < 0.85)
    rate = rate + sedated * 6 * np.exp(0.3 * dice.normal("sedation spindles"))
    blinks = 12 * np.exp(0.4 * dice.normal("blinks") + 0.5 * v["anxiety"] - 0.5 * v["parkinson"]) * ~truth["coma"]
    tremor = v["parkinson"] * (dice.uniform("tremor") < 0.5) * 11 * np.exp(0.3 * dice.normal("tremor_uv"))
    return {"drowsy_share": share, "spindle_rate": rate, "blink_rate": blinks, "tremor_uv": tremor}


def _order(v: Columns, dice: Dice) -> Columns:
    """Which order the minutes of a course come in, which one cause each decides, with few exceptions."""
    icu = v["setting"] == "icu"
    causes = {
        "order_sleep_early": v["melatonin"],
        "order_sleep_broken": v["restless_legs"],
        "order_rem_late": v["venlafaxine"],
        "order_after_waking": v["hypersomnia"],
        "order_upward": np.where(icu, v["midazolam"], v["methylphenidate"]),
    }
    columns = {name: dice.uniform(name) < np.where(cause, 0.95, 0.05) for name, cause in causes.items()}
    lesion = v["stroke"] | v["tumour"]
    columns["order_spread_back"] = dice.uniform("order_spread_back") < np.where(lesion, 0.9, 0.1)
    day = Dice(dice.seed, dice.n)
    return columns | {"in_icu": icu, "course_seed": (day.uniform("course") * 2**52).astype(np.int64)}


def _artefacts(v: Columns, truth: Columns, dice: Dice) -> Columns:
    icu, site_b = v["setting"] == "icu", v["site"] == "B"
    return {
        "muscle": np.exp(0.6 * dice.normal("muscle")) * np.where(icu, 0.6, 1.0),
        "drift_uv": 6 * np.exp(0.5 * dice.normal("drift")), "pops": dice.rng("pops").poisson(1 + 1.5 * icu, dice.n),
        "mains_uv": np.exp(0.8 * dice.normal("mains")) * np.where(icu, 1.5, 0.4),
        "noise_uv": np.where(site_b, 0.9, 0.5) * np.exp(0.2 * dice.normal("noise")),
    }  # fmt: skip


def draw_findings(truth: Columns, seed: int, error: float = 0.03) -> Columns:
    """What the reader reports of `truth`: one bool column (n sessions,) per finding code.

    A finding that is present is missed with probability `error`; one that is not is reported three times less often.
    """
    dice, seen = Dice(seed, len(truth["slowing"])), {}
    for name, present in true_findings(truth).items():
        chance = np.where(present, 1 - error, error / 3 if name not in NEVER_INVENTED else 0)
        seen[name] = dice.uniform(f"reader {name}") < chance
    abnormal = np.any([seen[name] for name in ABNORMAL], axis=0)
    seen |= {"abnormal": abnormal, "normal": ~abnormal}
    return {f"FINDING//{name}": reported for name, reported in seen.items()}


NEVER_INVENTED = ("awake", "seizure", "burst_suppression", "gpd", "lpd")
ABNORMAL = ("focal_slowing", "generalised_slowing", "spikes", "gpd", "lpd", "grda", "seizure", "burst_suppression",
            "low_voltage", "attenuation", "breach")  # fmt: skip


def true_findings(truth: Columns) -> Columns:
    """The findings that `truth` amounts to, before human error, by name."""
    return {
        "awake": ~truth["coma"],
        "drowsy": truth["drowsy_share"] > 0.15,
        "spindles": truth["spindle_rate"] > 2.2,
        "pdr": (truth["alpha_hz"] >= 8) & (truth["alpha_uv"] * truth["voltage"] > 7) & ~truth["coma"],
        "diffuse_beta": truth["beta_uv"] > 4.4,
        "focal_slowing": truth["focal"] > 0,
        "generalised_slowing": truth["slowing"] > 0.35,
        "spikes": (truth["spike_rate"] > 0) | (truth["wave_rate"] > 0),
        "gpd": truth["gpd_hz"] > 0,
        "lpd": truth["lpd_hz"] > 0,
        "grda": truth["grda_share"] > 0,
        "seizure": truth["seizures"] > 0,
        "burst_suppression": truth["suppression"] > 0,
        "breach": truth["breach"] > 0,
        "attenuation": truth["attenuation"] > 0,
        "low_voltage": truth["voltage"] < 0.72,
    } | (_findings_of_order(truth) if "course_seed" in truth else {})


def _findings_of_order(truth: Columns) -> Columns:
    awake = ~truth["coma"]
    return {
        "early_sleep": truth["order_sleep_early"] & awake,
        "fragmented_sleep": truth["order_sleep_broken"] & awake,
        "deepening": truth["order_upward"] & truth["in_icu"],
    }
