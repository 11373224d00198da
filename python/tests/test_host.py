"""A warm host, spoken to as a worker does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from installation import HERE, SRC

START = "import sys; from dayfly.host import main; main(*sys.argv[1:])"


class Host:
    """One host, and its jobs one after the other."""

    def __init__(self, folder: Path, code: str, function: str = "work") -> None:
        (folder / "loaded.py").write_text(code)
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.settimeout(30)
        self.folder = folder
        with theirs, (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, str(folder), f"loaded:{function}"],
                stderr=log,
                pass_fds=[3],
                preexec_fn=lambda: os.dup2(theirs.fileno(), 3),
                env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{SRC}:{HERE}", "DAYFLY_DIR": "/x", "DAYFLY_HOST": "1"},
            )

    def hear(self) -> dict[str, Any]:
        """The next message."""
        heard = json.loads(self.link.recv(65536))
        assert isinstance(heard, dict)
        return heard

    def job(self, given: object) -> Any:
        """Runs one; gives its result."""
        pid = self.hear()["ready"]["pid"]
        (self.folder / "in").write_text(json.dumps(given))
        with (self.folder / "in").open("rb") as stdin, (self.folder / "out").open("w+b") as out:
            with (self.folder / "err").open("wb") as err:
                job = {"env": [["DAYFLY_TASK", "t"]], "dir": str(self.folder), "sandbox": False}
                files = [stdin.fileno(), out.fileno(), err.fileno(), err.fileno()]
                socket.send_fds(self.link, [json.dumps(job).encode()], files)
            assert self.hear() == {"ended": {"status": 0}}, (self.folder / "err").read_text()
            assert Path(f"/proc/{pid}").exists()
            self.link.send(b'{"next":{}}')
            assert self.hear()["used"]["max_rss"] > 1_000_000
            assert not Path(f"/proc/{pid}").exists()
            out.seek(0)
            return json.load(out)

    def end(self) -> str:
        """Closes the socket; gives what the host has said."""
        self.link.close()
        assert self.process.wait(30) == 0
        return (self.folder / "log").read_text()


def test_random_numbers_differ_from_job_to_job(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    code = "import random, numpy\nrandom.seed(1); numpy.random.seed(1)\n"
    host = Host(tmp_path, code + "def work(): return [random.random(), float(numpy.random.random())]\n")
    one, two = host.job({}), host.job({})
    assert one[0] != two[0]
    assert one[1] != two[1]
    assert host.end() == "", "numpy's own threads are no reason to warn"


def test_threads_that_the_import_has_started_are_told(tmp_path: Path) -> None:
    code = (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True, name='poller').start()\n"
    )
    host = Host(tmp_path, code + "def work(): return [one.name for one in threading.enumerate()]\n")
    assert host.job({}) == ["MainThread"], "they are not there"
    said = host.end()
    assert said.startswith("dayfly host: loaded:work has started threads while it was loaded (poller).")
    assert "start them within the function" in said


def test_what_the_import_made_is_frozen_and_knows_no_job(tmp_path: Path) -> None:
    code = "import gc, os\nknown = [name for name in os.environ if name.startswith('DAYFLY')]\n"
    host = Host(
        tmp_path, code + "def work(): return [gc.get_freeze_count() > 1000, known, os.environ['DAYFLY_TASK']]\n"
    )
    assert host.job({}) == [True, [], "t"]
    host.end()


def test_a_change_made_while_the_code_is_loaded_is_seen(tmp_path: Path) -> None:
    # It changes its own file after it was read.
    code = (
        "file = __file__\nwith open(file, 'a') as out: out.write('\\n#')\ndef work(): return len(open(file).read())\n"
    )
    host = Host(tmp_path, code)
    first = host.job({})
    assert first == len(code) + 4, "the job has loaded it anew, and with that changed it again"
    assert host.process.wait(30) == 0, "the host of yesterday goes"
    host.end()
