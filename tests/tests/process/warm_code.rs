//! A package and code for warm hosts, and what their jobs say of themselves.

use crate::room::{Done, run_in};
use dayfly_common::model::PythonFunction;
use dayfly_worker::{
    host_command,
    process::{Exit, JobSpec, Slot, Supervisor, Warm},
    write_package,
};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

pub(crate) const CODE: &str = r#"
import ctypes, json, os, signal, subprocess, sys, threading, time

loaded_by = os.getpid()
environ = {name: value for name, value in os.environ.items() if name.startswith(("DAYFLY_", "TRACE"))}

def who():
    return {"pid": os.getpid(), "host": os.getppid(), "loaded_by": loaded_by, "fds": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
            "env": os.environ.get("WORD"), "dir": os.getcwd(), "session": os.getsid(0)}

def become():
    argv = json.loads(os.environ["ARGV"])
    os.execv(argv[0], argv)

def leave(how: str):
    if how == "child":
        os._exit(0) if os.fork() == 0 else None
        subprocess.Popen(["sleep", "600"])
    elif how == "session":
        subprocess.Popen(["sleep", "600"], start_new_session=True)
    elif how == "sibling":
        # clone(CLONE_PARENT | SIGCHLD): a child of the host.
        if ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
            time.sleep(600)
    elif how == "sibling-and-host":
        if ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
        time.sleep(0.1)
    elif how == "orphan":
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.wait()
    return "left"

def end(how: str):
    if how == "raise":
        raise ValueError("no")
    if how == "segfault":
        ctypes.string_at(0)
    if how == "exit":
        os._exit(7)
    if how == "sys-exit":
        sys.exit("enough")
    if how == "kill-self":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "kill-host":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(0.2)
    if how == "close":
        os.closerange(0, 100)
    return "ended"

def hang():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    os.write(3, b"ready\n")
    time.sleep(600)

def random_numbers():
    import random
    numpy = sys.modules.get("numpy")
    return [random.random(), numpy and float(numpy.random.random())]

def mixed(n: int):
    import hashlib
    return [n, n / 7, hashlib.sha256(str(n).encode()).hexdigest(), {"é": [None, n % 2 == 0]}]

def loading():
    import gc
    return {"environ": environ, "frozen": gc.get_freeze_count()}
"#;

/// A package and code for hosts.
pub(crate) struct Code {
    folder: TempDir,
}

impl Code {
    pub(crate) fn write() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_package(folder.path()).expect("the package");
        fs::write(folder.path().join("code_of_jobs.py"), CODE).expect("the code");
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A job of this function, whose host serves at most so many.
    pub(crate) fn job(&self, function: &str, input: &Value) -> JobSpec {
        let function = PythonFunction {
            module: "code_of_jobs".to_owned(),
            function: function.to_owned(),
            interpreter: "python3".to_owned(),
            path: self.path().to_owned(),
            max_jobs: 1000,
            host_memory: None,
        };
        let mut job = dayfly_tests::process::spec(&host_command(self.path(), &function));
        job.input = input.to_string().into();
        job.env.push(("DAYFLY_EVENTS_FD".to_owned(), "3".to_owned()));
        job.dir = self.path().to_owned();
        job.warm = Some(Warm { key: function.function, dir: "/".into(), max_jobs: 1000, max_memory: None });
        job
    }

    /// This program, executed by a warm job's process.
    pub(crate) fn becoming(&self, program: &JobSpec) -> JobSpec {
        let mut job = self.job("become", &json!({}));
        job.env = program.env.clone();
        job.env.push(("ARGV".to_owned(), json!(program.argv).to_string()));
        job
    }
}

pub(crate) async fn slot(supervisor: &Supervisor) -> Slot {
    supervisor.open_slot().await.expect("a slot")
}

pub(crate) fn result(done: &Done) -> Value {
    serde_json::from_slice(&done.ended.stdout)
        .unwrap_or_else(|_| panic!("no result: {:?} {:?}", done.ended, done.notes))
}

pub(crate) async fn who(code: &Code, slot: Slot) -> (Value, Slot) {
    println!("who");
    let done = run_in(slot, code.job("who", &json!({}))).await;
    assert_eq!(done.ended.exit, Exit::Code(0), "{:?}", done.ended);
    (result(&done), done.slot.expect("the slot"))
}

/// A host, or a child of it that has executed nothing else.
pub(crate) fn is_host(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("dayfly.host"))
}
