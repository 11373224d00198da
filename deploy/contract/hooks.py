"""What schemathesis does not know by itself."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: object) -> bytes:
    """Lines of JSON are described as text and sent as it is."""
    return str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: dict[str, Any]) -> None:
    """A log that is followed flows until its job ends: whoever reads it whole waits as long, here minutes."""
    if not case.operation.path.endswith("/logs") or not case.query:
        return
    values = case.query.get("follow")
    for value in values if isinstance(values, (list, tuple)) else [values]:
        if str(value).strip().lower() in ("", "1", "true"):
            case.query.pop("follow", None)
