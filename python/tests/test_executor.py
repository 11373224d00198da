"""`DayflyExecutor` against what the standard library expects of an executor, and against its own promise."""

from __future__ import annotations

import concurrent.futures as cf
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import calls
import dayfly
from installation import SRC, Installation, eventually, processes_of, python_task


@pytest.fixture(params=["python_call", "warm_call"])
def executor(request: pytest.FixtureRequest, client: dayfly.Client) -> Iterator[dayfly.DayflyExecutor]:
    with dayfly.DayflyExecutor(8, client=client, task=request.param) as executor:
        yield executor


def test_calls_and_their_results(executor: dayfly.DayflyExecutor) -> None:
    assert isinstance(executor, cf.Executor)
    future = executor.submit(calls.add, 1, b=2)
    assert isinstance(future, cf.Future)
    assert future.result(30) == 3
    assert future.done()
    assert not future.running()
    assert not future.cancel()
    assert executor.submit(pow, 2, 2000).result(30) == 2**2000
    assert executor.submit(partial(calls.add, b=5), 1).result(30) == 6
    point = executor.submit(calls.Point(1).moved, 2).result(30)
    assert isinstance(point, calls.Point)
    assert point.x == 3


def test_map_keeps_the_order_and_chunks(executor: dayfly.DayflyExecutor) -> None:
    assert list(executor.map(calls.add, range(6), range(6))) == [0, 2, 4, 6, 8, 10]
    ids = list(executor.map(calls.job_id, range(5), chunksize=2))
    assert len(ids) == 5
    assert len(set(ids)) == 3
    assert list(executor.map(calls.add, [])) == []
    with pytest.raises(ZeroDivisionError):
        list(executor.map(calls.divide, [1, 1], [1, 0], chunksize=2))
    with pytest.raises(ValueError, match="chunksize"):
        executor.map(calls.add, [1], chunksize=0)


def test_map_keeps_no_result_that_its_caller_has_let_go(client: dayfly.Client) -> None:
    def gone(reference: weakref.ref[calls.Point]) -> bool:
        gc.collect()
        return reference() is None

    with dayfly.DayflyExecutor(8, client=client, task="warm_call") as executor:
        for size in (1, 3):
            for point in executor.map(calls.Point, range(6), chunksize=size):
                reference = weakref.ref(point)
                del point
                # The thread that has brought it may be about to end.
                eventually("nothing holds it", partial(gone, reference), 10)


def test_keywords_of_any_name_reach_the_function(client: dayfly.Client) -> None:
    words = {"self": 1, "fn": 2, "function": 3, "initializer": 4, "args": 5}
    with dayfly.DayflyExecutor(client=client, task="warm_call", initializer=calls.begin, initargs=(1,)) as executor:
        assert executor.submit(calls.words, **words).result(30) == words


def test_as_completed_and_wait(executor: dayfly.DayflyExecutor) -> None:
    slow: cf.Future[float] = executor.submit(calls.sleep, 20)
    quick: cf.Future[float] = executor.submit(calls.add, 1)
    first = next(cf.as_completed([slow, quick], timeout=30))
    assert first is quick
    done, rest = cf.wait([slow, quick], return_when=cf.FIRST_COMPLETED)
    assert (done, rest) == ({quick}, {slow})
    assert slow.cancel()
    done, rest = cf.wait([slow, quick], timeout=5)
    assert not rest
    assert set(cf.as_completed([slow, quick], timeout=5)) == {slow, quick}


def test_exceptions_come_back_with_their_traceback(executor: dayfly.DayflyExecutor) -> None:
    future = executor.submit(calls.divide, 1, 0)
    error = future.exception(30)
    assert type(error) is ZeroDivisionError
    with pytest.raises(ZeroDivisionError, match="division by zero") as raised:
        future.result()
    cause = str(raised.value.__cause__)
    assert "in _divide\n    return a / b" in cause
    assert "dayfly/call.py" not in cause
    # The job is a failed one for operators too, and its log has the traceback.
    assert future.job is not None
    assert future.job.state == "failed"
    assert "in _divide" in future.job.logs()


