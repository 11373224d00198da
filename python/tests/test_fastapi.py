"""The two applications of docs/fastapi.md, side by side: on a deadline, a cancel, and a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from installation import HERE, SRC, Installation, eventually, free_port, processes_of

EXAMPLE = HERE.parent / "examples" / "fastapi"
ENDLESS = {"samples": 10**10}
QUICK = {"samples": 1000}


class Application:
    """One of the two, served by uvicorn in a process group of its own."""

    def __init__(self, name: str, log: Path, dayfly_url: str) -> None:
        self.port = free_port()
        self._words = [sys.executable, "-m", "uvicorn", f"{name}:app", "--port", str(self.port)]
        self._environ = {**os.environ, "DAYFLY_URL": dayfly_url, "PYTHONPATH": str(SRC)}
        self._log = log
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=60)
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._words, cwd=EXAMPLE, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        eventually("uvicorn answers", self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        try:
            return self.http.get("/openapi.json").status_code == 200
        except httpx.TransportError:
            return False

    def crash(self) -> None:
        """Ends it and the processes of its pool, as a container's end does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def post(self, path: str, given: Any = None) -> Any:
        return self.http.post(f"/simulations{path}", json=given).raise_for_status().json()

    def get(self, job: Any) -> Any:
        return self.http.get(f"/simulations/{job['id']}").raise_for_status().json()

    def cpu(self) -> float:
        """CPU time that the processes of its pool have used, s."""
        ticks = 0
        for children in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(name: str, log: Path, url: str) -> Iterator[Application]:
    application = Application(name, log, url)
    try:
        yield application
    finally:
        application.http.close()
        application.crash()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with serving("before", tmp_path_factory.mktemp("before") / "log", "http://127.0.0.1:9") as application:
        yield application


@pytest.fixture(scope="module")
def simulating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    tasks = (
        (EXAMPLE / "dayfly.toml").read_text().replace('"."', f'"{EXAMPLE}"').replace('"python3"', f'"{sys.executable}"')
    )
    installation = Installation(
        tmp_path_factory.mktemp("simulating"), tasks + f'env = {{ PYTHONPATH = "{SRC}" }}\n', slots=2
    )
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, simulating: Installation) -> Iterator[Application]:
    with serving("after", tmp_path_factory.mktemp("after") / "log", simulating.url) as application:
        yield application


def ended(application: Application, job: Any) -> Any:
    def look() -> Any:
        seen = application.get(job)
        return seen if seen["state"] not in ("queued", "running") else None

    return eventually("it has ended", look)


def test_both_answer_the_same(before: Application, after: Application) -> None:
    for application in (before, after):
        job = application.post("", QUICK)
        assert set(job) == {"id", "state", "result", "error"}
        done = ended(application, job)
        assert (done["state"], done["result"]["samples"], done["error"]) == ("succeeded", 1000, None)
        assert application.http.get("/simulations/00000000-0000-7000-8000-000000000000").status_code == 404


def test_before_nothing_that_runs_can_be_ended(before: Application) -> None:
    done = before.post("", QUICK)
    assert ended(before, done)["state"] == "succeeded"
    used = before.cpu()
    running = before.post("", ENDLESS)
    eventually("it computes", lambda: before.cpu() > used + 0.2)
    assert before.http.post(f"/simulations/{running['id']}/cancel").status_code == 409
    late = [running, before.post("", ENDLESS)]
    assert [ended(before, job)["error"] for job in late] == ["timeout", "timeout"]
    used = before.cpu()
    eventually("what has timed out goes on computing", lambda: before.cpu() > used + 0.5)
    # The pool is taken by them: work of a millisecond "times out" without ever having begun.
    assert ended(before, before.post("", QUICK))["error"] == "timeout"
    before.crash()
    before.start()
    assert before.http.get(f"/simulations/{done['id']}").status_code == 404


def test_after_a_deadline_ends_the_work(after: Application) -> None:
    late = [after.post("", ENDLESS) for _ in range(2)]
    assert [ended(after, job)["error"] for job in late] == ["timeout", "timeout"]
    assert not any(processes_of(job["id"]) for job in late)
    assert ended(after, after.post("", QUICK))["state"] == "succeeded"


def test_after_a_cancel_ends_the_work(after: Application) -> None:
    job = after.post("", ENDLESS)
    eventually("it computes", lambda: processes_of(job["id"]))
    assert after.post(f"/{job['id']}/cancel")["state"] == "cancelled"
    assert not processes_of(job["id"])
    assert after.http.post(f"/simulations/{job['id']}/cancel").status_code == 200
    done = after.post("", QUICK)
    assert ended(after, done)["state"] == "succeeded"
    assert after.http.post(f"/simulations/{done['id']}/cancel").status_code == 409


def test_after_a_restart_all_jobs_are_there(after: Application) -> None:
    done = after.post("", QUICK)
    assert ended(after, done)["state"] == "succeeded"
    waiting = after.post("", QUICK)
    after.crash()
    after.start()
    assert after.get(done)["result"]["samples"] == 1000
    assert ended(after, waiting)["state"] == "succeeded"
