"""Everything this package raises.

DayflyError
  ApiError        the API refused a request: code, status, problem
  Unreachable     the API did not answer within the client's patience
  JobFailed       the job ended as failed: kind, message, exit code, signal, the end of its log
    JobTimeout    .. because it ran past its own deadline
  JobCancelled    the job was cancelled
  WaitTimeout     the client has waited long enough; the job goes on

Retry, Fail       raised by a task's function, to say how its attempt ended
InvalidInput      the job's input does not fit the task's function
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN_LINES = 8


class DayflyError(Exception):
    """Root of what the client raises."""


class ApiError(DayflyError):
    """The API refused a request (RFC 9457). `code` is stable and made for programs."""

    code: str
    status: int
    #: The whole document; its `errors` point at what is wrong in the input.
    problem: Mapping[str, Any]

    def __init__(self, code: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(code, status, problem)
        self.code = code
        self.status = status
        self.problem = problem

    @property
    def detail(self) -> str:
        """What is wrong and what to do, in words."""
        return str(self.problem.get("detail") or self.problem.get("title") or "the answer gives no reason")

    @property
    def job_id(self) -> str | None:
        """The job that the refusal is about, when there is one (`not_unique`, `outcome_unknown`, ..)."""
        job = self.problem.get("job")
        return job if isinstance(job, str) else None

    def __str__(self) -> str:
        """`404 unknown_task: There is no task `x`; did you mean ..`, and a line for each fault of the input."""
        text = f"{self.status} {self.code}: {self.detail}"
        faults = self.problem.get("errors")
        for fault in faults if isinstance(faults, list) else []:
            if isinstance(fault, Mapping):
                text += f"\n  {fault.get('pointer') or '(the whole input)'}: {fault.get('detail')}"
        return text


class Unreachable(DayflyError):
    """The API did not answer, however often it was asked. A submit may have been taken all the same: with the same
    `idempotency_key` it can be repeated without making a second job.
    """


class JobFailed(DayflyError):
    """The job ended as `failed`; `kind` says how (`exit_code signal timeout oom lost expired ..`, an open set)."""

    kind: str
    message: str
    exit_code: int | None
    signal: str | None
    #: The end of what the job wrote to stderr, at most 2 KiB.
    stderr_tail: str
    #: The job as the client holds it (`Job` or `AsyncJob`).
    job: Any

    def __init__(self, job: Any, error: Mapping[str, Any]) -> None:
        super().__init__(job, error)
        self.job = job
        self.kind = str(error.get("kind", "unknown"))
        self.message = str(error.get("message", ""))
        code, signal = error.get("exit_code"), error.get("signal")
        self.exit_code = code if isinstance(code, int) else None
        self.signal = signal if isinstance(signal, str) else None
        self.stderr_tail = str(error.get("stderr_tail") or "")

    def __str__(self) -> str:
        """Which job, why, and the last lines of its log."""
        text = f"job {self.job.id} of {self.job.task} failed ({self.kind}): {self.message}"
        lines = self.stderr_tail.strip().splitlines()[-_SHOWN_LINES:]
        if lines:
            text += "\n  its log ends:\n    " + "\n    ".join(lines)
        return text


class JobTimeout(JobFailed):
    """The job ran past its own deadline and was ended (`kind == "timeout"`)."""


class JobCancelled(DayflyError):
    """The job was cancelled, before or while it ran."""

    reason: str | None
    #: The job as the client holds it (`Job` or `AsyncJob`).
    job: Any

    def __init__(self, job: Any, reason: str | None) -> None:
        super().__init__(job, reason)
        self.job = job
        self.reason = reason

    def __str__(self) -> str:
        """Which job, and why when that was said."""
        why = f": {self.reason}" if self.reason else ""
        return f"job {self.job.id} of {self.job.task} was cancelled{why}"


class WaitTimeout(DayflyError, TimeoutError):
    """The client has waited for as long as it was told to. The job is not touched by that: it goes on."""

    #: The job as it was last seen.
    job: Any
    #: Seconds that were waited.
    waited: float

    def __init__(self, job: Any, waited: float) -> None:
        super().__init__(job, waited)
        self.job = job
        self.waited = waited

    def __str__(self) -> str:
        """Which job, its state, and how to end it."""
        return (
            f"job {self.job.id} of {self.job.task} is still {self.job.state} after {self.waited:g} s of waiting; "
            "it goes on (job.cancel() ends it)"
        )


class Retry(Exception):
    """Raised by a task's function: this attempt did not work, another may. Spends one of the job's `retries`."""


class Fail(Exception):
    """Raised by a task's function: the job has failed, for the reason given; no traceback is written.

    No other attempt is made, also when the job has `retries` left: what cannot go better another time is not tried
    again. Any other exception is, as `Retry` is.
    """

    exit_code: int

    def __init__(self, message: str = "", *, exit_code: int = 1) -> None:
        if not 1 <= exit_code <= 125 or exit_code == 75:
            raise ValueError(f"exit_code must be 1 to 125 and not 75, which asks for a retry, not {exit_code}")
        super().__init__(message)
        self.exit_code = exit_code


class InvalidInput(ValueError):
    """The job's input does not fit the task's function. `pointer` is a JSON pointer (RFC 6901) to what does not."""

    pointer: str

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or 'the input'}: {detail}")
        self.pointer = pointer
        self.detail = detail
