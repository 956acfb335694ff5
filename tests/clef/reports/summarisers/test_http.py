"""Summaries from a server: a real one that hangs, errors, refuses or answers nonsense; nothing is told to anybody."""

import time

import pytest

from clef.reports.summarisers.answers import Answer
from clef.reports.summarisers.http import KEY, HttpConfig, Server
from clef.reports.summarisers.prompt import read_prompt
from tests.clef.reports.summarisers.server import HALF, ChatServer

QUICK = HttpConfig(timeout=0.2, retries=2, backoff=0.01, parallel=2)
SECRET = "Zqxvlk has left spikes."


def answers(server: ChatServer, reports: list[str], config: HttpConfig = QUICK) -> list[Answer]:
    return [answer for _, answer in sorted(Server(server.url, read_prompt(), config).answers(reports))]


def test_every_report_gets_its_own_answer_and_the_question_is_the_prompt():
    with ChatServer(str.upper) as server:
        reports = [f"report {i}" for i in range(7)]
        assert answers(server, reports) == [Answer(report.upper()) for report in reports]
        question = server.questions[0]
    assert question["model"] == "small-model" and question["temperature"] == 0 and not question["stream"]
    assert "Leave out names" in question["messages"][0]["content"] and "# " not in question["messages"][0]["content"]


@pytest.mark.parametrize("bad", (0.6, (500,), (429, ("Retry-After", "0")), b"<html>", HALF, b"{}", b'{"choices": [1]}'))
def test_what_fails_once_is_asked_again(bad):
    replies = iter([bad])
    with ChatServer(lambda report: next(replies, "normal eeg")) as server:
        assert answers(server, ["a"]) == [Answer("normal eeg")]
        assert len(server.questions) == 2


@pytest.mark.parametrize(
    ("bad", "said"),
    (
        (0.5, "no answer within 0.2 s"),
        ((500,), "500 Internal Server Error"),
        (b"[" * 100_000, "no JSON"),
        (HALF, "broke off"),
        (b'{"choices": []}', "no chat completion"),
    ),
)
def test_a_server_that_goes_on_failing_is_one_line_without_the_report(bad, said):
    quick = HttpConfig(timeout=0.2, retries=0, backoff=0, parallel=5)
    with ChatServer(lambda report: bad) as server:
        with pytest.raises(ValueError, match=said) as error:
            answers(server, [SECRET] * 9, quick)
        assert 5 <= len(server.questions) <= 9
    assert "\n" not in str(error.value) and "xvlk" not in str(error.value)


@pytest.mark.parametrize("status", (301, 307, 401, 403, 404))
def test_a_server_that_does_not_want_us_is_asked_once(status):
    with ChatServer(lambda report: (status, ("Location", "http://127.0.0.1:1/"))) as server:
        with pytest.raises(ValueError, match=f"it answers {status}") as error:
            answers(server, [SECRET])
        assert len(server.questions) == 1 and "xvlk" not in str(error.value)


def test_one_report_that_is_not_answered_is_left_and_one_that_is_refused_is_the_rules():
    with ChatServer(lambda report: {"a": (503,), "b": (400,)}.get(report, "normal eeg")) as server:
        got = answers(server, ["a", "b", "c"])
    assert got == [Answer("", "unanswered"), Answer("", "refused"), Answer("normal eeg")]


def test_a_trickle_does_not_hold_it_for_ever():
    with ChatServer(lambda report: [b" "] * 200) as server:
        began = time.monotonic()
        with pytest.raises(ValueError, match="no answer"):
            answers(server, ["a"] * 5, HttpConfig(timeout=0.1, retries=0, parallel=5))
    assert time.monotonic() - began < 5


def test_no_more_questions_a_minute_than_allowed():
    """Counted from the beginning: on a busy machine a late question may stand close to the next one."""
    with ChatServer(lambda report: "normal eeg") as server:
        began = time.monotonic()
        answers(server, ["a", "b", "c", "d"], HttpConfig(per_minute=1200, parallel=4))
        after = [at - began for at in sorted(server.times)]
    assert all(seconds >= 0.05 * number for number, seconds in enumerate(after)) and len(after) == 4


def test_the_key_comes_from_the_environment_and_is_never_said(monkeypatch):
    monkeypatch.setenv(KEY, "sk-planted\n")
    with ChatServer(lambda report: (401,) if report == "b" else "normal eeg") as server:
        assert answers(server, ["a"]) == [Answer("normal eeg")]
        with pytest.raises(ValueError, match=KEY) as error:
            answers(server, ["b"])
        assert server.keys[0] == "Bearer sk-planted" and "planted" not in str(error.value)
        monkeypatch.setenv(KEY, "sk-plan\nted")
        with pytest.raises(ValueError, match=KEY) as error:
            Server(server.url, "")
    assert "ted" not in str(error.value).replace("set it", "")


@pytest.mark.parametrize("url", ("localhost:8080", "ftp://a/b", "http://", "http://a:x/", "http://u:sk-planted@a/v1"))
def test_what_is_no_url_is_one_line_that_does_not_quote_it(url):
    with pytest.raises(ValueError, match="URL") as error:
        Server(url, "")
    assert "planted" not in str(error.value) and "\n" not in str(error.value)


def test_who_cannot_be_reached_is_one_line_and_a_named_model_needs_no_asking(monkeypatch):
    with pytest.raises(ValueError, match="cannot be reached"):
        Server("http://127.0.0.1:1/v1", "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # reports do not go by way of it
    with ChatServer(lambda report: "normal eeg") as server:
        named = Server(f"{server.url}/chat/completions#small-model", "prompt")
        assert named.fingerprint == Server(server.url, "prompt").fingerprint
        assert named.fingerprint != Server(server.url, "another prompt").fingerprint
        assert named.fingerprint != Server(f"{server.url}#large-model", "prompt").fingerprint
        assert [answer.text for _, answer in named.answers(["a"])] == ["normal eeg"]
    assert "this machine" in named.place
    assert "over the network, not encrypted" in Server("http://gpu7.clinic/v1#m", "").place
