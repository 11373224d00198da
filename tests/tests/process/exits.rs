//! How a leader ended is what is reported, with what its tree used, and the slot takes the next job.

use crate::room::{run, run_in, supervisor};
use dayfly_tests::process::shell;
use dayfly_worker::process::Exit;

#[tokio::test]
async fn codes_and_signals_are_told_one_job_after_another() {
    let supervisor = supervisor();
    let mut slot = supervisor.open_slot().await.unwrap();
    let pid = slot.pid();
    for (line, exit) in [
        ("exit 0", Exit::Code(0)),
        ("exit 75", Exit::Code(75)),
        ("exit 255", Exit::Code(255)),
        ("kill -SEGV $$", Exit::Signal(11)),
        ("kill -KILL $$", Exit::Signal(9)),
        ("kill -TERM $$", Exit::Signal(15)),
    ] {
        let done = run_in(slot, shell(line)).await;
        assert_eq!(done.ended.exit, exit, "{line}");
        assert_eq!((done.ended.killed_by, done.ended.kill_ms, done.ended.unkillable), (None, None, false), "{line}");
        slot = done.slot.expect("the slot again");
    }
    assert_eq!(slot.pid(), pid, "the same slot");
}

#[tokio::test]
async fn usage_counts_the_whole_tree() {
    let burn = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done";
    let one = run(shell(burn)).await.ended.usage;
    // Half of it in a child that is waited for, half in an orphan that the slot reaps; the leader itself only waits.
    let home = tempfile::tempdir().unwrap();
    let mut spec =
        shell(&format!("({burn}) & wait; ( ({burn}; : > done) & ); while [ ! -e done ]; do sleep 0.02; done"));
    spec.dir = home.path().into();
    let both = run(spec).await.ended.usage;
    assert!(one.cpu_ms >= 10, "{one:?}");
    // Not twice: the same loop takes longer on a core that another one keeps busy or cold.
    assert!(both.cpu_ms >= one.cpu_ms * 5 / 4, "{one:?} {both:?}");
    assert!(one.wall_ms >= one.cpu_ms * 9 / 10 && one.wall_ms < 20_000, "{one:?}");
    assert!(one.max_rss_bytes > 500_000 && one.max_rss_bytes < 100_000_000, "{one:?}");
}

#[tokio::test]
async fn the_largest_process_is_this_jobs_own() {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let big = "head -c 60000000 /dev/zero | tail -c 60000000 > /dev/null";
    let first = run_in(slot, shell(big)).await;
    let second = run_in(first.slot.unwrap(), shell("exit 0")).await;
    assert!(first.ended.usage.max_rss_bytes > 50_000_000, "{:?}", first.ended.usage);
    assert!(second.ended.usage.max_rss_bytes < 20_000_000, "{:?}", second.ended.usage);
}

#[tokio::test]
async fn a_job_starts_with_a_clean_process() {
    let done = run(shell(
        "cat /proc/$$/status | grep -E 'Sig(Blk|Ign|Cgt)|NoNewPrivs'; ls -m /proc/$$/fd; ps -o sid= -p $$ | grep -c $$; env | cut -d= -f1 | sort | tr '\\n' ' '; pwd",
    ))
    .await;
    let text = String::from_utf8(done.ended.stdout).unwrap();
    let of = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(of("SigBlk").ends_with("0000000000000000"), "{text}");
    assert!(of("SigIgn").ends_with("0000000000000000"), "{text}");
    assert!(of("NoNewPrivs").ends_with('1'), "{text}");
    // Not through a pipe, whose end the shell itself may still hold.
    assert!(text.contains("\n0, 1, 2, 3\n1\n"), "descriptors, and a session of its own: {text}");
    assert!(text.contains("PATH PWD"), "{text}");
    assert!(text.ends_with("/\n"), "{text}");
}
