"""Functions of all shapes, for the task's side."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Optional

import dayfly

PI = 3.14


def total(numbers: list[float]) -> float:
    return sum(numbers)


def whole(given: dict[str, Any]) -> dict[str, Any]:
    return given


@dataclass
class Line:
    name: str
    price: float


@dataclass
class Order:
    id: int
    lines: list[Line]
    note: Optional[str] = None


def order(order: Order) -> dict[str, Any]:
    assert all(isinstance(line, Line) for line in order.lines)
    return {"id": order.id, "lines": order.lines}


async def later(n: int) -> int:
    await asyncio.sleep(0)
    return n * 2


def counted(n: int) -> Iterator[int]:
    yield from range(n)


async def counted_async(n: int) -> AsyncIterator[int]:
    for one in range(n):
        yield one


def told(values: list[object]) -> Iterator[object]:
    yield from values


def summed(n: int) -> Generator[int, None, dict[str, int]]:
    total = 0
    for one in range(n):
        total += one
        yield total
    return {"total": total}


class Colour(Enum):
    RED = "red"
    GREEN = "green"


def colour(colour: Colour) -> str:
    return f"{colour.name} is {colour}"


def nothing() -> None:
    pass


def days(first: date, second: datetime) -> int:
    return (second.date() - first).days


def kept(amount: Decimal) -> dict[str, Decimal]:
    return {"amount": amount}


def odd(how: str) -> Any:
    if how == "retry":
        raise dayfly.Retry("the licence server is busy")
    if how == "fail":
        raise dayfly.Fail("no such molecule", exit_code=9)
    if how == "raise":
        raise LookupError("how")
    if how == "exit":
        sys.exit(4)
    if how == "yield bytes":
        return (value for value in (1, b"x", 2))
    return {"nan": float("nan"), "set of bytes": {b"x"}}[how]


def noisy() -> str:
    atexit.register(lambda: print("exit"))
    print("print")
    os.system("echo shell")
    os.write(1, b"descriptor\n")
    ctypes.CDLL(None).puts(b"C")
    ctypes.CDLL(None).fflush(None)
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    return "result"


def leaves_a_child(file: str) -> int:
    # Its stderr and stdout are its own, so only an inherited result pipe could be held.
    with open(os.devnull, "w") as null:
        child = subprocess.Popen(["sleep", "50"], stdout=null, stderr=null, close_fds=False, start_new_session=True)
    with open(file, "w") as out:
        out.write(str(child.pid))
    child.returncode = 0
    return 1
