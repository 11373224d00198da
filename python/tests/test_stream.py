"""Following a job: as a stream, over broken connections, and without streams."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import dayfly
from dayfly.protocol import Settings
from dayfly.stream import Event, Lines
from installation import Installation
from peer import Answer, peer

SETTINGS = Settings("http://x", None, 5.0, False)
SSE = {"content-type": "text/event-stream; charset=utf-8"}


def test_a_job_is_followed_to_its_end(client: dayfly.Client) -> None:
    job = client.submit("odd", {"how": "steps", "seconds": 4})
    events = list(job.stream())
    kinds = [event.type for event in events]
    assert kinds[0] == "state"
    assert events[0].data["id"] == job.id
    assert events[-1].data == {"id": job.id, "state": "succeeded"}
    assert kinds[-1] == "end"
    assert kinds.count("end") == 1
    assert "progress" in kinds
    assert job.result() == {"how": "steps"}
    assert list(job.stream())[-1].type == "end"


def test_with_asyncio_too(site: Installation) -> None:
    async def kinds() -> list[str]:
        async with dayfly.AsyncClient(site.url) as client:
            job = await client.submit("odd", {"how": "steps", "seconds": 2})
            return [event.type async for event in job.stream()]

    seen = asyncio.run(kinds())
    assert (seen[0], seen[-1]) == ("state", "end")


def test_a_missing_job_is_said(client: dayfly.Client) -> None:
    job = client.submit("echo")
    job.data = {**job.data, "id": "0190a0f0-0000-7000-8000-000000000000"}
    with pytest.raises(dayfly.ApiError, match="unknown_job"):
        list(job.stream())


def test_events_in_any_pieces() -> None:
    text = (
        ': hello\n\nretry: 50\nid: 1-0\nevent: state\ndata: {"state":\ndata: "running"}\n\n'
        'id: 2-0\r\nevent: log\r\ndata: {"line": "é"}\r\n\r\nevent: nothing\n\nevent: end\ndata: {}\n\nevent: cut\ndata'
    ).encode()
    wanted = [
        Event("state", {"state": "running"}, "1-0"),
        Event("log", {"line": "é"}, "2-0"),
        Event("end", {}, "2-0"),
    ]
    for size in range(1, len(text) + 1):
        lines = Lines(SETTINGS)
        got = [event for at in range(0, len(text), size) for event in lines.feed(text[at : at + size])]
        assert got == wanted
        assert lines.retry == 0.05


JOB = json.dumps({"id": "j", "task": "t", "state": "running"}).encode()
FIRST = b'retry: 10\nid: a\nevent: state\ndata: {"state":"running"}\n\nid: b\nevent: log\ndata: {"li'
REST = b'id: b\nevent: log\ndata: {"line":"x"}\n\nid: c\nevent: end\ndata: {"state":"succeeded"}\n\n'
REST += b"id: d\nevent: late\ndata: 1\n\n"


def test_a_broken_stream_goes_on_where_it_broke() -> None:
    answers = (
        Answer(202, JOB), Answer(200, FIRST, SSE, broken=True), Answer(503, b"{}"), Answer(0), Answer(200, REST, SSE)
    )  # fmt: skip
    with peer(*answers) as there, dayfly.Client(there.url) as client:
        events = list(client.submit("t").stream())
    assert [(event.type, event.id) for event in events] == [("state", "a"), ("log", "b"), ("end", "c")]
    assert [one.headers.get("last-event-id") for one in there.seen[1:]] == [None, "a", "a", "a"]


def test_trying_for_a_stream_ends() -> None:
    with peer(Answer(202, JOB), *[Answer(0) for _ in range(9)]) as there:
        with dayfly.Client(there.url, retry_for=1) as client, pytest.raises(dayfly.Unreachable):
            list(client.submit("t").stream())
        assert 3 <= len(there.seen) <= 7


def test_a_stream_that_is_told_to_wait_too_long_ends() -> None:
    full = Answer(503, b'{"code":"draining","detail":"later"}', {"retry-after": "3600"})
    with peer(Answer(202, JOB), full) as there, dayfly.Client(there.url) as client:
        job = client.submit("t")
        with pytest.raises(dayfly.ApiError, match="503 draining"):
            list(job.stream())


def test_what_a_generator_has_yielded_comes_as_values() -> None:
    def log(line: str, stream: str = "event") -> bytes:
        return b"event: log\ndata: " + json.dumps({"stream": stream, "line": line, "at": "t"}).encode() + b"\n\n"

    told = '{"partial":[1.5,"é"],"index":3}'
    mine = ['{"mine":{"partial":1}}', '{"partial":1,"more":2}']
    lines = [told, '{"partial":1', '{"partial_too_long":9,"index":4}', *mine]
    text = b"".join(map(log, lines)) + log(told, "stderr") + b"event: end\ndata: {}\n\n"
    with peer(Answer(202, JOB), Answer(200, text, SSE)) as there, dayfly.Client(there.url) as client:
        events = list(client.submit("t").stream())
    assert events[0] == Event("partial", {"index": 3, "value": [1.5, "é"]})
    assert [event.type for event in events[1:]] == ["log"] * 5 + ["end"]
    assert [event.data["line"] for event in events[1:-1]] == [*lines[1:], told]


def test_partial_results_of_a_task_are_seen_before_its_end(client: dayfly.Client, tmp_path: Path) -> None:
    file = tmp_path / "seen"
    job = client.submit("watched", {"file": str(file)})
    values = []
    for event in job.stream():
        if event.type == "partial":
            values.append(event.data["value"])
            file.touch()
    assert values == [1, 2]
    assert job.result() == [1, 2]
