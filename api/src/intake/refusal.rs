//! What a refused submit is told.

use super::{Named, Offer};
use crate::error::{Code, Problem};
use dayfly_common::{
    model::{JobId, TaskName},
    queue::QueueError,
};

/// The id is another request's.
pub(super) fn conflict(offer: &Offer) -> Problem {
    let detail = match offer.named {
        Named::Here | Named::ByKey(_) => {
            "This `Idempotency-Key` was used before, for another task or another input. Send the same request to get \
             that job again, or a new key for a new one."
        }
        Named::ByClient(_) => {
            "This id is another request's: of another task, of another input, or not named by its client. Send the \
             same request to get that job again, or a new id for a new one."
        }
    };
    Problem::new(Code::IdempotencyConflict, detail).about(offer.job.id)
}

/// `holder` has the unique key.
pub(crate) fn not_unique(unique: Option<&str>, holder: JobId, id: JobId) -> Problem {
    let unique: String = unique.unwrap_or_default().chars().take(80).collect();
    let own = if holder == id { " (the one that this very `Idempotency-Key` made)" } else { "" };
    let detail = format!(
        "The job {holder}{own} holds the unique key `{unique}` until it ends: wait for it, cancel it, or give another \
         `unique`."
    );
    Problem::new(Code::NotUnique, detail).about(holder)
}

/// As many wait as the task takes.
pub(crate) fn full(name: &TaskName, max_queued: Option<u64>, waiting: u64) -> Problem {
    let most = max_queued.unwrap_or(waiting);
    let detail = format!(
        "{waiting} jobs of the task `{name}` wait already and it takes at most {most} (`max_queued`). Please try again \
         when some have run."
    );
    Problem::new(Code::QueueFull, detail).retry_after(5)
}

/// As many jobs of the owner wait as its quota allows.
pub(crate) fn owner_full(owner: &str, waiting: u64, most: u64) -> Problem {
    let detail = format!(
        "{waiting} jobs of the owner `{owner}` wait already and it may have at most {most} (its quota). Please try again when \
         some have run."
    );
    Problem::new(Code::QueueFull, detail).retry_after(5)
}

/// The owner's quota of submits is used up for now.
pub(crate) fn rate_limited(owner: &str, retry_ms: u64) -> Problem {
    let seconds = u16::try_from(retry_ms.div_ceil(1_000)).unwrap_or(u16::MAX).max(1);
    let detail = format!(
        "The owner `{owner}` submits more often than its quota allows. The next job is taken in {retry_ms} ms."
    );
    Problem::new(Code::RateLimited, detail).retry_after(seconds)
}

/// What a key or an id says whose job was deleted.
pub(crate) fn deleted(id: JobId) -> Problem {
    let detail =
        format!("This request made the job {id}, which was deleted since. Send a new key or id for a new job.");
    Problem::new(Code::JobDeleted, detail).about(id)
}

/// Neither attempt was answered: whether the job is stored is not known when one of them may have arrived.
pub(super) fn unanswered(first: &QueueError, second: QueueError, offer: &Offer) -> Problem {
    let unknown = |error: &QueueError| matches!(error, QueueError::Slow(_) | QueueError::NotReplicated { .. });
    if !unknown(first) && !unknown(&second) {
        return second.into();
    }
    let how = match offer.named {
        Named::ByKey(_) => "Send the same request with the same Idempotency-Key again: it cannot make a second job.",
        Named::ByClient(_) => "Send the same request with the same id again: it cannot make a second job.",
        Named::Here => {
            "Look for the job under `job`; with an Idempotency-Key a request can be sent again without making a second \
             job."
        }
    };
    let why = match &second {
        QueueError::NotReplicated { .. } => {
            "The job is stored, but too few replicas of Redis have it, so a failover may still lose it."
        }
        QueueError::Unreachable(_)
        | QueueError::Slow(_)
        | QueueError::NotDurable(_)
        | QueueError::Refused(_)
        | QueueError::NoLibrary(_)
        | QueueError::Garbled(_) => "Redis did not answer, so the job may be stored or not.",
    };
    Problem::new(Code::OutcomeUnknown, format!("{why} {how}"))
        .retry_after(1)
        .about(offer.job.id)
        .caused_by(format_args!("{first}; then {second}"))
}
