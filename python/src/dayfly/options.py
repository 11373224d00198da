"""A submit's options: as Python has them, and as the query and a bulk submit's `options` have them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, Union

from .units import duration_text

#: Seconds, a timedelta, or a text with its unit ("30s").
Duration = Union[str, int, float, timedelta]


class Options(TypedDict, total=False):
    """All that a submit takes beyond task, input and key."""

    #: The attempt's deadline, at most the task's `max_timeout`.
    timeout: Duration | None
    #: Starts no sooner than this long from now.
    delay: Duration | None
    #: Starts no sooner than then; a datetime with its zone, or RFC 3339.
    at: datetime | str | None
    #: 0, most urgent, to 9; 5 when not given.
    priority: int | None
    #: Further attempts after the job's own failures.
    retries: int | None
    #: Must have started by then, or fails as `expired`.
    expires: Duration | None
    #: Kept for this long after its end.
    retention: Duration | None
    #: For filters and dashboards.
    labels: Mapping[str, str] | None
    #: While a job with this key waits or runs, another is refused (409 `not_unique`).
    unique: str | None


_DURATIONS = ("timeout", "delay", "expires", "retention")
_PLAIN = ("priority", "retries", "unique")


def _values(options: Mapping[str, Any]) -> dict[str, str]:
    known = {*Options.__annotations__}
    for name in options:
        if name not in known:
            raise TypeError(f"there is no option {name!r}; there are {', '.join(sorted(known))}")
    values = {name: duration_text(options[name]) for name in _DURATIONS if options.get(name) is not None}
    values.update({name: str(options[name]) for name in _PLAIN if options.get(name) is not None})
    at = options.get("at")
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError("`at` needs a time zone: datetime.now(timezone.utc) + .., or .astimezone()")
        at = at.isoformat()
    if at is not None:
        values["at"] = at
    return values


def _labels(options: Mapping[str, Any]) -> list[str]:
    labels = options.get("labels") or {}
    for name in labels:
        if ":" in name:
            raise ValueError(f"the name of a label has no colon: {name!r}")
    return [f"{name}:{value}" for name, value in labels.items()]


def query(options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """For the query of a single submit. Raises `TypeError` and `ValueError` for what cannot be meant."""
    return (*_values(options).items(), *(("label", label) for label in _labels(options)))


def members(options: Mapping[str, Any]) -> dict[str, Any]:
    """For `options` of a bulk submit."""
    values: dict[str, Any] = dict(_values(options))
    for name in ("priority", "retries"):
        if name in values:
            values[name] = int(values[name])
    labels = _labels(options)
    if labels:
        values["label"] = labels
    return values
