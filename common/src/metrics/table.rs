//! Every metric there is.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows, until its process or the data of Redis begins anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in these buckets (upper bounds, seconds), with their sum.
    Histogram(&'static [f64]),
}

/// Who tells of a metric, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Of the whole installation, read from Redis: every API process tells the same.
    Fleet,
    /// Of one API process.
    Api,
    /// Of one worker.
    Worker,
    /// Of one process, an API or a worker.
    Both,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Who tells of it.
    pub source: Source,
    /// One line for people.
    pub help: &'static str,
}

/// Waits: milliseconds to hours.
const WAITS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];
/// Runs: milliseconds to a day.
const RUNS: &[f64] = &[0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];
/// Kills: a millisecond to a long grace.
const KILLS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Round trips: a tenth of a millisecond to the deadline of a command.
const TRIPS: &[f64] = &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 2.5];

macro_rules! metrics {
    ($($constant:ident $name:literal $kind:expr, $labels:expr, $source:ident, $help:literal;)*) => {
        /// Each metric by itself.
        pub mod names {
            use super::{KILLS, Kind, Metric, RUNS, Source, TRIPS, WAITS};
            $(
                #[doc = $help]
                pub const $constant: Metric =
                    Metric { name: $name, kind: $kind, labels: &$labels, source: Source::$source, help: $help };
            )*
        }

        /// All of them, by room.
        pub const ALL: &[Metric] = &[$(names::$constant),*];
    };
}

metrics! {
    JOBS "dayfly_jobs" Kind::Gauge, ["task", "state"], Fleet,
        "Jobs that have not ended, by state (queued, scheduled, running).";
    JOBS_FINISHED "dayfly_jobs_finished_total" Kind::Counter, ["task", "state", "kind"], Fleet,
        "Jobs that ended (succeeded, failed, cancelled); kind says why those failed that did.";
    QUEUE_OLDEST "dayfly_queue_oldest_seconds" Kind::Gauge, ["task"], Fleet,
        "How long the oldest queued job of a task has been ready to run; 0 when none waits.";
    TASK_WORKERS "dayfly_task_workers" Kind::Gauge, ["task"], Fleet,
        "Live workers that serve a task.";
    TASK_PAUSED "dayfly_task_paused" Kind::Gauge, ["task"], Fleet,
        "1 while no job of a task is given out.";
    WORKERS "dayfly_workers" Kind::Gauge, [], Fleet,
        "Live workers.";
    WORKER_SLOTS "dayfly_worker_slots" Kind::Gauge, ["state"], Fleet,
        "Slots of live workers: busy, free, or draining (of a worker that takes no further job).";
    LEASES_EXPIRED "dayfly_leases_expired_total" Kind::Counter, [], Fleet,
        "Leases that ran out because their worker stopped renewing them.";
    REDIS_MEMORY "dayfly_redis_memory_bytes" Kind::Gauge, [], Fleet,
        "Memory that Redis uses (used_memory).";
    REDIS_MEMORY_MAX "dayfly_redis_memory_max_bytes" Kind::Gauge, [], Fleet,
        "Memory that Redis may use (maxmemory); 0: no bound.";
    JOBS_SUBMITTED "dayfly_jobs_submitted_total" Kind::Counter, ["task"], Api,
        "Jobs that this process took, retries among them.";
    HTTP_REQUESTS "dayfly_http_requests_total" Kind::Counter, ["method", "route", "status"], Api,
        "Requests that this process answered, by the template of their route.";
    JOB_WAIT "dayfly_job_wait_seconds" Kind::Histogram(WAITS), ["task"], Worker,
        "From the time a job could run to its start here; without jobs that come back from another worker.";
    JOB_RUN "dayfly_job_run_seconds" Kind::Histogram(RUNS), ["task"], Worker,
        "From a program's start to the last process of its tree gone.";
    KILL "dayfly_kill_seconds" Kind::Histogram(KILLS), ["by"], Worker,
        "From the first signal to the last process gone, by what made Dayfly end the job.";
    JOB_CPU "dayfly_job_cpu_seconds_total" Kind::Counter, ["task"], Worker,
        "CPU time that process trees of jobs used.";
    ATTEMPTS "dayfly_attempts_total" Kind::Counter, ["task", "outcome"], Worker,
        "Attempts that ended here (succeeded, failed, cancelled, drained, lost); one job may have several.";
    REDIS_UP "dayfly_redis_up" Kind::Gauge, [], Both,
        "1 while Redis answers this process.";
    REDIS_COMMAND "dayfly_redis_command_seconds" Kind::Histogram(TRIPS), ["command"], Both,
        "Round trips to Redis that were answered, by their first command or function.";
    REDIS_ERRORS "dayfly_redis_errors_total" Kind::Counter, [], Both,
        "Round trips to Redis that were not answered.";
    BUILD_INFO "dayfly_build_info" Kind::Gauge, ["version", "component"], Both,
        "Always 1; its labels say what runs (api or worker).";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_follow_the_conventions() {
        let mut seen = BTreeSet::new();
        for metric in ALL {
            let name = metric.name;
            assert!(seen.insert(name), "{name} stands here twice");
            assert!(name.starts_with("dayfly_") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            assert_eq!(matches!(metric.kind, Kind::Counter), name.ends_with("_total"), "{name}");
            if let Kind::Histogram(buckets) = metric.kind {
                assert!(name.ends_with("_seconds") && buckets.is_sorted(), "{name}");
            }
            assert!(metric.help.ends_with('.') && metric.help.len() < 120, "{name}");
            assert!(!metric.labels.iter().any(|label| ["job", "id", "le", "instance"].contains(label)), "{name}");
        }
    }
}
