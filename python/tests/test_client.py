"""The client against a real installation."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

import dayfly
from installation import Installation, eventually, processes_of


def test_a_job_from_submit_to_result(client: dayfly.Client) -> None:
    job = client.submit("echo", {"n": 1})
    assert job.task == "echo"
    assert job.state == "queued"
    assert job.result(timeout=30) == {"n": 1}
    assert (job.state, job.attempt, job.ended) == ("succeeded", 1, True)
    assert job.created_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.finished_at <= datetime.now(timezone.utc) + timedelta(seconds=5)
    assert client.get(job.id).result() == {"n": 1}


def test_digits_survive(site: Installation) -> None:
    big = 7**2000
    exact = Decimal("0.1000000000000000055511151231257827000")
    with dayfly.Client(site.url, decimals=True) as client:
        assert client.submit("echo", {"big": big}).result(30) == {"big": big}
        # The task's own Python makes a float of it unless its hints say Decimal; the input keeps it.
        job = client.submit("echo", {"exact": exact, "name": "名前 🐝"})
        job.wait(30)
        assert str(job.data["input"]["exact"]) == str(exact)
        assert job.result()["name"] == "名前 🐝"


def test_bytes_and_text_results(client: dayfly.Client) -> None:
    assert client.submit("raw").result(30) == bytes(range(256))
    assert client.submit("words").result(30) == "plain words\n"


def test_a_failure_says_why(client: dayfly.Client) -> None:
    job = client.submit("odd", {"how": "fail", "note": "no such molecule"})
    with pytest.raises(dayfly.JobFailed) as failed:
        job.result(30)
    error = failed.value
    assert (error.kind, error.exit_code, error.signal, error.job) == ("exception", 3, None, job)
    assert error.message == "Fail: no such molecule"
    assert error.stderr_tail.endswith("no such molecule")
    assert job.id in str(error)
    assert "no such molecule" in str(error)
    with pytest.raises(dayfly.JobFailed) as killed:
        client.submit("odd", {"how": "abort"}).result(30)
    assert (killed.value.kind, killed.value.signal) == ("signal", "SIGABRT")


@pytest.mark.parametrize("task", ["odd", "warm_odd"])
def test_only_what_may_go_better_is_tried_again(client: dayfly.Client, task: str) -> None:
    hopeless = [client.submit(task, {"how": "fail", "note": "no"}, retries=2), client.submit(task, {"how": "x"})]
    wishes = [client.submit(task, {"how": how, "note": "no"}, retries=1, timeout=20) for how in ("retry", "raise")]
    client.wait([*hopeless, *wishes], 60)
    assert [(job.state, job.attempt) for job in hopeless] == [("failed", 1), ("succeeded", 1)]
    assert hopeless[0].error is not None
    assert (hopeless[0].error["kind"], hopeless[0].error["retryable"]) == ("exception", False)
    assert hopeless[0].error["message"] == "Fail: no"
    assert [(job.state, job.attempt) for job in wishes] == [("failed", 2), ("failed", 2)]
    assert [job.error and job.error["retryable"] for job in wishes] == [True, True]
    # The catalogue of a command has no schema, so that the function itself is the first to see the input.
    unfit = client.submit(task, {"how": 1}, retries=2).wait(30)
    assert unfit.error is not None
    assert (unfit.attempt, unfit.error["message"]) == (1, "InvalidInput: /how: must be a string, not 1")


def test_a_jobs_deadline_is_not_the_clients(client: dayfly.Client) -> None:
    job = client.submit("odd", {"how": "sleep", "seconds": 60}, timeout=2.5)
    with pytest.raises(dayfly.WaitTimeout) as impatient:
        job.result(timeout=0.3)
    assert isinstance(impatient.value, TimeoutError)
    assert not job.ended
    assert "it goes on" in str(impatient.value)
    eventually("it runs", lambda: processes_of(job.id))
    with pytest.raises(dayfly.JobTimeout) as late:
        job.result(timeout=30)
    assert late.value.kind == "timeout"
    assert not processes_of(job.id)


def test_cancel_ends_the_process(client: dayfly.Client) -> None:
    job = client.submit("odd", {"how": "sleep", "seconds": 60})
    eventually("it runs", lambda: processes_of(job.id))
    assert job.cancel("not needed any more", grace=timedelta(0))
    with pytest.raises(dayfly.JobCancelled, match="not needed any more") as cancelled:
        job.result(timeout=30)
    assert cancelled.value.reason == "not needed any more"
    assert not processes_of(job.id)
    assert job.cancel()
    done = client.submit("echo")
    done.wait(30)
    assert not done.cancel()
    assert done.state == "succeeded"


def test_options_reach_the_job(client: dayfly.Client) -> None:
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    job = client.submit("odd", {"how": "x"}, at=soon, priority=2, retries=3, timeout="90s", expires=timedelta(hours=2))
    data = client.get(job.id).data
    assert (data["state"], data["priority"], data["max_attempts"], data["timeout_ms"]) == ("scheduled", 2, 4, 90_000)
    assert client.get(job.id).cancel()
    with pytest.raises(TypeError, match="there is no option 'timout'"):
        client.submit("odd", {"how": "x"}, timout=3)  # type: ignore[call-arg]


def test_a_key_makes_one_job(client: dayfly.Client) -> None:
    key = f'the key, "{os.getpid()}-{time.time_ns()}"'
    first = client.submit("echo", {"a": 1}, idempotency_key=key)
    assert client.submit("echo", {"a": 1}, idempotency_key=key).id == first.id
    assert client.submit("echo", {"a": 1}).id != first.id
    with pytest.raises(dayfly.ApiError) as refused:
        client.submit("echo", {"a": 2}, idempotency_key=key)
    assert (refused.value.code, refused.value.status, refused.value.job_id) == ("idempotency_conflict", 422, first.id)


def test_refusals_teach(client: dayfly.Client) -> None:
    with pytest.raises(dayfly.ApiError, match=r"404 unknown_task: .*echo") as unknown:
        client.submit("ecko")
    assert unknown.value.code == "unknown_task"
    with pytest.raises(dayfly.ApiError) as missing:
        client.get("0190a0f0-0000-7000-8000-000000000000")
    assert missing.value.code == "unknown_job"


def test_logs_and_lists(client: dayfly.Client) -> None:
    job = client.submit("odd", {"how": "noise"})
    assert job.result(30) == {"how": "noise"}
    wanted = ["printed: noise", "noise of a shell", "noise of a child", "noise of C"]
    assert (
        eventually("the log is whole", lambda: [line for line in job.logs().splitlines() if "nois" in line]) == wanted
    )
    assert job.logs(tail=1) == "noise of C\n"
    listed = next(one for one in client.jobs(task="odd", state="succeeded", limit=1) if one.id == job.id)
    assert listed.result() == {"how": "noise"}
    assert {"odd", "echo"} <= {task["name"] for task in client.tasks()}
    assert client.workers()[0]["slots"] == 4


def test_a_job_is_as_good_by_its_id(client: dayfly.Client) -> None:
    job = client.submit("odd", {"how": "noise"}).id
    assert client.result(job, timeout=30) == {"how": "noise"}
    assert "printed: noise" in client.logs(job)
    assert client.logs(job, tail=1) == "noise of C\n"
    assert [event.type for event in client.stream(job)][-1] == "end"
    assert not client.cancel(job)
    slow = client.submit("odd", {"how": "sleep", "seconds": 60})
    with pytest.raises(dayfly.WaitTimeout, match=r"after 0.3 s") as late:
        client.wait([job, slow.id], 0.3)
    assert late.value.job.id == slow.id
    assert client.cancel(slow, "enough", grace=0)
    assert [one.state for one in client.wait([slow, job], 30)] == ["cancelled", "succeeded"]
    with pytest.raises(dayfly.JobCancelled, match="enough"):
        client.result(slow)


def test_the_address_comes_from_the_environment(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYFLY_URL", site.url + "/")
    monkeypatch.setenv("DAYFLY_TOKEN", "secret")
    with dayfly.Client() as client:
        assert client.settings.headers() == {"authorization": "Bearer secret"}
        assert client.tasks()
    with pytest.raises(ValueError, match="no address of an API"):
        dayfly.Client("127.0.0.1:8080")
