"""The job of both peers: runs a program as their users run one."""

import os
import subprocess


def run(hostile, shape, tree, ready, go=None):
    env = {**os.environ, "BENCH_TREE": tree}
    if go is not None:
        env |= {"HOSTILE_LEADER": "exit", "HOSTILE_GO": go}
    with open(ready, "ab") as events:
        env["DAYFLY_EVENTS_FD"] = str(events.fileno())
        subprocess.run([hostile, shape], env=env, pass_fds=[events.fileno()])
