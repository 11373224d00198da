"""What a job's own process knows of itself, and how it tells of its progress.

All of it comes from the environment that the worker sets, so it works in any process of the job's tree.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Shortest time between two lines of progress, s. A worker writes ten a second at most.
TOLD_EVERY = 0.05


class NotInJob(RuntimeError):
    """`job()` was asked for outside of a job."""


@dataclass(frozen=True)
class JobContext:
    """The running job, as its own process sees it."""

    id: str
    task: str
    #: 1 for the first run. Runs whose worker died count too.
    attempt: int
    #: `<attempt>-<nonce>`: proof of the right to run, unlike that of any other run. Good as a fencing token elsewhere.
    fence: str
    #: When this attempt is ended, in UTC.
    deadline: datetime
    #: The job's own folder, removed after its end.
    folder: Path

    def remaining(self) -> float:
        """Seconds until the deadline, negative past it."""
        return (self.deadline - datetime.now(timezone.utc)).total_seconds()


def job(environ: Mapping[str, str] | None = None) -> JobContext:
    """The job that this process is part of.

    Raises `NotInJob` where no worker started it: set `DAYFLY_JOB_ID`, `DAYFLY_TASK` and the others in a test.
    """
    # Costs a small job more than all the rest of this package: only for who uses it.
    from pathlib import Path

    source = os.environ if environ is None else environ
    try:
        return JobContext(
            id=source["DAYFLY_JOB_ID"],
            task=source["DAYFLY_TASK"],
            attempt=int(source["DAYFLY_ATTEMPT"]),
            fence=source["DAYFLY_FENCE"],
            # Before 3.11 `fromisoformat` knows no Z.
            deadline=datetime.fromisoformat(source["DAYFLY_DEADLINE"].replace("Z", "+00:00")),
            folder=Path(source["DAYFLY_DIR"]),
        )
    except KeyError as missing:
        raise NotInJob(f"this process is no job's: {missing.args[0]} is not set. A worker sets it") from None


class Progress:
    """Writes progress to the descriptor that `DAYFLY_EVENTS_FD` names, one JSON a line.

    Called in a tight loop it costs little: what comes too soon is kept, and the latest of it written by the next
    call or by `flush`.
    """

    def __init__(self, descriptor: int | None, every: float = TOLD_EVERY) -> None:
        self._descriptor = descriptor
        self._every = every
        self._next = 0.0
        self._kept: bytes | None = None
        self._lock = threading.Lock()

    def tell(self, fraction: float | None, message: str | None) -> None:
        """Tells, or keeps for later what came too soon."""
        if fraction is not None and not 0.0 <= fraction <= 1.0:
            raise ValueError(f"progress is a fraction from 0 to 1, not {fraction!r}")
        said: dict[str, object] = {}
        if fraction is not None:
            said["progress"] = float(fraction)
        if message is not None:
            said["message"] = message
        line = json.dumps(said).encode() + b"\n"
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                self._kept = line
                return
            self._next = now + self._every
            self._write(line)

    def flush(self) -> None:
        """Writes what was kept."""
        with self._lock:
            if self._kept is not None:
                self._write(self._kept)

    def _write(self, line: bytes) -> None:
        self._kept = None
        if self._descriptor is None:
            return
        if not write_event(self._descriptor, line):
            self._descriptor = None


#: Lines longer than a pipe takes at one stroke must not be mixed with those of other threads.
_whole_lines = threading.Lock()


def write_event(descriptor: int, line: bytes) -> bool:
    """Writes a line to the event pipe. False: nobody listens, of which no task must fail."""
    rest = memoryview(line)
    with _whole_lines:
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            return False
    return True


def events_descriptor() -> int | None:
    """Where events go; `None` outside of a job."""
    text = os.environ.get("DAYFLY_EVENTS_FD", "")
    return int(text) if text.isdigit() else None


_progress: Progress | None = None


def progress(fraction: float | None = None, message: str | None = None) -> None:
    """Tells how far the work is, from 0 to 1, and in words. Does nothing outside of a job."""
    global _progress
    if _progress is None:
        _progress = Progress(events_descriptor())
    _progress.tell(fraction, message)


def tell_exception(error: BaseException, *, retry: bool = True) -> None:
    """Tells the worker what ended the job, for its record; with `retry=False`, that no other attempt can go better."""
    descriptor = events_descriptor()
    if descriptor is not None:
        told: dict[str, object] = {"type": type(error).__qualname__, "message": _words(error)[:500]}
        if not retry:
            told["retry"] = False
        write_event(descriptor, json.dumps({"exception": told}).encode() + b"\n")


def _words(error: BaseException) -> str:
    """Its message, also when its own `__str__` fails."""
    try:
        return str(error)
    except Exception as why:
        return f"(its message cannot be had: {type(why).__qualname__})"


def flush_progress() -> None:
    """Writes the latest progress, if it was kept back."""
    if _progress is not None:
        _progress.flush()
