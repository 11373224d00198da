"""Partial results: what a generator yields, told at once on the event pipe, one JSON a line.

    {"partial": VALUE, "index": 0}

Whoever follows the job sees each as a `log` event of the stream `event`, and this package's clients as a `partial` one.
They are a preview and share the job's log: a value too long for a line, and all that come after a fair share of the log
is used up, are left out, and that is told. The result holds them all.
"""

from __future__ import annotations

from typing import Any

from .context import events_descriptor, write_event
from .encode import encode

#: Longest line, bytes: a worker cuts off what is longer than 16 KiB.
LONGEST = 16_000
#: Bytes of all lines of one job: half of a log's usual size.
MOST = 512 * 1024


class Partials:
    """Tells what a generator yields. Does nothing outside of a job but look whether it can be told."""

    def __init__(self) -> None:
        self._descriptor = events_descriptor()
        self._index = 0
        self._room = MOST

    def tell(self, value: Any) -> None:
        """Raises what `encode` raises: a value without a JSON form is at fault where it is yielded."""
        text = encode(value)
        index, self._index = self._index, self._index + 1
        if self._descriptor is None or self._room <= 0:
            return
        line = b'{"partial":%s,"index":%d}\n' % (text, index)
        if len(line) > LONGEST:
            line = b'{"partial_too_long":%d,"index":%d}\n' % (len(text), index)
        if len(line) > self._room:
            line = b'{"partials_end":%d}\n' % index
            self._room = 0
        self._room -= len(line)
        write_event(self._descriptor, line)
