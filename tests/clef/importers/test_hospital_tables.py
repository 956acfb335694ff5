"""Sixty labels tables as hospitals have them: each is read as it was meant, or refused with the words that help."""

import time
from datetime import datetime

import pytest

from clef.importers.folder import FolderImport, read_labels, read_recordings
from clef.importers.targets import parse_target

FILES = ("a.edf", "B.EDF", "deep/c.edf", "deep/Größe.edf", "twice/c.edf", "d.edf", "d.bdf")
DATE = datetime(2020, 12, 31, 10)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("EEG Müller (2020)")
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


def table(root, data: str | bytes, targets=(), **settings):
    """The recordings of a table, as they would be checked and written, and what was said of it."""
    path = root / "labels.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    config = FolderImport(root=root, labels=path, site="here", out=root / "out", targets=list(targets), **settings)
    labels, left_out = read_labels(config), {}
    chosen = [parse_target(target, labels.table.columns) for target in targets]
    recordings = read_recordings(labels, chosen, config, left_out.setdefault("all", _Reasons()))
    return recordings, labels.table.notes, left_out["all"]


class _Reasons(dict):
    def __missing__(self, reason):
        return self.setdefault(reason, [])


def seen(recording) -> dict:
    """What a recording says, without what it does not say."""
    values = {"file": recording.shown, "subject": recording.subject, "age": recording.age, "sex": recording.sex}
    values |= {"start": recording.start, "split": recording.split, "setting": recording.setting}
    codes = [code.split("//", 2)[2] for _, code, _ in recording.events]
    return {name: value for name, value in values.items() if value is not None} | ({"codes": codes} if codes else {})


A, B = {"file": "a.edf", "subject": "p1"}, {"file": "B.EDF", "subject": "p2"}
C, D = {"file": "deep/c.edf", "subject": "p3"}, {"file": "deep/Größe.edf", "subject": "p4"}
PLAIN = "file,subject,age\na.edf,p1,45\nB.EDF,p2,61\n"
OLD = [A | {"age": 45}, B | {"age": 61}]
UMLAUT = "file;subject;age\ndeep/Größe.edf;Jörg;45\n"
BIG = [D | {"subject": "Jörg", "age": 45}]


def of(column: str, *cells: str, separator: str = ";") -> str:
    """A table of two recordings with one more column."""
    rows = zip(("a.edf", "B.EDF", "deep/c.edf", "deep/Größe.edf"), ("p1", "p2", "p3", "p4"), cells, strict=False)
    return "\n".join(separator.join(row) for row in [("file", "subject", column), *rows]) + "\n"


def both(one: datetime, other: datetime = DATE) -> list[dict]:
    """Two recordings with a start."""
    return [A | {"start": one}, B | {"start": other}]


