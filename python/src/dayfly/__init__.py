"""Dayfly: jobs over HTTP, each in a process that can always be ended.

Two sides, which never import each other:

- **the task's**, in the job's own process, needs nothing but Python: `run`, `task`, `progress`, `job`, `Retry`, `Fail`;
- **the client's** needs httpx (`pip install "dayfly[client]"`): `Client`, `AsyncClient`, `DayflyExecutor`.

The client's names are imported on first use only, so that a job's process starts as fast as Python does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .context import JobContext, NotInJob, job, progress
from .decorator import Task, task, task_of, tasks_of
from .errors import (
    ApiError,
    DayflyError,
    Fail,
    InvalidInput,
    JobCancelled,
    JobFailed,
    JobTimeout,
    Retry,
    Unreachable,
    WaitTimeout,
)
from .runner import run

if TYPE_CHECKING:
    from .aio import AsyncClient, AsyncJob
    from .client import Client, Job
    from .executor import DayflyExecutor, DayflyFuture
    from .stream import Event

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncJob",
    "Client",
    "DayflyError",
    "DayflyExecutor",
    "DayflyFuture",
    "Event",
    "Fail",
    "InvalidInput",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobFailed",
    "JobTimeout",
    "NotInJob",
    "Retry",
    "Task",
    "Unreachable",
    "WaitTimeout",
    "__version__",
    "job",
    "progress",
    "run",
    "task",
    "task_of",
    "tasks_of",
]

_LAZY = {
    "AsyncClient": "aio",
    "AsyncJob": "aio",
    "Client": "client",
    "DayflyExecutor": "executor",
    "DayflyFuture": "executor",
    "Event": "stream",
    "Job": "client",
}


def __getattr__(name: str) -> object:
    """Imports the client's side when it is first asked for (PEP 562)."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'dayfly' has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as missing:
        if missing.name != "httpx":
            raise
        raise ImportError(f'dayfly.{name} needs httpx: pip install "dayfly[client]"') from missing


def __dir__() -> list[str]:
    """Shows the names that are not imported yet, too."""
    return __all__
