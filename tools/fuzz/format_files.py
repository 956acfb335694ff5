"""Recordings of other formats, written from the formats' public descriptions: no reader's own writer is used."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS

STEP = 0.1
"""µV in one digital step."""


def write_brainvision(
    path: Path,
    data: NDArray,
    rate: int = 200,
    unit: str | list[str] = "µV",
    markers: list[tuple[int, str]] = ((1, "20210203123000000000"),),
    layout: str = "MULTIPLEXED",
    resolution: float = STEP,
) -> Path:
    """Header, markers (position, time stamp) and 16-bit data of BrainVision; `data` (C, n) in `unit`."""
    units = [unit] * len(data) if isinstance(unit, str) else unit
    channels = [f"Ch{i + 1}={CHANNELS[i]},,{resolution:g},{units[i]}" for i in range(len(data))]
    head = ["Brain Vision Data Exchange Header File Version 1.0", "[Common Infos]", "Codepage=UTF-8"]
    head += [f"DataFile={path.stem}.eeg", f"MarkerFile={path.stem}.vmrk", "DataFormat=BINARY"]
    head += [f"DataOrientation={layout}", f"DataPoints={data.shape[1]}", f"NumberOfChannels={len(data)}"]
    head += [f"SamplingInterval={1e6 / rate:g}", "[Binary Infos]", "BinaryFormat=INT_16", "[Channel Infos]"]
    path.write_text("\n".join([*head, *channels]), encoding="utf-8")
    lines = [
        f"Mk{i + 1}=New Segment,,{at},1,0" + (f",{stamp}" if stamp else "") for i, (at, stamp) in enumerate(markers)
    ]
    lines.append(f"Mk{len(lines) + 1}=Comment,Mr Doe opens his eyes,77,1,0")
    head = ["Brain Vision Data Exchange Marker File, Version 1.0", "[Common Infos]", "Codepage=UTF-8", "[Marker Infos]"]
    path.with_suffix(".vmrk").write_text("\n".join(head + lines), encoding="utf-8")
    numbers = np.round(data / resolution).astype("<i2")
    path.with_suffix(".eeg").write_bytes((numbers.T if layout == "MULTIPLEXED" else numbers).tobytes())
    return path


def eeglab_fields(data: NDArray, rate: int = 200, events: list[tuple[str, float, float]] = ()) -> dict:
    """The struct EEG of EEGLAB around `data` (C, n) in µV; events are (type, latency from 1, duration in samples)."""
    places = np.zeros(len(data), dtype=[("labels", object), ("type", object)])
    places["labels"], places["type"] = CHANNELS[: len(data)], "EEG"
    table = np.zeros(len(events), dtype=[("type", object), ("latency", object), ("duration", object)])
    for row, (kind, latency, duration) in zip(table, events, strict=True):
        row["type"], row["latency"], row["duration"] = kind, latency, duration
    return {
        **{"setname": "x", "nbchan": len(data), "trials": 1, "pnts": data.shape[1], "srate": float(rate)},
        **{"xmin": 0.0, "xmax": (data.shape[1] - 1) / rate, "data": data.astype(np.float32), "chanlocs": places},
        **{"event": table, "icawinv": [], "icasphere": [], "icaweights": [], "chaninfo": {"nosedir": "+X"}},
    }


def write_eeglab(path: Path, data: NDArray, rate: int = 200, events=(), form: str = "struct") -> Path:
    """A .set file: one struct with all in it ("struct"), its fields side by side ("fields"), or with a .fdt ("fdt")."""
    from scipy.io import savemat

    fields = eeglab_fields(data, rate, events)
    if form == "fdt":
        path.with_suffix(".fdt").write_bytes(data.T.astype("<f4").tobytes())
        fields["data"] = path.with_suffix(".fdt").name
    savemat(path, fields if form == "fields" else {"EEG": fields}, appendmat=False)
    return path


def write_eeglab_hdf5(path: Path, data: NDArray, rate: int = 200, events=()) -> Path:
    """A .set in MATLAB's 7.3 form: HDF5 behind 512 bytes, texts as 16-bit numbers, arrays turned round."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        struct_of, texts = file.create_group("EEG"), file.create_group("#refs#")

        def text(words: str):
            made = texts.create_dataset(str(len(texts)), data=np.array([[ord(c)] for c in words], np.uint16))
            made.attrs["MATLAB_class"] = np.bytes_("char")
            return made.ref

        def column(group, name: str, values: list) -> None:
            references = [text(v) if isinstance(v, str) else number(v) for v in values]
            group.create_dataset(name, data=np.array(references, h5py.ref_dtype).reshape(-1, 1), dtype=h5py.ref_dtype)

        def number(value: float):
            return texts.create_dataset(str(len(texts)), data=np.array([[value]], float)).ref

        for name, value in eeglab_fields(data, rate).items():
            if name not in ("data", "chanlocs", "event", "chaninfo", "setname"):
                struct_of.create_dataset(name, data=np.atleast_2d(np.asarray(value, float)))
        struct_of.create_dataset("data", data=data.T.astype(np.float32))
        column(struct_of.create_group("chanlocs"), "labels", list(CHANNELS[: len(data)]))
        table = struct_of.create_group("event")
        for at, name in enumerate(("type", "latency", "duration")):
            column(table, name, [event[at] for event in events])
    head = b"MATLAB 7.3 MAT-file, HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM"
    with path.open("r+b") as file:
        file.write(head)
    return path


