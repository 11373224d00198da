//! The server in the middle.

use super::finding::{Finding, Report, roughly};
use dayfly_common::{
    config::Config,
    queue::{Failover, Info, LibraryFound, Queue, QueueError, REVISION, without_password},
};
use std::time::Duration;

/// Round trips that are measured.
const TRIPS: usize = 20;
/// A worker's heartbeat must be answered within 1.5 s, and every job takes some round trips.
const SLOW: Duration = Duration::from_millis(10);
const MUCH_TOO_SLOW: Duration = Duration::from_millis(250);
/// Clocks: times of clients (`at`, progress) are by their own; leases are not.
const SKEW_MS: i64 = 1_000;
/// What a failover takes beside noticing the loss, ms: an election and new connections.
const ELECTION_MS: u64 = 3_000;

/// Whether the server can be used at all: then the rest is looked at. `trial`: a queue of a private prefix.
pub(super) async fn examine(config: &Config, queue: &Queue, trial: &Queue, report: &mut Report) -> bool {
    let url = without_password(&config.redis.url);
    let (trips, ahead) = match queue.time_round_trips(TRIPS).await {
        Ok(measured) => measured,
        Err(error) => {
            report.add(unreachable(&url, &error));
            return false;
        }
    };
    report.add(Finding::ok("redis.reachable", url));
    match queue.info().await {
        Ok(info) => of_info(config, queue, &info, report).await,
        Err(error) => report.add(Finding::warn(
            "redis.info",
            format!("the server does not tell about itself: {error}"),
            "Its version, persistence, eviction and memory are unknown, and a restart or failover of it goes unnoticed.",
            "Give Dayfly's user the right `+info`.",
        )),
    }
    report.add(latency(&trips));
    report.add(clock(ahead));
    report.add(failover(config, queue.failover().await));
    rights(trial, report).await;
    library(queue.library_there().await, report)
}

fn unreachable(url: &str, error: &QueueError) -> Finding {
    let fix = match error {
        QueueError::Refused(said) if said.contains("NOPERM") => "Give Dayfly's user the rights of docs/redis.md.",
        QueueError::Refused(_) => "Check user and password in `[redis] url` (DAYFLY_REDIS_URL).",
        QueueError::Unreachable(_)
        | QueueError::Slow(_)
        | QueueError::NotReplicated { .. }
        | QueueError::NotDurable(_)
        | QueueError::NoLibrary(_)
        | QueueError::Garbled(_) => "Start the server, or name the right one by `[redis] url` (DAYFLY_REDIS_URL).",
    };
    Finding::fail("redis.reachable", format!("{url}: {error}"), "No job is taken, and none is started.", fix)
}

async fn of_info(config: &Config, queue: &Queue, info: &Info, report: &mut Report) {
    let field = |name: &str| info.get(name).map(String::as_str).unwrap_or_default();
    let (product, version) = match info.get("valkey_version") {
        Some(version) => ("Valkey", version.as_str()),
        None => ("Redis", field("redis_version")),
    };
    let found = format!("{product} {version}");
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    report.add(if major >= 7 {
        Finding::ok("redis.version", found)
    } else {
        let means = "It lacks functions, which all of Dayfly's operations are.";
        Finding::fail("redis.version", found, means, "Use Redis 7.0 or later, or any Valkey.")
    });
    if let Ok(kept) = queue.durability().await {
        let said = kept.to_string();
        report.add(match (kept.append_only, kept.fsync.as_deref()) {
            (true, Some("no")) => Finding::warn(
                "redis.persistence",
                "appendfsync is no",
                format!("Of it one can rely on this: {said}."),
                "Set `appendfsync everysec` or `always`.",
            ),
            (true, _) if field("aof_last_write_status") == "err" => Finding::fail(
                "redis.persistence",
                "the append-only file cannot be written (aof_last_write_status:err)",
                "The server refuses writes: no job is taken.",
                "Make room on its disk; its log says more.",
            ),
            (true, _) => Finding::ok("redis.persistence", said),
            (false, _) => Finding::fail(
                "redis.persistence",
                "appendonly is no",
                format!("Jobs that were acknowledged are lost: {said}."),
                "Set `appendonly yes` (redis-cli CONFIG SET appendonly yes, and CONFIG REWRITE).",
            ),
        });
        report.add(if kept.eviction == "noeviction" {
            Finding::ok("redis.eviction", "noeviction")
        } else {
            Finding::fail(
                "redis.eviction",
                format!("maxmemory-policy is {}", kept.eviction),
                "When its memory is full the server drops keys: jobs that were acknowledged.",
                "Set `maxmemory-policy noeviction` (redis-cli CONFIG SET maxmemory-policy noeviction, and CONFIG REWRITE).",
            )
        });
        if kept.wait_replicas > 0 {
            let found = format!("{} connected, wait_replicas = {}", kept.replicas, kept.wait_replicas);
            report.add(if kept.replicas >= kept.wait_replicas {
                Finding::ok("redis.replicas", found)
            } else {
                let means = "No submission is confirmed and no job is started until they are there.";
                Finding::fail("redis.replicas", found, means, "Bring the replicas back, or lower `wait_replicas`.")
            });
        }
    }
    report.add(memory(field("used_memory"), field("maxmemory")));
    if config.redis.require_durable {
        report.add(Finding::ok("redis.require_durable", "set: daemons refuse a server that keeps less"));
    }
}

