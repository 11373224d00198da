//! A job that cannot be started says why, and the slot takes the next one.

use crate::room::{run_in, supervisor};
use dayfly_tests::process::{shell, spec};
use dayfly_worker::process::{Exit, JobSpec, StartError};
use std::{fs, os::unix::fs::PermissionsExt};

#[tokio::test]
async fn each_cause_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let in_folder = |dir: &str| JobSpec { dir: dir.into(), ..shell("exit 0") };
    let with_env = |name: &str, value: &str| {
        let mut job = shell("exit 0");
        job.env.push((name.to_owned(), value.to_owned()));
        job
    };
    let cases = [
        (spec(&["no-such-program-anywhere"]), "`no-such-program-anywhere` is in no folder of PATH"),
        (spec(&["/no/such/program"]), "/no/such/program does not exist"),
        (spec(&[file("plain", "echo\n", 0o644)]), "not marked executable"),
        (spec(&[file("script", "#!/no/such/python\n", 0o755)]), "interpreter /no/such/python, which does not exist"),
        (spec(&[file("text", "hello\n", 0o755)]), "neither a program for this machine nor a script"),
        (spec(&[home.path().display().to_string()]), "is a folder, not a program"),
        (in_folder("/no/such/folder"), "working folder /no/such/folder does not exist"),
        (in_folder("/etc/passwd"), "working folder /etc/passwd is not a folder"),
        (spec::<&str>(&[]), "the command is empty"),
        (spec(&[""]), "the command is empty"),
        (spec(&["sh", "a\0b"]), "argument 1 holds a NUL byte"),
        (with_env("A\0", "b"), "holds a NUL byte"),
        (spec(&["true", &"x".repeat(3 << 20)]), "too long for the kernel"),
    ];
    let supervisor = supervisor();
    let mut slot = supervisor.open_slot().await.unwrap();
    for (job, expected) in cases {
        let (error, same) = slot.start(job).await.map(|_| expected).expect_err("it cannot start");
        let StartError::Spawn(message) = error else { panic!("{error:?}") };
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
        slot = same.expect("the slot again");
    }
    assert_eq!(run_in(slot, shell("exit 7")).await.ended.exit, Exit::Code(7));
}

#[tokio::test]
async fn relative_programs_are_meant_from_the_jobs_folder() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run");
    fs::write(&path, "#!/bin/sh\nexit 9\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let job = JobSpec { dir: home.path().into(), ..spec(&["./run"]) };
    assert_eq!(run_in(slot, job).await.ended.exit, Exit::Code(9));
}
