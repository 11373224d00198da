//! Jobs of warm hosts: one process each, ended like any other, and nothing of them left in or beside their host.

use crate::{
    hostile::best,
    room::{BOUND, Done, end, gets_ready, hostile, mark, program, run_in, supervisor_in},
};
use dayfly_common::model::{KilledBy, PythonFunction};
use dayfly_tests::{Census, OwnGroup};
use dayfly_worker::{
    host_command,
    process::{Exit, Isolation, JobSpec, Note, Slot, Supervisor, Warm},
    write_package,
};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;

const CODE: &str = r#"
import ctypes, json, os, signal, subprocess, sys, threading, time

loaded_by = os.getpid()

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
    return random.random()
"#;

/// A package and code for hosts.
struct Code {
    folder: TempDir,
}

impl Code {
    fn write() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_package(folder.path()).expect("the package");
        fs::write(folder.path().join("code_of_jobs.py"), CODE).expect("the code");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A job of this function, whose host serves at most so many.
    fn job(&self, function: &str, input: &Value) -> JobSpec {
        let function = PythonFunction {
            module: "code_of_jobs".to_owned(),
            function: function.to_owned(),
            interpreter: "python3".to_owned(),
            path: self.path().to_owned(),
            max_jobs: 1000,
        };
        let mut job = dayfly_tests::process::spec(&host_command(self.path(), &function));
        job.input = input.to_string().into();
        job.env.push(("DAYFLY_EVENTS_FD".to_owned(), "3".to_owned()));
        job.dir = self.path().to_owned();
        job.warm = Some(Warm { key: function.function, dir: "/".into(), max_jobs: 1000 });
        job
    }

    /// This program, executed by a warm job's process.
    fn becoming(&self, program: &JobSpec) -> JobSpec {
        let mut job = self.job("become", &json!({}));
        job.env = program.env.clone();
        job.env.push(("ARGV".to_owned(), json!(program.argv).to_string()));
        job
    }
}

async fn slot(supervisor: &Supervisor) -> Slot {
    supervisor.open_slot().await.expect("a slot")
}

fn result(done: &Done) -> Value {
    serde_json::from_slice(&done.ended.stdout)
        .unwrap_or_else(|_| panic!("no result: {:?} {:?}", done.ended, done.notes))
}

async fn who(code: &Code, slot: Slot) -> (Value, Slot) {
    println!("who");
    let done = run_in(slot, code.job("who", &json!({}))).await;
    assert_eq!(done.ended.exit, Exit::Code(0), "{:?}", done.ended);
    (result(&done), done.slot.expect("the slot"))
}

#[tokio::test]
async fn each_job_is_a_fresh_child_of_one_host() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut job = code.job("who", &json!({}));
    job.env.push(("WORD".to_owned(), "of the first".to_owned()));
    let first = run_in(slot(&supervisor).await, job).await;
    let one = result(&first);
    assert!(first.notes.iter().any(|note| matches!(note, Note::Leads(_))), "its pid is told: {:?}", first.notes);
    let (two, _) = who(&code, first.slot.expect("the slot")).await;
    assert_eq!(one["host"], two["host"], "loaded once");
    assert_eq!(one["loaded_by"], one["host"]);
    assert_ne!(one["pid"], two["pid"]);
    assert_eq!((&one["env"], &two["env"]), (&json!("of the first"), &Value::Null));
    assert_eq!(two["session"], two["pid"], "a session of its own");
    assert_eq!(two["dir"], json!(code.path().canonicalize().expect("a path").display().to_string()));
    // Standard ones, events, and the result's.
    assert_eq!(two["fds"], json!([0, 1, 2, 3, 4]), "no socket of the host's is left in it");
    assert!(first.ended.usage.max_rss_bytes > 1 << 20 && first.ended.usage.cpu_ms < 5_000, "{:?}", first.ended.usage);
}