def write_gdf(
    path: Path,
    data: list[NDArray] | NDArray,
    rate: int | list[int] = 200,
    unit: int | str = 4275,
    events: list[tuple[int, int]] = (),
) -> Path:
    """GDF with 16-bit samples in records of 1 s: 2.20, or 1.25 if `unit` is a word; events are (sample from 1, type).

    `data` is C rows in `unit`, each at its own rate if there are several.
    """
    count, rates = len(data), [rate] * len(data) if isinstance(rate, int) else rate
    records, limit = len(data[0]) // rates[0], max(np.abs(row).max() for row in data) * 1.01
    old = isinstance(unit, str)
    if old:
        fixed = b"GDF 1.25" + b"X".ljust(80) + b"X".ljust(80) + b"2021020312300000"
        fixed += struct.pack("<q", 256 * (count + 1)) + bytes(44) + struct.pack("<qIII", records, 1, 1, count)
    else:
        fixed = b"GDF 2.20" + b"X X".ljust(66) + bytes(14) + b"X".ljust(64) + bytes(32)
        fixed += struct.pack("<H", count + 1) + bytes(50) + struct.pack("<qIIHH", records, 1, 1, count, 0)
    each = b"".join(name.encode().ljust(16, b"\0") for name in [*CHANNELS, "ECG"][:count]) + bytes(80 * count)
    each += unit.encode().ljust(8) * count if old else bytes(6 * count) + struct.pack("<H", unit) * count
    each += struct.pack("<d", -limit) * count + struct.pack("<d", limit) * count
    each += b"".join(struct.pack("<q" if old else "<d", digital) * count for digital in (-32767, 32767))
    each += bytes(80 * count) + struct.pack(f"<{count}I", *rates) + struct.pack("<I", 3) * count + bytes(32 * count)
    assert len(fixed + each) == 256 * (count + 1)
    rows = [
        np.round(row[: records * r] * (32767 / limit)).reshape(records, r) for row, r in zip(data, rates, strict=True)
    ]
    table = struct.pack("<B", 1) + (max(rates).to_bytes(3, "little") if old else len(events).to_bytes(3, "little"))
    table += struct.pack("<I", len(events)) if old else struct.pack("<f", max(rates))
    table += struct.pack(f"<{len(events)}I", *[at for at, _ in events])
    table += struct.pack(f"<{len(events)}H", *[kind for _, kind in events])
    path.write_bytes(fixed + each + np.concatenate(rows, 1).astype("<i2").tobytes() + table)
    return path


def write_persyst(path: Path, data: NDArray, rate: int = 200, times: list[tuple[int, float]] = ((0, 45000.0),)) -> Path:
    """A .lay and its .dat of 16-bit integers; `data` (C, n) in µV; times are (sample, second of the day)."""
    names = [f"{CHANNELS[i]}-Ref={i + 1}" for i in range(len(data))]
    head = ["[FileInfo]", f"File={path.stem}.dat", "FileType=Interleaved", f"SamplingRate={rate}", "HeaderLength=0"]
    head += [f"Calibration={STEP}", f"WaveformCount={len(data)}", "DataType=0", "[Patient]", "First=Jane", "Last=Doe"]
    head += ["BirthDate=not/a/date", "Sex=F", "Hand=R", "ID=4711", "TestDate=02/03/2021", "TestTime=12:30:00"]
    head += ["[ChannelMap]", *names, "[SampleTimes]", *(f"{at}={second:f}" for at, second in times)]
    path.write_text("\n".join([*head, "[Comments]", "12.0,0.0,0,100,Doe moves"]) + "\n")
    path.with_suffix(".dat").write_bytes(np.round(data.T / STEP).astype("<i2").tobytes())
    return path
