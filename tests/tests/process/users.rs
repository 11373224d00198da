//! Another user's rights: taken on whole, given by no setuid program unless that is allowed, and no way to stay alive.

use crate::room::{end, hostile, mark, program, ready, root, run_in, start, supervisor, supervisor_in};
use dayfly_common::model::KilledBy;
use dayfly_tests::{
    Census,
    process::{shell, spec},
    processes_with,
};
use dayfly_worker::process::{Isolation, Tier};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::Duration,
};
use tempfile::TempDir;

/// A folder with a copy of `hostile` that any user may run.
fn open_to_all(mode: u32) -> (TempDir, String) {
    let home = tempfile::tempdir().expect("a folder");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    let copy = home.path().join("hostile");
    fs::copy(program("hostile"), &copy).expect("a copy");
    fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).expect("its mode");
    (home, copy.display().to_string())
}

#[tokio::test]
async fn another_user_is_taken_on_whole_and_can_be_killed() {
    if !root() {
        return;
    }
    let mut job = shell("id -u; id -g; id -G; grep -E 'CapEff|CapPrm' /proc/self/status | cut -f2 | tr '\\n' ' '");
    job.identity = Some((65534, 65533));
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let text = String::from_utf8(run_in(slot, job).await.ended.stdout).unwrap();
    assert_eq!(text.trim(), "65534\n65533\n65533\n0000000000000000 0000000000000000");

    // A program that would be root again: it stays an ordinary one, and dies like one.
    let (_home, program) = open_to_all(0o4755);
    let mut job = spec(&[&program, "daemonize"]);
    job.identity = Some((65534, 65533));
    let word = mark(&mut job);
    let (mut run, job) = start(&supervisor, job).await;
    ready(&mut run).await;
    let status = fs::read_to_string(format!("/proc/{}/status", run.pid)).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534"), "{status}");
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    assert!(!end(job).await.0.unkillable);
    assert!(processes_with(&word).is_empty());
}

/// How many processes `setuid` makes for an ordinary user here, and whether the setuid bit of its `su` counts for this process.
fn su_here() -> (usize, bool) {
    let su = ["/usr/bin/su", "/bin/su"]
        .into_iter()
        .find(|path| fs::metadata(path).is_ok_and(|file| file.uid() == 0 && file.mode() & 0o4000 != 0));
    let Some(su) = su else { return (2, false) };
    let free = fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("NoNewPrivs:\t0"));
    let counts = statvfs(su).is_ok_and(|disk| !disk.flags().contains(FsFlags::ST_NOSUID));
    (3, free && counts)
}

#[tokio::test]
async fn a_setuid_program_is_ended_whatever_it_is_worth() {
    let (processes, counts) = su_here();
    let (_home, program) = open_to_all(0o755);
    for isolation in [Isolation::Auto, Isolation::Tree] {
        let supervisor = supervisor_in(isolation);
        let tier = supervisor.tier().await.expect("a tier").tier;
        for no_new_privs in [true, false] {
            let mut job = hostile("setuid");
            job.argv[0].clone_from(&program);
            // Root needs no such program.
            job.identity = root().then_some((65534, 65534));
            job.no_new_privs = no_new_privs;
            let word = mark(&mut job);
            let slot = supervisor.open_slot().await.expect("a slot");
            let slot_pid = slot.pid();
            let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).expect("a running job");
            ready(&mut run).await;
            let census = Census::take(slot_pid, &word);
            run.control.kill(KilledBy::Cancel, Duration::ZERO);
            let (ended, slot) = end(job).await;
            let case = format!("{tier}, no_new_privs {no_new_privs}: {}", ended.stderr_tail);
            assert_eq!(census.len(), processes, "{case}");
            assert_eq!(census.survivors(), [0; 0], "{case}");
            assert!(!ended.unkillable && slot.is_some(), "{case}");
            // An ordinary user's namespace has no root to become.
            let powerful = counts && !no_new_privs && (root() || tier == Tier::Tree);
            assert_eq!(ended.stderr_tail.contains("su runs as user 0"), powerful, "{case}");
        }
    }
}