#[tokio::test]
async fn every_end_is_told_and_harms_neither_host_nor_the_next() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut slot = slot(&supervisor).await;
    for (how, exit, says) in [
        ("raise", Exit::Code(1), "ValueError: no"),
        ("segfault", Exit::Signal(11), ""),
        ("exit", Exit::Code(7), ""),
        ("sys-exit", Exit::Code(1), "enough"),
        ("kill-self", Exit::Signal(9), ""),
        ("kill-host", Exit::Code(0), ""),
        ("return", Exit::Code(0), ""),
    ] {
        let done = run_in(slot, code.job("end", &json!({ "how": how }))).await;
        assert_eq!(done.ended.exit, exit, "{how}: {:?}", done.ended);
        assert!(done.ended.stderr_tail.contains(says), "{how}: {:?}", done.ended.stderr_tail);
        assert_eq!(done.ended.exception.is_some(), how == "raise", "{how}");
        assert_eq!(done.ended.killed_by, None, "{how}");
        let (_, next) = who(&code, done.slot.expect("the slot lives")).await;
        slot = next;
    }
}

async fn leftovers_are_ended_in(isolation: Isolation) {
    let (code, supervisor) = (Code::write(), supervisor_in(isolation));
    let mut slot = slot(&supervisor).await;
    for how in ["nothing", "child", "session", "sibling", "sibling-and-host", "orphan"] {
        println!("{how}");
        let mut job = code.job("leave", &json!({ "how": how }));
        let word = mark(&mut job);
        let pid = slot.pid();
        let done = run_in(slot, job).await;
        // The words of a job stand in the memory of its processes only; what it forks without a new program has its host's.
        let left = Census::take(pid, &word);
        assert_eq!(done.ended.exit, Exit::Code(0), "{how}: {:?}", done.ended);
        assert_eq!(done.ended.kill_ms.is_some(), how != "nothing", "{how}: {:?}", done.ended);
        let (host, next) = who(&code, done.slot.expect("the slot")).await;
        let alone = Census::take(pid, &word);
        assert!(alone.len() <= 4, "{how}: hosts of two functions and a child each: {alone:?}");
        assert!(left.survivors().len() <= 4, "{how}: {left:?}");
        assert!(host["host"].is_number());
        slot = next;
    }
}

#[tokio::test]
async fn leftovers_of_a_job_are_ended_in_the_best_tier() {
    leftovers_are_ended_in(best().await).await;
}

#[tokio::test]
async fn leftovers_of_a_job_are_ended_in_the_plain_tier() {
    leftovers_are_ended_in(Isolation::Tree).await;
}

#[tokio::test]
async fn a_deadline_and_a_cancel_end_all_of_it() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut slot = slot(&supervisor).await;
    for cause in [KilledBy::Deadline, KilledBy::Cancel] {
        // The host is there when the time begins.
        let (before, next) = who(&code, slot).await;
        let mut job = code.job("hang", &json!({}));
        job.grace = Duration::from_millis(50);
        if cause == KilledBy::Deadline {
            job.timeout = Duration::from_secs(6);
        }
        let word = mark(&mut job);
        let pid = next.pid();
        let (mut run, job) = next.start(job).await.map_err(|(error, _)| error).expect("a running job");
        assert!(gets_ready(&mut run).await);
        let census = Census::take(pid, &word);
        if cause == KilledBy::Cancel {
            run.control.kill(cause, Duration::from_millis(50));
        }
        let (ended, after) = end(job).await;
        assert_eq!(ended.killed_by, Some(cause), "{ended:?}");
        assert_eq!(census.survivors(), [0; 0], "the host went with it");
        let (anew, next) = who(&code, after.expect("the slot")).await;
        assert_ne!(before["host"], anew["host"]);
        slot = next;
    }
}

#[tokio::test]
async fn a_host_that_loads_for_ever_ends_with_its_job() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    fs::write(code.path().join("code_of_jobs.py"), "import time\ntime.sleep(600)\n").expect("the code");
    let mut job = code.job("who", &json!({}));
    job.timeout = Duration::from_millis(500);
    let done = run_in(slot(&supervisor).await, job).await;
    assert_eq!(done.ended.killed_by, Some(KilledBy::Deadline), "{:?}", done.ended);
    let (run, job) = {
        let slot = done.slot.expect("the slot");
        slot.start(code.job("who", &json!({}))).await.map_err(|(error, _)| error).expect("a running job")
    };
    run.control.kill(KilledBy::Cancel, Duration::from_secs(60));
    let (ended, _) = end(job).await;
    assert_eq!(ended.killed_by, Some(KilledBy::Cancel), "{ended:?}");
}

