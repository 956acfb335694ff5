"""Summaries from a server with the chat interface of OpenAI: llama.cpp, vLLM, Ollama, a hospital's own.

Reports go to the URL that was given and nowhere else: proxies of the environment are not used, and no redirect is
followed, which could lead reports and key to another machine. What a server answers is never part of a message: it may
quote the report.
"""

import dataclasses
import http.client
import json
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from clef.reports.summarisers.answers import MAX_TOKENS, VERSION, Answer
from clef.reports.summarisers.prompt import fill
from tokenizer.base.files import fingerprint
from tokenizer.base.limits import check_settings

KEY = "CLEF_API_KEY"
"""The variable of the environment that holds the server's key, if it wants one."""
LARGEST = 1 << 20
"""Bytes of an answer that are read; a summary has a thousand."""
LONGEST_PAUSE = 60.0
"""Seconds between two attempts at most, whatever the server asks for."""
MOST_UNANSWERED = 5
"""Reports in a row without an answer after which the server counts as gone."""
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""States after which the same question may be answered."""
ADVICE = {
    401: f"the server wants a key, or another one: set {KEY}",
    403: f"the server wants a key, or another one: set {KEY}",
    404: "it has no such address or model: URLs usually end in /v1; http:URL#MODEL names the model",
    405: "it has no such address: URLs usually end in /v1",
}


@dataclasses.dataclass
class HttpConfig:
    """How a server is asked."""

    timeout: float = 120.0
    """Seconds to wait for an answer."""
    retries: int = 4
    """Further attempts at a report when the server fails, hangs or answers nonsense."""
    backoff: float = 1.0
    """Seconds before the second attempt; doubled for each further one."""
    per_minute: float = 0.0
    """Reports asked for per minute at most; 0: as fast as the server answers."""
    parallel: int = 4
    """Reports asked for at a time."""


LIMITS = {
    "timeout": (0.01, 3600),
    "retries": (0, 100),
    "backoff": (0, 60),
    "per_minute": (0, 1e6),
    "parallel": (1, 256),
}


class Failed(Exception):
    """An attempt without an answer: why, as a few words; whether and when another makes sense."""

    def __init__(self, reason: str, status: int = 0, pause: float = 0.0):
        super().__init__(reason)
        self.reason, self.status, self.pause = reason, status, pause

    @property
    def again(self) -> bool:
        """Whether the same question may be answered."""
        return self.status in AGAIN or not self.status


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None  # the redirect itself is then the (failed) answer


class Server:
    """A model behind a URL, as `http://HOST:PORT/v1` or, to name one of several models, `http://HOST:PORT/v1#MODEL`.

    Raises ValueError (one line) if the URL is none, or if the server must be asked for its model and does not answer.
    """

    def __init__(self, url: str, prompt: str, config: HttpConfig | None = None):
        self.config, self.prompt = config or HttpConfig(), prompt
        check_settings(self.config, LIMITS, "http")
        self.url, self.host, named = _checked(url)
        self._headers = {"Content-Type": "application/json"} | _authorisation()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
        self._pace = _Pace(self.config.per_minute)
        self.model = named or self._first_model()
        self.fingerprint = fingerprint("http", self.model, prompt, VERSION)
        here = self.host in ("localhost", "127.0.0.1", "::1")
        encrypted = "encrypted" if self.url.startswith("https") else "not encrypted"
        self.place = f"{self.host}, which is this machine" if here else f"{self.host}, over the network, {encrypted}"

    def answers(self, reports: Sequence[str]) -> Iterator[tuple[int, Answer]]:
        """The number and the answer of each report, in the order in which they come.

        Raises ValueError (one line) if the server does not want us, or does not answer several reports in a row.
        """
        unanswered = 0
        for number, answer in _in_parallel(self._ask, reports, self.config.parallel):
            if isinstance(answer, Failed):
                unanswered += 1
                if not answer.again or unanswered == MOST_UNANSWERED:
                    raise ValueError(f"{self.url}: {answer.reason}; what was done is kept: the same command goes on")
                answer = Answer("", "unanswered")
            else:
                unanswered = 0
            yield number, answer

    def _ask(self, report: str) -> Answer:
        """The answer to one report, after as many attempts as it takes. Raises Failed when there have been enough."""
        question = [{"role": "user", "content": fill(self.prompt, report)}]
        body = {"model": self.model, "messages": question, "temperature": 0, "max_tokens": MAX_TOKENS, "stream": False}
        for attempt in range(self.config.retries + 1):
            self._pace.wait()
            try:
                return _answer(self._send("chat/completions", body))
            except Failed as failed:
                if failed.status in (400, 413, 422):  # it would refuse this report again: too long, most often
                    return Answer("", "refused")
                if not failed.again or attempt == self.config.retries:
                    raise
                time.sleep(min(LONGEST_PAUSE, max(failed.pause, self.config.backoff * 2**attempt)))
        raise AssertionError("the last attempt returns or raises")

    def _first_model(self) -> str:
        try:
            models = self._send("models")
            return str(models["data"][0]["id"])
        except Failed as failed:
            raise ValueError(f"{self.url}: {failed.reason}") from None
        except (KeyError, IndexError, TypeError):
            raise ValueError(f"{self.url}: it lists no models; name one, as http:{self.url}#MODEL") from None

    def _send(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the server answers, as JSON. Raises Failed."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, self._headers)
        until = time.monotonic() + self.config.timeout
        try:
            with self._opener.open(request, timeout=self.config.timeout) as response:
                return json.loads(_read(response, until))
        except urllib.error.HTTPError as error:
            error.close()
            raise Failed(_said(error.code), error.code, _retry_after(error)) from None
        except TimeoutError:
            raise Failed(f"no answer within {self.config.timeout:g} s (http.timeout=)") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise Failed(f"no answer within {self.config.timeout:g} s (http.timeout=)") from None
            raise Failed("cannot be reached: is the server running, is the address right?") from None
        except (OSError, http.client.HTTPException):
            raise Failed("the connection broke off") from None
        except (ValueError, RecursionError):  # of JSON and of UTF-8
            raise Failed("what came is no JSON: is this the address of a chat server?") from None


def _checked(url: str) -> tuple[str, str, str]:
    """The address below which things are asked, its host, and the model that is named or ""; ValueError if it is none.

    The message does not quote the URL: a key may stand in it.
    """
    parts = urlsplit(url)
    try:
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # of a port
        whole = False
    if not whole:
        raise ValueError("summariser=http:…: no URL follows; expected as http:http://localhost:8080/v1")
    if parts.username or parts.password or parts.query:
        raise ValueError(f"summariser=http:…: a URL without user, password and query is expected; a key goes in {KEY}")
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}", parts.hostname or "", parts.fragment


def _authorisation() -> dict[str, str]:
    key = os.environ.get(KEY, "").strip()
    if not key:
        return {}
    if not (key.isascii() and key.isprintable() and " " not in key):  # http.client would quote it in its error
        raise ValueError(f"{KEY}: there are characters in it that no key has; set it again")
    return {"Authorization": f"Bearer {key}"}


def _read(response: http.client.HTTPResponse, until: float) -> bytes:
    """The whole answer; TimeoutError if it is not there by `until`: a trickle must not hold us for ever."""
    data = bytearray()
    while block := response.read1(65536):
        data += block
        if time.monotonic() > until:
            raise TimeoutError
        if len(data) > LARGEST:
            raise ValueError
    if response.length:  # fewer bytes than were promised
        raise http.client.IncompleteRead(b"")
    return bytes(data)


def _answer(completion: Any) -> Answer:
    """The answer in a chat completion. Raises Failed if it is none."""
    try:
        choice = completion["choices"][0]
        text = choice["message"]["content"]
        cut = choice.get("finish_reason") == "length"
    except (KeyError, IndexError, TypeError, AttributeError):
        text, cut = None, False
    if not isinstance(text, str):
        raise Failed("what came is no chat completion: is this the address of a chat server?")
    return Answer(text, "cut short" if cut else "")


def _said(status: int) -> str:
    words = http.client.responses.get(status, "")  # not the server's own words
    advice = ADVICE.get(status, "redirects are not followed" if 300 <= status < 400 else "")
    return f"it answers {status} {words}".strip() + (f"; {advice}" if advice else "")


def _retry_after(error: urllib.error.HTTPError) -> float:
    given = error.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdecimal() else 0.0


class _Pace:
    """Keeps questions apart, so that there are never more than `per_minute`."""

    def __init__(self, per_minute: float):
        self._gap = 60 / per_minute if per_minute else 0.0
        self._lock, self._next = threading.Lock(), 0.0

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        time.sleep(turn - now)


def _in_parallel(
    ask: Callable[[str], Answer], reports: Sequence[str], threads: int
) -> Iterator[tuple[int, Answer | Failed]]:
    """Ask in several threads. They end with the process: Ctrl-C does not wait for a server that hangs."""
    jobs: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Answer | Failed | BaseException]] = queue.SimpleQueue()

    def work() -> None:
        while (number := jobs.get()) is not None:
            try:
                done.put((number, ask(reports[number])))
            except Exception as error:
                done.put((number, error))

    coming = iter(range(len(reports)))
    started = min(threads, len(reports))
    for _ in range(started):
        threading.Thread(target=work, daemon=True).start()
        jobs.put(next(coming))
    try:
        for _ in reports:
            number, answer = done.get()
            if isinstance(answer, BaseException) and not isinstance(answer, Failed):
                raise answer
            yield number, answer
            jobs.put(next(coming, None))  # after the answer was put down: whatever stops us loses what is asked alone
    finally:
        for _ in range(started):
            jobs.put(None)
