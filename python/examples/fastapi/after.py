"""The same endpoints on Dayfly."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from dayfly import ApiError, AsyncClient, AsyncJob

TIMEOUT = 2.0

app = FastAPI()
dayfly = AsyncClient()  # DAYFLY_URL, DAYFLY_TOKEN


class Wish(BaseModel):
    samples: int


@app.post("/simulations", status_code=202)
async def create(wish: Wish) -> dict[str, Any]:
    return shown(await dayfly.submit("simulate", {"samples": wish.samples}, timeout=TIMEOUT))


@app.get("/simulations/{job_id}")
async def read(job_id: str) -> dict[str, Any]:
    return shown(await find(job_id))


@app.post("/simulations/{job_id}/cancel")
async def cancel(job_id: str) -> dict[str, Any]:
    job = await find(job_id)
    if not await job.cancel():
        raise HTTPException(409, "it has ended already")
    return shown(await job.wait(30))


async def find(job_id: str) -> AsyncJob:
    try:
        return await dayfly.get(job_id)
    except ApiError as refused:
        if refused.code in ("unknown_job", "bad_id"):
            raise HTTPException(404, "no such simulation") from None
        raise


def shown(job: AsyncJob) -> dict[str, Any]:
    error = job.error
    return {"id": job.id, "state": job.state, "result": job.data.get("result"), "error": error and error["kind"]}
