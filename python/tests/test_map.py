"""Many inputs: order, bound, failure, giving up; with both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import dayfly
from installation import Installation, eventually, processes_of


def test_results_in_order(client: dayfly.Client) -> None:
    assert list(client.map("echo", ({"n": n} for n in range(25)), bounded=4)) == [{"n": n} for n in range(25)]
    assert list(client.map("echo", [])) == []
    with pytest.raises(ValueError, match="bounded"):
        client.map("echo", [], bounded=0)


def test_results_as_they_come(client: dayfly.Client) -> None:
    inputs = [{"how": "sleep", "seconds": 5}, {"how": "a"}, {"how": "b"}]
    results = [one["how"] for one in client.map("odd", inputs, ordered=False)]
    assert sorted(results[:2]) == ["a", "b"]
    assert results[2] == "sleep"


def test_no_more_than_the_bound_is_handed_in(client: dayfly.Client) -> None:
    taken = 0

    def inputs() -> Iterator[dict[str, int]]:
        nonlocal taken
        for n in range(20):
            taken += 1
            yield {"n": n}

    results = client.map("echo", inputs(), bounded=3)
    for got, _ in enumerate(results):
        assert taken <= got + 1 + 3
    assert taken == 20


def test_a_failure_ends_the_rest(client: dayfly.Client) -> None:
    before = {job.id for job in client.jobs(task="odd")}
    inputs = [{"how": "sleep", "seconds": 60}, {"how": "fail", "note": "no"}, {"how": "sleep", "seconds": 60}]
    with pytest.raises(dayfly.JobFailed, match="no"):
        list(client.map("odd", inputs, ordered=False))
    new = [job for job in client.jobs(task="odd") if job.id not in before]
    assert sorted(job.state for job in new) == ["cancelled", "cancelled", "failed"]
    assert not any(processes_of(job.id) for job in new)


def test_the_same_with_asyncio(site: Installation) -> None:
    async def all_of_it() -> None:
        async with dayfly.AsyncClient(site.url) as client:
            assert [one async for one in client.map("echo", [{"n": n} for n in range(9)], bounded=4)] == [
                {"n": n} for n in range(9)
            ]
            before = {job.id async for job in client.jobs(task="odd")}
            inputs = [{"how": "a"}, {"how": "sleep", "seconds": 60}, {"how": "sleep", "seconds": 60}]
            results = client.map("odd", inputs, ordered=False)
            assert await results.__anext__() == {"how": "a"}
            await results.aclose()
            new = [job async for job in client.jobs(task="odd") if job.id not in before]
            assert sorted(job.state for job in new) == ["cancelled", "cancelled", "succeeded"]

    asyncio.run(all_of_it())


def test_asyncio_client(site: Installation) -> None:
    async def all_of_it() -> None:
        async with dayfly.AsyncClient(site.url) as client:
            jobs = [await client.submit("echo", {"n": n}) for n in range(5)]
            assert await asyncio.gather(*(job.result(30) for job in jobs)) == [{"n": n} for n in range(5)]
            with pytest.raises(dayfly.JobFailed):
                await (await client.submit("odd", {"how": "abort"})).result(30)
            job = await client.submit("odd", {"how": "sleep", "seconds": 60})
            with pytest.raises(dayfly.WaitTimeout):
                await job.wait(1.2)
            assert await job.cancel(grace=0)
            with pytest.raises(dayfly.JobCancelled):
                await job.result(30)
            noisy = await client.submit("odd", {"how": "noise"})
            await noisy.wait(30)
            assert "printed: noise" in await noisy.logs()
            assert (await client.get(noisy.id)).state == "succeeded"
            assert await client.result((await client.submit("echo", {"n": 7})).id, 30) == {"n": 7}
            assert "printed: noise" in await client.logs(noisy.id, tail=9)
            assert [event.type async for event in client.stream(noisy.id)][-1] == "end"
            assert not await client.cancel(noisy.id)
            slow = await client.submit("odd", {"how": "sleep", "seconds": 60})
            with pytest.raises(dayfly.WaitTimeout, match=r"after 0.2 s"):
                await client.wait([noisy, slow.id], 0.2)
            assert await client.cancel(slow, grace=0)
            assert [one.state for one in await client.wait([noisy.id, slow], 30)] == ["succeeded", "cancelled"]
            assert len(await client.tasks()) > 3
            assert await client.workers()

    asyncio.run(all_of_it())


def test_a_cancelled_wait_leaves_the_job(site: Installation, client: dayfly.Client) -> None:
    async def give_up() -> str:
        async with dayfly.AsyncClient(site.url) as aio:
            job = await aio.submit("odd", {"how": "sleep", "seconds": 1})
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(job.result(), 0.2)
            return job.id

    job = client.get(asyncio.run(give_up()))
    assert eventually("it goes on", lambda: job.refresh().ended and job.state) == "succeeded"
