//! A disk that is full is its job's own trouble.

use crate::{
    mounts::SmallDisk,
    room::{end, hostile, ready, root, run_in, start, supervisor},
};
use dayfly_common::model::KilledBy;
use dayfly_tests::process::shell;
use dayfly_worker::process::{Exit, JobSpec};
use std::time::Duration;

#[tokio::test]
async fn a_job_that_fills_its_disk_is_ended_and_its_slot_goes_on() {
    let disk = SmallDisk::new();
    let supervisor = supervisor();
    let in_it = |job: JobSpec| JobSpec { dir: disk.path().into(), ..job };
    let (mut run, job) = start(&supervisor, in_it(hostile("fill-disk"))).await;
    ready(&mut run).await;
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    let (ended, slot) = end(job).await;
    assert_eq!((ended.killed_by, ended.unkillable), (Some(KilledBy::Cancel), false));
    // ENOSPC of the small disk; where there is none, EFBIG or whatever comes first.
    assert!(ended.stderr_tail.contains("os error 28") || !root(), "{}", ended.stderr_tail);
    disk.is_free_again("its end");
    let next = in_it(shell("echo kept > file; cat file; rm file; exit 4"));
    let next = run_in(slot.expect("the same slot"), next).await.ended;
    assert_eq!((next.exit, next.stdout), (Exit::Code(4), b"kept\n".to_vec()));
}
