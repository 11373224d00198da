//! The protocol of hosts, spoken by one that is not ours: a program in C, which has nothing but docs/python.md.

use crate::{
    hostile::best,
    room::{end, gets_ready, mark, run_in, supervisor_in},
    warm_code::{result, slot},
};
use dayfly_common::model::{KilledBy, Sandbox};
use dayfly_tests::Census;
use dayfly_worker::process::{Exit, Isolation, JobSpec, Warm};
use serde_json::json;
use std::{fs, path::PathBuf, process::Command, time::Duration};
use tempfile::TempDir;

const SOURCE: &str = include_str!("host.c");

struct Host {
    folder: TempDir,
}

impl Host {
    fn compile() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("host.c"), SOURCE).expect("written");
        let words = ["-O1", "-Wall", "-Wextra", "-Werror", "-o", "host", "host.c"];
        let said = Command::new("cc").args(words).current_dir(folder.path()).output();
        let said = said.expect("a C compiler, which linking a Rust program needs as well");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        Self { folder }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    fn job(&self, input: &str) -> JobSpec {
        let mut job = dayfly_tests::process::spec(&[self.program().to_str().expect("UTF-8")]);
        job.input = input.to_owned().into();
        job.dir = self.folder.path().to_owned();
        job.warm = Some(Warm { key: "square".to_owned(), dir: "/".into(), max_jobs: 1000, max_memory: None });
        job
    }
}

async fn a_host_in_c_serves_in(isolation: Isolation) {
    let (host, supervisor) = (Host::compile(), supervisor_in(isolation));
    let mut slot = slot(&supervisor).await;
    let mut hosts = Vec::new();
    for n in 1..=3_i64 {
        let done = run_in(slot, host.job(&n.to_string())).await;
        assert_eq!((done.ended.exit, done.ended.kill_ms), (Exit::Code(0), None), "{:?}", done.ended);
        assert_eq!(result(&done)[0], n * n);
        assert_eq!(result(&done)[1], result(&done)[2], "a child of who has loaded the code");
        assert!(done.ended.usage.max_rss_bytes > 100_000, "{:?}", done.ended.usage);
        hosts.push(result(&done)[1].clone());
        slot = done.slot.expect("the slot");
    }
    assert!(hosts.windows(2).all(|two| two[0] == two[1]), "loaded once: {hosts:?}");

    // Any text, and more of it than a message holds.
    for word in ["é\"\\\n\t\u{1}'".to_owned(), "long ".repeat(10_000)] {
        let mut job = host.job("word");
        job.env.push(("WORD".to_owned(), word.clone()));
        let done = run_in(slot, job).await;
        assert_eq!(String::from_utf8_lossy(&done.ended.stdout), word);
        slot = done.slot.expect("the slot");
    }

    let mut caged = host.job("4");
    caged.sandbox = Some(Sandbox::Workdir);
    let done = run_in(slot, caged).await;
    assert_eq!(result(&done)[0], 16, "{:?}", done.ended);
    let done = run_in(done.slot.expect("the slot"), host.job("crash")).await;
    assert_eq!(done.ended.exit, Exit::Signal(6), "{:?}", done.ended);
    let done = run_in(done.slot.expect("the slot"), host.job("5")).await;
    assert_eq!(result(&done), json!([25, hosts[0], hosts[0]]), "a job that crashes harms no host");

    let mut slot = done.slot.expect("the slot");
    for cause in [KilledBy::Deadline, KilledBy::Cancel] {
        let mut job = host.job("hang");
        job.grace = Duration::from_millis(50);
        if cause == KilledBy::Deadline {
            job.timeout = Duration::from_secs(3);
        }
        let word = mark(&mut job);
        let pid = slot.pid();
        let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).expect("a running job");
        assert!(gets_ready(&mut run).await);
        let census = Census::take(pid, &word);
        assert!(census.len() >= 3, "host, job and its child: {census:?}");
        if cause == KilledBy::Cancel {
            run.control.kill(cause, Duration::from_millis(50));
        }
        let (ended, after) = end(job).await;
        assert_eq!((ended.killed_by, ended.unkillable), (Some(cause), false), "{ended:?}");
        assert_eq!(census.survivors(), [0; 0]);
        let done = run_in(after.expect("the slot"), host.job("6")).await;
        assert_eq!(result(&done)[0], 36);
        assert_ne!(result(&done)[1], hosts[0], "by another host");
        slot = done.slot.expect("the slot");
    }
}

#[tokio::test]
async fn a_host_in_c_serves_in_the_best_tier() {
    a_host_in_c_serves_in(best().await).await;
}

#[tokio::test]
async fn a_host_in_c_serves_in_the_plain_tier() {
    a_host_in_c_serves_in(Isolation::Tree).await;
}
