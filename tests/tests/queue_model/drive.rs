//! Does each step twice, to the server and to the model, and compares what they answer.

use super::{
    model::{Job, Model, UNIQUE, memory, task, worker},
    seen,
    step::{End, Step, Wish},
};
use dayfly_common::{
    model::{Fence, JobId, Nonce, Outcome, State},
    queue::{
        Ask, AskTask, Beat, Change, Claimed, Finish, Finished, Held, Report, Retry, StartAt, Submit, Submitted, Verdict,
    },
};
use dayfly_tests::rig::{Rig, TTL_MS, failure, job, presence, success};
use std::fmt::Debug;

/// A claim that was given once; perhaps void since.
struct Given {
    id: JobId,
    task: usize,
    worker: usize,
    fence: Fence,
}

/// A server and the model of it.
pub(crate) struct Drive<'a> {
    rig: &'a Rig,
    pub(crate) model: Model,
    given: Vec<Given>,
    /// The last claim of each worker.
    asked: [Option<(Wish, Vec<Nonce>)>; 2],
}

/// Runs a whole sequence on an empty server.
///
/// # Errors
/// The first difference.
pub(crate) async fn run(rig: &Rig, steps: &[Step]) -> Result<(), String> {
    let mut drive = Drive::new(rig).await;
    for (at, step) in steps.iter().enumerate() {
        drive.step(step).await.map_err(|difference| format!("step {at}, {step:?}: {difference}"))?;
    }
    Ok(())
}

fn same<T: PartialEq + Debug>(what: &str, server: &T, model: &T) -> Result<(), String> {
    if server == model { Ok(()) } else { Err(format!("{what}: the server says {server:?}, the model {model:?}")) }
}

fn outcome(end: End) -> Outcome {
    match end {
        End::Success => success("1"),
        End::Retryable => failure(true),
        End::Final => failure(false),
        End::Cancelled => Outcome::Cancelled,
        End::Drained => Outcome::Drained,
        End::Lost => Outcome::Lost,
    }
}