READ = {
    "commas": (PLAIN, {}, OLD),
    "semicolons": (PLAIN.replace(",", ";"), {}, OLD),
    "tabs": (PLAIN.replace(",", "\t"), {}, OLD),
    "bars": (PLAIN.replace(",", "|"), {}, OLD),
    "windows line ends": (PLAIN.replace("\n", "\r\n"), {}, OLD),
    "old mac line ends": (PLAIN.replace("\n", "\r"), {}, OLD),
    "utf-8 with mark": (UMLAUT.encode("utf-8-sig"), {}, BIG),
    "utf-16 little": (b"\xff\xfe" + UMLAUT.encode("utf-16-le"), {}, BIG),
    "utf-16 big": (b"\xfe\xff" + UMLAUT.encode("utf-16-be"), {}, BIG),
    "utf-16 without mark": (PLAIN.encode("utf-16-le"), {}, OLD),
    "latin-1": (UMLAUT.encode("latin-1"), {}, BIG),
    "windows-1252": ((UMLAUT + "a.edf;p–1;45\n").encode("cp1252"), {}, [*BIG, A | {"subject": "p–1", "age": 45}]),
    "excel's sep line": ("sep=;\r\n" + PLAIN.replace(",", ";"), {}, OLD),
    "a title above": ("EEG-Liste Neurologie;;\nStand: 31.12.2020;;\n\n" + PLAIN.replace(",", ";"), {}, OLD),
    "quoted cells": ('"file","subject","age"\n"a.edf","p1","45"\n"B.EDF","p2","61"\n', {}, OLD),
    "a quoted line break": ('file,subject,note\na.edf,p1,"one\ntwo, three"\nB.EDF,p2,\n', {}, [A, B]),
    "separators at the ends": ("file;subject;age;;\na.edf;p1;45;;\nB.EDF;p2;61;;\n", {}, OLD),
    "empty lines": (PLAIN.replace("\n", "\n\n") + ",,\n,,\n", {}, OLD),
    "blanks around cells": ("file , subject, age\n a.edf , p1 , 45\nB.EDF,p2,61 \n", {}, OLD),
    "no line end at the end": (PLAIN.rstrip(), {}, OLD),
    "a column of row numbers": (",file,subject,age\n0,a.edf,p1,45\n1,B.EDF,p2,61\n", {}, OLD),
    "a column twice, alike": ("file,subject,age,age\na.edf,p1,45,45\nB.EDF,p2,61,61\n", {}, OLD),
    "short lines": ("file,subject,age,note\na.edf,p1,45\nB.EDF,p2,61,x\n", {}, OLD),
    "german names": ("Dateiname;Patienten-ID;Alter\na.edf;p1;45\nB.EDF;p2;61\n", {}, OLD),
    "names with signs": ("File_Name,Patient ID,Age (years)\na.edf,p1,45\nB.EDF,p2,61\n", {}, OLD),
    "names that are told": (
        *("Kurve;Fallnr\na.edf;p1\nB.EDF;p2\n", {"columns": ["file=Kurve", "subject=Fallnr"]}),
        [A, B],
    ),
    "one of two is told": (
        *("file,patient_id,pid\na.edf,p1,7\nB.EDF,p2,8\n", {"columns": ["subject=patient_id"]}),
        [A, B],
    ),
    "a column not to be read": (of("sex", "1", "2"), {"columns": ["sex="]}, [A, B]),
    "decimal comma": (of("age", "45,5", "61,0"), {}, [A | {"age": 45.5}, B | {"age": 61}]),
    "decimal comma quoted": (of("age", '"45,5"', "61", separator=","), {}, [A | {"age": 45.5}, B | {"age": 61}]),
    "years in words": (of("age", "45 y", "61 J."), {}, OLD),
    "months and years": (of("age", "18 months", "61 Jahre"), {}, [A | {"age": 1.5}, B | {"age": 61}]),
    "more than 89": (of("age", ">89", "85+"), {}, [A | {"age": 90}, B | {"age": 85}]),
    "ages not known": (of("age", "k.A.", "45", "?"), {}, [A, B | {"age": 45}, C]),
    "w and m": (of("Geschlecht", "w", "m"), {}, [A | {"sex": "F"}, B | {"sex": "M"}]),
    "words for sex": (of("Gender", "weiblich", "MALE"), {}, [A | {"sex": "F"}, B | {"sex": "M"}]),
    "codes for sex, told": (of("sex", "1", "2"), {"sex": ["1=M", "2=F"]}, [A | {"sex": "M"}, B | {"sex": "F"}]),
    "h and m, told": (
        of("sexo", "h", "m"),
        {"columns": ["sex=sexo"], "sex": ["h=M", "m=F"]},
        [A | {"sex": "M"}, B | {"sex": "F"}],
    ),
    "german dates": (of("Datum", "31.12.2020 10:00", "31.12.2020 10:00 Uhr"), {}, both(DATE)),
    "iso dates with zones": (of("start", "2020-12-31T10:00:00Z", "2020-12-31 10:00:00"), {}, both(DATE)),
    "a day above 12 tells": (of("start", "31/12/2020 10:00", "02/03/2020"), {}, both(DATE, datetime(2020, 3, 2))),
    "american dates": (of("start", "12/31/2020 10:00 AM", "03/02/2020"), {}, both(DATE, datetime(2020, 3, 2))),
    "dates in words": (of("start", "31-DEC-2020 10:00", "31. Dezember 2020 10:00"), {}, both(DATE)),
    "order of dates, told": (
        of("start", "03/04/2020", "05/06/2020"),
        {"dates": "mdy"},
        both(datetime(2020, 3, 4), datetime(2020, 5, 6)),
    ),
    "words for splits": (
        of("split", "Training", "dev", "eval", "held-out"),
        {},
        [A | {"split": "train"}, B | {"split": "val"}, C | {"split": "test"}, D | {"split": "test"}],
    ),
    "backslashes": ("file,subject\ndeep\\c.edf,p1\n", {}, [C | {"subject": "p1"}]),
    "paths of windows": (
        "file,subject\nD:\\EEG\\2020\\deep\\c.edf,p1\nD:\\EEG\\2020\\a.edf,p2\n",
        {},
        [C | {"subject": "p1"}, A | {"subject": "p2"}],
    ),
    "paths of another machine": ("file,subject\n/mnt/eeg/deep/c.edf,p1\n", {}, [C | {"subject": "p1"}]),
    "another letter case": ("file,subject\nA.EDF,p1\nb.edf,p2\nDEEP/c.edf,p3\n", {}, [A, B, C]),
    "no suffix": ("file,subject\na,p1\nb,p2\n", {}, [A, B]),
    "unicode in two forms": ("file,subject\ndeep/Gro\u0308\u00dfe.edf,p1\n", {}, [D | {"subject": "p1"}]),
    "a name alone": ("file,subject\nGröße.edf,p1\n", {}, [D | {"subject": "p1"}]),
    "missing labels": (
        of("dx", "epilepsy", "NA", "keine Angabe", "none"),
        {"targets": ["dx"]},
        [A | {"codes": ["dx//epilepsy"]}, B, C, D | {"codes": ["dx//none"]}],
    ),
    "plus and minus": (
        of("spikes", "+", "-", "?"),
        {"targets": ["spikes"]},
        [A | {"codes": ["spikes//+"]}, B | {"codes": ["spikes//-"]}, C],
    ),
    "a score that is cut": (
        of("mmse", "18", "24", "n.a.", "23,5"),
        {"targets": ["mmse<24"]},
        [A | {"codes": ["mmse<24//yes"]}, B | {"codes": ["mmse<24//no"]}, C, D | {"codes": ["mmse<24//yes"]}],
    ),
    "subjects not known": ("file,subject\na.edf,unknown\nB.EDF,p2\n", {}, [B]),
}
REFUSED = {
    "codes for sex": (
        of("sex", "1", "0"),
        {},
        "is '0', '1', and nothing says what that means; say it, as sex=[0=F,1=M]",
    ),
    "h and m": (of("sexe", "h", "m"), {}, "sex (column 'sexe') is 'h', 'm', and nothing says"),
    "dates in two ways": (
        of("start", "03/04/2020", "05/06/2020"),
        {},
        "like '03/04/…', which may begin with the day or with the month; say it, as dates=dmy",
    ),
    "dates that disagree": (of("start", "31/12/2020", "12/31/2020"), {}, "dates=dmy or dates=mdy"),
    "days of a spreadsheet": (
        of("start", "44196", "44197"),
        {},
        "none of the 2 cells for start (column 'start') is understood",
    ),
    "years of birth": (
        of("age", "1975", "1959"),
        {},
        "holds years or dates of birth (lines 2, 3); expected the age in years",
    ),
    "dates of birth": (
        of("Alter", "1.5.1975", "3.10.1959"),
        {},
        "the column for age (column 'Alter') holds years or dates of birth",
    ),
    "two subjects": (
        "file,patient_id,pid\na.edf,p1,7\nB.EDF,p2,8\n",
        {},
        "'patient_id' and 'pid' may both be the column 'subject'; say which, as columns=[subject=patient_id]",
    ),
    "a column twice": (
        "file,subject,dx,dx\na.edf,p1,x,y\n",
        {"targets": ["dx"]},
        "column 'dx' stands there twice with different cells",
    ),
    "no subject": (
        "file;Kennung;Alter\na.edf;p1;45\n",
        {},
        "the table has file, Kennung, Alter; say which it is, as columns=[subject=NAME]",
    ),
    "a column that is not there": (
        PLAIN,
        {"columns": ["file=Datei"]},
        "no column 'Datei' for columns=[file=Datei]; the table has file, subject, age",
    ),
    "decimal comma among commas": (
        "file,subject,age\na.edf,p1,45,5\n",
        {},
        "line 2 has 4 cells under 3 columns; a cell with the separator in it (45,5) needs",
    ),
    "no names of columns": (
        "a.edf;p1;45\nB.EDF;p2;61\n",
        {},
        "no line names the columns; expected columns file and subject",
    ),
    "an excel file": (
        b"PK\x03\x04" + bytes(100),
        {},
        "an Excel or OpenDocument file, not a text; save the table as CSV (UTF-8)",
    ),
    "an old excel file": (b"\xd0\xcf\x11\xe0" + bytes(100), {}, "an old Excel file, not a text"),
    "nothing": (b"", {}, "is empty; expected a line of column names"),
    "bytes": (bytes(range(256)) * 4, {}, "not a text"),
    "quotes that do not close": (
        'file,subject\na.edf,"p1\n',
        {},
        "on line 2 the quotes around cells do not come in pairs",
    ),
    "a split of another kind": (
        of("split", "train", "fold 3"),
        {},
        "is a value on line 3, which is something else than train, val, test",
    ),
    "a score as label": (
        "file;subject;mmse\n" + "".join(f"{i}.edf;p{i};{i}\n" for i in range(12)),
        {"targets": ["mmse"]},
        "12 different numbers are no label; cut them where it matters, as 'targets=[mmse<6]'",
    ),
    "decimals as label": (
        of("score", "0,5", "1,5", "2"),
        {"targets": ["score"]},
        "targets=score: 3 different numbers are no label",
    ),
    "words that are cut": (
        of("dx", "18", "mild"),
        {"targets": ["dx<24"]},
        "targets=dx<24: 1 of 2 cells of dx are no numbers",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_table_is_read_as_it_was_meant(root, name):
    data, settings, expected = READ[name]
    recordings, _, _ = table(root, data, **settings)
    assert [seen(recording) for recording in recordings] == expected


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_could_be_misread_is_refused_with_what_helps(root, name):
    data, settings, words = REFUSED[name]
    with pytest.raises(ValueError) as caught:
        table(root, data, **settings)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_there_are_sixty():
    assert len(READ) + len(REFUSED) >= 60


def test_a_name_that_fits_several_files_is_left_out_and_so_said(root):
    recordings, _, left_out = table(root, "file,subject\nc.edf,p1\nd,p2\na.edf,p3\n")
    assert [r.shown for r in recordings] == ["a.edf"] and list(left_out.values()) == [["c.edf", "d"]]
    assert "several files" in next(iter(left_out))


def test_what_was_taken_for_what_is_said(root):
    data = ("Liste;;;\nDateiname;Patient;Datum;Split\nA;p1;31/12/2020;dev\n").encode("latin-1")
    notes = "; ".join(table(root, data)[1])
    for words in (
        "semicolons",
        "1 lines above",
        "file: 'Dateiname', subject: 'Patient', start: 'Datum'",
        "begin with the day",
    ):
        assert words in notes, words
    assert "dev is val" in notes and "1 names without their suffix" in notes


def test_empty_labels_are_counted_and_said(root, caplog):
    caplog.set_level("INFO")
    table(root, of("dx", "epilepsy", "NA", "NA", ""), targets=["dx"])
    assert "dx: 3 of 4 cells are empty and give no label (NA 2, nothing 1)" in caplog.text


def test_a_cell_is_quoted_only_if_two_people_have_it(root):
    with pytest.raises(ValueError, match="is 'fold 1' on lines 2, 3"):
        table(root, of("split", "fold 1", "fold 1"))
    with pytest.raises(ValueError) as caught:
        table(root, of("split", "Anna Example", "train"))
    assert "Anna" not in str(caught.value)


def test_a_long_table_takes_time_by_its_length_alone(root):
    lines = (f"a.edf;p{i};{'wm'[i % 2]};{i % 28 + 1}.12.2020" for i in range(20_000))
    began = time.process_time()
    recordings, _, _ = table(root, "file;subject;sex;start\n" + "\n".join(lines))
    assert len(recordings) == 20_000 and time.process_time() - began < 6
