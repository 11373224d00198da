"""Following one job: server-sent events, or looking again and again where the API has none.

A `Follower` does no I/O: it says what to request, is fed what comes, and gives events.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ApiError, DayflyError, Unreachable
from .protocol import RETRIED, Request, Response, Settings, backoff, refusal, retry_after
from .record import JobRecord

#: The server says something every 15 s; a connection without a word for this long is dead, s.
SILENCE = 45.0
#: Seconds between two looks of a follower without a stream.
LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Event:
    """One thing that happened. `type` is an open set, `data` its JSON:

    - `state`: the job as lists show it; first of all, and whenever it has changed
    - `progress`: `{fraction, message}`
    - `log`: `{stream, line, at}`, the old lines first
    - `partial`: `{index, value}`, what a generator has yielded, in order; left out are values of more than 16 kB, and
      all after 512 KiB of them: the result holds them all. A further attempt begins at 0 again
    - `reset`: forget the lines so far, all that is kept comes again
    - `end`: `{id, state}`, after which nothing comes
    """

    type: str
    #: The event's JSON.
    data: Any
    #: Opaque; a stream that breaks goes on after it.
    id: str | None = None


class Lines:
    """Server-sent events out of bytes, however they arrive (WHATWG HTML, 9.2.6)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rest = b""
        self._type = ""
        self._data: list[str] = []
        self._id: str | None = None
        #: Of the last event that was whole.
        self.last_id: str | None = None
        self.retry: float | None = None

    def restart(self) -> None:
        """A new connection: an event that was not whole never happened."""
        self._rest, self._type, self._data, self._id = b"", "", [], self.last_id

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this completes."""
        # A lone CR ends a line too, but our server writes none, and one at a chunk's end may be half of CRLF.
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = []
        for line in lines:
            event = self._line(line.rstrip(b"\r").decode("utf-8", "replace"))
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> Event | None:
        if not line:
            kind, data = self._type or "message", "\n".join(self._data)
            had, self._type, self._data, self.last_id = bool(self._data), "", [], self._id
            return Event(kind, self._settings.loads(data.encode()), self.last_id) if had else None
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isdigit():
            self.retry = int(value) / 1000
        return None


class Follower:
    """One job's events, over as many connections as it takes."""

    def __init__(self, settings: Settings, job: JobRecord) -> None:
        self._settings = settings
        self._job = job
        self._lines = Lines(settings)
        self._failures = 0
        #: When the stream broke, if nothing has come since (monotonic).
        self._away_since: float | None = None
        self._seen: tuple[str | None, Any] = (None, None)
        #: The last event has come.
        self.done = False
        #: The API has no streams: `looked` is to be called with each look at the job.
        self.looks = False

    def request(self) -> Request:
        """What opens the stream, or opens it again where it broke."""
        self._lines.restart()
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if self._lines.last_id:
            headers["last-event-id"] = self._lines.last_id
        return Request("GET", f"/v1/jobs/{self._job.id}/events", (), headers, None, SILENCE)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the answer is a stream, to be fed in. If not, it is to be read whole and given to `refused`."""
        return status == 200 and headers.get("content-type", "").startswith("text/event-stream")

    def refused(self, response: Response) -> float:
        """The answer was no stream. Gives the pause before the next try, s; raises when there is none."""
        if response.status == 204:
            self.done = True
            return 0.0
        error = refusal(response)
        if response.status in (404, 405) and error.code != "unknown_job":
            self.looks = True
            return 0.0
        if response.status not in RETRIED:
            raise error
        return self._pause(error, retry_after(response.headers))

    def broken(self, why: Exception | None) -> float:
        """The connection broke or was ended. Gives the pause before the next, s."""
        error = Unreachable(f"{self._settings.url} does not answer: {why!r}")
        error.__cause__ = why
        return self._pause(error)

    def _pause(self, error: ApiError | Unreachable, at_least: float = 0.0) -> float:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        pause = max(backoff(self._failures), self._lines.retry or 0.0, at_least)
        self._failures += 1
        if now + pause > self._away_since + self._settings.retry_for:
            raise error
        return pause

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this completes, the last one included and none after it."""
        self._failures, self._away_since = 0, None
        events: list[Event] = []
        for event in self._lines.feed(chunk):
            events.append(self._partial(event) or event)
            if event.type == "end":
                self.done = True
                break
        return events

    def _partial(self, event: Event) -> Event | None:
        """What a task of this package has yielded, out of its line of the log."""
        if event.type != "log" or event.data.get("stream") != "event" or '"partial":' not in event.data["line"]:
            return None
        try:
            told = self._settings.loads(event.data["line"].encode())
        except DayflyError:
            # A line of the task's own, and no JSON.
            return None
        if not isinstance(told, dict) or told.keys() != {"partial", "index"}:
            return None
        return Event("partial", {"index": told["index"], "value": told["partial"]}, event.id)

    @property
    def seen_once(self) -> bool:
        """Whether there was a look at the job: the first one is at once, the next may wait for its end."""
        return self._seen[0] is not None

    def looked(self) -> list[Event]:
        """What has changed since the last look at the job."""
        data = self._job.data
        state, progress = self._job.state, data.get("progress")
        events = []
        if state != self._seen[0]:
            left_out = ("input", "result", "attempts")
            events.append(Event("state", {name: value for name, value in data.items() if name not in left_out}))
        if progress and progress != self._seen[1]:
            events.append(Event("progress", progress))
        self._seen = (state, progress)
        if self._job.ended:
            self.done = True
            events.append(Event("end", {"id": self._job.id, "state": state}))
        return events
