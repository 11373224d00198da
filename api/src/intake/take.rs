//! Submitting, and once more when no answer came, which the same id makes safe.

use super::{
    Named, Offer, now_ms,
    refusal::{conflict, deleted, full, not_unique, owner_full, rate_limited, unanswered},
};
use crate::error::Problem;
use dayfly_common::{
    model::{JobId, State as JobState},
    queue::{Accepted, Queue, QueueError, Submitted},
};

/// What became of an accepted submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A new job, with its `created_at`.
    New(JobState, i64),
    /// New, too, but only the repetition was answered.
    Again,
    /// The job that this key or id had made before.
    Before,
}

/// Submits one.
pub(crate) async fn take(queue: &Queue, offer: &Offer) -> Result<Taken, Problem> {
    let mut taken = take_each(queue, std::slice::from_ref(offer)).await;
    taken.pop().unwrap_or_else(|| Err(QueueError::Garbled("no answer at all".to_owned()).into()))
}

/// Submits several in one round trip; each is taken or refused for itself, in order.
pub(crate) async fn take_each(queue: &Queue, offers: &[Offer]) -> Vec<Result<Taken, Problem>> {
    let first = sent(queue, offers).await;
    let in_doubt = |answer: &Result<Accepted, QueueError>| answer.as_ref().is_err_and(may_be_repeated);
    let repeated: Vec<Offer> =
        offers.iter().zip(&first).filter(|(_, answer)| in_doubt(answer)).map(|(offer, _)| offer.clone()).collect();
    let mut second = sent(queue, &repeated).await.into_iter();
    let mut taken = Vec::with_capacity(offers.len());
    for (offer, answer) in offers.iter().zip(first) {
        taken.push(match answer {
            Ok((submitted, created_at)) => settle(queue, offer, submitted, created_at, false).await,
            Err(first) if may_be_repeated(&first) => match second.next() {
                Some(Ok((submitted, created_at))) => settle(queue, offer, submitted, created_at, true).await,
                Some(Err(second)) => Err(unanswered(&first, second, offer)),
                None => Err(first.into()),
            },
            Err(refused) => Err(refused.into()),
        });
    }
    taken
}

/// An answer for each, also when there was none for all of them.
async fn sent(queue: &Queue, offers: &[Offer]) -> Vec<Result<Accepted, QueueError>> {
    match queue.submit_each(offers.iter().map(|offer| &offer.job)).await {
        Ok(answers) => answers,
        Err(error) => vec![Err(error); offers.len()],
    }
}

fn may_be_repeated(error: &QueueError) -> bool {
    match error {
        QueueError::Unreachable(_) | QueueError::Slow(_) | QueueError::NotReplicated { .. } => true,
        QueueError::Refused(_) | QueueError::NoLibrary(_) | QueueError::NotDurable(_) | QueueError::Garbled(_) => false,
    }
}

/// `again`: it was sent twice, so what is there may be of the first time.
async fn settle(
    queue: &Queue,
    offer: &Offer,
    submitted: Submitted,
    created_at: Option<i64>,
    again: bool,
) -> Result<Taken, Problem> {
    let job = &offer.job;
    match submitted {
        Submitted::Created(state) => Ok(Taken::New(state, created_at.unwrap_or_else(now_ms))),
        // The first of the two was stored and its answer lost.
        Submitted::Exists if again && offer.named == Named::Here => Ok(Taken::Again),
        Submitted::Exists if !again && holds_its_key(queue, offer).await? => {
            Err(not_unique(job.unique.as_deref(), job.id, job.id))
        }
        Submitted::Exists => Ok(Taken::Before),
        Submitted::Conflict if holds_its_key(queue, offer).await? => {
            Err(not_unique(job.unique.as_deref(), job.id, job.id))
        }
        Submitted::Conflict => Err(conflict(offer)),
        Submitted::NotUnique(holder) => Err(not_unique(job.unique.as_deref(), holder, job.id)),
        Submitted::Full(waiting) => Err(full(&job.task, job.max_queued, waiting)),
        Submitted::OwnerFull { waiting, most } => Err(owner_full(&job.owner, waiting, most)),
        Submitted::RateLimited { retry_ms } => Err(rate_limited(&job.owner, retry_ms)),
        Submitted::Deleted => Err(deleted(job.id)),
    }
}

/// `unique` wins over an idempotency key: the job that the key made is told as what holds `unique`, as long as it lives.
async fn holds_its_key(queue: &Queue, offer: &Offer) -> Result<bool, Problem> {
    let (Named::ByKey(_), Some(unique)) = (&offer.named, &offer.job.unique) else { return Ok(false) };
    let id: JobId = offer.job.id;
    let holder = queue.job(id).await?.map(|view| view.record);
    Ok(holder.is_some_and(|record| !record.state.is_terminal() && record.unique.as_ref() == Some(unique)))
}
