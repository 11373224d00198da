"""RQ's client. Its worker is the command `rq worker`, with its defaults."""

import os

import client
from redis import Redis
from rq import Queue, Worker
from rq.command import send_stop_job_command
from rq.job import Job

redis = Redis.from_url(os.environ["PEER_REDIS_URL"])
queue = Queue("trees", connection=redis)


def submit(time_limit, order):
    queue.enqueue("job.run", kwargs=order, job_id=order["tree"], job_timeout=time_limit)


def cancel(tree, at_once):
    assert at_once, "RQ knows no other way"
    send_stop_job_command(redis, tree)


def ended(tree):
    return Job.fetch(tree, connection=redis).get_status() in ("finished", "failed", "stopped", "canceled")


def serves(pid):
    return any(worker.pid == pid for worker in Worker.all(connection=redis))


if __name__ == "__main__":
    client.serve(submit, cancel, ended, serves)
