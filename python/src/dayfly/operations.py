"""What a client can do, each a flow of requests (see `protocol.py`)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from . import options as opts
from .encode import encode
from .errors import ApiError, DayflyError, JobCancelled, JobFailed, JobTimeout, Unreachable, WaitTimeout
from .protocol import (
    ANSWER_WITHIN,
    LONGEST_PAUSE,
    RETRIED,
    Flow,
    Request,
    Response,
    Settings,
    Sleep,
    backoff,
    exchange,
    new_key,
)
from .record import JobRecord
from .units import duration_text

#: Longest wait asked of the server at once, s; it grants 60 at most, proxies often less.
LONG_POLL = 50
#: Pause between two looks when less than the whole second is left that `Prefer: wait` can ask for, s.
SHORT_LOOK = 0.05
#: Longest pause between two looks at an API that does not wait, s.
LONGEST_LOOK = 0.5
#: Most jobs of one bulk submit.
BULK = 500
_JSON = {"content-type": "application/json"}

Data = Mapping[str, Any]


class Operations:
    """The flows of one client."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: Known not to have a bulk submit: an older API.
        self._single_only = False

    def ask(self, request: Request, until: float | None = None) -> Flow[Any]:
        """A request whose answer is JSON."""
        response = yield from exchange(self.settings, request, until)
        return self.settings.loads(response.body)

    def read(self, path: str, *query: tuple[str, str]) -> Flow[Any]:
        """GET, as JSON."""
        return (yield from self.ask(Request("GET", path, query)))

    def submit(self, task: str, body: bytes, key: str | None, options: Mapping[str, Any]) -> Flow[Data]:
        """A new job, or the one that `key` made before."""
        data: Data = yield from self.ask(self._submit_request(task, body, key or new_key(), options))
        return data

    def _submit_request(self, task: str, body: bytes, key: str, options: Mapping[str, Any]) -> Request:
        # Quoted (RFC 8941): a key may have spaces, commas and whatever else a header's value bends.
        quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        headers = {**_JSON, "idempotency-key": quoted}
        return Request("POST", f"/v1/tasks/{quote(task, safe='')}", opts.query(options), headers, body)

    def submit_many(
        self, task: str, inputs: Sequence[Any], options: Mapping[str, Any], jobs: dict[int, Data]
    ) -> Flow[None]:
        """A job for each input into `jobs`, under the input's index; in one request where the API can do that.

        When it raises, `jobs` has those that were made before.
        """
        bodies = [encode(one) for one in inputs]
        keys = [new_key() for _ in bodies]
        for start in range(0, len(bodies), BULK):
            items = [(index, bodies[index], keys[index]) for index in range(start, min(start + BULK, len(bodies)))]
            if len(items) > 1 and not self._single_only:
                yield from self._bulk(task, items, options, jobs)
        # Those that were told to wait, and all of them where there is no bulk submit: each with its own patience.
        for index, body in enumerate(bodies):
            if index not in jobs:
                jobs[index] = yield from self.submit(task, body, keys[index], options)

    def _bulk(
        self, task: str, items: list[tuple[int, bytes, str]], options: Mapping[str, Any], jobs: dict[int, Data]
    ) -> Flow[None]:
        """One bulk submit into `jobs`; what it says "not now" of, or cannot take as a whole, is not there then."""
        shared = encode({"task": task, "options": opts.members(options)})[:-1]
        # The inputs go in as the bytes they are: their digits are theirs.
        lines = [b'%s,"idempotency_key":%s,"input":%s}' % (shared, encode(key), body) for _, body, key in items]
        headers = {"content-type": "application/x-ndjson"}
        try:
            answer = yield from self.ask(Request("POST", "/v1/jobs", (), headers, b"\n".join(lines), ANSWER_WITHIN * 2))
        except ApiError as refused:
            # An older API has none; and what is too large together need not be so one by one.
            self._single_only = self._single_only or refused.status in (404, 405)
            if refused.status not in (404, 405, 413):
                raise
            return
        fault: ApiError | None = None
        for result in answer["results"]:
            index = items[int(result["index"])][0]
            if "id" in result:
                jobs[index] = {"task": task, "state": "queued", "id": result["id"]}
                continue
            problem = result.get("problem") or {}
            status = int(result.get("status") or problem.get("status") or 500)
            if status not in RETRIED and fault is None:
                fault = ApiError(str(problem.get("code", "unknown")), status, problem)
        if fault is not None:
            raise fault

    def refresh(self, job: JobRecord, *, wait: float = 0, until: float | None = None) -> Flow[Response]:
        """Looks at a job again; with `wait`, when it has ended or that many seconds are over."""
        headers = {"prefer": f"wait={int(wait)}"} if wait >= 1 else {}
        request = Request("GET", f"/v1/jobs/{job.id}", (), headers, None, wait + ANSWER_WITHIN)
        response = yield from exchange(self.settings, request, until)
        job.data = self.settings.loads(response.body)
        return response

    def wait(self, job: JobRecord, timeout: float | None) -> Flow[None]:
        """Until it has ended. Raises `WaitTimeout` after `timeout` seconds; the job is not touched by that."""
        started = time.monotonic()
        until = None if timeout is None else started + timeout
        looks = 0
        while not job.ended:
            now = time.monotonic()
            left = LONG_POLL if until is None else min(LONG_POLL, until - now)
            try:
                yield from self.refresh(job, wait=max(0, left), until=until)
            except (ApiError, Unreachable) as error:
                passing = isinstance(error, Unreachable) or error.status in RETRIED
                rest = LONGEST_PAUSE + 1 if until is None else until - time.monotonic()
                if not passing or rest > LONGEST_PAUSE:
                    raise
                # Not enough time is left for another try.
                yield Sleep(max(0.0, rest))
                raise WaitTimeout(job, timeout or 0) from error
            if job.ended:
                return
            if until is not None and time.monotonic() >= until:
                raise WaitTimeout(job, timeout or 0)
            if left < 1:
                yield Sleep(min(SHORT_LOOK, max(0.0, left)))
            elif time.monotonic() - now < 1:
                # Answered before its time: an API that shuts down, or that does not wait at all.
                yield Sleep(min(LONGEST_LOOK, backoff(looks)))
                looks += 1

    def result(self, job: JobRecord, timeout: float | None) -> Flow[Any]:
        """What it printed: JSON as its value, text as str, anything else as bytes. Raises what else became of it."""
        if job.state == "succeeded" and "result" not in job.data:
            # From a list, which leaves results out.
            yield from self.refresh(job)
        yield from self.wait(job, timeout)
        self.check(job)
        data = job.data
        kind, size = str(data.get("result_type") or ""), data.get("result_bytes")
        value = data.get("result")
        # null in a job's JSON: it was JSON's null, or nothing at all, or it is only to be had raw, or is gone.
        if value is not None or not size or (kind.startswith("application/json") and size <= len("null\n")):
            return value
        response = yield from exchange(self.settings, Request("GET", f"/v1/jobs/{job.id}/result"))
        if kind.startswith("application/json"):
            return self.settings.loads(response.body)
        return response.body.decode() if kind.startswith("text/") else response.body

    def check(self, job: JobRecord) -> None:
        """Raises what became of an ended job that did not succeed."""
        if job.state == "cancelled":
            raise JobCancelled(job, job.data.get("cancel_reason"))
        if job.state == "failed":
            error = job.error or {}
            raise (JobTimeout if error.get("kind") == "timeout" else JobFailed)(job, error)
        if job.state != "succeeded":
            raise DayflyError(f"job {job.id} is {job.state}")

    def cancel(self, job: JobRecord, reason: str | None, grace: opts.Duration | None) -> Flow[bool]:
        """Asks for its end. `False` when it had ended before, in another way."""
        wish: dict[str, str] = {}
        if reason is not None:
            wish["reason"] = reason
        if grace is not None:
            wish["grace"] = duration_text(grace)
        try:
            job.data = yield from self.ask(Request("POST", f"/v1/jobs/{job.id}/cancel", (), _JSON, encode(wish)))
        except ApiError as refused:
            if refused.code != "wrong_state":
                raise
            yield from self.refresh(job)
            return job.state == "cancelled"
        return True

    def logs(self, job: JobRecord, tail: int | None) -> Flow[str]:
        """What it wrote to stderr, and Dayfly's own words on it."""
        query = () if tail is None else (("tail", str(tail)),)
        response = yield from exchange(self.settings, Request("GET", f"/v1/jobs/{job.id}/logs", query))
        return response.body.decode("utf-8", "replace")

    def page(self, filters: Mapping[str, Any], cursor: str | None) -> Flow[tuple[list[Data], str | None]]:
        """One page of the list of jobs, and where the next begins."""
        query: list[tuple[str, str]] = []
        for name, value in filters.items():
            if isinstance(value, Mapping):
                query.extend((name, f"{key}:{item}") for key, item in value.items())
            elif value is not None:
                query.append((name, value.isoformat() if hasattr(value, "isoformat") else str(value)))
        if cursor is not None:
            query.append(("cursor", cursor))
        answer = yield from self.read("/v1/jobs", *query)
        return answer["items"], answer.get("next")
