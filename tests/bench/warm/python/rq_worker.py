"""RQ's worker with the jobs' module loaded before it forks, as RQ's documentation advises for heavy imports."""

import os
import sys

import work
from redis import Redis
from rq import Queue, Worker

redis = Redis.from_url(os.environ["PEER_REDIS_URL"])
assert work.LOADED
Worker([Queue(sys.argv[1], connection=redis)], connection=redis).work(logging_level="WARNING")
