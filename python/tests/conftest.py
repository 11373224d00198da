"""One installation for all tests: they share it as clients do, and each looks at jobs of its own only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dayfly
from installation import Installation, python_task, warm_task

CALLS = 'timeout = "1m"\nmax_timeout = "1h"\nkill_grace = "1s"\noutput = "json"'

TASKS = "".join(
    [
        python_task(
            "odd", ["-m", "dayfly", "run", "algo:odd"], 'timeout = "20s"\nmax_timeout = "10m"\nkill_grace = "1s"'
        ),
        python_task("watched", ["-m", "dayfly", "run", "algo:watched"], 'timeout = "20s"'),
        python_task("echo", ["-m", "dayfly", "run", "algo:echo"], 'output = "json"'),
        python_task("raw", ["-c", "import sys; sys.stdout.buffer.write(bytes(range(256)))"], 'output = "bytes"'),
        python_task("words", ["-c", "print('plain words')"], 'output = "text"'),
        python_task("python_call", ["-m", "dayfly.call"], CALLS),
        # As a user has it whose functions need much loading: a module of their own that has the function, too.
        warm_task("warm_call", "calls:python_call", CALLS),
        warm_task("warm_odd", "algo:odd", 'backoff = "10ms"'),
    ]
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation."""
    installation = Installation(tmp_path_factory.mktemp("dayfly"), TASKS)
    yield installation
    installation.stop()


@pytest.fixture
def client(site: Installation) -> Iterator[dayfly.Client]:
    """A client of it."""
    with dayfly.Client(site.url) as client:
        yield client
