"""clef.inpaint: a session of a store, a recording, and mistakes in one line."""

import json

import pytest

from tests.helpers import must, run
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore


def inpaint(folder, **settings):
    return run(folder / "said", "clef.inpaint", **{"out": folder / "page", "device": "cpu", "steps": 3} | settings)


def test_it_draws_a_session_of_a_store(tiny_recon, tiny_store, tmp_path):
    session = str(TokenStore(tiny_store).load().session_id[0])
    hide = {"seconds": "[11,19]", "hertz": "[8,14]"}
    done = must(inpaint(tmp_path, model=tiny_recon, tokens=tiny_store, session=session, **hide))
    report = json.loads((tmp_path / "page" / "inpaint.json").read_text())
    assert report["protocol"]["seconds"] == [10, 20] and report["protocol"]["hertz"] == [8, 14]
    assert report["protocol"]["hidden_tokens"] == 3  # a column of 10 s, three rows of 2 Hz
    assert report["cells_db"]["filled"] > 0 and report["cells_db"]["median"] > 0 and "codes_db" not in report
    assert 2 < report["tokens"]["cross_entropy_nats"] < 8  # 64 codes and hardly any training: near log 64
    assert session in done.out and (tmp_path / "page" / "inpaint.png").read_bytes()[:4] == b"\x89PNG"


def test_it_draws_a_recording_without_naming_it(tiny_recon, tiny_cohort, tmp_path):
    file = tiny_cohort / read_sessions(tiny_cohort)["path"][0]
    named = tmp_path / "Planted-Name.edf"
    named.write_bytes(file.read_bytes())
    done = must(inpaint(tmp_path, model=tiny_recon, recording=named, hertz="[8,14]", channels="[Cz]"))
    text = (tmp_path / "page" / "inpaint.json").read_text()
    report = json.loads(text)
    assert "Planted" not in text + done.out + done.err
    assert report["cells_db"]["median"] is None and report["cells_db"]["training mean"] > 0  # all is hidden
    assert report["codes_db"] > 0 and report["protocol"]["seen"] is None


@pytest.mark.parametrize(
    "settings, said, code",
    (
        ({"seconds": "[0,10]"}, "either tokens=", 2),
        ({"tokens": "store", "session": "nobody", "seconds": "[0,10]"}, "name one of", 2),
        ({"tokens": "store", "session": "first"}, "nothing to hide", 2),
        ({"tokens": "store", "session": "first", "hertz": "[14,8]"}, "expected [from,to]", 2),
        ({"tokens": "store", "session": "first", "seconds": "[0,10]", "channels": "[Oz]"}, "'Oz' is none of", 2),
        ({"tokens": "store", "session": "first", "seconds": "[500,600]"}, "nothing valid there", 1),
        ({"tokens": "store", "session": "first", "seconds": "[0,600]"}, "leave something", 1),
    ),
)
def test_mistakes_are_one_line(tiny_recon, tiny_store, tmp_path, settings, said, code):
    first = str(TokenStore(tiny_store).load().session_id[0])
    named = {"store": str(tiny_store), "first": first}
    done = inpaint(tmp_path, model=tiny_recon, **{k: named.get(v, v) for k, v in settings.items()})
    assert done.code == code and said in done.err and "Traceback" not in done.err
    assert not (tmp_path / "page").exists()
