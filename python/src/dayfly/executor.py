"""`DayflyExecutor`: code written for ProcessPoolExecutor, on other machines, and with a `cancel` that ends what runs.

    from dayfly import DayflyExecutor

    with DayflyExecutor() as executor:                       # was: ProcessPoolExecutor()
        future = executor.submit(simulate, "input")

The workers need the same code and the task of `call.py`. As with a pool, functions go by reference, so lambdas and
functions within functions do not go at all, and arguments and results by pickle; here both must also fit the API's
`max_body` and the task's `max_result`. Unpickling runs code: executor, API and workers must trust each other.
"""

from __future__ import annotations

import itertools
import pickle
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import options as opts
from .call import MAIN, PROTOCOL, after, as_text, read_raised, run_chunk, unpack
from .client import Client, Job
from .errors import DayflyError, JobCancelled, JobFailed
from .options import Options

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")

#: Calls that are handed in at a time, by default.
HANDED_IN = 32
#: Lines of the log that are looked at for an exception too large for the job's own record.
_LAST_LINES = 64


class RemoteTraceback(Exception):
    """The `__cause__` of an exception that a job raised: where, over there."""

    def __init__(self, trace: str) -> None:
        super().__init__(trace)
        self.trace = trace

    def __str__(self) -> str:
        """The traceback as it was written there."""
        return f'\n"""\n{self.trace}"""'


class DayflyFuture(Future[T]):
    """A call's future, whose `cancel` ends it wherever it is.

    For the standard library it is pending until it is done; `running()` is true from when the job is handed in.
    """

    def __init__(self) -> None:
        super().__init__()
        #: The job, once it is handed in.
        self.job: Job | None = None
        self._cancelling = threading.Lock()

    def running(self) -> bool:
        """Whether the job is handed in and has not ended."""
        return self.job is not None and not self.done()

    def cancel(self) -> bool:
        """Ends the call, whether it waits or runs. `False` when it is done, or when the API does not take the cancel.

        When it is back, Dayfly has promised the end of the job's processes; `shutdown(wait=True)` waits for it.
        """
        with self._cancelling:
            if self.done():
                return self.cancelled()
            if self.job is not None:
                try:
                    if not self.job.cancel("its future was cancelled"):
                        return False
                except DayflyError:
                    return False
            if not super().cancel():
                return False
            # Tells `wait` and `as_completed`.
            self.set_running_or_notify_cancel()
            return True

    def handed_in(self, submit: Callable[[], Job]) -> bool:
        """Hands the job in, unless the future is cancelled; no cancel comes between."""
        with self._cancelling:
            if self.cancelled():
                return False
            self.job = submit()
            return True

    def cancelled_elsewhere(self) -> None:
        """Somebody else has cancelled the job."""
        with self._cancelling:
            if not self.done() and super().cancel():
                self.set_running_or_notify_cancel()


