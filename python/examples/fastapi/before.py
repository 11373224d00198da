"""The usual way: BackgroundTasks, a process pool, and a dict of jobs."""

from __future__ import annotations

import uuid
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from fastapi import BackgroundTasks, FastAPI, HTTPException
from pydantic import BaseModel

from simulate import simulate

TIMEOUT = 2.0

app = FastAPI()
pool = ProcessPoolExecutor(2)
jobs: dict[str, dict[str, Any]] = {}


class Wish(BaseModel):
    samples: int


@app.post("/simulations", status_code=202)
def create(wish: Wish, background: BackgroundTasks) -> dict[str, Any]:
    job_id = str(uuid.uuid4())
    jobs[job_id] = {"id": job_id, "state": "running", "result": None, "error": None}
    background.add_task(work, jobs[job_id], wish.samples)
    return shown(jobs[job_id])


def work(job: dict[str, Any], samples: int) -> None:
    job["future"] = future = pool.submit(simulate, samples)
    try:
        job.update(result=future.result(TIMEOUT), state="succeeded")
    except FutureTimeout:
        # Stops the waiting. The process goes on.
        future.cancel()
        job.update(state="failed", error="timeout")
    except CancelledError:
        job.update(state="cancelled")


@app.get("/simulations/{job_id}")
def read(job_id: str) -> dict[str, Any]:
    if job_id not in jobs:
        raise HTTPException(404, "no such simulation")
    return shown(jobs[job_id])


@app.post("/simulations/{job_id}/cancel")
def cancel(job_id: str) -> dict[str, Any]:
    if job_id not in jobs:
        raise HTTPException(404, "no such simulation")
    # False when it runs already: a pool cannot end it.
    if not jobs[job_id]["future"].cancel():
        raise HTTPException(409, "it runs, and cannot be cancelled any more")
    return shown(jobs[job_id])


def shown(job: dict[str, Any]) -> dict[str, Any]:
    return {name: job[name] for name in ("id", "state", "result", "error")}
