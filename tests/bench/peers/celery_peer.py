"""Celery's application and its client. Its worker is the command `celery worker` with one process, else its defaults."""

import os

import client
import job
from celery import Celery
from celery.result import AsyncResult

url = os.environ["PEER_REDIS_URL"]
app = Celery("trees", broker=url, backend=url)
run = app.task(job.run, name="run")


def submit(time_limit, order):
    run.apply_async(kwargs=order, task_id=order["tree"], time_limit=time_limit)


def cancel(tree, at_once):
    app.control.revoke(tree, terminate=True, **({"signal": "SIGKILL"} if at_once else {}))


def ended(tree):
    return AsyncResult(tree, app=app).ready()


def serves(pid):
    answers = app.control.inspect(timeout=0.5).stats() or {}
    return any(worker["pid"] == pid for worker in answers.values())


if __name__ == "__main__":
    client.serve(submit, cancel, ended, serves)