def test_odd_exceptions_come_back_too(executor: dayfly.DayflyExecutor) -> None:
    long = executor.submit(calls.fail_with, "long").exception(30)
    assert type(long) is ValueError
    assert len(str(long)) == 40_000
    unreadable = executor.submit(calls.fail_with, "unreadable").exception(30)
    assert type(unreadable) is RuntimeError
    assert "calls.Unreadable" in str(unreadable)
    assert type(executor.submit(calls.fail_with, "exit").exception(30)) is SystemExit
    killed = executor.submit(calls.fail_with, "abort").exception(30)
    assert isinstance(killed, dayfly.JobFailed)
    assert killed.signal == "SIGABRT"
    assert isinstance(executor.submit(calls.fail_with, "lambda").exception(30), Exception)
    too_large = executor.submit(calls.fail_with, "random").exception(30)
    assert isinstance(too_large, dayfly.DayflyError)
    assert "max_result" in str(too_large)
    assert len(executor.submit(calls.fail_with, "large").result(30)) == 3_000_000


def test_what_a_function_prints_is_never_taken_for_a_pickle(executor: dayfly.DayflyExecutor) -> None:
    error = executor.submit(calls.fail_with, "forged").exception(30)
    assert type(error) is dayfly.JobFailed
    assert error.exit_code == 1
    assert "dayfly.call: 1/1" in error.stderr_tail


def test_cancel_ends_running_work(executor: dayfly.DayflyExecutor, client: dayfly.Client) -> None:
    future = executor.submit(calls.sleep, 60)
    heard: list[bool] = []
    future.add_done_callback(lambda one: heard.append(one.cancelled()))
    eventually("it is handed in", lambda: future.job)
    assert future.job is not None
    job_id = future.job.id
    # A warm call's process has the environment of its host for `/proc`, so it is known by its number.
    pid = eventually("its process is there", lambda: (client.get(job_id).data.get("worker") or {}).get("pid"))
    assert Path(f"/proc/{pid}").exists()
    assert future.running()
    assert future.cancel()
    assert future.cancelled()
    assert future.cancel()
    assert heard == [True]
    with pytest.raises(cf.CancelledError):
        future.result()
    executor.shutdown()
    assert future.job.refresh().state == "cancelled"
    assert not Path(f"/proc/{pid}").exists()
    assert not processes_of(job_id)


def test_a_map_that_takes_too_long_is_ended(client: dayfly.Client) -> None:
    executor = dayfly.DayflyExecutor(4, client=client)
    started = time.monotonic()
    results = executor.map(calls.sleep, [0.01, 60], timeout=5)
    assert next(results) == 0.01
    with pytest.raises(cf.TimeoutError):
        next(results)
    executor.shutdown()
    assert time.monotonic() - started < 40


def test_a_timeout_of_result_ends_nothing(executor: dayfly.DayflyExecutor) -> None:
    future = executor.submit(calls.sleep, 1)
    with pytest.raises(cf.TimeoutError):
        future.result(0.05)
    assert future.result(30) == 1


def test_a_jobs_own_deadline(client: dayfly.Client) -> None:
    with dayfly.DayflyExecutor(client=client, timeout=0.7) as executor:
        error = executor.submit(calls.sleep, 60).exception(30)
    assert isinstance(error, dayfly.JobTimeout)


def test_a_warm_call_finds_what_is_loaded_and_nothing_of_the_call_before(client: dayfly.Client) -> None:
    with dayfly.DayflyExecutor(1, client=client, task="warm_call") as executor:
        pids = list(executor.map(calls.pid, range(6)))
        assert list(executor.map(calls.counted, range(6))) == [1] * 6
    assert len(set(pids)) == 6


