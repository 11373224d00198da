"""The function behind `DayflyExecutor`: it calls one function. Warm, or with an interpreter of its own each time:

    [tasks.python_call]
    python = "dayfly.call:python_call"              # or: command = ["python3", "-m", "dayfly.call"]
    output = "json"
    env = { PYTHONPATH = "/srv/app" }

A module of one's own that says `from dayfly.call import python_call` below its imports has these loaded once for all
calls: `python = "app:python_call"`.

**Whoever may submit to this task may run any code as the task's user**: its input is a pickle, and unpickling runs
what the pickle says. Configure it only where all clients are trusted, and give it a `user` and limits.

In:  `{"function": "module:name", "main": "module or null", "mark": "..", "call": base64(zlib(pickle((function, args,
kwargs))))}`; a pickle holds a function by reference, as its module and name; `function` only says it to people.
Out: `{"value": base64(zlib(pickle(result)))}`. After an exception: exit 1, the traceback in the log, and in the
log's last lines the exception itself (see `raised`).
"""

from __future__ import annotations

import base64
import importlib.util
import pickle
import runpy
import sys
import traceback
import types
import zlib
from typing import Any

from .runner import own_part, run

#: Known to every Python from 3.8 on, so that client and worker may differ.
PROTOCOL = 5
#: How multiprocessing names the module of a client's script in other processes; pickles made there say so.
MAIN = "__mp_main__"
#: Begins a line of the log that carries a piece of the exception: `<MARK><mark> <index>/<count> <base64>`.
MARK = "dayfly.call:"
#: A line of the log is cut off at 16 KiB.
_PIECE = 12_000
#: More than this much of an exception is not sent, bytes; its traceback is in the log in any case.
_MOST = 256_000


def as_text(pickled: bytes) -> str:
    """A pickle as text."""
    return base64.b64encode(zlib.compress(pickled, 1)).decode()


def pack(value: Any) -> str:
    """A value as text. Raises what pickle raises."""
    return as_text(pickle.dumps(value, PROTOCOL))


def unpack(text: str) -> Any:
    """What `pack` was given. Runs code that the text brings along: only of trusted origin."""
    return pickle.loads(zlib.decompress(base64.b64decode(text)))


def raised(error: BaseException, trace: str, mark: str) -> list[str]:
    """The log's last lines: the exception and its traceback, in pieces.

    `mark` is the client's secret of this one call. What a function prints, which may be anybody's words, cannot have
    it, and so is never taken for a pickle.
    """
    try:
        packed = pack((error, trace))
        # Some exceptions can be written and not be read.
        unpack(packed)
        if len(packed) > _MOST:
            raise ValueError("too large to be sent")
    except Exception as why:
        stand_in = RuntimeError(f"{type(error).__module__}.{type(error).__qualname__}: {error!s:.500} ({why!r:.200})")
        packed = pack((stand_in, trace[-20_000:]))
    pieces = [packed[start : start + _PIECE] for start in range(0, len(packed), _PIECE)]
    return [f"{MARK}{mark} {index}/{len(pieces)} {piece}" for index, piece in enumerate(pieces, 1)]


def read_raised(log: str, mark: str) -> tuple[BaseException, str] | None:
    """The exception and its traceback out of the end of a log; `None` when they are not, or not wholly, there."""
    pieces: list[str] = []
    for line in reversed(log.rstrip("\n").splitlines()):
        words = line.split(" ")
        if words[0] != MARK + mark or len(words) != 3:
            break
        pieces.append(words[2])
        if words[1].startswith("1/"):
            whole = words[1] == f"1/{len(pieces)}"
            return unpack("".join(reversed(pieces))) if whole else None
    return None


def after(initializer: Any, initargs: tuple[Any, ...], function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """A call in a process that is prepared first, as an executor's `initializer` does."""
    initializer(*initargs)
    return function(*args, **kwargs)


def run_chunk(function: Any, chunk: list[tuple[Any, ...]]) -> list[Any]:
    """Several calls as one job, for `map(chunksize=..)`."""
    return [function(*args) for args in chunk]


def _take_main(name: str | None) -> None:
    """Imports the script of the client as multiprocessing's children do, so that what is defined there is found."""
    if name is None:
        return
    if importlib.util.find_spec(name) is None:
        raise LookupError(
            f"the caller's script is not to be found here as a module {name!r}: put its folder on PYTHONPATH (`env` of "
            "the task), or move the function to a module that is"
        )
    main = types.ModuleType(MAIN)
    main.__dict__.update(runpy.run_module(name, run_name=MAIN, alter_sys=True))
    sys.modules["__main__"] = sys.modules[MAIN] = main


def python_call(request: dict[str, Any], /) -> dict[str, str]:
    """One call. Exits with 1 after an exception, which is then in the log."""
    mark = ""
    try:
        mark = request["mark"]
        _take_main(request["main"])
        function, args, kwargs = unpack(request["call"])
        return {"value": pack(function(*args, **kwargs))}
    except BaseException as error:
        # SystemExit too: as in a pool, what a function raises is its caller's to see.
        trace = "".join(traceback.format_exception(type(error), error, own_part(error.__traceback__)))
        print(trace, end="", file=sys.stderr)
        print("\n".join(raised(error, trace, mark)), file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    run(python_call)
