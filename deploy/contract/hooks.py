"""What schemathesis does not know by itself."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: object) -> bytes:
    """Lines of JSON are described as text and sent as it is."""
    return str(value).encode("utf-8", "surrogatepass")
