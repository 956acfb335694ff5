"""A server that answers chat completions by a model folder, as llama.cpp and vLLM do: to try `http:` on whole cohorts.

    python -m tools.serve_summariser folder=FOLDER port=8080
    python -m clef.summarise cohort=COHORT summariser=http:http://127.0.0.1:8080/v1 prompt=FOLDER/prompt.txt

It answers one question at a time, as the prompt is sent, and listens on this machine alone. `fault=` makes it hang,
fail or talk nonsense from a given question on. It is a rig, not a server for work.
"""

import json
import logging
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from clef.reports.summarisers.hf import HfConfig, LocalModel
from tokenizer.base.cli import program

log = logging.getLogger(__name__)
NONSENSE = "The weather is fine and the cat sleeps on the mat."


@dataclass
class ServeSummariser:
    """Settings of tools.serve_summariser."""

    folder: str = "???"
    """Folder of a model, as transformers saves it."""
    port: int = 8080
    """Port on this machine; 0 takes a free one, which the first line says."""
    fault: Literal["none", "hang", "error", "nonsense", "html"] = "none"
    """What goes wrong: no answer, status 500, a sentence of no report, or a page that is no JSON."""
    after: int = 0
    """Questions that are answered well before that."""


def main(config: ServeSummariser) -> None:
    """Serve until stopped."""
    model = LocalModel(config.folder, "{report}", HfConfig(device="cpu"))
    server = ModelServer(config, model)
    log.info("listening on http://127.0.0.1:%d/v1", server.server_port)
    server.serve_forever(0.1)


class ModelServer(ThreadingHTTPServer):
    """Answers by a model, one question at a time."""

    daemon_threads = True

    def __init__(self, config: ServeSummariser, model: LocalModel) -> None:
        super().__init__(("127.0.0.1", config.port), Handler)
        self.config, self.model, self.one, self.asked = config, model, threading.Lock(), 0

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The completion of a chat of one turn."""
        with self.one:
            ((_, answer),) = self.model.answers([question["messages"][-1]["content"]])
        ended = "length" if answer.failure else "stop"
        return {"choices": [{"message": {"role": "assistant", "content": answer.text}, "finish_reason": ended}]}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: ModelServer

    def log_message(self, *args: Any) -> None:
        """Say nothing: a line could quote a report."""

    def do_GET(self) -> None:
        self._send(200, {"data": [{"id": Path(self.server.config.folder).name}]})

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        config = self.server.config
        fault = config.fault if self.server.asked > config.after else "none"
        if fault == "hang":
            time.sleep(3600)
        elif fault == "error":
            self._send(500, {"error": "out of order"})
        elif fault == "html":
            self._send(200, "<html>welcome</html>")
        elif fault == "nonsense":
            self._send(200, {"choices": [{"message": {"content": NONSENSE}, "finish_reason": "stop"}]})
        else:
            self._send(200, self.server.answer(question))

    def _send(self, status: int, body: Any) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    program(ServeSummariser, main, "tools.serve_summariser")
