"""The quality of a session: a row of numbers per electrode, as an EEG technologist would put it.

    from tokenizer.quality.measures import measure
    rows = measure("recording.edf")     # 19 dicts; polars.DataFrame(rows) is the table of `python -m clef.quality`

| column               | unit | meaning                                                                              |
|----------------------|------|--------------------------------------------------------------------------------------|
| channel              |      | electrode                                                                            |
| recorded             |      | whether the file has it                                                              |
| flat_share           | 0–1  | seconds in which the raw channel moves less than 0.5 µV and is at no limit           |
| clipped_share        | 0–1  | samples in plateaus (3 or more equal ones) at the channel's own highest or lowest    |
|                      |      | value: the tops of its waves are cut off, whether by amplifier, converter or export  |
| saturated_share      | 0–1  | those of them in plateaus of 0.1 s and more: the amplifier is blocked                |
| railing_share        | 0–1  | seconds at a limit, or at both in turn, for at least half of it: the amplifier is    |
|                      |      | stuck, or thrown from rail to rail                                                   |
| loud_share           | 0–1  | seconds in which it spans more than 1,000 µV (0.1–75 Hz): movement, a loose electrode|
| mains_share          | 0–1  | power of the 50 or 60 Hz line and its multiples, before the notch, of the power at   |
|                      |      | 1–70 Hz and of the line; in the median 4-s window                                    |
| common_share         | 0–1  | power, of 20-ms differences, that goes when the mean of the other channels is taken  |
|                      |      | away                                                                                 |
| pops_per_minute      | 1/min| abrupt steps at this electrode alone that do not go back at once (see `pops`)        |
| amplitude_uv         | µV   | what it spans in a second (0.1–75 Hz), the median over seconds                       |
| nearest              |      | the electrode it differs least from                                                  |
| nearest_uv2          | µV²  | variance of the difference to it, below 22 Hz, the median second                     |
| nearest_share        | 0–1+ | that variance of its own                                                             |
| usable_seconds       | s    | neither flat nor at a limit nor loud                                                 |
| usable_share         | 0–1  | of the session's real seconds                                                        |
| flags                |      | names of what is beyond its limit in `LIMITS`, "bridged", "left out" and "absent"    |
| session_seconds      | s    | real seconds of the session                                                          |
| session_usable_seconds | s  | those in which at least 8 (`min_channels`) channels are usable                       |
| session_common_share | 0–1  | power of the mean over all channels, of the mean power (`quality.common_share`)      |
| session_common_seconds | 0–1| share of seconds in which that is above 0.75                                         |
| session_mains_hz     | Hz   | 50 or 60 if the reader found a line, else 0                                          |
| session_flags        |      | "common mode", "bad channels", "mains", "little usable": what makes it suspicious    |

Empty (None) is what could not be measured: all of a channel that is not recorded, the mains where the rate does not
hold them. Shares of seconds count a half-recorded second half. Saturation that a later filter has rounded off cannot be
seen, nor can a plateau that is not the extreme of the whole session.

Where these come from. Flat: the IFCN allows an amplifier 1.5 µV of noise (Nuwer et al. 1998, Electroencephalogr Clin
Neurophysiol 106:259), so what moves less than 0.5 µV is connected to nothing. Pops: an abrupt vertical transient at one
electrode that drifts back; what has no field is artefact (Tatum 2013, Neurology 80:S12). Bridges: the electrical
distance of Tenke & Kayser 2001 (Clin Neurophysiol 112:545) with MNE's limit of 16 µV², and relative to the channel's
own power too, since quiet recordings are close everywhere. The limits of the flags are ours: docs/quality.md shows how
97 real recordings fare.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.quality import filtered
from tokenizer.quality.raw import ChannelSeconds, mains_shares, measure_channel
from tokenizer.reading.gate import COMMON, common_share
from tokenizer.reading.read import ReadingConfig, read_with_raw
from tokenizer.recording import Raw, RecordingError, Session

LOUD_UV = 1000.0
"""Spanned in one second. Not less: absence seizures and hypsarrhythmia reach several hundred."""
LIMITS = {
    "flat_share": 0.1,
    "clipped_share": 0.005,
    "saturated_share": 0.01,
    "railing_share": 0.02,
    "loud_share": 0.1,
    "mains_share": 0.5,
    "pops_per_minute": 2.0,
}
"""Above these a channel is flagged with the column's first word (docs/quality.md: what 97 real recordings reach)."""
BRIDGE_SHARE, BRIDGE_UV2 = 0.05, 16.0
"""Below both a channel is "bridged" to its nearest electrode; not in sessions of common mode, where all are alike."""
BAD_FLAGS = ("flat", "clipped", "saturated", "railing", "loud", "left out")
"""Flags that make a channel bad; the others leave most of its EEG in place."""
SUSPICIOUS_BAD_SHARE, SUSPICIOUS_MAINS_SHARE, SUSPICIOUS_USABLE_SHARE = 0.25, 0.8, 0.5
"""A session is suspicious if more than a quarter of its recorded channels are bad, if the mains have more than 0.8 of
the power of its median channel (four times the EEG), or if less than half of its seconds are usable."""


def measure(source: Any, config: ReadingConfig | None = None) -> list[dict[str, Any]]:
    """Measure the quality of one session: 19 rows, one per electrode, with the columns of this module's docstring.

    `source` and `config` as in `tokenizer.read`. Raises RecordingError as that does.
    """
    config = config or ReadingConfig()
    return measure_session(*read_with_raw(source, config), config.min_channels)


