"""A function as a job's whole program: input from stdin, result to stdout, exit code by what it raised.

    if __name__ == "__main__":
        dayfly.run(factor)

or, without a line of code, `command = ["python3", "-m", "dayfly", "run", "algo:factor"]`.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from types import TracebackType
from typing import Any, NoReturn

from .context import flush_progress, tell_exception
from .encode import encode
from .errors import Fail, InvalidInput, Retry
from .partial import Partials
from .schema import Signature
from .streams import ResultPipe

#: `EX_TEMPFAIL` of sysexits(3): the worker tries again as long as there are `retries`.
EXIT_RETRY = 75
#: `EX_DATAERR`: the input is none that the function takes.
EXIT_INPUT = 65


def run(function: Callable[..., Any]) -> NoReturn:
    """Runs `function` on the job's input and ends this process.

    Exit 0 with the returned value as JSON; 75 after `Retry`; `Fail`'s own code; 65 when the input does not fit; 1
    with a traceback in the log after anything else. After `Fail` and unfit input no other attempt is made, whatever
    `retries` are left. Coroutine functions are run to their end, generators to a list of what they yield, each value
    told at once (see `partial`), or to what they return unless that is None.
    """
    pipe = ResultPipe()
    code = 0
    try:
        result = encode(call(function, sys.stdin.buffer.read()))
    except Retry as wish:
        code = _say(f"asks for another attempt: {wish}" if str(wish) else "asks for another attempt", EXIT_RETRY)
    except Fail as failure:
        tell_exception(failure, retry=False)
        code = _say(str(failure) or "failed", failure.exit_code)
    except InvalidInput as fault:
        tell_exception(fault, retry=False)
        code = _say(str(fault), EXIT_INPUT)
    except SystemExit:
        flush_progress()
        raise
    except BaseException as error:
        show(error)
        tell_exception(error)
        code = 1
    flush_progress()
    pipe.finish(result + b"\n" if code == 0 else b"")
    sys.exit(code)


def call(function: Callable[..., Any], raw: bytes) -> Any:
    """Calls it with the input, which is JSON in UTF-8. Raises `InvalidInput`, and what the function raises."""
    signature = _signature(function)
    given = read(raw, decimals=signature.wants_decimals)
    args, kwargs = signature.bind(given)
    result = function(*args, **kwargs)
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        # A third of the time that a small job's interpreter needs to start: only for who uses it.
        import asyncio

        return asyncio.run(_awaited(result) if inspect.isawaitable(result) else _collected(result))
    return _exhausted(result) if inspect.isgenerator(result) else result


_known: tuple[Callable[..., Any], Signature] | None = None


def _signature(function: Callable[..., Any]) -> Signature:
    """Read once for the one function that a process runs."""
    global _known
    if _known is None or _known[0] is not function:
        _known = (function, Signature(function))
    return _known[1]


def prepare(function: Callable[..., Any]) -> None:
    """Does what each run of `function` would do anew: for a host, before it forks one process a job.

    What is wrong with the function's hints is not said here but by its first job.
    """
    with contextlib.suppress(TypeError, ValueError):
        _signature(function)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        importlib.import_module("asyncio")


def read(raw: bytes, *, decimals: bool) -> Any:
    """The input. With `decimals`, numbers with a fraction keep all their digits, as Decimal."""
    if not raw.strip():
        return {}
    try:
        return json.loads(raw, parse_float=Decimal if decimals else None)
    except ValueError as why:
        raise InvalidInput("", f"is not JSON: {why}") from None


def show(error: BaseException) -> None:
    """Writes the traceback to the log, from the task's own code on."""
    traceback.print_exception(type(error), error, own_part(error.__traceback__), file=sys.stderr)
    sys.stderr.flush()


def own_part(start: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of this package that led to the function."""
    here = os.path.dirname(__file__)
    frame = start
    while frame is not None and os.path.dirname(frame.tb_frame.f_code.co_filename) == here:
        frame = frame.tb_next
    return frame or start


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr, flush=True)
    return code


async def _awaited(one: Any) -> Any:
    return await one


async def _collected(many: AsyncIterator[Any]) -> list[Any]:
    partials = Partials()
    values: list[Any] = []
    async for one in many:
        partials.tell(one)
        values.append(one)
    return values


def _exhausted(many: Iterator[Any]) -> Any:
    partials = Partials()
    values: list[Any] = []
    while True:
        try:
            one = next(many)
        except StopIteration as end:
            return values if end.value is None else end.value
        partials.tell(one)
        values.append(one)
