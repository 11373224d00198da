"""How one talks to Dayfly's API, without doing it: which request comes next, and what an answer means.

Each operation is a generator. It yields what is to be done, `Send` or `Sleep`, and is sent the answer. `client.py`
and `aio.py` do the doing, each in its own way, and nothing else: whatever is decided is decided here, once.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, Union

from .errors import ApiError, DayflyError, Unreachable

T = TypeVar("T")

#: "Not now": rate limit or full queue, a balancer without a server, Redis away or draining.
RETRIED = frozenset((429, 502, 503, 504))
#: First and longest pause between two tries, s; doubled each time, less a random part of up to half.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
#: Seconds for an answer to begin, beyond those that the server was asked to wait.
ANSWER_WITHIN = 30.0


@dataclass(frozen=True)
class Request:
    """One HTTP request, below the API's base URL."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    #: Longest silence, s.
    patience: float = ANSWER_WITHIN


@dataclass(frozen=True)
class Response:
    """A whole answer. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Send:
    """To be done: send this, and answer with the `Response`, or with the `NoAnswer` that came instead."""

    request: Request


@dataclass(frozen=True)
class Sleep:
    """To be done: let this many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class NoAnswer:
    """The connection failed or broke, or the answer took too long."""

    why: Exception


Flow = Generator[Union[Send, Sleep], Any, T]


@dataclass(frozen=True)
class Settings:
    """What a client was told at its making."""

    url: str
    token: str | None
    #: For how long a request is repeated when the API is away or says "not now", s.
    retry_for: float
    #: Numbers with a fraction come back as Decimal, digit by digit, instead of float.
    decimals: bool

    def headers(self) -> dict[str, str]:
        """For every request."""
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def loads(self, body: bytes) -> Any:
        """JSON of an answer. Integers have all their digits in any case."""
        try:
            return json.loads(body, parse_float=Decimal if self.decimals else None)
        except ValueError as why:
            raise DayflyError(f"{self.url} answered what is not JSON; is it Dayfly's API? {why}") from None


def backoff(attempt: int) -> float:
    """Pause before the try after number `attempt` (from 0), s."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempt, 16)))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, guards nothing


def exchange(settings: Settings, request: Request, until: float | None = None) -> Flow[Response]:
    """Sends until there is an answer other than "not now", for `retry_for` at most and not past `until` (monotonic).

    Only for requests that may be repeated: reads, cancels, and submits with a key. A `Retry-After` is honoured; one
    that lies past the bound ends the trying at once. Raises `ApiError` for any refusal, `Unreachable` when there was
    no answer at all.
    """
    give_up = time.monotonic() + settings.retry_for
    if until is not None:
        give_up = min(give_up, until)
    attempt = 0
    while True:
        answer = yield Send(request)
        pause = backoff(attempt)
        attempt += 1
        if isinstance(answer, Response):
            if answer.status < 400:
                return answer
            error: DayflyError = refusal(answer)
            if answer.status not in RETRIED:
                raise error
            pause = max(pause, retry_after(answer.headers))
        elif isinstance(answer, NoAnswer):
            tries = f"after {attempt} tries" if attempt > 1 else "at the first try, and none is left"
            error = Unreachable(f"{settings.url} does not answer, {tries}: {answer.why!r}")
            error.__cause__ = answer.why
        else:
            raise TypeError(f"a Send is answered by a Response or a NoAnswer, not {answer!r}")
        if time.monotonic() + pause > give_up:
            raise error
        yield Sleep(pause)


def refusal(response: Response) -> ApiError:
    """What an answer of 400 and up says."""
    try:
        problem = json.loads(response.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        # Not ours: a proxy's, most likely.
        text = response.body[:200].decode("utf-8", "replace").strip()
        problem = {"title": text or "an answer without a body", "status": response.status}
    code = problem.get("code")
    return ApiError(code if isinstance(code, str) else "unknown", response.status, problem)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that `Retry-After` asks for, 0 when it is absent or cannot be read (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())


def new_key() -> str:
    """An idempotency key for a submit that came without one, so that repeating it cannot make a second job."""
    return str(uuid.uuid4())