fn memory(used: &str, most: &str) -> Finding {
    let (used, most): (u64, u64) = (used.parse().unwrap_or(0), most.parse().unwrap_or(0));
    let check = "redis.memory";
    if most == 0 {
        let means = "It grows until the host has no memory left, and then the kernel may kill it.";
        let fix =
            "Set `maxmemory` below the host's memory: a full server refuses new jobs and goes on with the others.";
        return Finding::warn(check, format!("{} used, no maxmemory", roughly(used)), means, fix);
    }
    let percent = used.saturating_mul(100) / most;
    let found = format!("{} of {} used ({percent} %)", roughly(used), roughly(most));
    let fix = "Raise `maxmemory`, shorten `retention` of tasks, or delete ended jobs; see docs/redis-full.md.";
    match percent {
        0..80 => Finding::ok(check, found),
        80..95 => Finding::warn(check, found, "Soon new jobs are refused with 503.", fix),
        _ => Finding::fail(check, found, "New jobs are refused with 503, or will be in a moment.", fix),
    }
}

fn latency(trips: &[Duration]) -> Finding {
    let (median, worst) = (trips.get(trips.len() / 2).copied().unwrap_or_default(), trips.last().copied());
    let found = format!("median {median:.1?}, worst {:.1?} of {} round trips", worst.unwrap_or_default(), trips.len());
    let fix =
        "Put workers, API and server into one network; look for slow commands (redis-cli SLOWLOG GET) and a busy disk.";
    if median < SLOW {
        Finding::ok("redis.latency", found)
    } else if median < MUCH_TOO_SLOW {
        Finding::warn("redis.latency", found, "Every job takes some round trips more of that length.", fix)
    } else {
        let means = "Heartbeats may not be answered in time: running jobs are ended when their leases are not renewed.";
        Finding::fail("redis.latency", found, means, fix)
    }
}

fn clock(ahead_ms: i64) -> Finding {
    let way = if ahead_ms < 0 { "behind" } else { "ahead of" };
    let found = format!("this host is {} ms {way} the server", ahead_ms.unsigned_abs());
    if ahead_ms.abs() < SKEW_MS {
        return Finding::ok("redis.clock", found);
    }
    let means = "Leases and deadlines are not touched by it, but `at=` of clients, DAYFLY_DEADLINE and times of log lines are off.";
    Finding::warn("redis.clock", found, means, "Let both hosts follow a time server (chrony, systemd-timesyncd).")
}

