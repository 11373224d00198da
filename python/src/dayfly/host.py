"""A warm host: loads a task's code once, and forks a process for every job.

A worker starts it, with a socket (`SOCK_SEQPACKET`) on descriptor 3. One JSON value a message:

    host -> worker    {"ready": {"pid": N}}       a child of the host, a session leader, waits for a job
    worker -> child   {"env": [[name, value], ..], "dir": "..", "sandbox": false}
                      with stdin, stdout, stderr and events, and Landlock rules when `sandbox` is true;
                      a message too long for a packet is `file`, its text in the memory file that comes last
    host -> worker    {"ended": {"status": N}}    the child has ended, N as wait(2) has it; it is not reaped yet
    worker -> host    {"next": {}}                reap it, and have another child ready
    host -> worker    {"used": {"cpu_us": N, "max_rss": bytes, "voluntary_switches": N, "involuntary_switches": N}}

Only one of the two reads at a time: the child before its job, the host while it waits for `next`. The child closes the
socket before any code of the task runs. A host ends when the worker closes its end.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import json
import os
import random
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, Optional

from .runner import prepare, run

SOCKET = 3
#: Longest message that comes as it is.
INLINE = 32 * 1024
EVENTS = 3
_PR_SET_DUMPABLE = 4
_SYS_LANDLOCK_RESTRICT_SELF = 446


def main(path: str, name: str) -> NoReturn:
    """Serves `module:function`, its module looked for in `path` first, until the worker closes the socket."""
    link = socket.socket(fileno=os.dup(SOCKET))
    os.set_inheritable(link.fileno(), False)
    # The number is free for the events of jobs; what the module starts while it is loaded must not hold the socket.
    os.close(SOCKET)
    os.open(os.devnull, os.O_RDWR)
    _close_to_jobs()
    _forget_job()
    sources = _Sources(path)
    function = sources.watch(lambda: _load(path, name))
    prepare(function)
    _warn_of_threads(name)
    gc.collect()
    gc.freeze()
    while True:
        child = os.fork()
        if child == 0:
            _wait_for_job(link, function, sources, path, name)
        if not _serve_one(link, child, sources) or isinstance(function, _Broken):
            os._exit(0)


def _forget_job() -> None:
    """Takes away what the environment says of the job that the host was started for: its code serves others, too."""
    for name in [name for name in os.environ if name.startswith("DAYFLY_") or name == "TRACEPARENT"]:
        del os.environ[name]


def _serve_one(link: socket.socket, child: int, sources: _Sources) -> bool:
    """Offers a child, waits for its end, reaps it. False: there is to be no other."""
    try:
        _say(link, {"ready": {"pid": child}})
        # Not reaped: as long as the worker does not know, the pid must not mean anybody else.
        found = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        if found is None:
            return False
        _say(link, {"ended": {"status": _status(found)}})
        if not link.recv(INLINE):
            return False
        _, _, usage = os.wait4(child, 0)
        used = {
            "cpu_us": int((usage.ru_utime + usage.ru_stime) * 1e6),
            "max_rss": usage.ru_maxrss * 1024,
            "voluntary_switches": usage.ru_nvcsw,
            "involuntary_switches": usage.ru_nivcsw,
        }
        _say(link, {"used": used})
    except OSError:
        # The worker has gone, and with it the reason to be here.
        return False
    return not sources.changed()


def _status(found: Any) -> int:
    if found.si_code == os.CLD_EXITED:
        return int(found.si_status) << 8
    return int(found.si_status) | (0x80 if found.si_code == os.CLD_DUMPED else 0)


def _wait_for_job(
    link: socket.socket, function: Callable[..., Any], sources: _Sources, path: str, name: str
) -> NoReturn:
    """In the child: takes a job, becomes its process, runs it."""
    os.setsid()
    # Before the job is there: it need not wait for what is the same for each.
    _reseed()
    os.environ.clear()
    os.umask(0o022)
    job, descriptors = _receive(link)
    link.close()
    if job is None:
        os._exit(0)
    _become(job, descriptors)
    if isinstance(function, _Broken) or sources.changed():
        # This host is of yesterday; it ends with this job, which loads the code as it is now.
        function = _load_anew(path, name, sources)
    try:
        if isinstance(function, _Broken):
            function.tell()
        run(function)
    except SystemExit as end:
        _leave(end)


def _receive(link: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    try:
        data, descriptors, _, _ = socket.recv_fds(link, INLINE, 8)
    except OSError:
        return None, []
    if data == b"file":
        with os.fdopen(descriptors.pop(), "rb") as file:
            file.seek(0)
            data = file.read()
    return (json.loads(data) if data else None), descriptors


def _become(job: dict[str, Any], descriptors: list[int]) -> None:
    """Descriptors 0 to 3, environment, folder and sandbox, as a program that is started for a job has them."""
    for number, descriptor in enumerate(descriptors[:4]):
        os.dup2(descriptor, number, inheritable=True)
    for descriptor in descriptors[:4]:
        if descriptor > EVENTS:
            os.close(descriptor)
    # The host's own memory stays closed; a job may look at itself.
    _set_dumpable(1)
    os.environ.update(dict(job["env"]))
    os.chdir(job["dir"])
    if job["sandbox"]:
        restrict = ctypes.CDLL(None, use_errno=True).syscall
        if restrict(_SYS_LANDLOCK_RESTRICT_SELF, descriptors[4], 0) != 0:
            sys.stderr.write(f"its sandbox could not be put on: {os.strerror(ctypes.get_errno())}\n")
            sys.stderr.flush()
            os._exit(1)
        os.close(descriptors[4])


def _reseed() -> None:
    """Children of one host must not draw the same numbers."""
    random.seed()
    seed = int.from_bytes(os.urandom(4), "little")
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def _leave(end: SystemExit) -> NoReturn:
    """Ends the child without what was registered for the host's own end, but with everything written."""
    code = end.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code & 0xFF)


