//! Limits of a task: each holds for the whole tree, and the one that ended a job is named.

use crate::{
    mounts::without_groups,
    room::{Done, end, hostile, mark, program, ready, root, run, run_in, start, supervisor, supervisor_in},
};
use dayfly_common::model::{KilledBy, Limits, Sandbox};
use dayfly_tests::{process::shell, processes_with};
use dayfly_worker::process::{Exit, Holder, Isolation, JobSpec, LimitHit, Note, Supervisor, Tier};
use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

fn limited(job: JobSpec, limits: Limits) -> JobSpec {
    JobSpec { limits, ..job }
}

fn text(done: &Done) -> String {
    String::from_utf8_lossy(&done.ended.stdout).trim().to_owned()
}

/// What is allowed, MiB; each leak would take 10 GiB.
const ALLOWED: u64 = 256;

/// One process; a child whose parent would go on as if nothing had happened; eight processes, none of which takes much.
async fn leaks_die_alone(supervisor: &Supervisor) {
    let holder = supervisor.tier().await.expect("a tier").holders.memory;
    let limits = Limits { memory: Some(ALLOWED << 20), ..Limits::default() };
    let beside = limited(shell("trap 'exit 5' TERM; echo ready >&3; while :; do sleep 0.02; done"), limits.clone());
    let (mut other, other_end) = start(supervisor, beside).await;
    ready(&mut other).await;
    let child = format!("{} eat-memory 10240; exit 0", program("hostile").display());
    for leak in [hostile("eat-memory 10240"), shell(&child), hostile("eat-memory-tree 10240")] {
        let what = leak.argv.last().cloned();
        let slot = supervisor.open_slot().await.expect("a slot");
        let done = run_in(slot, limited(leak, limits.clone())).await;
        let ended = &done.ended;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis();
        let largest = ended.usage.max_rss_bytes >> 20;
        // What was in use at which time, at every 16th MiB.
        let taken = done.notes.iter().filter_map(|note| match note {
            Note::Stderr(at, line) => Some((line.strip_prefix("hostile: ")?.strip_suffix(" MiB")?.parse().ok()?, *at)),
            Note::Event(..) | Note::System(..) | Note::Stuck(..) | Note::Leads(_) => None,
        });
        let (most, at): (u64, i64) = taken.max().expect("it has said so");
        let late = now.abs_diff(at.unsigned_abs().into());
        println!("{holder}, {what:?}: {most} MiB said, {late} ms before, {largest} in one process, {:?}", ended.usage);
        assert_eq!((ended.killed_by, ended.limit), (Some(KilledBy::Limit), Some(LimitHit::Memory)));
        assert!(most >= ALLOWED - 64, "not before it is due: {most}");
        let bound = match holder {
            // And the pages of its program that are in memory anyway.
            Holder::Cgroup1 | Holder::Cgroup2 => ALLOWED + 8,
            // Which looks every 25 ms; and no single process gets more by the kernel.
            Holder::Slot => 2 * ALLOWED + 8,
        };
        assert!(largest <= bound, "{largest} of {bound} MiB");
        assert!(
            most <= 4 * ALLOWED,
            "{most} MiB of the whole tree, which had no other limit than the slot's next look"
        );
        // However long a busy machine takes to give it that much.
        assert!(late < 1_000, "{late} ms after it had that much");
        assert!(done.slot.is_some());
    }
    other.control.kill(KilledBy::Cancel, Duration::from_secs(5));
    assert_eq!(end(other_end).await.0.exit, Exit::Code(5), "another job was not touched");
}

#[tokio::test]
async fn a_leak_dies_alone_and_says_why() {
    for isolation in [Isolation::Auto, Isolation::Tree] {
        leaks_die_alone(&supervisor_in(isolation)).await;
    }
}

#[test]
fn a_leak_that_no_group_holds_dies_alone_too() {
    without_groups(async {
        for isolation in [Isolation::Auto, Isolation::Tree] {
            let supervisor = supervisor_in(isolation);
            let holder = supervisor.tier().await.expect("a tier").holders.memory;
            // An ordinary user may have been given groups to write, and cannot hide them.
            assert!(holder == Holder::Slot || !root(), "{holder}");
            leaks_die_alone(&supervisor).await;
        }
    });
}

#[tokio::test]
async fn memory_within_the_limit_is_no_ones_business() {
    let limits = Limits { memory: Some(200 << 20), ..Limits::default() };
    let job = shell("head -c 50000000 /dev/zero | tail -c 50000000 | wc -c; exit 3");
    let done = run(limited(job, limits)).await;
    assert_eq!((done.ended.exit, done.ended.killed_by, done.ended.limit), (Exit::Code(3), None, None));
    assert_eq!(text(&done), "50000000");
}

#[tokio::test]
async fn cpu_time_counts_the_whole_tree() {
    let limits = Limits { cpu_time_ms: Some(600), ..Limits::default() };
    let hostile = program("hostile").display().to_string();
    for line in [format!("{hostile} spin"), format!("{hostile} spin & {hostile} spin & wait")] {
        let mut job = limited(shell(&line), limits.clone());
        job.grace = Duration::from_millis(50);
        let done = run(job).await;
        assert_eq!((done.ended.killed_by, done.ended.limit), (Some(KilledBy::Limit), Some(LimitHit::CpuTime)));
        assert!((600..1100).contains(&done.ended.usage.cpu_ms), "{:?}", done.ended.usage);
    }
}