fn failover(config: &Config, found: Result<Failover, QueueError>) -> Finding {
    let check = "redis.failover";
    let ttl_ms = config.worker.lease_ttl_ms;
    // A lease that is not renewed ends its job a third before its end.
    let bearable_ms = ttl_ms * 2 / 3;
    let judged = |noticed_ms: u64, name: &str, more: &str| {
        let whole_ms = noticed_ms + ELECTION_MS;
        let found = format!("{name} {noticed_ms} ms, lease_ttl {ttl_ms} ms{more}");
        if whole_ms < bearable_ms {
            return Finding::ok(check, found);
        }
        Finding::warn(
            check,
            found,
            format!(
                "A failover takes about {whole_ms} ms, and running jobs are ended when their lease was not renewed for \
                 {bearable_ms} ms: they run again from the beginning."
            ),
            format!("Lower {name}, or raise `lease_ttl` in [worker] beyond {} ms.", whole_ms * 3 / 2),
        )
    };
    match found {
        Ok(Failover::None) => Finding::ok(check, "one server: while it is away jobs wait"),
        Ok(Failover::Sentinels { answered, known, quorum, .. }) if (answered as u64) < quorum => Finding::fail(
            check,
            format!("{answered} of {known} sentinels answer, and {quorum} must agree"),
            "When the primary dies none takes its place.",
            "Start the others, or name them all in `[redis] url`.",
        ),
        Ok(Failover::Sentinels { down_after_ms, answered, known, .. }) => {
            judged(down_after_ms, "down-after-milliseconds", &format!(", {answered} of {known} sentinels answer"))
        }
        Ok(Failover::Cluster(Some(timeout_ms))) => judged(timeout_ms, "cluster-node-timeout", ""),
        Ok(Failover::Cluster(None)) => Finding::warn(
            check,
            "cluster-node-timeout cannot be asked",
            format!("Whether running jobs outlive a failover is unknown: it must be done within {bearable_ms} ms."),
            "Give Dayfly's user the right `+config|get`, or compare it by hand.",
        ),
        Err(error) => Finding::fail(
            check,
            error.to_string(),
            "When the primary dies none takes its place.",
            "Start the sentinels, or name the right ones in `[redis] url`.",
        ),
    }
}

async fn rights(trial: &Queue, report: &mut Report) {
    let check = "redis.rights";
    match trial.lacking_rights().await {
        Ok(lacking) if lacking.is_empty() => report.add(Finding::ok(check, "this user may do all that Dayfly does")),
        Ok(lacking) => {
            for (right, said) in lacking {
                let (found, fix) = (format!("`{}`: {said}", right.rule), fix_of(right.rule, &said));
                report.add(if right.needed {
                    Finding::fail(check, found, format!("It {}: jobs do not run.", right.purpose), fix)
                } else {
                    Finding::warn(check, found, format!("Missed: it {}.", right.purpose), fix)
                });
            }
        }
        Err(error) => {
            report.add(Finding::fail(check, error.to_string(), "What this user may do is unknown.", "Try again."))
        }
    }
}

fn fix_of(rule: &str, said: &str) -> String {
    if said.contains("keys") || said.contains("key ") {
        "Give Dayfly's user the keys below the prefix: ACL SETUSER NAME ~dayfly:* (or what `[redis] prefix` says)."
            .to_owned()
    } else if said.contains("channel") {
        "Give Dayfly's user the channels below the prefix: ACL SETUSER NAME '&dayfly:*'.".to_owned()
    } else {
        format!("ACL SETUSER NAME +{rule}, and ACL SAVE or the server's file.")
    }
}

/// Whether a trial job may be run: one does not load a newer library under an installation's feet.
fn library(found: Result<LibraryFound, QueueError>, report: &mut Report) -> bool {
    let check = "redis.library";
    match found {
        Ok(LibraryFound::Revision(REVISION)) => {
            report.add(Finding::ok(check, format!("dayfly_v1, revision {REVISION}")));
            true
        }
        Ok(LibraryFound::Revision(newer)) if newer > REVISION => {
            report.add(Finding::ok(check, format!("dayfly_v1, revision {newer}; this program brings {REVISION}")));
            true
        }
        Ok(LibraryFound::Revision(older)) => {
            let found = format!("dayfly_v1, revision {older}; this program brings {REVISION}");
            let means =
                "The installation is of an earlier version. Because a trial would replace its library, none is made.";
            let fix = "Start an API or a worker of this version: it brings the library up to date.";
            report.add(Finding::warn(check, found, means, fix));
            false
        }
        Ok(LibraryFound::Missing) => {
            let means = "The first API or worker (or the trial below) loads it.";
            let fix = "Nothing, if none was ever started on this server; else find out who ran FUNCTION FLUSH.";
            report.add(Finding::warn(check, "dayfly_v1 is not loaded", means, fix));
            true
        }
        Err(error) => {
            let fix =
                "Give Dayfly's user the rights `+fcall +fcall_ro`, and `+function|load` to whoever loads the library.";
            report.add(Finding::fail(check, error.to_string(), "No operation works.", fix));
            false
        }
    }
}
