"""The client for asyncio.

What is asked and what an answer means is the same as in `client.py`: both do what `protocol.py` says.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from .client import BOUNDED, NO_INPUT, RETRY_FOR, prepared, received, settings_from, transport_options
from .encode import encode
from .errors import DayflyError, WaitTimeout
from .operations import Operations
from .options import Duration, Options
from .protocol import Flow, NoAnswer, Response, Send, Sleep
from .record import JobRecord
from .stream import LOOK_EVERY, Event, Follower

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class AsyncClient:
    """Dayfly's API for asyncio; the same as `Client` with `await`. Made and used within one event loop."""

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
        self._http = httpx.AsyncClient(**transport_options(self.settings))

    async def submit(
        self, task: str, input: Any = NO_INPUT, *, idempotency_key: str | None = None, **options: Unpack[Options]
    ) -> AsyncJob:
        """Hands in a job, and is back as soon as it is stored. See `Client.submit`."""
        body = encode({} if input is NO_INPUT else input)
        return AsyncJob(self, await self.run(self.operations.submit(task, body, idempotency_key, options)))

    async def get(self, job_id: str) -> AsyncJob:
        """The job with this id. Raises `ApiError` (`unknown_job`) when there is none."""
        return await self._of(job_id).refresh()

    async def result(self, job: AsyncJob | str, timeout: float | None = None) -> Any:
        """Waits for a job, given as itself or by its id, and gives its result; raises as `Job.result` does."""
        return await self._of(job).result(timeout)

    async def wait(self, jobs: Iterable[AsyncJob | str], timeout: float | None = None) -> list[AsyncJob]:
        """Waits until all of these have ended, however they did; gives them in this order. See `Client.wait`."""
        until = None if timeout is None else time.monotonic() + timeout
        waited = [self._of(job) for job in jobs]
        for job in waited:
            try:
                await job.wait(None if until is None else max(0.0, until - time.monotonic()))
            except WaitTimeout:
                raise WaitTimeout(job, timeout or 0) from None
        return waited

    async def cancel(self, job: AsyncJob | str, reason: str | None = None, grace: Duration | None = None) -> bool:
        """Ends a job, given as itself or by its id, wherever it is; see `Job.cancel`."""
        return await self._of(job).cancel(reason, grace)

    async def logs(self, job: AsyncJob | str, tail: int | None = None) -> str:
        """What a job has written to stderr so far, or the last `tail` lines."""
        return await self._of(job).logs(tail)

    def stream(self, job: AsyncJob | str) -> AsyncGenerator[Event, None]:
        """What happens to a job, as it happens, until its end. See `Job.stream`."""
        return self._of(job).stream()

    def _of(self, job: AsyncJob | str) -> AsyncJob:
        return AsyncJob(self, {"id": job}) if isinstance(job, str) else job

    def map(
        self,
        task: str,
        inputs: Iterable[Any],
        *,
        ordered: bool = True,
        bounded: int = BOUNDED,
        **options: Unpack[Options],
    ) -> AsyncGenerator[Any, None]:
        """The results of a job for each input, for `async for`. See `Client.map`.

        An iteration that is given up cancels its jobs when it is closed: at once by its `aclose()`, else
        when it is collected.
        """
        if bounded < 1:
            raise ValueError(f"bounded must be 1 or more, not {bounded}")
        return self._map(task, iter(inputs), ordered, bounded, options)

    async def _map(
        self, task: str, inputs: Iterator[Any], ordered: bool, bounded: int, options: Options
    ) -> AsyncGenerator[Any, None]:
        waiting: deque[tuple[AsyncJob, asyncio.Task[Any]]] = deque()
        more = True
        try:
            while True:
                room = bounded - len(waiting)
                # In halves, so that a bulk submit has something to carry.
                if more and room >= max(1, bounded // 2):
                    batch = list(islice(inputs, room))
                    more = len(batch) == room
                    made: dict[int, Mapping[str, Any]] = {}
                    try:
                        await self.run(self.operations.submit_many(task, batch, options, made))
                    finally:
                        jobs = [AsyncJob(self, made[index]) for index in sorted(made)]
                        waiting.extend([(job, asyncio.ensure_future(job.result())) for job in jobs])
                if not waiting:
                    return
                if not ordered:
                    await asyncio.wait([one for _, one in waiting], return_when=asyncio.FIRST_COMPLETED)
                    waiting = deque(sorted(waiting, key=lambda one: not one[1].done()))
                result = await waiting[0][1]
                waiting.popleft()
                yield result
        finally:
            await asyncio.gather(*(_given_up(job, waiter) for job, waiter in waiting))

    async def jobs(self, **filters: Any) -> AsyncIterator[AsyncJob]:
        """Jobs, page by page. See `Client.jobs`."""
        cursor: str | None = None
        while True:
            items, cursor = await self.run(self.operations.page(filters, cursor))
            for data in items:
                yield AsyncJob(self, data)
            if cursor is None:
                return

    async def tasks(self) -> list[Mapping[str, Any]]:
        """The tasks: name, schema of the input, how many jobs wait and run, live workers."""
        return list((await self.run(self.operations.read("/v1/tasks")))["items"])

    async def workers(self) -> list[Mapping[str, Any]]:
        """The live workers."""
        return list((await self.run(self.operations.read("/v1/workers")))["items"])

    async def run(self, flow: Flow[T]) -> T:
        """Does what a flow asks for; gives what it returns."""
        answer: Response | NoAnswer | None = None
        while True:
            try:
                todo = flow.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answer = None
            if isinstance(todo, Sleep):
                await asyncio.sleep(todo.seconds)
            else:
                answer = await self._send(todo)

    async def _send(self, todo: Send) -> Response | NoAnswer:
        try:
            return received(await self._http.send(prepared(self._http, todo.request)))
        except httpx.TransportError as why:
            return NoAnswer(why)

    async def follow(self, follower: Follower, job: AsyncJob) -> AsyncGenerator[Event, None]:
        """The events of a job, over as many connections as it takes."""
        while not follower.done and not follower.looks:
            pause = 0.0
            try:
                response = await self._http.send(prepared(self._http, follower.request()), stream=True)
                try:
                    if follower.accepts(response.status_code, response.headers):
                        async for chunk in response.aiter_bytes():
                            for event in follower.feed(chunk):
                                yield event
                            if follower.done:
                                return
                        pause = follower.broken(None)
                    else:
                        await response.aread()
                        pause = follower.refused(received(response))
                finally:
                    await response.aclose()
            except httpx.TransportError as why:
                pause = follower.broken(why)
            await asyncio.sleep(pause)
        while not follower.done:
            await self.run(self.operations.refresh(job, wait=LOOK_EVERY if follower.seen_once else 0))
            for event in follower.looked():
                yield event

    async def close(self) -> None:
        """Closes the connections. Jobs go on."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        """Closes itself at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self.close()


class AsyncJob(JobRecord):
    """A job, as it was last seen, and what can be done with it; see `Job`."""

    def __init__(self, client: AsyncClient, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self._client = client

    async def refresh(self) -> AsyncJob:
        """Looks at it again; gives itself."""
        await self._client.run(self._client.operations.refresh(self))
        return self

    async def wait(self, timeout: float | None = None) -> AsyncJob:
        """Waits until it has ended, however it did; gives itself. `WaitTimeout` after `timeout` seconds."""
        await self._client.run(self._client.operations.wait(self, timeout))
        return self

    async def result(self, timeout: float | None = None) -> Any:
        """Waits, and gives its result; raises as `Job.result` does."""
        return await self._client.run(self._client.operations.result(self, timeout))

    async def cancel(self, reason: str | None = None, grace: Duration | None = None) -> bool:
        """Ends it wherever it is. `False` when it had already ended in another way. See `Job.cancel`."""
        return await self._client.run(self._client.operations.cancel(self, reason, grace))

    async def logs(self, tail: int | None = None) -> str:
        """What it has written to stderr so far, or the last `tail` lines."""
        return await self._client.run(self._client.operations.logs(self, tail))

    def stream(self) -> AsyncGenerator[Event, None]:
        """What happens to it, as it happens, until its end. See `Job.stream`."""
        return self._client.follow(Follower(self._client.settings, self), self)


async def _given_up(job: AsyncJob, waiter: asyncio.Task[Any]) -> None:
    """Cancels a job that has not ended and waits for its end, so that nothing of it is left behind."""
    if not waiter.done():
        with suppress(DayflyError):
            await job.cancel("the map that it belonged to was given up")
    with suppress(DayflyError, asyncio.CancelledError):
        await waiter
