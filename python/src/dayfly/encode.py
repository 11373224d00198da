"""Values to JSON, digit by digit: what a task returns, and what a client submits.

Beyond what `json` knows: dataclasses, pydantic models, numpy scalars and arrays, Decimal (as a number, all its
digits), dates, UUIDs, paths, enums, sets. None of the modules of these is imported for it: a value of theirs can
only be there when they are.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_text = json.encoder.encode_basestring


class _HoldsDecimal(Exception):
    """The encoder in C has no way to write a number that is neither int nor float."""


def encode(value: Any) -> bytes:
    """`value` as JSON in UTF-8.

    Raises `TypeError` for what has no JSON form, `ValueError` for NaN, infinities and values that hold themselves.
    """
    try:
        text = json.dumps(value, default=_plain_or_signal, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except _HoldsDecimal:
        text = "".join(_pieces(value, set()))
    except TypeError as why:
        if "keys must be" not in str(why):
            raise
        # Keys that are numpy's, or an Enum's: `json` has no way to be asked for these.
        text = "".join(_pieces(value, set()))
    # A lone surrogate is no Unicode text and has no UTF-8; JSON can still say it, escaped.
    return text.encode("utf-8", "backslashreplace")


def _plain_or_signal(value: Any) -> Any:
    if isinstance(value, Decimal):
        raise _HoldsDecimal
    return plain(value)


def plain(value: Any) -> Any:
    """One step towards what `json` knows. Raises `TypeError` when there is none."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (Set, Iterator)):
        return list(value)
    uuid, numpy = sys.modules.get("uuid"), sys.modules.get("numpy")
    if uuid is not None and isinstance(value, uuid.UUID):
        return str(value)
    if numpy is not None and isinstance(value, numpy.generic):
        return value.item()
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.tolist()
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        # Not mode="json": that would turn a Decimal into a text.
        return dump()
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("bytes have no JSON form: return base64.b64encode(value).decode(), or write a file")
    raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__} has no JSON form")


def _pieces(value: Any, above: set[int]) -> Iterator[str]:
    """JSON in pieces, written in Python for the sake of Decimal. `above`: the containers around it."""
    if value is None or value is True or value is False:
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str):
        yield _text(value)
    elif isinstance(value, int):
        yield int.__repr__(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} has no JSON form")
        yield float.__repr__(value)
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value!r} has no JSON form")
        yield str(value)
    else:
        if id(value) in above:
            raise ValueError("Circular reference detected")
        inside = above | {id(value)}
        if isinstance(value, dict):
            opener = "{"
            for key, item in value.items():
                yield f"{opener}{_text(_key(key))}:"
                yield from _pieces(item, inside)
                opener = ","
            yield "{}" if opener == "{" else "}"
        elif isinstance(value, (list, tuple)):
            opener = "["
            for item in value:
                yield opener
                yield from _pieces(item, inside)
                opener = ","
            yield "[]" if opener == "[" else "]"
        else:
            yield from _pieces(plain(value), inside)


def _key(key: Any) -> str:
    """A member's name, as `json` makes it of the same key, or of the value that `plain` makes of it."""
    if isinstance(key, enum.Enum) or (not isinstance(key, (str, int, float)) and _is_simple(key)):
        key = plain(key)
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _is_simple(key: Any) -> bool:
    """What `plain` makes a text or a number of."""
    uuid, numpy = sys.modules.get("uuid"), sys.modules.get("numpy")
    if isinstance(key, (datetime, date, time, os.PathLike)) or (uuid is not None and isinstance(key, uuid.UUID)):
        return True
    return numpy is not None and isinstance(key, numpy.generic)
