//! How much: submits a second, jobs a second, and what each costs Redis.

use crate::{
    figures::{Figures, median},
    http::{Connection, post},
    limits,
};
use anyhow::{Context as _, ensure};
use dayfly_tests::{Installation, eventually_async};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// The trivial program.
const TRUE: &str = "/bin/true";
const CONNECTIONS: usize = 16;

fn tasks() -> String {
    format!("[tasks.trivial]\ncommand = [\"{TRUE}\"]\n")
}

/// Posts `count` jobs of `task` over `CONNECTIONS` connections; gives the seconds it took.
pub(crate) async fn post_many(rig: &Installation, task: &str, count: usize, body: &str) -> anyhow::Result<f64> {
    let authority = rig.url.trim_start_matches("http://").to_owned();
    let request = post(&authority, &format!("/v1/tasks/{task}"), body);
    tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS)
                .map(|index| {
                    let (authority, request) = (&authority, &request);
                    scope.spawn(move || -> anyhow::Result<()> {
                        let mut connection = Connection::open(authority)?;
                        for _ in (index..count).step_by(CONNECTIONS) {
                            let (status, body) = connection.send(request)?;
                            ensure!(status == 202, "{status}: {}", String::from_utf8_lossy(&body));
                        }
                        Ok(())
                    })
                })
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("panicked"))))
        })?;
        Ok(start.elapsed().as_secs_f64())
    })
    .await?
}

/// POST submits a second, 16 kept connections, full record, durable before it is answered.
pub(crate) async fn submits(figures: &mut Figures, rounds: usize) -> anyhow::Result<()> {
    let rig = Installation::start(&tasks()).await;
    let count = 16_000;
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(89));
    let mut rates = Vec::new();
    for _ in 0..rounds {
        rates.push(count as f64 / post_many(&rig, "trivial", count, &body).await?);
    }
    figures.add("POST submits", median(&mut rates), "/s", "16 connections, client on the same cores");
    Ok(())
}

/// Memory of the server for one waiting job with an input of 100 bytes.
pub(crate) async fn bytes(figures: &mut Figures) -> anyhow::Result<()> {
    let rig = Installation::start(&tasks()).await;
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(89));
    ensure!(body.len() == 100, "the input has {} bytes", body.len());
    // The events stream has reached its cap by then, so that only jobs add to the memory.
    post_many(&rig, "trivial", 16_000, &body).await?;
    let count = 32_000;
    let before = info(&rig, "memory").await?;
    post_many(&rig, "trivial", count, &body).await?;
    let after = info(&rig, "memory").await?;
    let grown = number(&after, "used_memory")? - number(&before, "used_memory")?;
    figures.add("memory of a queued job", grown / count as f64, "bytes", "input of 100 bytes; aim <= 600");
    Ok(())
}

/// Jobs of a trivial program from queue to finished record, beside the bare loop; and what one costs Redis.
pub(crate) async fn jobs(
    figures: &mut Figures,
    rounds: usize,
    count: usize,
    slots: u32,
    cores: usize,
) -> anyhow::Result<()> {
    let mut rig = Installation::start(&tasks()).await;
    rig.add_worker(slots).await;
    let (mut rates, mut bare, mut shares, mut trips, mut commands, mut cpu) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut total = 0;
    for _ in 0..rounds {
        let limit =
            tokio::task::spawn_blocking(move || limits::bare_spawns(TRUE, cores, Duration::from_secs(2))).await??;
        rig.request("POST", "/v1/tasks/trivial/pause").send().await?.error_for_status()?;
        post_many(&rig, "trivial", count, "{}").await?;
        total += count;
        let before = (info(&rig, "stats").await?, info(&rig, "cpu").await?);
        let start = Instant::now();
        rig.request("POST", "/v1/tasks/trivial/resume").send().await?.error_for_status()?;
        let polls = wait_for(&rig, "trivial", total).await?;
        let rate = count as f64 / start.elapsed().as_secs_f64();
        let after = (info(&rig, "stats").await?, info(&rig, "cpu").await?);
        let stat =
            |name: &str| Ok::<f64, anyhow::Error>((number(&after.0, name)? - number(&before.0, name)?) / count as f64);
        let polls = polls as f64 / count as f64;
        let spent = |map: &HashMap<String, String>| {
            Ok::<f64, anyhow::Error>(number(map, "used_cpu_sys")? + number(map, "used_cpu_user")?)
        };
        trips.push(stat("total_reads_processed")? - polls);
        commands.push(stat("total_commands_processed")? - polls);
        cpu.push((spent(&after.1)? - spent(&before.1)?) * 1e6 / count as f64);
        rates.push(rate);
        bare.push(limit);
        shares.push(100.0 * rate / limit);
    }
    let limit = median(&mut bare);
    figures.add("bare posix_spawn loop", limit, "/s", format!("{TRUE} on {cores} cores: the machine's limit"));
    figures.add("jobs end to end", median(&mut rates), "/s", format!("{TRUE}, queue to finished record"));
    figures.add("share of the bare loop", median(&mut shares), "%", "each round beside its own limit; aim >= 55");
    figures.add(
        "round trips a job",
        median(&mut trips),
        "",
        "the server's read events, heartbeats included; aim <= 1.2",
    );
    figures.add("commands a job", median(&mut commands), "", "those inside the functions included");
    figures.add("Redis CPU a job", median(&mut cpu), "us", "claim and finish");
    Ok(())
}

/// Waits until `total` jobs of `task` have succeeded; gives the number of questions this took.
pub(crate) async fn wait_for(rig: &Installation, task: &str, total: usize) -> anyhow::Result<usize> {
    let connection = rig.redis().await;
    let polls = AtomicUsize::new(0);
    eventually_async("all jobs have ended", Duration::from_secs(300), || {
        polls.fetch_add(1, Ordering::Relaxed);
        let mut connection = connection.clone();
        async move {
            let mut question = redis::cmd("HGET");
            question.arg("dayfly:{0}:counts").arg(format!("{task}:succeeded"));
            let done: Option<usize> = question.query_async(&mut connection).await.ok()?;
            (done? >= total).then_some(())
        }
    })
    .await;
    Ok(polls.into_inner())
}

/// One section of INFO.
async fn info(rig: &Installation, section: &str) -> anyhow::Result<HashMap<String, String>> {
    let text: String = redis::cmd("INFO").arg(section).query_async(&mut rig.redis().await).await?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn number(map: &HashMap<String, String>, name: &str) -> anyhow::Result<f64> {
    let value = map.get(name).with_context(|| format!("INFO has no {name}"))?;
    value.trim().parse().with_context(|| format!("INFO {name} is `{value}`"))
}
