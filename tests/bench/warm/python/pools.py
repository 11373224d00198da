"""What Python itself has: a process for every job by multiprocessing, or a pool. Apart from `ways.py`, and with no more
imports than its users have, because each process of `forkserver` imports the caller's module again.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait

import work


def answer(pipe):
    pipe.send(work.stamp())
    pipe.close()


def a_process_each(context, count, width):
    waiting, begun, done = {}, 0, 0
    while done < count:
        while begun < count and len(waiting) < width:
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(target=answer, args=(writer,))
            process.start()
            writer.close()
            waiting[reader] = process
            begun += 1
        for reader in wait(list(waiting)):
            process = waiting.pop(reader)
            reader.recv()
            reader.close()
            process.join()
            process.close()
            done += 1


def multiprocess(method, count, width):
    """A process for every job, `width` at a time, its answer through a pipe."""
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload(["pools"])
    # The start of the server of forks is not part of what is measured.
    a_process_each(context, width, width)
    begin = time.perf_counter()
    a_process_each(context, count, width)
    return time.perf_counter() - begin


def pool(count, width):
    """Processes that are used again: nothing separates a job from the next, and none can be ended."""
    with ProcessPoolExecutor(width, mp_context=multiprocessing.get_context("fork")) as executor:
        # All its processes are there.
        for future in [executor.submit(time.sleep, 0.05) for _ in range(width)]:
            future.result()
        begin = time.perf_counter()
        for future in [executor.submit(work.stamp) for _ in range(count)]:
            future.result()
        return time.perf_counter() - begin
