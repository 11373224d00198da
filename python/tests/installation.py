"""A whole Dayfly of the tests' own: server, API and worker, by the real program, on ports of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"
#: How long anything may take that should be quick, on a machine that is busy with other things, s.
PATIENCE = 60.0


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(what: str, look: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `look` gives as soon as it is true; fails when that takes too long."""
    until = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {patience:g} s: {what}")
        time.sleep(0.02)


def processes_of(job_id: str) -> list[int]:
    """The processes with a job's id in their environment, zombies not counted; seen from outside of its namespace."""
    mark = f"DAYFLY_JOB_ID={job_id}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A zombie has no environment any more.
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def program() -> str:
    """The `dayfly` program: `DAYFLY_BIN`, else what the checkout has built."""
    given = os.environ.get("DAYFLY_BIN")
    built = Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parents[1] / "target") / "fast" / "dayfly"
    if not given and not built.exists():
        raise AssertionError(
            "the tests need the dayfly program: build it (cargo build --profile fast -p dayfly), "
            "or say where it is by DAYFLY_BIN"
        )
    return given or str(built)


def python_task(name: str, words: list[str], more: str = "") -> str:
    """A task that runs this very Python, with the package and the tests on its path."""
    command = json.dumps([sys.executable, *words])
    path = json.dumps(f"{SRC}:{HERE}")
    return f'[tasks.{name}]\ncommand = {command}\nenv = {{ PYTHONPATH = {path}, PYTHONWARNINGS = "error" }}\n{more}\n'


def warm_task(name: str, function: str, more: str = "") -> str:
    """A warm task of this very Python, with the tests on its path; the package comes with the worker."""
    path = json.dumps(str(HERE))
    words = f"python = {json.dumps(function)}\ninterpreter = {json.dumps(sys.executable)}"
    return f'[tasks.{name}]\n{words}\nenv = {{ PYTHONPATH = {path}, PYTHONWARNINGS = "error" }}\n{more}\n'


class Installation:
    """The parts; ended by `stop`."""

    def __init__(self, folder: Path, tasks: str, slots: int = 4) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tasks = tasks
        self._slots = slots
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Starts it, on the data of the time before if there was one."""
        config = self.folder / "dayfly.toml"
        config.write_text(f'[worker]\nlease_ttl = "3s"\n{self.tasks}')
        words = ["dev", "--listen", f"127.0.0.1:{self.port}", "--data", "data", "--slots", str(self._slots)]
        redis = os.environ.get("DAYFLY_TEST_REDIS_BIN") or shutil.which("redis-server") or shutil.which("valkey-server")
        if redis:
            words += ["--redis-bin", redis]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), *words, "--config", str(config)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually("a worker shows itself", self._ready)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            return bool(self.get("/v1/workers")["items"])
        except OSError:
            return False

    def get(self, path: str) -> Any:
        """GET without the client under test."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it, twice asked so that running jobs are not waited for."""
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
