"""The texts that may stay in an EDF file: closed vocabularies and grammars, never a guess at what looks like a name.

A text is kept where it is made of these words, electrodes and short numbers alone; every other one is replaced,
whatever it says. Sleep stages are in the words of EDF+ (https://www.edfplus.info/specs/edftexts.html), filters as EDF+
writes them: `HP:0.1Hz LP:75Hz N:50Hz`.
"""

import re

from tokenizer.channels import split_name

ANNOTATIONS = (
    *(f"Sleep stage {stage}" for stage in ("W", "1", "2", "3", "4", "R", "N", "N1", "N2", "N3", "?")),
    *("Movement time", "Recording starts", "Recording ends", "Lights off", "Lights on"),
    *("Eyes open", "Eyes closed", "EO", "EC", "Hyperventilation", "HV", "Photic stimulation"),
    *("Photic on", "Photic off", "Impedance check", "Calibration", "Marker", "Trigger", "Pause", "X"),
)
"""Annotations that are kept whole, in any case of letters."""

_WORDS = """
    eeg ecg ekg emg eog eogh eogv veog heog erg ref reference le av avg avr average a1a2 m1m2 gnd ground pol bip ergo
    loc roc luo ldo ruo rdo lat rat l r left right up down chin submental masseter deltoid tibialis
    tib arm leg hand foot neck horizontal vertical upper lower eye eyes
    resp respiration thorax thoracic thor abdomen abdominal abdo abd chest nasal nose oral mouth oro airflow flow
    pressure press cannula therm thermistor thermistors thermocouple effort belt belts cpap rectal temp temperature
    skin snore microphone mic sound light position pos body pleth plethysmogram spo sao osat o co etco pco
    capno ph pulse pulseoximeter oximeter hr rate heart bp sum beats
    photic photo phot stim sti stimulus flash hv event events marker markers button trigger trig trg mark mk status
    annotations edf bdf dc ac aux ext ch chan channel signal sensor input battery cal calibration counter sample crc
    gsr eda gyro gyrox gyroy gyroz acc accx accy accz nz x y z
    ag agcl agagcl gold tin silver chloride steel sintered cup cups disc disk cap needle wet dry gel sponge saline
    electrode electrodes active passive transducer type of and to the surface scalp subdermal unknown none
    differential amplifier software generated
"""
WORDS = frozenset(_WORDS.split())
"""Words of channel names and transducers, in lower case."""

_UNITS = """
    v mv uv nv pv µv μv âµv microv hz khz % bpm /min rpm ohm kohm mohm s ms min m mm cm g mg m/s^2 pa hpa kpa mmhg
    cmh2o l l/s l/min ml ml/s degc degf deg c f us µs ph lx db bit bits boolean none n/a a.u. au
"""
UNITS = frozenset(_UNITS.split())
"""Physical dimensions, in lower case."""

_SITES = "fp aff af fft ffc fcc ft fc f ttp tpp tp t ccp cpp cp c ppo poo po p oi o i n a m cb sp pg".replace(" ", "|")
_SITE = re.compile(rf"(?:{_SITES})(?:z|\d\d?h?)|[a-z]'?\d\d?|e\d{{1,3}}")
_PIECE = re.compile(rf"{_SITE.pattern}|(?:fp|[ftcpo])[\dz](?:ref|le|avg?)|\d\d?[ar]|\d{{1,3}}(?:hz|ms|s|uv|mv|v)")
_COUNTED = re.compile(r"([a-z]+)\d{0,3}")
_NUMBER = re.compile(r"\d{1,3}")
_BREAK = re.compile(r"[\s_/:.,;()\[\]*+\"–-]+")
_HZ = r"-?\d{1,5}(?:\.\d{1,6})?"
_FILTERS = re.compile(
    rf"(?:(?:HP|LP|BP|N|RF|NOTCH)[ :=]*(?:DC|OFF|NONE|{_HZ}(?:-{_HZ})?) ?(?:K?HZ|S)?(?:[ ;,/]+|$))+", re.IGNORECASE
)


def known_words(text: str) -> bool:
    """Whether a channel's name or a transducer is made of known words, electrodes and at most four more digits."""
    pieces = [piece for piece in _BREAK.split(text.lower()) if piece]
    # words of digits are channel numbers or sizes; more than four digits together could be a date or a record number
    digits = "".join(piece for piece in pieces if _NUMBER.fullmatch(piece))
    return len(digits) <= 4 and all(_known(piece) for piece in pieces)


def _known(piece: str) -> bool:
    counted = _COUNTED.fullmatch(piece)  # ECG, ECG2
    in_words = piece in WORDS or (counted is not None and counted[1] in WORDS)
    return in_words or _NUMBER.fullmatch(piece) is not None or _PIECE.fullmatch(piece) is not None


def known_unit(text: str) -> bool:
    """Whether a physical dimension is one."""
    return not text or text.lower() in UNITS


def known_filters(text: str) -> bool:
    """Whether a text is filters and their corners, and nothing else."""
    return not text or _FILTERS.fullmatch(text) is not None


def safe_label(label: str, number: int) -> str:
    """A channel's name as it is if it is made of known words, else its electrode and reference, else its number."""
    if known_words(label):
        return label
    electrode, partner = split_name(label)
    if not _SITE.fullmatch(electrode.lower()):
        return f"CH {number}"
    known = partner is None or (known_words(partner) and len(partner) <= 8)
    return f"EEG {electrode}" + (f"-{partner if known else 'X'}" if partner else "")
