//! The sweep of a predecessor's leftovers takes those, and nobody else's.

use crate::{
    daemon::{ALL, Daemon},
    room::supervisor_in,
};
use dayfly_tests::{Census, OwnGroup, processes_with};
use dayfly_worker::process::{Isolation, sweep};

/// Without fence, folder or environment: nothing but its group tells whose these processes are.
#[tokio::test]
async fn a_control_group_knows_what_hides_from_everything_else() {
    let group = OwnGroup::enter();
    if !group.is_there() {
        return;
    }
    for shape in ["forget", "hop-sessions", "daemonize"] {
        let mut dead = Daemon::start(shape, Isolation::Tree, &[]);
        let living = Daemon::start("daemonize", Isolation::Tree, &[]);
        let left = Census::take(dead.slot, &dead.word);
        dead.kill(&ALL);
        if shape != "hop-sessions" {
            assert!(!left.survivors().is_empty(), "{shape} leaves something here, or this test shows nothing");
        }
        let next = supervisor_in(Isolation::Tree);
        let swept = &next.tier().await.expect("the plain tier").swept;
        assert!(swept.killed >= 1 && swept.left.is_empty(), "{shape}: {swept:?}");
        assert_eq!(left.survivors(), [0; 0], "{shape}");
        assert_eq!(processes_with(&living.word).len(), 2, "a living worker's job goes on");
    }
}

#[test]
fn leftovers_are_ended_and_living_jobs_are_not() {
    let _group = OwnGroup::enter();
    let home = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let fence = ("DAYFLY_FENCE", "1-0123456789abcdef");
    let inside = home.path().join("job");
    let outside = other.path().join("job");
    let dir = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let start =
        |path: &std::path::Path| Daemon::start("daemonize", Isolation::Tree, &[fence, ("DAYFLY_DIR", &dir(path))]);
    let mut dead = start(&inside);
    let mut elsewhere = start(&outside);
    let living = start(&inside);
    let left = Census::take(dead.slot, &dead.word);
    let foreign = Census::take(elsewhere.slot, &elsewhere.word);
    dead.kill(&ALL);
    elsewhere.kill(&ALL);
    assert!(!left.survivors().is_empty(), "the plain tier leaves something here, or this test shows nothing");
    assert!(!foreign.survivors().is_empty());

    let swept = sweep(home.path());
    assert!(swept.killed >= 1 && swept.left.is_empty(), "{swept:?}");
    assert_eq!(left.survivors(), [0; 0]);
    assert!(!foreign.survivors().is_empty(), "another state folder's jobs are another worker's business");
    assert_eq!(processes_with(&living.word).len(), 2, "a living worker's job goes on");
    assert!(sweep(other.path()).left.is_empty());
    assert_eq!(foreign.survivors(), [0; 0]);
}