impl<'a> Drive<'a> {
    pub(crate) async fn new(rig: &'a Rig) -> Self {
        rig.hand.get::<()>(&["FLUSHDB", "SYNC"]).await;
        Self { rig, model: Model::default(), given: Vec::new(), asked: [None, None] }
    }

    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), String> {
        self.take(step).await?;
        self.compare().await
    }

    pub(crate) async fn compare(&mut self) -> Result<(), String> {
        let seen = seen::Seen::read(&self.rig.hand, self.rig.queue.keys()).await;
        seen.learn_times(&mut self.model);
        seen.compare(&self.model)
    }

    async fn take(&mut self, step: &Step) -> Result<(), String> {
        let queue = &self.rig.queue;
        match *step {
            Step::Submit { task: of, priority, delayed, expires, retries, unique } => {
                let delay_ms = if delayed { TTL_MS } else { 0 };
                let expires_ms = expires.then_some(2 * TTL_MS);
                let unique = unique.then(|| UNIQUE.to_owned());
                self.submit(of, Submit { priority, delay_ms, expires_ms, retries, unique, ..job(task(of).as_str()) })
                    .await
            }
            Step::SubmitAgain { job: at } => {
                let Some(at) = self.job(at) else { return Ok(()) };
                let again = Submit { id: self.model.jobs[at].id, ..job(task(self.model.jobs[at].task).as_str()) };
                same("submit", &queue.submit(&again).await.expect("an answer"), &Submitted::Exists)
            }
            Step::SubmitFull { task: of, max_queued } => {
                let waiting = self.model.count(of, State::Queued) + self.model.count(of, State::Scheduled);
                let waiting = u64::try_from(waiting).expect("few");
                if waiting < max_queued {
                    return Ok(());
                }
                let one = Submit { max_queued: Some(max_queued), ..job(task(of).as_str()) };
                same("submit", &queue.submit(&one).await.expect("an answer"), &Submitted::Full(waiting))
            }
            Step::Claim(wish) => {
                let nonces: Vec<Nonce> = (0..wish.slots).map(|_| Nonce::random()).collect();
                self.claim(wish, nonces).await
            }
            Step::ClaimAgain { worker } => match self.asked[worker].clone() {
                Some((wish, nonces)) => self.claim(wish, nonces).await,
                None => Ok(()),
            },
            Step::Release { worker: by } => {
                let Some((_, nonces)) = self.asked[by].clone() else { return Ok(()) };
                queue.release(&worker(by), &nonces).await.expect("an answer");
                self.model.release(by, &nonces);
                Ok(())
            }
            Step::ReleaseEarly(wish) => {
                let nonces: Vec<Nonce> = (0..wish.slots).map(|_| Nonce::random()).collect();
                queue.release(&worker(wish.worker), &nonces).await.expect("an answer");
                self.model.release(wish.worker, &nonces);
                self.claim(wish, nonces).await
            }
            Step::Beat { worker, sweeps } => self.beat(worker, sweeps).await,
            Step::Finish { claim, end, retries, lost_retries } => {
                let Some((mut finish, at)) = self.ending(claim, end) else { return Ok(()) };
                finish.retries = retries;
                finish.lost_retries = lost_retries;
                let fence = finish.fence.clone();
                let server = queue.finish(&[finish], None).await.expect("an answer").0;
                same("finish", &server, &vec![self.model.finish(at, &fence, end, retries, lost_retries)])
            }
            Step::FinishAndClaim { claim, end, wish } => self.finish_and_claim(claim, end, wish).await,
            Step::Report { claim } => {
                let Some((finish, at)) = self.ending(claim, End::Success) else { return Ok(()) };
                let report =
                    Report { id: finish.id, fence: finish.fence, pid: Some(1), progress: None, lines: Vec::new() };
                let written = queue.report(&report).await.expect("an answer");
                same("report", &written, &self.model.may_write(at, &report.fence))
            }
            Step::Cancel { job } => {
                let Some(at) = self.job(job) else { return Ok(()) };
                let server = queue.cancel(self.model.jobs[at].id, None, None).await.expect("an answer");
                same("cancel", &server, &self.model.cancel(at))
            }
            Step::CancelByHand { job } => {
                let Some(at) = self.job(job) else { return Ok(()) };
                self.rig.hand.get::<()>(&["SET", &queue.keys().cancel(self.model.jobs[at].id), "stop"]).await;
                self.model.jobs[at].cancel = true;
                Ok(())
            }
            Step::Change { job, priority, later } => {
                let Some(at) = self.job(job) else { return Ok(()) };
                let now: Vec<i64> = self.rig.hand.get(&["TIME"]).await;
                let soon = now[0] * 1_000 + i64::try_from(TTL_MS).expect("small");
                let start = later.map(|later| if later { StartAt::Ms(soon) } else { StartAt::Now });
                let change = Change { priority, at: start };
                let server = queue.change(self.model.jobs[at].id, &change).await.expect("an answer");
                same("change", &server, &self.model.change(at, priority, later))
            }
            Step::Retry { job } => {
                // One that is not expired: its new expiry would be over at once.
                let Some(at) = self.job(job).filter(|&at| !self.model.jobs[at].expired) else { return Ok(()) };
                let of = self.model.jobs[at].id;
                let retry = Retry { of, id: JobId::now(), max_queued: None, repeatable: false, trace: None };
                let server = queue.retry(&retry).await.expect("an answer");
                same("retry", &server, &self.model.retry(at, retry.id))
            }
            Step::Read { job } => {
                let Some(at) = self.job(job) else { return Ok(()) };
                self.model.read(at);
                let view = self.rig.job(self.model.jobs[at].id).await;
                let model = &self.model.jobs[at];
                let ahead = self.model.queue(model.task).iter().position(|&other| other == at);
                same("state", &view.record.state, &model.state)?;
                same("position", &view.queue_position, &ahead.map(|ahead| u64::try_from(ahead).expect("few")))?;
                let ended: Vec<&str> = view.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
                same("attempts", &ended, &model.ended)
            }
            Step::Pause { task: of, paused } => {
                let server = queue.set_paused(&task(of), paused).await.expect("an answer");
                same("pause", &server, &self.model.pause(of, paused))
            }
            Step::LeaseOver { job } => {
                let Some(at) = self.job(job).filter(|&at| self.model.jobs[at].state == State::Running) else {
                    return Ok(());
                };
                self.rig.expire_lease(self.model.jobs[at].id).await;
                self.model.jobs[at].lease_over = true;
                Ok(())
            }
            Step::DelayOver { job } => {
                let Some(at) = self.job(job).filter(|&at| self.model.jobs[at].state == State::Scheduled) else {
                    return Ok(());
                };
                self.rig.let_due(self.model.jobs[at].id).await;
                self.model.jobs[at].due = true;
                Ok(())
            }
            Step::ExpiryOver { job } => {
                let Some(at) = self.job(job).filter(|&at| self.model.jobs[at].expiring) else { return Ok(()) };
                self.rig.let_expire(self.model.jobs[at].id).await;
                self.model.jobs[at].expired = true;
                Ok(())
            }
            Step::TokenLost { task: of } => {
                self.rig.hand.get::<i64>(&["DEL", &queue.keys().wake(&task(of))]).await;
                self.model.tokens.remove(&of);
                Ok(())
            }
            Step::Sweep => {
                self.rig.sweep().await;
                self.model.sweep();
                Ok(())
            }
        }
    }

    fn job(&self, at: usize) -> Option<usize> {
        at.checked_rem(self.model.jobs.len())
    }

    /// The end of the n-th claim, and its job.
    fn ending(&self, claim: usize, end: End) -> Option<(Finish, usize)> {
        let given = &self.given[claim.checked_rem(self.given.len())?];
        let finish = Finish {
            id: given.id,
            task: task(given.task),
            fence: given.fence.clone(),
            worker: worker(given.worker),
            outcome: outcome(end),
            usage: None,
            killed_by: None,
            kill_ms: None,
            pid: None,
            retry_delay_ms: TTL_MS,
            retries: 0,
            lost_retries: 2,
            retention_ms: TTL_MS,
        };
        Some((finish, self.model.find(given.id)))
    }

    async fn submit(&mut self, of: usize, one: Submit) -> Result<(), String> {
        let state = if one.delay_ms > 0 { State::Scheduled } else { State::Queued };
        let server = self.rig.queue.submit(&one).await.expect("an answer");
        if let Some(holder) = self.model.holder().filter(|_| one.unique.is_some()) {
            return same("submit", &server, &Submitted::NotUnique(holder));
        }
        let expires = one.expires_ms.is_some();
        self.model.submit(Job {
            id: one.id,
            task: of,
            priority: one.priority,
            state,
            ready_at: 0,
            due: false,
            expiring: expires,
            expires,
            expired: false,
            retries: one.retries,
            unique: one.unique.is_some(),
            lost_retries: 2,
            attempt: 0,
            failures: 0,
            lost: 0,
            ended: Vec::new(),
            fence: None,
            worker: 0,
            lease_over: false,
            cancel: false,
        });
        same("submit", &server, &Submitted::Created(state))
    }

    fn ask(wish: Wish, nonces: &[Nonce]) -> Ask {
        let tasks = (0..super::model::TASKS).filter(|of| wish.tasks >> of & 1 == 1);
        let tasks = tasks.map(|of| AskTask {
            name: task(of),
            timeout_ms: TTL_MS,
            lost_retries: wish.lost_retries,
            memory: memory(of),
        });
        Ask {
            worker: worker(wish.worker),
            nonces: nonces.to_vec(),
            tasks: tasks.collect(),
            ttl_ms: TTL_MS,
            memory_left: wish.memory,
        }
    }

    async fn claim(&mut self, wish: Wish, nonces: Vec<Nonce>) -> Result<(), String> {
        let server = self.rig.queue.claim(&Self::ask(wish, &nonces)).await.expect("an answer");
        self.claimed(wish, nonces, server)
    }

    fn claimed(&mut self, wish: Wish, nonces: Vec<Nonce>, server: Claimed) -> Result<(), String> {
        let (given, lacking) = self.model.claim(wish, &nonces);
        let ids: Vec<_> = server.claims.iter().map(|claim| (claim.id, Some(claim.fence.clone()))).collect();
        let wanted: Vec<_> =
            given.iter().map(|&at| (self.model.jobs[at].id, self.model.jobs[at].fence.clone())).collect();
        same("claims", &ids, &wanted)?;
        same("more", &server.more, &false)?;
        same("short of", &server.short_of, &lacking)?;
        for claim in server.claims {
            let of = self.model.jobs[self.model.find(claim.id)].task;
            self.given.push(Given { id: claim.id, task: of, worker: wish.worker, fence: claim.fence });
        }
        self.asked[wish.worker] = Some((wish, nonces));
        Ok(())
    }

    async fn finish_and_claim(&mut self, claim: usize, end: End, wish: Wish) -> Result<(), String> {
        let nonces: Vec<Nonce> = (0..wish.slots).map(|_| Nonce::random()).collect();
        let ask = Self::ask(wish, &nonces);
        let ending = self.ending(claim, end);
        let ends: Vec<Finish> = ending.iter().map(|(finish, _)| finish.clone()).collect();
        let (ends, claimed) = self.rig.queue.finish(&ends, Some(&ask)).await.expect("an answer");
        let wanted: Vec<Finished> =
            ending.iter().map(|(finish, at)| self.model.finish(*at, &finish.fence, end, 0, 2)).collect();
        same("finish", &ends, &wanted)?;
        self.claimed(wish, nonces, claimed.expect("asked for"))
    }

    /// A worker beats with every claim it was ever given, also those it has lost.
    async fn beat(&mut self, by: usize, sweeps: bool) -> Result<(), String> {
        let keys = self.rig.queue.keys();
        if sweeps {
            self.rig.hand.get::<i64>(&["HDEL", &keys.sweep(), "last"]).await;
        } else {
            let now: Vec<i64> = self.rig.hand.get(&["TIME"]).await;
            let now = (now[0] * 1_000 + now[1] / 1_000).to_string();
            self.rig.hand.get::<i64>(&["HSET", &keys.sweep(), "last", &now]).await;
        }
        let mine: Vec<&Given> = self.given.iter().filter(|given| given.worker == by).collect();
        let held = mine.iter().map(|given| Held { id: given.id, fence: given.fence.clone() }).collect();
        let beat = Beat { presence: presence(&worker(by), &[]), held, ttl_ms: TTL_MS };
        let server = self.rig.queue.heartbeat(&beat).await.expect("an answer");
        let mut verdicts = Vec::new();
        for given in mine {
            let at = self.model.find(given.id);
            verdicts.push(if !self.model.may_write(at, &given.fence) {
                Verdict::Lost
            } else {
                self.model.jobs[at].lease_over = false;
                if self.model.jobs[at].cancel { Verdict::Cancel { grace_ms: None } } else { Verdict::Ok }
            });
        }
        if sweeps {
            self.model.sweep();
        }
        same("verdicts", &server.verdicts, &verdicts)
    }
}