#[tokio::test]
async fn a_file_that_grows_too_large_is_named() {
    let home = tempfile::tempdir().unwrap();
    let mut job = limited(hostile("fill-file"), Limits { fsize: Some(3 << 20), ..Limits::default() });
    job.dir = home.path().into();
    let done = run(job).await;
    assert_eq!((done.ended.exit, done.ended.limit), (Exit::Signal(25), Some(LimitHit::FileSize)));
    assert_eq!(done.ended.killed_by, Some(KilledBy::Limit));
    assert_eq!(fs::metadata(home.path().join("fill")).unwrap().len(), 3 << 20);
}

#[tokio::test]
async fn files_niceness_and_mask_are_as_asked() {
    let limits = Limits { nofile: Some(77), nice: Some(7), ..Limits::default() };
    let done = run(limited(shell("ulimit -n; ulimit -Hn; nice; umask"), limits)).await;
    assert_eq!(text(&done), "77\n77\n7\n0022");
    let limits = Limits { nofile: Some(1 << 40), ..Limits::default() };
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let (error, slot) = slot.start(limited(shell("exit 0"), limits)).await.map(|_| ()).expect_err("too many");
    assert!(error.to_string().contains("nofile"), "{error}");
    assert!(slot.is_some());
}

async fn processes_are_held(isolation: Isolation) {
    let limits = Limits { nproc: Some(10), ..Limits::default() };
    let mut job =
        limited(shell("i=0; while [ $i -lt 30 ]; do sleep 30 & i=$((i+1)); done; echo started >&3; wait"), limits);
    job.timeout = Duration::from_secs(2);
    job.grace = Duration::ZERO;
    let word = mark(&mut job);
    let supervisor = supervisor_in(isolation);
    let found = supervisor.tier().await.expect("a tier");
    // By a group, or by the namespace of an ordinary user.
    let by_the_kernel = found.holders.nproc != Holder::Slot || (found.tier == Tier::Pidns && !root());
    let (mut run, job) = start(&supervisor, job).await;
    let most = async {
        let mut most = 0;
        while run.notes.recv().await.is_some() {
            most = most.max(processes_with(&word).len());
        }
        most
    };
    let ((ended, _), most) = tokio::join!(end(job), most);
    if by_the_kernel {
        assert!(most <= 10 && ended.stderr_tail.contains("fork"), "{most}: {ended:?}");
    } else {
        // Which looks every 25 ms.
        assert_eq!((ended.killed_by, ended.limit), (Some(KilledBy::Limit), Some(LimitHit::Processes)));
        assert!(ended.usage.wall_ms < 1_500, "{ended:?}");
    }
}

#[tokio::test]
async fn the_number_of_processes_is_held() {
    for isolation in [Isolation::Auto, Isolation::Tree] {
        processes_are_held(isolation).await;
    }
}

#[test]
fn the_number_of_processes_is_held_where_there_are_no_groups() {
    without_groups(async {
        for isolation in [Isolation::Auto, Isolation::Tree] {
            processes_are_held(isolation).await;
        }
    });
}

#[tokio::test]
async fn a_share_of_cpu_time_is_held() {
    let limits = Limits { cpus_milli: Some(250), ..Limits::default() };
    let mut job = limited(hostile("spin"), limits);
    job.timeout = Duration::from_secs(1);
    job.grace = Duration::ZERO;
    let supervisor = supervisor();
    let holder = supervisor.tier().await.expect("a tier").holders.cpus;
    let done = run_in(supervisor.open_slot().await.expect("a slot"), job).await;
    // Where no group holds it, a share below one CPU is rounded up to that.
    if holder != Holder::Slot {
        assert!((1..400).contains(&done.ended.usage.cpu_ms), "{:?}", done.ended.usage);
    }
}

#[tokio::test]
async fn a_sandboxed_job_writes_only_its_own_folder() {
    let (home, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = outside.path().display();
    let mut job = shell(&format!(
        "cat /etc/passwd > copy && echo copied; echo x > {there}/x || echo refused; echo x > /dev/null && echo null; \
         mkdir sub && echo y > sub/y && rm -r sub && echo made; kill -0 {} || echo alone",
        std::process::id()
    ));
    job.dir = home.path().into();
    job.sandbox = Some(Sandbox::Workdir);
    job.no_new_privs = false;
    let done = run(job).await;
    assert_eq!(text(&done), "copied\nrefused\nnull\nmade\nalone", "{}", done.ended.stderr_tail);
    assert_eq!(fs::read(home.path().join("copy")).unwrap(), fs::read("/etc/passwd").unwrap());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn no_control_group_is_left() {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let limits = Limits { memory: Some(64 << 20), nproc: Some(20), cpus_milli: Some(1000), ..Limits::default() };
    let done = run_in(slot, limited(shell("cat /proc/self/cgroup"), limits)).await;
    let name = format!("dayfly-jobs-{}", supervisor.pid());
    let made = supervisor.tier().await.expect("a tier").holders.memory != Holder::Slot;
    assert_eq!(text(&done).contains(&format!("{name}/job-")), made, "{}", text(&done));
    drop((done.slot, supervisor));
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let points = mounts.lines().filter(|line| line.contains("cgroup")).filter_map(|line| line.split(' ').nth(1));
    for point in points {
        dayfly_tests::eventually("the groups are removed", Duration::from_secs(5), || {
            (!has_group(Path::new(point), &name, 4)).then_some(())
        });
    }
}

fn has_group(folder: &Path, name: &str, depth: u32) -> bool {
    depth > 0
        && fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
            entry.file_type().is_ok_and(|kind| kind.is_dir())
                && (entry.file_name() == name || has_group(&entry.path(), name, depth - 1))
        })
}
