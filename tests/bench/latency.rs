//! How soon: from the client's submit to the first instruction of the job's process.

use crate::{
    figures::{Figures, quantile},
    http::{Connection, post},
};
use anyhow::Context as _;
use dayfly_tests::Installation;
use std::time::{SystemTime, UNIX_EPOCH};

const SAMPLES: usize = 300;

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

/// Jobs one after another on an idle system.
pub(crate) async fn pickup(figures: &mut Figures) -> anyhow::Result<()> {
    let mut rig = Installation::start("[tasks.stamp]\ncommand = [\"date\", \"+%s%N\"]\n").await;
    rig.add_worker(2).await;
    let authority = rig.url.trim_start_matches("http://").to_owned();
    let (mut pickups, mut answers) =
        tokio::task::spawn_blocking(move || sample(&authority, "stamp", SAMPLES)).await??;
    let mut show =
        |name, values: &mut [f64], share, beside: &str| figures.add(name, quantile(values, share), "ms", beside);
    show("pickup p50", &mut pickups, 0.50, "POST sent -> first instruction of a new process; aim < 3");
    show("pickup p99", &mut pickups, 0.99, "");
    show("POST to result p50", &mut answers, 0.50, "one request with `Prefer: wait`");
    Ok(())
}

/// Jobs of a task that gives the time of its first instruction, ns since 1970, one after another: ms until then, and until the
/// client has its result.
pub(crate) fn sample(authority: &str, task: &str, count: usize) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let mut connection = Connection::open(authority)?;
    let request = String::from_utf8(post(authority, &format!("/v1/tasks/{task}"), "{}"))?;
    let request = request.replacen("content-type:", "prefer: wait=10\r\ncontent-type:", 1);
    let (mut pickups, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let sent = now();
        let (status, body) = connection.send(request.as_bytes())?;
        let answered = now();
        anyhow::ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
        let job: serde_json::Value = serde_json::from_slice(&body)?;
        let started: u128 = job["result"].to_string().parse().with_context(|| job.to_string())?;
        pickups.push(started.saturating_sub(sent) as f64 / 1e6);
        answers.push(answered.saturating_sub(sent) as f64 / 1e6);
    }
    Ok((pickups, answers))
}
