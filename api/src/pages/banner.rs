//! How it stands with a job, in one plain sentence.

use super::words;
use dayfly_common::{
    model::{KilledBy, State},
    queue::{AttemptRecord, JobRecord, JobView},
};

/// The sentence.
pub(super) fn sentence(view: &JobView, paused: bool, now: i64) -> String {
    let record = &view.record;
    match record.state {
        State::Scheduled => scheduled(record, now),
        State::Queued => queued(view, paused),
        State::Running => running(record, now),
        State::Succeeded => {
            let ran =
                record.usage.map_or_else(String::new, |usage| format!(" after {}", words::duration(usage.wall_ms)));
            format!("Succeeded{ran}.")
        }
        State::Failed => {
            let message =
                record.error.as_ref().map_or("for a reason that was not kept", |error| error.message.as_str());
            format!("Ended: {}{}.", message.trim_end_matches('.'), gone(record))
        }
        State::Cancelled => {
            let reason = record.cancel_reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let when = if record.started_at.is_none() { " before it started" } else { "" };
            format!("Cancelled{when}{reason}{}.", gone(record))
        }
    }
}

fn scheduled(record: &JobRecord, now: i64) -> String {
    let within =
        if record.ready_at > now { format!(" in {}", words::between(now, record.ready_at)) } else { " now".to_owned() };
    if record.failures > 0 {
        format!("Failed {}; tries again{within}.", words::count(record.failures.into(), "time"))
    } else {
        format!("Waits for its time: it may start{within}.")
    }
}

fn queued(view: &JobView, paused: bool) -> String {
    let task = &view.record.task;
    if view.live_workers == 0 {
        return format!(
            "Waits: no live worker serves the task {task}. Start one that does: dayfly worker --config dayfly.toml"
        );
    }
    if paused {
        return format!("Waits: the task {task} is paused.");
    }
    let ahead = match view.queue_position {
        Some(0) => "it is next".to_owned(),
        Some(ahead) => format!("{} ahead of it", words::count(ahead, "job")),
        None => "its turn comes".to_owned(),
    };
    let start = match view.estimated_start_at {
        Some(at) => format!(
            "; it may start about {}",
            dayfly_common::model::format_rfc3339_ms(at).get(11..19).unwrap_or_default()
        ),
        None => String::new(),
    };
    format!("Waits for a free slot: {ahead}{start}.")
}

fn running(record: &JobRecord, now: i64) -> String {
    if record.cancel_requested_at.is_some() {
        return "A cancel was asked for: its worker is ending it.".to_owned();
    }
    let since = record.started_at.map_or_else(String::new, |from| format!(" for {}", words::between(from, now)));
    let left = match record.deadline_at {
        Some(deadline) if deadline > now => format!("; its deadline is in {}", words::between(now, deadline)),
        Some(_) => "; its deadline is over".to_owned(),
        None => String::new(),
    };
    format!("Runs{since}{left}.")
}

/// When the tree had gone, if it was Dayfly that ended it.
fn gone(record: &JobRecord) -> String {
    match (record.killed_by, record.kill_ms) {
        (Some(_), Some(ms)) => format!("; all its processes were gone {} later", words::duration(ms)),
        (Some(_), None) | (None, _) => String::new(),
    }
}

/// What made Dayfly end an attempt, in words.
pub(super) fn killed_by(by: KilledBy) -> &'static str {
    match by {
        KilledBy::Deadline => "its deadline",
        KilledBy::Cancel => "a cancel",
        KilledBy::Lease => "its lease, which could not be renewed",
        KilledBy::Drain => "its worker, which left",
        KilledBy::Limit => "a limit of its task",
    }
}

/// Why an attempt ended as it did.
pub(super) fn of_attempt(attempt: &AttemptRecord) -> String {
    let error = attempt.error.as_ref().map(|error| error.message.clone());
    let by = attempt.killed_by.map(|by| format!("ended by {}", killed_by(by)));
    [error, by].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
