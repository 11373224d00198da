//! A job that was accepted a moment ago.

use dayfly_common::{
    model::State,
    queue::{JobRecord, JobView, Submit},
};

/// A job that was stored a moment ago, as it is known without reading it back.
pub(crate) fn fresh_job(job: &Submit, state: State, created_at: i64, live_workers: u64) -> JobView {
    let after = |ms: u64| created_at.saturating_add_unsigned(ms);
    let record = JobRecord {
        id: job.id,
        task: job.task.clone(),
        state,
        priority: job.priority,
        attempt: 0,
        failures: 0,
        lost: 0,
        created_at,
        ready_at: after(job.delay_ms),
        started_at: None,
        finished_at: None,
        deadline_at: None,
        lease: None,
        expires_at: job.expires_ms.map(after),
        timeout_ms: job.timeout_ms,
        retries: job.retries,
        retention_ms: job.retention_ms,
        worker: None,
        pid: None,
        fence: None,
        progress: None,
        error: None,
        usage: None,
        killed_by: None,
        kill_ms: None,
        cancel_requested_at: None,
        cancel_reason: None,
        result_type: None,
        result_bytes: None,
        truncated: false,
        trace: job.trace.clone(),
        owner: job.owner.clone(),
        labels: job.labels.clone(),
        unique: job.unique.clone(),
        retry_of: job.retry_of,
    };
    let input = Some(job.input.clone());
    JobView {
        record,
        input,
        result: None,
        attempts: Vec::new(),
        queue_position: None,
        parked: false,
        estimated_start_at: None,
        live_workers,
    }
}
