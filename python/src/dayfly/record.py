"""A job as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_ENDED = frozenset(("succeeded", "failed", "cancelled"))


class JobRecord:
    """A job as it was last seen; `data` holds all that the API said of it."""

    data: Mapping[str, Any]

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    @property
    def id(self) -> str:
        """The job's UUID."""
        return str(self.data["id"])

    @property
    def task(self) -> str:
        """The task it runs."""
        return str(self.data.get("task", "?"))

    @property
    def state(self) -> str:
        """`scheduled queued running succeeded failed cancelled`, as last seen."""
        return str(self.data.get("state", "?"))

    @property
    def ended(self) -> bool:
        """Whether it had ended when it was last seen. It will then never change."""
        return self.state in _ENDED

    @property
    def progress(self) -> tuple[float | None, str | None]:
        """How far it had come, from 0 to 1, and in its own words."""
        said = self.data.get("progress") or {}
        fraction, message = said.get("fraction"), said.get("message")
        return (None if fraction is None else float(fraction)), message

    @property
    def attempt(self) -> int:
        """How often it was started."""
        return int(self.data.get("attempt") or 0)

    @property
    def error(self) -> Mapping[str, Any] | None:
        """Why it failed: `kind message exit_code signal retryable stderr_tail`."""
        error = self.data.get("error")
        return error if isinstance(error, Mapping) else None

    @property
    def created_at(self) -> datetime | None:
        """When it was taken."""
        return self._time("created_at")

    @property
    def started_at(self) -> datetime | None:
        """When its latest attempt began."""
        return self._time("started_at")

    @property
    def finished_at(self) -> datetime | None:
        """When it had ended and no process of it was left."""
        return self._time("finished_at")

    def _time(self, name: str) -> datetime | None:
        text = self.data.get(name)
        # Before 3.11 `fromisoformat` knows no Z.
        return datetime.fromisoformat(text.replace("Z", "+00:00")) if isinstance(text, str) else None

    def __repr__(self) -> str:
        """`<Job 0190.. factor running>`."""
        return f"<{type(self).__name__} {self.id} {self.task} {self.state}>"
