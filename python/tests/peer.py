"""An HTTP server that misbehaves as it is told: each answer is one of a list; for a client's patience."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    """A request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What to answer. Status 0: the connection is closed without a word."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    #: The answer breaks off: less comes than `Content-Length` says.
    broken: bool = False


@dataclass
class Peer:
    """The server: its address and what it has seen. Beyond its answers it says 500."""

    url: str
    answers: list[Answer]
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def peer(*answers: Answer) -> Iterator[Peer]:
    """Serves for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            here.seen.append(Seen(self.command, self.path, headers, body))
            one = (
                here.answers.pop(0)
                if here.answers
                else Answer(500, b'{"code":"internal","detail":"no answer is left"}')
            )
            self.close_connection = True
            if one.status == 0:
                return
            self.send_response(one.status)
            self.send_header("content-length", str(len(one.body) + one.broken))
            # Said, so that no client tries this connection again and counts a failure that was never seen here.
            self.send_header("connection", "close")
            for name, value in one.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(one.body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Peer(f"http://127.0.0.1:{server.server_port}", list(answers))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
