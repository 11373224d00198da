"""Tasks and functions of the tests, run in workers' processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Optional

import dayfly


def echo(input: dict[str, Any], /) -> dict[str, Any]:
    """Gives back what it got."""
    return input


def watched(file: str) -> Iterator[int]:
    """Goes on when somebody has seen what it has so far."""
    yield 1
    while not os.path.exists(file):
        time.sleep(0.01)
    yield 2


@dayfly.task(timeout="20s", retries=2, memory="256MiB")
def odd(how: str, seconds: float = 0.0, note: Optional[str] = None) -> Any:
    """Behaves as it is told."""
    print(f"printed: {how}")
    if how == "fail":
        raise dayfly.Fail(note or "", exit_code=3)
    if how == "retry":
        raise dayfly.Retry(note or "")
    if how == "raise":
        raise LookupError(note)
    if how == "abort":
        os.abort()
    if how == "sleep":
        time.sleep(seconds)
    if how == "steps":
        for step in range(5):
            dayfly.progress((step + 1) / 5, f"step {step + 1}")
            time.sleep(seconds / 5)
    if how == "noise":
        os.system("echo noise of a shell")
        subprocess.run([sys.executable, "-c", "print('noise of a child')"], check=True)
        os.write(1, b"noise of C\n")
    if how == "me":
        me = dayfly.job()
        return {
            "id": me.id,
            "task": me.task,
            "attempt": me.attempt,
            "fence": me.fence,
            "left": me.remaining(),
            "folder": str(me.folder),
            "here": os.getcwd(),
        }
    return {"how": how}
