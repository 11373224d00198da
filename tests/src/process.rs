//! Jobs for tests of the process room.

use dayfly_common::model::Limits;
use dayfly_worker::process::{BootTime, JobSpec};
use std::time::Duration;

/// A job with room in every direction: no limit of it is met unless a test narrows it.
#[must_use]
pub fn spec<S: AsRef<str>>(argv: &[S]) -> JobSpec {
    let lease_ttl = Duration::from_secs(600);
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    JobSpec {
        argv: argv.iter().map(|argument| argument.as_ref().to_owned()).collect(),
        env: vec![("PATH".to_owned(), path)],
        dir: "/".into(),
        input: bytes::Bytes::new(),
        timeout: Duration::from_secs(60),
        grace: Duration::from_secs(5),
        lease_limit: BootTime::now().after(lease_ttl),
        lease_ttl,
        limits: Limits::default(),
        identity: None,
        no_new_privs: true,
        sandbox: None,
        patience: Duration::ZERO,
        max_result: 1 << 20,
        max_log: 1 << 20,
        warm: None,
    }
}

/// A shell line as a job.
#[must_use]
pub fn shell(line: &str) -> JobSpec {
    spec(&["sh", "-c", line])
}