class DayflyExecutor(Executor):
    """Calls functions in Dayfly's workers, each call in a process of its own.

    `max_workers`: calls that are handed in at a time, 32 by default (how many run is up to the workers' slots).
    `initializer`, `initargs`: called before each call, or chunk of calls, since each has a process of its own; what it
    raises, the call raises. `options`: as for `Client.submit`, for every call.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        client: Client | None = None,
        task: str = "python_call",
        **options: Unpack[Options],
    ) -> None:
        if max_workers is None:
            max_workers = HANDED_IN
        if max_workers < 1:
            raise ValueError(f"max_workers must be greater than 0, not {max_workers}")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        for name in ("mp_context", "max_tasks_per_child"):
            if name in options:
                raise TypeError(f"leave out {name}: every call has a process of its own, in Dayfly's workers")
        # What is wrong with them is said here, not by the first call.
        opts.query(options)
        self._initial = None if initializer is None else (initializer, initargs)
        self._own_client = client is None
        self._client = Client() if client is None else client
        self._task = task
        self._options = options
        self._threads = ThreadPoolExecutor(max_workers, thread_name_prefix="dayfly-executor")
        self._futures: set[DayflyFuture[Any]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> DayflyFuture[T]:
        """A call of `fn`. Raises `TypeError` at once for a function or argument that cannot go to another process."""
        if self._initial is None:
            request = packed_call(fn, args, kwargs)
        else:
            request = packed_call(after, (*self._initial, fn, *args), kwargs, named=fn)
        future: DayflyFuture[T] = DayflyFuture()
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._futures.add(future)
            self._threads.submit(self._carry, future, request)
        return future

    def _carry(self, future: DayflyFuture[Any], request: dict[str, Any]) -> None:
        """One call, from its submit to its end."""
        try:
            if future.handed_in(lambda: self._client.submit(self._task, request, **self._options)) and future.job:
                self._await(future, future.job, request)
        except JobCancelled:
            future.cancelled_elsewhere()
        except BaseException as error:
            _settle(future, error=error)
        finally:
            with self._lock:
                self._futures.discard(future)

    def _await(self, future: DayflyFuture[Any], job: Job, request: dict[str, Any]) -> None:
        try:
            answer = job.result()
        except JobFailed as failed:
            error = _raised_there(failed, job, request["mark"])
            if error is None:
                raise
            _settle(future, error=error)
            return
        if not isinstance(answer, dict) or "value" not in answer:
            raise DayflyError(
                f"job {job.id} of {job.task} gave no value back"
                + (": larger than the task's `max_result`" if job.data.get("truncated") else ": is it `dayfly.call`?")
            )
        _settle(future, value=unpack(answer["value"]))

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Generator[T, None, None]:
        """As `ProcessPoolExecutor.map`: `chunksize` calls go as one job. When `timeout` strikes, one call fails, or the
        iteration is given up, all that is not done is ended.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        end = None if timeout is None else timeout + time.monotonic()
        calls = zip(*iterables)
        if chunksize == 1:
            return _results(deque([self.submit(fn, *args) for args in calls]), end)
        function: Callable[..., list[T]] = partial(run_chunk, fn)
        chunks = deque([self.submit(function, chunk) for chunk in _chunks(calls, chunksize)])
        return _flat(_results(chunks, end))

    def cancel_all(self) -> None:
        """Ends everything that is not done."""
        with self._lock:
            futures = list(self._futures)
        for future in futures:
            future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no further calls. `cancel_futures` cancels those that are not handed in, as in the standard library;
        `cancel_all` those too that run. `wait` waits for the end of every job, cancelled ones included.
        """
        with self._lock:
            self._closed = True
            futures = list(self._futures)
        if cancel_futures:
            for future in futures:
                if future.job is None:
                    future.cancel()
        self._threads.shutdown(wait=wait)
        if wait and self._own_client:
            self._client.close()


def packed_call(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    named: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """The input of the job. `named`: what people see as its function. Raises `TypeError` for what no other process can
    find, and what pickle raises.
    """
    # What comes back of the script's own classes is said to be of this name.
    sys.modules.setdefault(MAIN, sys.modules["__main__"])
    try:
        pickled = pickle.dumps((function, args, kwargs), PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as why:
        raise TypeError(
            f"{function!r} or its arguments cannot go to another process: {why}. Functions go by reference: no lambda, "
            "none that is defined within another"
        ) from why
    script = None
    if b"__main__" in pickled:
        script = _script()
        if script is None:
            raise TypeError(
                f"{function!r} or its arguments are of an interactive session, where no worker finds them: use a module"
            )
    shown = function if named is None else named
    module, name = getattr(shown, "__module__", "?"), getattr(shown, "__qualname__", repr(shown))
    return {
        "function": f"{module}:{name}"[:200],
        "main": script,
        "mark": secrets.token_hex(8),
        "call": as_text(pickled),
    }


def _script() -> str | None:
    """The running script as a module's name."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else None


def _settle(future: DayflyFuture[Any], *, value: Any = None, error: BaseException | None = None) -> None:
    # A cancel may have been quicker; then the outcome is nobody's any more.
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


def _raised_there(failed: JobFailed, job: Job, mark: str) -> BaseException | None:
    """What the function raised, with where it did so as its cause; `None` when it was not the function that failed."""
    if failed.kind != "exit_code":
        return None
    found = read_raised(failed.stderr_tail, mark)
    if found is None:
        found = read_raised(job.logs(tail=_LAST_LINES), mark)
    if found is None:
        return None
    error, trace = found
    error.__cause__ = RemoteTraceback(trace)
    return error


def _results(futures: deque[DayflyFuture[T]], end: float | None) -> Generator[T, None, None]:
    try:
        while futures:
            futures[0].result(None if end is None else end - time.monotonic())
            # Held by nobody here while the caller has it: it may be large.
            yield futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()


def _flat(lists: Generator[list[T], None, None]) -> Generator[T, None, None]:
    with closing(lists):
        for one in lists:
            one.reverse()
            while one:
                yield one.pop()


def _chunks(items: Iterator[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    while True:
        chunk = list(itertools.islice(items, size))
        if not chunk:
            return
        yield chunk
