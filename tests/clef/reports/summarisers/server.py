"""A chat server on this machine that answers as it is told to: well, late, with errors, with nonsense, or with half."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HALF = b'{"choices": [{"message": {"content": "normal'


class ChatServer(ThreadingHTTPServer):
    """Answers with what `reply` makes of the report.

    That is a text, (status, headers …), bytes, seconds in which to say nothing, or a list of bytes to trickle.
    """

    daemon_threads = True

    def __init__(self, reply: Callable[[str], Any]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.questions, self.keys = reply, [], []
        self.times: list[float] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: ChatServer

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._say(200, json.dumps({"data": [{"id": "small-model"}]}).encode())

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.questions.append(question)
        self.server.times.append(time.monotonic())
        self.server.keys.append(self.headers.get("Authorization"))
        text = question["messages"][-1]["content"]
        reply = self.server.reply(text.partition("Report:\n")[2].removesuffix("\nSummary:"))
        if isinstance(reply, float):
            time.sleep(reply)
            return
        if isinstance(reply, list):
            self._say(200, b"", promised=len(reply))
            with contextlib.suppress(OSError):  # whom we talk to has gone
                for blank in reply:
                    time.sleep(0.03)
                    self.wfile.write(blank)
        elif isinstance(reply, bytes):
            self._say(200, reply, promised=len(reply) + 100 * (reply == HALF))
        elif isinstance(reply, tuple):
            self._say(reply[0], text.encode(), dict(reply[1:]))  # an error that quotes the report
        else:
            choice = {"message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
            self._say(200, json.dumps({"choices": [choice]}).encode())

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None, promised: int = 0) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(promised or len(body)))
        self.end_headers()
        self.wfile.write(body)
