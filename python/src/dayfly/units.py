"""Durations and sizes as Dayfly writes them: `250ms`, `30s`, `256MiB`."""

from __future__ import annotations

import math
import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+(\.\d+)?(ms|s|m|h|d))+")
_SIZE = re.compile(r"\d+(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)")


def duration_text(value: str | float | timedelta) -> str:
    """A duration with its unit. Numbers are seconds; a text must have its unit already.

    Raises `ValueError` for negative and endless ones and for texts without a unit, `TypeError` for anything else.
    """
    if isinstance(value, str):
        if not _DURATION.fullmatch(value):
            raise ValueError(f"{value!r} is not a duration: write it like 250ms, 30s, 10m, 2h or 7d, or give seconds")
        return value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"a duration is a number of seconds, a timedelta or a text such as 30s, not {value!r}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"a duration is 0 or more seconds, not {value!r}")
    return f"{math.ceil(value * 1000 - 1e-6)}ms"


def size_text(value: str | int) -> str:
    """A size with its unit. Numbers are bytes; a text must have its unit already."""
    if isinstance(value, str):
        if not _SIZE.fullmatch(value):
            raise ValueError(f"{value!r} is not a size: write it like 64KiB, 256MiB or 1GB, or give bytes")
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"a size is a number of bytes or a text such as 256MiB, not {value!r}")
    if value <= 0:
        raise ValueError(f"a size is more than 0 bytes, not {value!r}")
    return f"{value}B"
