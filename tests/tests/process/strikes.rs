//! Jobs that signal the processes above them: in a namespace these do not so much as notice; in the plain tier they die, as by
//! anybody else's hand, and the tree with them.

use crate::{
    daemon::{ALL, Daemon, Victim},
    hostile::best,
    room::{BOUND, supervisor_in},
};
use dayfly_tests::{Census, OwnGroup, alive, eventually};
use dayfly_worker::process::{Isolation, JobSpec, sweep};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// Whom a shape kills: whom it sees of those it means.
pub(crate) fn struck(shape: &str, isolation: Isolation) -> &'static [Victim] {
    match isolation {
        Isolation::Tree if shape == "kill-parent" => &[Victim::Slot, Victim::Supervisor],
        Isolation::Tree if shape == "signal-daemon" => &ALL,
        Isolation::Auto | Isolation::Pidns | Isolation::Tree => &[],
    }
}

/// The file for which those that strike wait, and leaders that are to end.
pub(crate) struct Go {
    _folder: TempDir,
    path: PathBuf,
}

impl Go {
    pub(crate) fn in_folder() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { path: folder.path().join("go"), _folder: folder }
    }

    pub(crate) fn of(job: &mut JobSpec) -> Self {
        let go = Self::in_folder();
        job.env.push(("HOSTILE_GO".to_owned(), go.path().to_owned()));
        go
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("a UTF-8 path")
    }

    pub(crate) fn give(&self) {
        fs::write(&self.path, "").expect("a file");
    }
}

#[test]
fn in_a_namespace_strikes_reach_nobody() {
    let _group = OwnGroup::enter();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if runtime.block_on(best()) != Isolation::Pidns {
        return;
    }
    for shape in ["kill-parent", "signal-daemon daemon"] {
        let mut daemon = Daemon::start(shape, Isolation::Pidns, &[]);
        let census = Census::take(daemon.slot, &daemon.word);
        // Each of the two has sent all there is to whom it sees.
        assert_eq!((daemon.says().as_str(), daemon.says().as_str()), ("struck", "struck"));
        for above in [daemon.slot, daemon.supervisor, daemon.daemon] {
            assert!(alive(above), "{shape}");
        }
        assert_eq!(census.survivors().len(), census.len(), "the job goes on");
        daemon.kill(&[Victim::Slot]);
        assert_eq!(census.survivors(), [0; 0], "{shape}");
    }
}

#[test]
fn in_the_plain_tier_a_job_ends_with_those_it_strikes() {
    let _group = OwnGroup::enter();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let home = tempfile::tempdir().expect("a folder");
    let dir = home.path().join("job");
    for shape in ["kill-parent", "signal-daemon daemon"] {
        let go = Go::in_folder();
        let env = [
            ("DAYFLY_FENCE", "1-0123456789abcdef"),
            ("DAYFLY_DIR", dir.to_str().expect("UTF-8")),
            ("HOSTILE_GO", go.path()),
        ];
        let daemon = Daemon::start_in(home.path(), shape, Isolation::Tree, &env);
        let census = Census::take(daemon.slot, &daemon.word);
        go.give();
        for above in [daemon.slot, daemon.supervisor, daemon.daemon] {
            eventually("those above end, by the job or with it", BOUND, || (!alive(above)).then_some(()));
        }
        if shape != "kill-parent" {
            let next = supervisor_in(Isolation::Tree);
            let found = runtime.block_on(next.tier()).expect("the plain tier").swept.clone();
            assert_eq!(found.and(sweep(home.path())).left, [0; 0], "{shape}");
        }
        assert_eq!(census.survivors(), [0; 0], "{shape}");
    }
}
