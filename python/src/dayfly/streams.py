"""The job's own standard output, kept for its result.

What a task prints, whether by `print`, a C library or a program it starts, goes to descriptor 1. Descriptor 1 is
pointed at stderr, the job's log, and the real one kept under another number, closed to programs that are started.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys


class ResultPipe:
    """Where the result goes."""

    def __init__(self) -> None:
        sys.stdout.flush()
        # Not inheritable: a daemon that the task leaves behind does not hold the result open.
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        if isinstance(sys.stdout, io.TextIOWrapper):
            # The log shows lines in the order in which they were written.
            sys.stdout.reconfigure(line_buffering=True)

    def finish(self, result: bytes) -> None:
        """Writes the whole result and closes. Nothing can follow."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        view = memoryview(result)
        while view:
            view = view[os.write(self._descriptor, view) :]
        os.close(self._descriptor)