def test_an_initializer_comes_before_each_call(client: dayfly.Client) -> None:
    with dayfly.DayflyExecutor(4, client=client, task="warm_call", initializer=calls.begin, initargs=(5,)) as executor:
        assert [executor.submit(calls.counted).result(30), *executor.map(calls.counted, [None])] == [6, 6]
        future = executor.submit(calls.add, 1)
        assert future.result(30) == 1
        assert future.job is not None
        assert future.job.refresh().data["input"]["function"] == "calls:add"
    with dayfly.DayflyExecutor(4, client=client, task="warm_call", initializer=calls.divide, initargs=(1, 0)) as broken:
        assert isinstance(broken.submit(calls.add, 1).exception(30), ZeroDivisionError)


def test_arguments_of_a_pool_that_mean_nothing_here_are_named(client: dayfly.Client) -> None:
    dayfly.DayflyExecutor(None, client=client).shutdown()
    with pytest.raises(TypeError, match="leave out mp_context"):
        dayfly.DayflyExecutor(client=client, mp_context=None)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="there is no option 'timout'"):
        dayfly.DayflyExecutor(client=client, timout=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="greater than 0"):
        dayfly.DayflyExecutor(0, client=client)


def test_shutdown(client: dayfly.Client) -> None:
    executor = dayfly.DayflyExecutor(1, client=client)
    running = executor.submit(calls.sleep, 1)
    waiting = executor.submit(calls.add, 1)
    eventually("the first is handed in", lambda: running.job)
    executor.shutdown(wait=False, cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(calls.add, 1)
    assert running.result(30) == 1
    executor.shutdown()
    ended = dayfly.DayflyExecutor(2, client=client)
    futures = [ended.submit(calls.sleep, 60) for _ in range(3)]
    eventually("two are handed in", lambda: sum(one.job is not None for one in futures) == 2)
    ended.cancel_all()
    ended.shutdown()
    assert all(one.cancelled() for one in futures)


def test_somebody_elses_cancel(executor: dayfly.DayflyExecutor, client: dayfly.Client) -> None:
    future = executor.submit(calls.sleep, 60)
    eventually("it is handed in", lambda: future.job)
    assert future.job is not None
    assert client.get(future.job.id).cancel(grace=0)
    with pytest.raises(cf.CancelledError):
        future.result(30)
    assert list(cf.as_completed([future], timeout=5)) == [future]


def test_what_cannot_go_is_refused_at_once(executor: dayfly.DayflyExecutor) -> None:
    with pytest.raises(TypeError, match="no lambda"):
        executor.submit(lambda: 1)
    with pytest.raises(TypeError, match="cannot pickle"):
        executor.submit(calls.add, threading.Lock())


SCRIPT = """
import concurrent.futures
import dayfly

class Answer(Exception):
    pass

class Box:
    def __init__(self, n): self.n = n

def work(box):
    if box.n < 0: raise Answer(box.n)
    return Box(box.n * 2)

if __name__ == "__main__":
    with dayfly.DayflyExecutor() as executor:
        print(type(executor.submit(work, Box(21)).result()) is Box)
        print([box.n for box in executor.map(work, map(Box, range(3)))])
        try:
            executor.submit(work, Box(-1)).result()
        except Answer as answer:
            print("raised", answer)
"""


def test_a_script_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "crunch.py").write_text(SCRIPT)
    task = python_task("python_call", ["-m", "dayfly.call"]).replace(f"{SRC}:", f"{SRC}:{tmp_path}:")
    site = Installation(tmp_path, task, slots=2)
    try:
        done = subprocess.run(
            [sys.executable, "crunch.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PYTHONPATH": str(SRC), "DAYFLY_URL": site.url, "PATH": "/usr/bin:/bin"},
        )
    finally:
        site.stop()
    assert done.stdout == "True\n[0, 2, 4]\nraised -1\n", done.stderr
