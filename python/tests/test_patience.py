"""What the client does when the API is away, says "not now", or breaks off."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

import dayfly
from installation import free_port
from peer import Answer, peer

JOB = json.dumps({"id": "j", "task": "t", "state": "queued"}).encode()


def busy(status: int = 503, code: str = "redis_unavailable", wait: str = "") -> Answer:
    body = json.dumps({"code": code, "detail": "please wait", "status": status}).encode()
    return Answer(status, body, {"content-type": "application/problem+json", **({"retry-after": wait} if wait else {})})


def test_a_submit_is_repeated_with_its_key() -> None:
    full = busy(429, "queue_full")
    with peer(busy(), Answer(0), full, Answer(202, JOB, broken=True), busy(502), Answer(202, JOB)) as there:
        with dayfly.Client(there.url) as client:
            assert client.submit("t", {"n": 1}).id == "j"
        assert len(there.seen) == 6
        assert len({one.headers["idempotency-key"] for one in there.seen}) == 1
        assert {one.body for one in there.seen} == {b'{"n":1}'}
        with dayfly.Client(there.url) as client:
            there.answers += [Answer(202, JOB), Answer(202, JOB)]
            client.submit("t")
            client.submit("t")
        assert len({one.headers["idempotency-key"] for one in there.seen}) == 3


def test_a_given_key_is_kept() -> None:
    with peer(busy(), Answer(202, JOB)) as there, dayfly.Client(there.url) as client:
        client.submit("t", idempotency_key='a "b"')
        assert [one.headers["idempotency-key"] for one in there.seen] == [r'"a \"b\""'] * 2


def test_retry_after_is_honoured_and_bounded() -> None:
    with peer(busy(wait="1"), Answer(202, JOB)) as there, dayfly.Client(there.url) as client:
        started = time.monotonic()
        client.submit("t")
        assert time.monotonic() - started >= 1.0
    with peer(busy(wait="3600")) as there, dayfly.Client(there.url) as client:
        started = time.monotonic()
        with pytest.raises(dayfly.ApiError, match="503 redis_unavailable: please wait"):
            client.submit("t")
        assert time.monotonic() - started < 5
        assert len(there.seen) == 1


def test_the_trying_ends() -> None:
    with dayfly.Client(f"http://127.0.0.1:{free_port()}", retry_for=0.5) as client:
        started = time.monotonic()
        with pytest.raises(dayfly.Unreachable, match=r"does not answer, after [3-9] tries") as away:
            client.submit("t")
        assert 0.2 < time.monotonic() - started < 5
        assert away.value.__cause__ is not None


def test_other_refusals_are_not_repeated() -> None:
    problem = {
        "code": "invalid_input",
        "detail": "It does not fit.",
        "errors": [{"pointer": "/n", "detail": "is missing"}],
    }
    with peer(Answer(422, json.dumps(problem).encode())) as there, dayfly.Client(there.url) as client:
        with pytest.raises(dayfly.ApiError) as refused:
            client.submit("t")
        assert len(there.seen) == 1
    assert str(refused.value) == "422 invalid_input: It does not fit.\n  /n: is missing"


def test_another_server_is_told_from_dayfly() -> None:
    pages = (Answer(200, b"<html>hello"), Answer(404, b"<html>no such page"))
    with peer(*pages) as there, dayfly.Client(there.url) as client:
        with pytest.raises(dayfly.DayflyError, match="is it Dayfly's API"):
            client.submit("t")
        with pytest.raises(dayfly.ApiError, match="404 unknown: <html>no such page"):
            client.submit("t")


def test_waiting_survives_an_outage_and_keeps_its_own_bound() -> None:
    done = json.dumps({"id": "j", "task": "t", "state": "succeeded", "result": 7, "result_bytes": 1}).encode()
    with peer(Answer(202, JOB), busy(), Answer(0), Answer(200, done)) as there, dayfly.Client(there.url) as client:
        assert client.submit("t").result(timeout=20) == 7
        assert there.seen[1].headers["prefer"] in ("wait=19", "wait=20")
    with peer(Answer(202, JOB), *[busy() for _ in range(50)]) as there, dayfly.Client(there.url) as client:
        job = client.submit("t")
        started = time.monotonic()
        with pytest.raises(dayfly.WaitTimeout):
            job.result(timeout=0.5)
        assert time.monotonic() - started < 3
        # An API that does not wait is not asked without a pause.
        there.answers[:] = [Answer(200, JOB) for _ in range(200)]
        with pytest.raises(dayfly.WaitTimeout):
            job.result(timeout=2)
        assert len(there.answers) > 150
        there.answers.clear()


def test_a_result_that_is_gone_is_no_null() -> None:
    gone = {"code": "result_expired", "detail": "The result is no longer kept."}
    data = {
        "id": "j",
        "task": "t",
        "state": "succeeded",
        "result": None,
        "result_type": "application/json",
        "result_bytes": 900,
    }
    answers = (Answer(200, json.dumps(data).encode()), Answer(410, json.dumps(gone).encode()))
    with peer(*answers) as there, dayfly.Client(there.url) as client:
        job = client.get("j")
        with pytest.raises(dayfly.ApiError, match="410 result_expired"):
            job.result()


def test_many_are_handed_in_by_one_request() -> None:
    def taken(*results: dict[str, object]) -> Answer:
        return Answer(200, json.dumps({"results": results}).encode())

    full = {"index": 1, "status": 429, "problem": {"code": "queue_full", "detail": "wait", "status": 429}}
    first = taken({"index": 0, "status": 202, "id": "a"}, full, {"index": 2, "status": 200, "id": "c"})
    jobs = [json.dumps({"id": one, "task": "t", "state": "succeeded", "result": one}).encode() for one in "abc"]
    second = Answer(202, jobs[1])
    with peer(busy(), first, second) as there, dayfly.Client(there.url) as client:
        made: dict[int, Mapping[str, Any]] = {}
        client.run(client.operations.submit_many("t", [1, {"n": Decimal("0.10")}, 3], {"labels": {"a": "b"}}, made))
        assert [made[index]["id"] for index in range(3)] == ["a", "b", "c"]
        assert (there.seen[0].path, there.seen[0].headers["content-type"]) == ("/v1/jobs", "application/x-ndjson")
        assert there.seen[0].body == there.seen[1].body
        lines = [json.loads(line) for line in there.seen[1].body.splitlines()]
        assert [line["input"] for line in lines] == [1, {"n": 0.1}, 3]
        assert b'{"n":0.10}' in there.seen[1].body
        assert (lines[0]["task"], lines[0]["options"]) == ("t", {"label": ["a:b"]})
        assert len({line["idempotency_key"] for line in lines}) == 3
        # The one that was told to wait goes alone, with its own key.
        assert there.seen[2].path == "/v1/tasks/t?label=a%3Ab"
        assert there.seen[2].headers["idempotency-key"] == json.dumps(lines[1]["idempotency_key"])


def test_one_that_is_refused_is_raised_and_the_others_are_known() -> None:
    wrong = {"index": 1, "status": 422, "problem": {"code": "invalid_input", "detail": "It does not fit."}}
    results = [wrong, {"index": 0, "status": 202, "id": "a"}, {"index": 2, "status": 202, "id": "c"}]
    made: dict[int, Mapping[str, Any]] = {}
    with peer(Answer(200, json.dumps({"results": results}).encode())) as there, dayfly.Client(there.url) as client:
        with pytest.raises(dayfly.ApiError, match="422 invalid_input"):
            client.run(client.operations.submit_many("t", [1, 2, 3], {}, made))
        assert sorted(made) == [0, 2]


def test_what_is_too_large_together_goes_one_by_one() -> None:
    answers = [Answer(413, b"{}"), *[Answer(202, JOB) for _ in range(2)], Answer(413, b"{}"), Answer(413, b"{}")]
    with peer(*answers) as there, dayfly.Client(there.url) as client:
        client.run(client.operations.submit_many("t", [1, 2], {}, {}))
        with pytest.raises(dayfly.ApiError):
            client.run(client.operations.submit_many("t", [1, 2], {}, {}))
        paths = ["/v1/jobs", "/v1/tasks/t", "/v1/tasks/t", "/v1/jobs", "/v1/tasks/t"]
        assert [one.path for one in there.seen] == paths


def test_an_older_api_is_asked_one_by_one() -> None:
    answers = [Answer(405, b"{}"), *[Answer(202, JOB) for _ in range(4)]]
    with peer(*answers) as there, dayfly.Client(there.url) as client:
        for _ in range(2):
            client.run(client.operations.submit_many("t", [1, 2], {}, {}))
        assert [one.path for one in there.seen] == ["/v1/jobs", *["/v1/tasks/t"] * 4]
