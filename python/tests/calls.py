"""Functions that the executor's tests call, here and in workers."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from dayfly.call import pack, python_call

__all__ = ["python_call"]


class Unreadable(Exception):
    """Can be pickled and not be unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)
        self.two = two


class Point:
    """Goes to and fro."""

    def __init__(self, x: int) -> None:
        self.x = x

    def moved(self, by: int) -> Point:
        """A bound method can be called too."""
        return Point(self.x + by)


def add(a: int, b: int = 0) -> int:
    """Adds."""
    print("prints do no harm")
    return a + b


def words(**given: int) -> dict[str, int]:
    """Gives its keywords back."""
    return given


def pid(_: Any = None) -> int:
    """Whose process it is."""
    return os.getpid()


_count = 0


def begin(count: int) -> None:
    """Prepares a process."""
    global _count
    _count = count


def counted(_: Any = None) -> int:
    """How often it was called in this process, beyond what `begin` said."""
    global _count
    _count += 1
    return _count


def job_id(_: Any = None) -> str:
    """Whose job it is."""
    return os.environ["DAYFLY_JOB_ID"]


def sleep(seconds: float) -> float:
    """Sleeps, and takes no notice of SIGTERM."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(seconds)
    return seconds


def divide(a: float, b: float) -> float:
    """Fails for 0, one call deeper."""
    return _divide(a, b)


def _divide(a: float, b: float) -> float:
    return a / b


def fail_with(what: str) -> Any:
    """Fails in odd ways."""
    if what == "long":
        raise ValueError(os.urandom(20_000).hex())
    if what == "unreadable":
        raise Unreadable(1, 2)
    if what == "exit":
        raise SystemExit(7)
    if what == "abort":
        os.abort()
    if what == "forged":
        # Words from somewhere else, printed by a function that then ends badly.
        print(f"dayfly.call: 1/1 {pack((ValueError('forged'), 'trace'))}", file=sys.stderr, flush=True)
        os._exit(1)
    if what == "lambda":
        return lambda: None
    return "x" * 3_000_000 if what == "large" else os.urandom(3_000_000)
