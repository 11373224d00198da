"""The task's side: a function as a job's program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dayfly
from installation import HERE, SRC

NOBODY = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{SRC}:{HERE}", "PYTHONWARNINGS": "error"}


def start(words: list[str], given: bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *words], input=given, capture_output=True, timeout=60, check=False, env={**NOBODY, **environ}
    )


def run(function: str, given: object) -> subprocess.CompletedProcess[bytes]:
    return start(["-m", "dayfly", "run", f"shapes:{function}"], json.dumps(given).encode())


@pytest.mark.parametrize(
    ("function", "given", "result"),
    [
        ("total", {"numbers": [1, 2.5]}, 3.5),
        ("whole", {"any": "thing"}, {"any": "thing"}),
        ("order", {"id": 7, "lines": [{"name": "x", "price": 1}]}, {"id": 7, "lines": [{"name": "x", "price": 1.0}]}),
        ("later", {"n": 2}, 4),
        ("counted", {"n": 3}, [0, 1, 2]),
        ("counted_async", {"n": 3}, [0, 1, 2]),
        ("summed", {"n": 4}, {"total": 6}),
        ("colour", {"colour": "red"}, "RED is Colour.RED"),
        ("nothing", {}, None),
        ("days", {"first": "2026-01-30", "second": "2026-02-02T00:00:00Z"}, 3),
    ],
)
def test_input_and_result(function: str, given: object, result: object) -> None:
    done = run(function, given)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == result


def test_decimals_keep_their_digits() -> None:
    done = start(["-m", "dayfly", "run", "shapes:kept"], b'{"amount": 0.10000000000000000000000000000000001}')
    assert done.stdout == b'{"amount":0.10000000000000000000000000000000001}\n', done.stderr.decode()


@pytest.mark.parametrize(
    ("function", "given", "says"),
    [
        ("total", {"numbers": [1, "2"]}, "/numbers/1: must be a number, not '2'"),
        ("total", {}, "/numbers: is missing"),
        ("total", {"numbers": [], "nmbers": 1}, "/nmbers: total has no such parameter; it has numbers"),
        ("total", 7, "the input: must be an array, not 7"),
        ("order", {"id": True, "lines": []}, "/id: must be an integer, not True"),
        ("order", {"id": 1, "lines": [{"name": "x"}]}, "/lines/0/price: is missing"),
        ("colour", {"colour": "blue"}, "/colour: must be one of 'red', 'green', not 'blue'"),
        ("days", {"first": "soon", "second": "2026-02-02"}, "/first: 'soon' is no date"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(function: str, given: object, says: str) -> None:
    done = run(function, given)
    assert done.returncode == 65
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_how_it_ends() -> None:
    retry = run("odd", {"how": "retry"})
    assert (retry.returncode, retry.stdout) == (75, b"")
    assert retry.stderr.endswith(b"asks for another attempt: the licence server is busy\n")
    fail = run("odd", {"how": "fail"})
    assert (fail.returncode, fail.stderr) == (9, b"no such molecule\n")
    error = run("odd", {"how": "raise"})
    assert error.returncode == 1
    trace = error.stderr.decode()
    assert trace.splitlines()[1].strip().startswith('File "' + str(HERE / "shapes.py"))
    assert trace.endswith("LookupError: how\n")
    for what, says in (("set of bytes", "bytes have no JSON form"), ("nan", "not JSON compliant")):
        done = run("odd", {"how": what})
        assert (done.returncode, done.stdout) == (1, b"")
        assert says in done.stderr.decode()
    assert run("odd", {"how": "exit"}).returncode == 4
    assert start(["-m", "dayfly", "run", "shapes:total"], b"{").returncode == 65


def test_only_the_result_is_on_stdout() -> None:
    done = run("noisy", {})
    assert done.stdout == b'"result"\n'
    wanted = ["print", "shell", "descriptor", "C", "child", "exit"]
    assert [line for line in done.stderr.decode().splitlines() if line in wanted] == wanted


def test_a_daemon_does_not_hold_the_result(tmp_path: Path) -> None:
    # The child lives for 50 s. `start` waits for the ends of the pipes, not of processes.
    began = time.monotonic()
    done = start(["-m", "dayfly", "run", "shapes:leaves_a_child"], json.dumps({"file": str(tmp_path / "pid")}).encode())
    took = time.monotonic() - began
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.stdout == b"1\n", done.stderr.decode()
    assert took < 40


def test_wrong_words() -> None:
    for words, says in [
        (["run", "nowhere:x"], "there is no module 'nowhere'"),
        (["run", "shapes:nothing_there"], "the module shapes has no 'nothing_there'"),
        (["run", "shapes"], "write it like algo:factor"),
        (["run", "shapes:PI"], "is no function: it is a float"),
        ([], "usage: python -m dayfly run"),
    ]:
        done = start(["-m", "dayfly", *words], b"{}")
        assert done.returncode == 2
        assert says in done.stderr.decode()


def test_starts_without_the_clients_side() -> None:
    loaded = start(
        [
            "-c",
            "import dayfly, sys; print([m for m in ('httpx', 'asyncio', 'concurrent.futures') if m in sys.modules])",
        ],
        b"",
    )
    assert loaded.stdout == b"[]\n", loaded.stderr.decode()
    # `-S` and `-I`: nothing that was installed is there.
    bare = f"import sys; sys.path.insert(0, {str(SRC)!r})\nimport dayfly\n"
    bare += "try: dayfly.Client\nexcept ImportError as e: print(e)"
    assert start(["-I", "-S", "-c", bare], b"").stdout == b'dayfly.Client needs httpx: pip install "dayfly[client]"\n'


def test_job_and_progress_outside_of_a_job() -> None:
    dayfly.progress(0.5, "nobody hears it")
    with pytest.raises(dayfly.NotInJob, match="DAYFLY_JOB_ID is not set"):
        dayfly.job()
    with pytest.raises(ValueError, match="from 0 to 1"):
        dayfly.progress(50)


def test_progress_is_written_line_by_line_and_its_last_word_is_kept() -> None:
    reader, writer = os.pipe()
    code = "import dayfly\ndef f():\n for i in range(1001): dayfly.progress(i / 1000, f'step {i}')\ndayfly.run(f)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[writer],
        env={**NOBODY, "DAYFLY_EVENTS_FD": str(writer)},
    ) as child:
        os.close(writer)
        with open(reader, "rb") as pipe:
            lines = [json.loads(line) for line in pipe]
    assert child.returncode == 0
    assert lines[0] == {"progress": 0.0, "message": "step 0"}
    assert lines[-1] == {"progress": 1.0, "message": "step 1000"}
    assert len(lines) < 100


def partials(function: str, given: object, tmp_path: Path) -> tuple[subprocess.CompletedProcess[bytes], list[object]]:
    """What it tells on its event pipe."""
    file = tmp_path / "events"
    with file.open("wb") as events:
        done = subprocess.run(
            [sys.executable, "-m", "dayfly", "run", f"shapes:{function}"],
            input=json.dumps(given).encode(),
            capture_output=True,
            timeout=60,
            check=False,
            pass_fds=[events.fileno()],
            env={**NOBODY, "DAYFLY_EVENTS_FD": str(events.fileno())},
        )
    return done, [json.loads(line) for line in file.read_bytes().splitlines()]


def test_what_a_generator_yields_is_told_at_once(tmp_path: Path) -> None:
    for function in ("counted", "counted_async"):
        done, told = partials(function, {"n": 3}, tmp_path)
        assert json.loads(done.stdout) == [0, 1, 2]
        assert told == [{"partial": n, "index": n} for n in range(3)]
    long = "x" * 16_000
    done, told = partials("told", {"values": ["é", long, {"a": [1]}]}, tmp_path)
    assert json.loads(done.stdout) == ["é", long, {"a": [1]}]
    assert told == [
        {"partial": "é", "index": 0},
        {"partial_too_long": 16_002, "index": 1},
        {"partial": {"a": [1]}, "index": 2},
    ]


def test_partial_results_leave_room_in_the_log(tmp_path: Path) -> None:
    done, told = partials("told", {"values": ["x" * 15_000] * 60}, tmp_path)
    assert len(json.loads(done.stdout)) == 60
    assert told[-1] == {"partials_end": len(told) - 1}
    assert (tmp_path / "events").stat().st_size <= 512 * 1024 + 100
    assert 30 < len(told) < 40


def test_what_has_no_json_form_fails_where_it_is_yielded(tmp_path: Path) -> None:
    done, told = partials("odd", {"how": "yield bytes"}, tmp_path)
    assert done.returncode == 1
    assert b"bytes have no JSON form" in done.stderr
    assert told[0] == {"partial": 1, "index": 0}
    assert isinstance(told[1], dict)
    assert told[1]["exception"]["type"] == "TypeError"
