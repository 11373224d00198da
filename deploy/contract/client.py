"""Submits, waits and cancels by a client that was generated from the document, and by nothing else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from uuid import UUID, uuid4

from dayfly_client import Client
from dayfly_client.api.jobs import cancel_job, get_job, list_jobs
from dayfly_client.api.tasks import get_task, submit_count, submit_sleep
from dayfly_client.models import Cancel, Job, JobPage, Problem, Task, TaskInputCount

PATIENCE = 30.0


def until(client: Client, job: UUID, fits: Callable[[Job], bool]) -> Job:
    """The job as soon as it fits, waited for by the server."""
    end = time.monotonic() + PATIENCE
    while True:
        found = get_job.sync(job, client=client, prefer="wait=10")
        assert isinstance(found, Job), found
        if fits(found):
            return found
        assert time.monotonic() < end, found


def main(url: str) -> None:
    client = Client(base_url=url)

    task = get_task.sync("count", client=client)
    assert isinstance(task, Task) and task.name == "count" and task.live_workers == 1, task

    body = TaskInputCount(n=7, words=["a", "b"])
    taken = submit_count.sync_detailed(client=client, body=body, priority=2, retries=1, idempotency_key=str(uuid4()))
    job = taken.parsed
    assert isinstance(job, Job), taken
    assert taken.status_code == 202 and taken.headers["location"] == job.links.self_, taken
    assert job.priority == 2 and job.max_attempts == 2 and job.created_at.tzinfo is not None, job
    ended = until(client, job.id, lambda found: found.finished_at is not None)
    assert ended.state == "succeeded" and ended.result == {"n": 7, "words": ["a", "b"]}, ended
    assert ended.usage is not None and ended.usage.wall_ms >= 0 and ended.error is None, ended
    assert len(ended.attempts) == 1 and ended.attempts[0].outcome == "succeeded", ended

    refused = submit_count.sync(client=client, body=TaskInputCount(n=0))
    assert isinstance(refused, Problem), refused
    assert refused.code == "invalid_input" and refused.errors[0].pointer == "/n", refused

    endless = submit_sleep.sync(client=client, body={}, timeout="15m")
    assert isinstance(endless, Job), endless
    until(client, endless.id, lambda found: found.state == "running")
    cancelled = cancel_job.sync(endless.id, client=client, body=Cancel(reason="enough", grace="0s"))
    assert isinstance(cancelled, Job), cancelled
    gone = until(client, endless.id, lambda found: found.finished_at is not None)
    assert gone.state == "cancelled" and gone.cancel_reason == "enough" and gone.killed_by == "cancel", gone

    unknown = cancel_job.sync(uuid4(), client=client, body=Cancel())
    assert isinstance(unknown, Problem) and unknown.code == "unknown_job" and unknown.status == 404, unknown

    page = list_jobs.sync(client=client, task="count", limit=1)
    assert isinstance(page, JobPage) and [item.id for item in page.items] == [job.id], page


main(sys.argv[1])
