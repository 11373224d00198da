"""The client for ordinary code: every call waits for its answer. One client serves any number of threads."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import httpx

from .encode import encode
from .errors import DayflyError, WaitTimeout
from .operations import Operations
from .options import Duration, Options
from .protocol import Flow, NoAnswer, Request, Response, Send, Settings, Sleep
from .record import JobRecord
from .stream import LOOK_EVERY, Event, Follower

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")

NO_INPUT: Any = object()
#: How long a request is repeated by default when the API is away or says "not now", s.
RETRY_FOR = 60.0
#: Jobs of a `map` that wait or run at a time, by default.
BOUNDED = 64


def settings_from(url: str | None, token: str | None, retry_for: float, decimals: bool) -> Settings:
    """What was given, else `DAYFLY_URL` and `DAYFLY_TOKEN`, else a server on this machine."""
    url = (url or os.environ.get("DAYFLY_URL") or "http://127.0.0.1:8080").rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError(f"{url!r} is no address of an API: write it like http://127.0.0.1:8080")
    return Settings(url, token or os.environ.get("DAYFLY_TOKEN") or None, retry_for, decimals)


def transport_options(settings: Settings) -> dict[str, Any]:
    """For httpx, in both clients."""
    host = urlsplit(settings.url).hostname or ""
    return {
        "base_url": settings.url,
        "headers": settings.headers(),
        # A proxy from the environment is not for this very machine.
        "trust_env": host not in ("localhost", "::1") and not host.startswith("127."),
        # One connection for each call that waits: their number is bounded by the callers.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=BOUNDED),
    }


def prepared(http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    """A request as httpx has it."""
    return http.build_request(
        request.method,
        request.path,
        params=list(request.query),
        headers=dict(request.headers),
        content=request.body,
        timeout=httpx.Timeout(request.patience, connect=10.0, pool=None),
    )


def received(response: httpx.Response) -> Response:
    """An answer whose body has been read, without httpx."""
    return Response(response.status_code, dict(response.headers), response.content)


class Client:
    """Dayfly's API.

    `url` and `token` default to `DAYFLY_URL` and `DAYFLY_TOKEN`. A request that meets a broken connection, a 503 or
    a 429 is repeated for up to `retry_for` seconds, submits with the same key, so that no job is made twice. With
    `decimals`, numbers with a fraction come back as Decimal, digit by digit.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        retry_for: float = RETRY_FOR,
        decimals: bool = False,
    ) -> None:
        self.settings = settings_from(url, token, retry_for, decimals)
        self.operations = Operations(self.settings)
        self._http = httpx.Client(**transport_options(self.settings))

    def submit(
        self, task: str, input: Any = NO_INPUT, *, idempotency_key: str | None = None, **options: Unpack[Options]
    ) -> Job:
        """Hands in a job, and is back as soon as it is stored.

        `input`: anything with a JSON form. The same `idempotency_key` gives the same job again. `options`: see
        `Options`.
        """
        body = encode({} if input is NO_INPUT else input)
        return Job(self, self.run(self.operations.submit(task, body, idempotency_key, options)))

    def get(self, job_id: str) -> Job:
        """The job with this id. Raises `ApiError` (`unknown_job`) when there is none."""
        return self._of(job_id).refresh()

    def result(self, job: Job | str, timeout: float | None = None) -> Any:
        """Waits for a job, given as itself or by its id, and gives its result; raises as `Job.result` does."""
        return self._of(job).result(timeout)

    def wait(self, jobs: Iterable[Job | str], timeout: float | None = None) -> list[Job]:
        """Waits until all of these have ended, however they did; gives them in this order.

        Raises `WaitTimeout` with the first that has not after `timeout` seconds; the jobs go on.
        """
        until = None if timeout is None else time.monotonic() + timeout
        waited = [self._of(job) for job in jobs]
        for job in waited:
            try:
                job.wait(None if until is None else max(0.0, until - time.monotonic()))
            except WaitTimeout:
                raise WaitTimeout(job, timeout or 0) from None
        return waited

    def cancel(self, job: Job | str, reason: str | None = None, grace: Duration | None = None) -> bool:
        """Ends a job, given as itself or by its id, wherever it is; see `Job.cancel`."""
        return self._of(job).cancel(reason, grace)

    def logs(self, job: Job | str, tail: int | None = None) -> str:
        """What a job has written to stderr so far, or the last `tail` lines."""
        return self._of(job).logs(tail)

    def stream(self, job: Job | str) -> Generator[Event, None, None]:
        """What happens to a job, as it happens, until its end. See `Job.stream`."""
        return self._of(job).stream()

    def _of(self, job: Job | str) -> Job:
        return Job(self, {"id": job}) if isinstance(job, str) else job

    def map(
        self,
        task: str,
        inputs: Iterable[Any],
        *,
        ordered: bool = True,
        bounded: int = BOUNDED,
        **options: Unpack[Options],
    ) -> Generator[Any, None, None]:
        """The results of a job for each input: in their order, or with `ordered=False` as they come.

        At most `bounded` jobs wait or run at a time; inputs are taken as there is room. The first job that does not
        succeed raises; then, or when the iteration is given up, the jobs that have not ended are cancelled.
        """
        if bounded < 1:
            raise ValueError(f"bounded must be 1 or more, not {bounded}")
        return self._map(task, iter(inputs), ordered, bounded, options)

    def _map(
        self, task: str, inputs: Iterator[Any], ordered: bool, bounded: int, options: Options
    ) -> Generator[Any, None, None]:
        waiting: deque[tuple[Job, Future[Any]]] = deque()
        more = True
        threads = ThreadPoolExecutor(bounded, thread_name_prefix="dayfly-map")
        try:
            while True:
                room = bounded - len(waiting)
                # In halves, so that a bulk submit has something to carry.
                if more and room >= max(1, bounded // 2):
                    batch = list(islice(inputs, room))
                    more = len(batch) == room
                    made: dict[int, Mapping[str, Any]] = {}
                    try:
                        self.run(self.operations.submit_many(task, batch, options, made))
                    finally:
                        jobs = [Job(self, made[index]) for index in sorted(made)]
                        waiting.extend([(job, threads.submit(job.result)) for job in jobs])
                if not waiting:
                    return
                if not ordered:
                    wait_for([future for _, future in waiting], return_when=FIRST_COMPLETED)
                    waiting = deque(sorted(waiting, key=lambda one: not one[1].done()))
                result = waiting[0][1].result()
                waiting.popleft()
                yield result
        finally:
            for job, future in waiting:
                future.cancel()
                if not future.done() or future.cancelled():
                    with suppress(DayflyError):
                        job.cancel("the map that it belonged to was given up")
            threads.shutdown()

    def jobs(self, **filters: Any) -> Iterator[Job]:
        """Jobs, page by page: running, waiting, then finished ones, newest first. Without input and result.

        `filters`: what GET /v1/jobs knows, such as `state="failed"`, `task="factor"`, `label={"user": "7"}`,
        `limit=100` (of a page).
        """
        cursor: str | None = None
        while True:
            items, cursor = self.run(self.operations.page(filters, cursor))
            for data in items:
                yield Job(self, data)
            if cursor is None:
                return

    def tasks(self) -> list[Mapping[str, Any]]:
        """The tasks: name, schema of the input, how many jobs wait and run, live workers."""
        return list(self.run(self.operations.read("/v1/tasks"))["items"])

    def workers(self) -> list[Mapping[str, Any]]:
        """The live workers."""
        return list(self.run(self.operations.read("/v1/workers"))["items"])

    def run(self, flow: Flow[T]) -> T:
        """Does what a flow asks for; gives what it returns."""
        answer: Response | NoAnswer | None = None
        while True:
            try:
                todo = flow.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answer = None
            if isinstance(todo, Sleep):
                time.sleep(todo.seconds)
            else:
                answer = self._send(todo)

    def _send(self, todo: Send) -> Response | NoAnswer:
        try:
            return received(self._http.send(prepared(self._http, todo.request)))
        except httpx.TransportError as why:
            return NoAnswer(why)

    def follow(self, follower: Follower, job: Job) -> Generator[Event, None, None]:
        """The events of a job, over as many connections as it takes."""
        while not follower.done and not follower.looks:
            pause = 0.0
            try:
                response = self._http.send(prepared(self._http, follower.request()), stream=True)
                try:
                    if follower.accepts(response.status_code, response.headers):
                        for chunk in response.iter_bytes():
                            yield from follower.feed(chunk)
                            if follower.done:
                                return
                        pause = follower.broken(None)
                    else:
                        response.read()
                        pause = follower.refused(received(response))
                finally:
                    response.close()
            except httpx.TransportError as why:
                pause = follower.broken(why)
            time.sleep(pause)
        while not follower.done:
            self.run(self.operations.refresh(job, wait=LOOK_EVERY if follower.seen_once else 0))
            yield from follower.looked()

    def close(self) -> None:
        """Closes the connections. Jobs go on."""
        self._http.close()

    def __enter__(self) -> Client:
        """Closes itself at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        self.close()


class Job(JobRecord):
    """A job, as it was last seen, and what can be done with it."""

    def __init__(self, client: Client, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self._client = client

    def refresh(self) -> Job:
        """Looks at it again; gives itself."""
        self._client.run(self._client.operations.refresh(self))
        return self

    def wait(self, timeout: float | None = None) -> Job:
        """Waits until it has ended, however it did; gives itself. `WaitTimeout` after `timeout` seconds."""
        self._client.run(self._client.operations.wait(self, timeout))
        return self

    def result(self, timeout: float | None = None) -> Any:
        """Waits, and gives its result: JSON as its value, text as str, anything else as bytes.

        Raises `JobFailed` (`JobTimeout` when it ran past its own deadline), `JobCancelled`, or `WaitTimeout` after
        `timeout` seconds of waiting, which leaves the job as it is.
        """
        return self._client.run(self._client.operations.result(self, timeout))

    def cancel(self, reason: str | None = None, grace: Duration | None = None) -> bool:
        """Ends it wherever it is. `False` when it had already ended in another way.

        A running job's processes get SIGTERM, and SIGKILL after `grace` (the task's by default; 0 kills at once). When
        `wait()` then returns, none of them is left.
        """
        return self._client.run(self._client.operations.cancel(self, reason, grace))

    def logs(self, tail: int | None = None) -> str:
        """What it has written to stderr so far, or the last `tail` lines."""
        return self._client.run(self._client.operations.logs(self, tail))

    def stream(self) -> Generator[Event, None, None]:
        """What happens to it, as it happens, until its end. Broken connections are resumed where they broke.

        An API without event streams is looked at every second; there are no `log` events then.
        """
        return self._client.follow(Follower(self._client.settings, self), self)