def _load(path: str, name: str) -> Callable[..., Any]:
    """The function; when it cannot be loaded, one that says why in its job's log."""
    if path not in sys.path:
        sys.path.insert(0, path)
    try:
        return _find(name)
    except BaseException as error:
        return _Broken(name, error)


def _find(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in function.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is no function but {type(found).__name__}")
    return found  # type: ignore[no-any-return]


class _Broken:
    """Stands for a function that could not be loaded."""

    def __init__(self, name: str, error: BaseException) -> None:
        self._name = name
        self._text = "".join(traceback.format_exception(type(error), error, error.__traceback__))

    def __call__(self) -> NoReturn:
        self.tell()

    def tell(self) -> NoReturn:
        sys.stderr.write(f"{self._text}{self._name} could not be loaded\n")
        sys.stderr.flush()
        raise SystemExit(1)


#: When a file was changed, and its size; `None` when it is not there.
_Stamp = Optional[tuple[int, int]]


class _Sources:
    """The task's own source files, to tell whether they have changed. Installed packages do not count."""

    def __init__(self, path: str) -> None:
        self._root = os.path.join(os.path.realpath(path), "")
        self._seen: dict[str, _Stamp] = {}

    def watch(self, load: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """Loads the code, and notes of each file what it was just before it was read: later changes are then seen."""
        noted: dict[str, _Stamp] = {}
        loader = importlib.machinery.SourceFileLoader
        usual = loader.path_stats

        def noting(self: importlib.machinery.SourceFileLoader, path: str) -> Any:
            noted.setdefault(os.path.realpath(path), _stamp(path))
            return usual(self, path)

        loader.path_stats = noting  # type: ignore[method-assign]
        try:
            loaded = load()
        finally:
            loader.path_stats = usual  # type: ignore[method-assign]
        files = {os.path.realpath(file) for file in self._files().values()}
        self._seen = {file: noted[file] if file in noted else _stamp(file) for file in files}
        return loaded

    def _files(self) -> dict[str, str]:
        files = {}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not file or not file.endswith(".py") or f"{os.sep}site-packages{os.sep}" in file:
                continue
            if os.path.realpath(file).startswith(self._root):
                files[name] = file
        return files

    def changed(self) -> bool:
        return any(_stamp(file) != stamp for file, stamp in self._seen.items())

    def forget(self) -> None:
        """Has the modules loaded anew by the next import."""
        for name in self._files():
            del sys.modules[name]
        importlib.invalidate_caches()


def _stamp(file: str) -> _Stamp:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _load_anew(path: str, name: str, sources: _Sources) -> Callable[..., Any]:
    sources.forget()
    return _load(path, name)


def _warn_of_threads(name: str) -> None:
    """A forked child has only the thread that forked: locks that others held stay locked in it for ever."""
    found = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    native = _native_threads() - len(found)
    if native > 0:
        found.append(f"{native} of a native library")
    if found:
        _warn(
            f"{name} has started threads while it was loaded ({', '.join(found)}). They do not exist in its jobs, and "
            "what they had locked stays locked there: start them within the function"
        )
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        _warn(f"{name} has used CUDA while it was loaded, of no use to jobs after the fork: do it in the function")


def _native_threads() -> int:
    """Threads besides the main one; none where OpenBLAS (numpy) is, which ends and restarts its own around a fork."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            if "openblas" in maps.read():
                return 0
        return len(os.listdir("/proc/self/task")) - 1
    except OSError:
        return 0


def _warn(text: str) -> None:
    sys.stderr.write(f"dayfly host: {text}\n")
    sys.stderr.flush()


def _close_to_jobs() -> None:
    """Keeps processes of the same user from reading and changing this one's memory (prctl(2), PR_SET_DUMPABLE)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _set_dumpable(0)


def _set_dumpable(value: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, value, 0, 0, 0)


def _say(link: socket.socket, what: dict[str, Any]) -> None:
    link.send(json.dumps(what).encode())
