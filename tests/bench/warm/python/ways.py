"""The other ways to run a function many times, asked for by the bench: seconds for so many jobs.

This process has the jobs' module loaded, so what it forks has it, too.
"""

import os
import sys
import time

from pools import multiprocess, pool


def fork(seconds, width):
    """Forks and reaps, by `width` processes, without a job: the limit of whatever forks a loaded interpreter. A second."""
    reader, writer = os.pipe()
    for _ in range(width):
        if os.fork() == 0:
            end, forks = time.perf_counter() + seconds, 0
            while time.perf_counter() < end:
                child = os.fork()
                if child == 0:
                    os._exit(0)
                os.waitpid(child, 0)
                forks += 1
            os.write(writer, b"%d\n" % forks)
            os._exit(0)
    os.close(writer)
    for _ in range(width):
        os.wait()
    with open(reader) as counts:
        return sum(map(int, counts)) / seconds


def redis():
    from redis import Redis

    return Redis.from_url(os.environ["PEER_REDIS_URL"])


def rq(queue, count):
    """From when all are handed in, which favours it."""
    from rq import Queue

    connection = redis()
    jobs = Queue(queue, connection=connection)
    finished = jobs.finished_job_registry.key
    before = connection.zcard(finished)
    jobs.enqueue_many([Queue.prepare_data("work.stamp") for _ in range(count)])
    begin = time.perf_counter()
    while connection.zcard(finished) < before + count:
        assert not jobs.failed_job_registry.count, "a job of RQ failed"
        time.sleep(0.002)
    return time.perf_counter() - begin


def rq_workers():
    from rq import Worker

    return Worker.count(connection=redis())


def through_the_client(url, task, count):
    """Jobs one after another by `Client`: ms to the function's first line, and to its result."""
    from dayfly import Client

    started, answered = [], []
    with Client(url) as dayfly:
        for _ in range(count):
            sent = time.time_ns()
            stamp = dayfly.submit(task).result()
            answered.append((time.time_ns() - sent) / 1e6)
            started.append((stamp - sent) / 1e6)
    return [started, answered]


if __name__ == "__main__":
    # Only now: each process of `forkserver` imports this module.
    sys.path.append(os.environ["PEER_CLIENT"])
    import client

    client.serve(multiprocess, pool, fork, rq, rq_workers, through_the_client)