def measure_session(session: Session, raw: Raw, min_channels: int = ReadingConfig.min_channels) -> list[dict[str, Any]]:
    """As `measure`, of a session that was read; a second counts as usable with `min_channels` usable channels."""
    seconds = {electrode: measure_channel(raw.load(electrode), raw.segments, raw.rate) for electrode in raw.picks}
    spans = filtered.spans(session)
    usable = np.zeros(spans.shape, bool)
    for electrode, s in seconds.items():
        usable[electrode] = session.channel_ok[electrode] & ~(s.flat | s.cut_off | (spans[electrode] > LOUD_UV))
    columns = _raw_columns(session, raw, seconds) | _signal_columns(session, spans) | _usable_columns(session, usable)
    whole = _session_columns(session, usable, min_channels)
    rows = [_row(c, columns, c in raw.picks, whole["session_common_share"]) for c in range(len(CHANNELS))]
    _flag_left_out(rows, session)
    whole["session_flags"] = _session_flags(whole, rows)
    return [row | whole for row in rows]


def measure_or_refuse(session: Session, raw: Raw, min_channels: int) -> list[dict[str, Any]]:
    """As `measure_session`, for archives: whatever goes wrong is a RecordingError, and stops no other recording."""
    try:
        return measure_session(session, raw, min_channels)
    except Exception as error:  # its text may hold a path or a name
        reason = f"measuring it failed unexpectedly ({type(error).__name__}); please report it"
        raise RecordingError("recording", reason) from None


def _raw_columns(session: Session, raw: Raw, seconds: dict[int, ChannelSeconds]) -> dict[str, Any]:
    columns = {
        name: np.full(len(CHANNELS), np.nan)
        for name in ("flat_share", "clipped_share", "saturated_share", "railing_share")
    }
    for electrode, s in seconds.items():
        columns["flat_share"][electrode] = _share(session, s.flat)
        columns["clipped_share"][electrode] = s.clipped_share
        columns["saturated_share"][electrode] = s.saturated_share
        columns["railing_share"][electrode] = _share(session, s.railing)
    mains = mains_shares(raw, [session.mains_hz] if session.mains_hz else [50, 60])
    columns["mains_share"] = np.where(session.channel_ok, mains, np.nan)
    return columns


def _signal_columns(session: Session, spans: NDArray[np.float32]) -> dict[str, Any]:
    whole = session.valid == 1
    neighbours, uv2, share = filtered.nearest(session)
    amplitude = np.median(spans[:, whole], axis=1) if whole.any() else np.full(len(CHANNELS), np.nan)
    pops = 60 * filtered.pops(session) / max(1, whole.sum())
    return {
        "loud_share": _share(session, spans > LOUD_UV),
        "common_share": filtered.shared(session),
        "pops_per_minute": np.where(session.channel_ok, pops, np.nan),
        "amplitude_uv": np.where(session.channel_ok, amplitude, np.nan),
        "nearest": [CHANNELS[other] if other >= 0 else None for other in neighbours],
        "nearest_uv2": uv2,
        "nearest_share": share,
    }


def _usable_columns(session: Session, usable: NDArray[np.bool_]) -> dict[str, Any]:
    return {"usable_seconds": usable @ session.valid, "usable_share": _share(session, usable)}


def _share(session: Session, mask: NDArray[np.bool_]) -> Any:
    """Share of the session's real time in the seconds of a mask (…, T)."""
    return mask @ session.valid / session.valid.sum()  # a half-recorded second counts half


def _row(c: int, columns: dict[str, Any], recorded: bool, common: float) -> dict[str, Any]:
    row: dict[str, Any] = {"channel": CHANNELS[c], "recorded": recorded}
    for name, values in columns.items():
        value = values[c]
        if not isinstance(value, str):
            value = None if not recorded or value is None or np.isnan(value) else float(value)
        row[name] = value
    row["flags"] = _flags(row, common) if recorded else ["absent"]
    return row


def _flags(row: dict[str, Any], common: float) -> list[str]:
    flags = [name.split("_")[0] for name, limit in LIMITS.items() if (row[name] or 0) > limit]
    close = row["nearest"] and row["nearest_share"] < BRIDGE_SHARE and row["nearest_uv2"] < BRIDGE_UV2
    return flags + ["bridged"] * bool(close and common <= COMMON)  # else the reference makes all of them alike


def _flag_left_out(rows: list[dict[str, Any]], session: Session) -> None:
    """Flag channels that the reader left out though they move: zero in the session, they would look good."""
    for row, ok in zip(rows, session.channel_ok, strict=True):
        if row["recorded"] and not ok and not {"flat", "railing"} & set(row["flags"]):
            row["flags"].append("left out")


def _session_columns(session: Session, usable: NDArray[np.bool_], min_channels: int) -> dict[str, Any]:
    return {
        "session_seconds": session.seconds,
        "session_usable_seconds": float(session.valid[usable.sum(0) >= min_channels].sum()),
        "session_common_share": common_share(session),
        "session_common_seconds": filtered.common_seconds(session, COMMON),
        "session_mains_hz": session.mains_hz,
    }


def _session_flags(whole: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    recorded = [row for row in rows if row["recorded"]]
    bad = sum(bool(set(row["flags"]) & set(BAD_FLAGS)) for row in recorded)
    mains = [row["mains_share"] for row in recorded if row["mains_share"] is not None]
    suspicious = {
        "common mode": whole["session_common_share"] > COMMON,
        "bad channels": bad > SUSPICIOUS_BAD_SHARE * len(recorded),
        "mains": bool(mains) and np.median(mains) > SUSPICIOUS_MAINS_SHARE,
        "little usable": whole["session_usable_seconds"] < SUSPICIOUS_USABLE_SHARE * whole["session_seconds"],
    }
    return [flag for flag, exceeded in suspicious.items() if exceeded]