#[tokio::test]
async fn code_that_cannot_be_loaded_fails_its_job_with_the_reason_and_heals() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let file = code.path().join("code_of_jobs.py");
    fs::write(&file, "import of_nothing\n").expect("the code");
    let done = run_in(slot(&supervisor).await, code.job("who", &json!({}))).await;
    assert_eq!(done.ended.exit, Exit::Code(1));
    assert!(done.ended.stderr_tail.contains("No module named 'of_nothing'"), "{}", done.ended.stderr_tail);
    fs::write(&file, CODE).expect("the code");
    let (_, slot) = who(&code, done.slot.expect("the slot")).await;
    // The next change is seen too: by the job that meets it, and by a new host.
    fs::write(&file, CODE.replace("\"env\":", "\"newer\":")).expect("the code");
    let (new, slot) = who(&code, slot).await;
    assert!(new["newer"].is_null() && new.get("env").is_none(), "{new}");
    let (newer, _) = who(&code, slot).await;
    assert_eq!(newer["loaded_by"], newer["host"]);
    assert!(newer.get("env").is_none());
}

#[tokio::test]
async fn limits_hold_for_a_warm_job_and_not_for_its_host() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let grow = "def who():\n    return len(bytearray(900 << 20))\n";
    let mut slot = slot(&supervisor).await;
    for attempt in 0..2 {
        fs::write(code.path().join("code_of_jobs.py"), grow).expect("the code");
        let mut job = code.job("who", &json!({}));
        job.limits.memory = Some(200 << 20);
        let done = run_in(slot, job).await;
        assert_ne!(done.ended.exit, Exit::Code(0), "{attempt}: {:?}", done.ended);
        slot = done.slot.expect("the slot");
    }
    let done = run_in(slot, code.job("who", &json!({}))).await;
    assert_eq!(result(&done), json!(900 << 20), "without the limit it fits");
}

#[tokio::test]
async fn jobs_of_one_host_draw_different_numbers() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let one = run_in(slot(&supervisor).await, code.job("random_numbers", &json!({}))).await;
    let (one, slot) = (result(&one), one.slot.expect("the slot"));
    let two = run_in(slot, code.job("random_numbers", &json!({}))).await;
    assert_ne!(one, result(&two));
}

/// A host, or a child of it that has executed nothing else.
fn is_host(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("dayfly.host"))
}

/// The programs that try to escape, each as a warm job that executes it.
async fn none_survives_warm_in(isolation: Isolation) {
    let _group = OwnGroup::enter();
    let (code, supervisor) = (Code::write(), supervisor_in(isolation));
    let shapes = [
        "daemonize",
        "chain",
        "stop",
        "zombies",
        "tree-200",
        "fork-during-kill",
        "hop-sessions",
        "clone-parent",
        "respawn",
    ];
    let mut slot = slot(&supervisor).await;
    for (index, shape) in shapes.iter().enumerate() {
        let mut job = code.becoming(&hostile(shape));
        assert!(program("hostile").exists());
        job.grace = Duration::from_millis(20);
        job.patience = BOUND / 2;
        job.env.push(("DAYFLY_EVENTS_FD".to_owned(), "3".to_owned()));
        let leader_exits = index % 2 == 0;
        if leader_exits {
            job.env.push(("HOSTILE_LEADER".into(), "exit".into()));
        }
        let word = mark(&mut job);
        let pid = slot.pid();
        let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).expect("a running job");
        if !gets_ready(&mut run).await {
            panic!("{shape}: it ended before it was ready: {:?}", end(job).await.0);
        }
        let census = Census::take(pid, &word).only(|pid| !is_host(pid));
        if !leader_exits {
            run.control.kill(KilledBy::Cancel, Duration::ZERO);
        }
        let (ended, after) = end(job).await;
        assert!(!ended.unkillable, "{shape}: {ended:?}");
        assert_eq!(census.survivors(), [0; 0], "{shape} in {isolation}");
        println!("{shape}: {} processes, 0 survivors", census.len());
        let (_, next) = who(&code, after.expect("the slot")).await;
        slot = next;
    }
}

#[tokio::test]
async fn hostile_programs_do_not_survive_warm_in_the_best_tier() {
    none_survives_warm_in(best().await).await;
}

#[tokio::test]
async fn hostile_programs_do_not_survive_warm_in_the_plain_tier() {
    none_survives_warm_in(Isolation::Tree).await;
}
