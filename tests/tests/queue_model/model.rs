//! What should become of jobs: DESIGN's table of operations, on plain values.

use super::step::{End, Wish};
use dayfly_common::{
    model::{Fence, JobId, Nonce, State, TaskName},
    queue::{Cancelled, Changed, Finished, Retried, Submitted},
};
use std::collections::{BTreeMap, BTreeSet};

/// How many tasks there are.
pub(crate) const TASKS: usize = 3;

/// The n-th task.
pub(crate) fn task(at: usize) -> TaskName {
    format!("task{at}").parse().expect("a good name")
}

/// The one unique key there is.
pub(crate) const UNIQUE: &str = "the one";

/// The memory that the n-th task declares, bytes: none for the first.
pub(crate) fn memory(at: usize) -> u64 {
    [0, 2, 3][at]
}

/// The n-th worker.
pub(crate) fn worker(at: usize) -> String {
    format!("worker{at}")
}

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) task: usize,
    pub(crate) priority: u8,
    pub(crate) state: State,
    /// As the server says: the model has no clock.
    pub(crate) ready_at: i64,
    /// Its delay or backoff is over.
    pub(crate) due: bool,
    /// Must have started by a time: stands in `expiring`.
    pub(crate) expiring: bool,
    /// Has such a time at all.
    pub(crate) expires: bool,
    /// That time is over.
    pub(crate) expired: bool,
    pub(crate) retries: Option<u32>,
    /// Holds the unique key while it lives.
    pub(crate) unique: bool,
    /// Of the task, as the last claim said.
    pub(crate) lost_retries: u32,
    pub(crate) attempt: u32,
    pub(crate) failures: u32,
    pub(crate) lost: u32,
    /// Ended attempts, as the list tells them.
    pub(crate) ended: Vec<&'static str>,
    /// The fence the record holds, and the worker it was given to.
    pub(crate) fence: Option<Fence>,
    pub(crate) worker: usize,
    /// Its lease is over.
    pub(crate) lease_over: bool,
    /// Its cancel key is set.
    pub(crate) cancel: bool,
}

/// All there is.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) jobs: Vec<Job>,
    pub(crate) paused: BTreeSet<usize>,
    pub(crate) tokens: BTreeSet<usize>,
    pub(crate) released: BTreeSet<Nonce>,
    pub(crate) totals: BTreeMap<(usize, State), u64>,
}

impl Model {
    /// The job's number.
    pub(crate) fn find(&self, id: JobId) -> usize {
        self.jobs.iter().position(|job| job.id == id).expect("a job of ours")
    }

    /// A task's waiting jobs, the next one first.
    pub(crate) fn queue(&self, task: usize) -> Vec<usize> {
        let mut waiting: Vec<usize> = (0..self.jobs.len())
            .filter(|&at| self.jobs[at].task == task && self.jobs[at].state == State::Queued)
            .collect();
        waiting.sort_by_key(|&at| (self.jobs[at].priority, self.jobs[at].ready_at, self.jobs[at].id));
        waiting
    }

    /// Jobs of a task in a state.
    pub(crate) fn count(&self, task: usize, state: State) -> usize {
        self.jobs.iter().filter(|job| job.task == task && job.state == state).count()
    }

    fn arm(&mut self, task: usize) {
        if !self.paused.contains(&task) && !self.queue(task).is_empty() {
            self.tokens.insert(task);
        }
    }

    fn move_to(&mut self, at: usize, state: State) {
        let (task, was) = (self.jobs[at].task, self.jobs[at].state);
        self.jobs[at].state = state;
        if state == State::Queued {
            self.arm(task);
        } else if was == State::Queued && self.queue(task).is_empty() {
            self.tokens.remove(&task);
        }
    }

    fn conclude(&mut self, at: usize, state: State) {
        self.jobs[at].cancel = false;
        self.jobs[at].expiring = false;
        self.move_to(at, state);
        *self.totals.entry((self.jobs[at].task, state)).or_default() += 1;
    }

    /// The job that holds the unique key.
    pub(crate) fn holder(&self) -> Option<JobId> {
        self.jobs.iter().find(|job| job.unique && !job.state.is_terminal()).map(|job| job.id)
    }

    /// A new job.
    pub(crate) fn submit(&mut self, job: Job) {
        let (task, state) = (job.task, job.state);
        self.jobs.push(job);
        if state == State::Queued {
            self.arm(task);
        }
    }

    /// Delays and expiries that are over.
    fn settle_due(&mut self) {
        for at in 0..self.jobs.len() {
            if self.jobs[at].state == State::Scheduled && self.jobs[at].due {
                if self.jobs[at].cancel {
                    self.conclude(at, State::Cancelled);
                } else {
                    self.jobs[at].due = false;
                    self.move_to(at, State::Queued);
                }
            }
        }
        for at in 0..self.jobs.len() {
            if self.jobs[at].expiring && self.jobs[at].expired {
                let state = if self.jobs[at].cancel { State::Cancelled } else { State::Failed };
                self.conclude(at, state);
            }
        }
    }

    /// The jobs given, in order; and the least memory that waiting jobs lack.
    pub(crate) fn claim(&mut self, wish: Wish, nonces: &[Nonce]) -> (Vec<usize>, Option<u64>) {
        let (mut given, mut free) = (Vec::new(), Vec::new());
        // What was held before may be more than there is now: then only tasks without memory fit.
        let mut left = wish.memory;
        let take = |left: &mut Option<u64>, task| *left = left.map(|left| left.saturating_sub(memory(task)));
        let fits = |left: Option<u64>, task| left.is_none_or(|left| memory(task) <= left);
        for nonce in nonces {
            let holds = |job: &Job| {
                job.state == State::Running
                    && job.worker == wish.worker
                    && job.fence.as_ref().is_some_and(|fence| fence.nonce == *nonce)
            };
            match self.jobs.iter().position(holds) {
                Some(at) => {
                    self.jobs[at].lease_over = false;
                    take(&mut left, self.jobs[at].task);
                    given.push(at);
                }
                None if self.released.contains(nonce) => {}
                None => free.push(nonce.clone()),
            }
        }
        self.settle_due();
        let open: Vec<usize> =
            (0..TASKS).filter(|task| wish.tasks >> task & 1 == 1 && !self.paused.contains(task)).collect();
        let (mut turn, mut taken) = (0, false);
        for nonce in free {
            let Some((next, at)) = self.next(&open, turn, |task| fits(left, task)) else { break };
            turn = next;
            taken = true;
            take(&mut left, self.jobs[at].task);
            let job = &mut self.jobs[at];
            job.attempt += 1;
            job.fence = Some(Fence { attempt: job.attempt, nonce });
            job.worker = wish.worker;
            job.lost_retries = wish.lost_retries;
            job.lease_over = false;
            job.expiring = false;
            self.move_to(at, State::Running);
            given.push(at);
        }
        let mut lacking = None;
        for task in open {
            if taken || !fits(left, task) {
                self.arm(task);
            }
            if !fits(left, task) && !self.queue(task).is_empty() {
                lacking = Some(lacking.map_or(memory(task), |least: u64| least.min(memory(task))));
            }
        }
        (given, lacking)
    }

    /// The most urgent head of the open queues that fit, equal ones by turns from `turn` on; and whose turn it is then. Cancelled
    /// heads are settled on the way.
    fn next(&mut self, open: &[usize], turn: usize, fits: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        loop {
            let by_turns = (0..open.len()).map(|step| (turn + step) % open.len());
            let fitting = by_turns.filter(|&place| fits(open[place]));
            let heads = fitting.filter_map(|place| Some((place, *self.queue(open[place]).first()?)));
            // `min_by_key` keeps the first of equals.
            let (place, at) = heads.min_by_key(|(_, at)| self.jobs[*at].priority)?;
            if !self.jobs[at].cancel {
                return Some(((place + 1) % open.len(), at));
            }
            self.conclude(at, State::Cancelled);
        }
    }

    fn requeue(&mut self, at: usize) {
        self.move_to(at, State::Queued);
    }

    /// Gives back what the nonces hold.
    pub(crate) fn release(&mut self, worker: usize, nonces: &[Nonce]) {
        for nonce in nonces {
            self.released.insert(nonce.clone());
            let held = self.jobs.iter().position(|job| {
                job.state == State::Running
                    && job.worker == worker
                    && job.fence.as_ref().is_some_and(|fence| fence.nonce == *nonce)
            });
            let Some(at) = held else { continue };
            if self.jobs[at].cancel {
                self.conclude(at, State::Cancelled);
            } else {
                self.jobs[at].fence = None;
                self.jobs[at].expiring = self.jobs[at].expires && self.jobs[at].ended.is_empty();
                self.requeue(at);
            }
        }
    }

    fn lose(&mut self, at: usize, forget: bool) {
        let job = &mut self.jobs[at];
        job.ended.push("lost");
        if job.cancel {
            return self.conclude(at, State::Cancelled);
        }
        job.lost += 1;
        if forget {
            job.fence = None;
        }
        if job.lost > job.lost_retries {
            self.conclude(at, State::Failed);
        } else {
            self.requeue(at);
        }
    }

    /// Whether the fence gives the right to write about the job.
    pub(crate) fn may_write(&self, at: usize, fence: &Fence) -> bool {
        self.jobs[at].state == State::Running && self.jobs[at].fence.as_ref() == Some(fence)
    }

    /// The end of an attempt.
    pub(crate) fn finish(&mut self, at: usize, fence: &Fence, end: End, retries: u32, lost_retries: u32) -> Finished {
        if self.jobs[at].fence.as_ref() != Some(fence) {
            return Finished::Fenced;
        }
        if self.jobs[at].state != State::Running {
            return Finished::Already(self.jobs[at].state);
        }
        let end = if self.jobs[at].cancel && end != End::Success { End::Cancelled } else { end };
        let (word, becomes) = match end {
            End::Success => ("succeeded", State::Succeeded),
            End::Cancelled => ("cancelled", State::Cancelled),
            End::Drained => ("drained", if lost_retries == 0 { State::Failed } else { State::Queued }),
            End::Final => ("failed", State::Failed),
            End::Retryable => {
                let job = &self.jobs[at];
                let left = job.failures < job.retries.unwrap_or(retries);
                ("failed", if left { State::Scheduled } else { State::Failed })
            }
            End::Lost => {
                self.lose(at, false);
                return Finished::Done(self.jobs[at].state);
            }
        };
        self.jobs[at].ended.push(word);
        if word == "failed" {
            self.jobs[at].failures += 1;
        }
        match becomes {
            State::Queued => self.requeue(at),
            State::Scheduled => {
                self.jobs[at].due = false;
                self.move_to(at, State::Scheduled);
            }
            ended => self.conclude(at, ended),
        }
        Finished::Done(becomes)
    }

    /// A cancel by the API.
    pub(crate) fn cancel(&mut self, at: usize) -> Cancelled {
        match self.jobs[at].state {
            State::Scheduled | State::Queued => {
                self.conclude(at, State::Cancelled);
                Cancelled::Now
            }
            State::Running => {
                self.jobs[at].cancel = true;
                Cancelled::Asked
            }
            ended => {
                self.jobs[at].cancel = false;
                Cancelled::Ended(ended)
            }
        }
    }

    /// Another priority; another time: later, or now. Who ages a job's expiry sets it to 1 ms.
    pub(crate) fn change(&mut self, at: usize, priority: Option<u8>, later: Option<bool>) -> Changed {
        let (task, state) = (self.jobs[at].task, self.jobs[at].state);
        if !matches!(state, State::Scheduled | State::Queued) {
            return Changed::Wrong(state);
        }
        if self.jobs[at].cancel {
            self.conclude(at, State::Cancelled);
            return Changed::Wrong(State::Cancelled);
        }
        let job = &mut self.jobs[at];
        if later == Some(true) && job.expiring && job.expired {
            return Changed::Late(1);
        }
        job.priority = priority.unwrap_or(job.priority);
        match later {
            Some(true) => {
                job.due = false;
                self.move_to(at, State::Scheduled);
            }
            Some(false) if state == State::Scheduled => {
                job.due = false;
                self.move_to(at, State::Queued);
            }
            Some(false) | None if state == State::Queued => self.arm(task),
            Some(false) | None => {}
        }
        Changed::Done(self.jobs[at].state)
    }

    /// The same job once more, as `id`.
    pub(crate) fn retry(&mut self, at: usize, id: JobId) -> Retried {
        let old = self.jobs[at].clone();
        if !old.state.is_terminal() {
            return Retried::Wrong(old.state);
        }
        if let Some(holder) = self.holder().filter(|_| old.unique) {
            return Retried::Submitted(Submitted::NotUnique(holder));
        }
        self.submit(Job {
            id,
            state: State::Queued,
            due: false,
            expiring: old.expires,
            lost_retries: 2,
            attempt: 0,
            failures: 0,
            lost: 0,
            ended: Vec::new(),
            fence: None,
            lease_over: false,
            cancel: false,
            ..old
        });
        Retried::Submitted(Submitted::Created(State::Queued))
    }

    /// Reading a waiting job settles a cancel key set by hand.
    pub(crate) fn read(&mut self, at: usize) {
        if self.jobs[at].cancel && matches!(self.jobs[at].state, State::Scheduled | State::Queued) {
            self.conclude(at, State::Cancelled);
        }
    }

    /// Pauses or resumes; whether that was news.
    pub(crate) fn pause(&mut self, task: usize, paused: bool) -> bool {
        if paused {
            self.tokens.remove(&task);
            self.paused.insert(task)
        } else {
            let removed = self.paused.remove(&task);
            self.arm(task);
            removed
        }
    }

    /// The periodic repair.
    pub(crate) fn sweep(&mut self) {
        for at in 0..self.jobs.len() {
            if self.jobs[at].state == State::Running && self.jobs[at].lease_over {
                self.lose(at, true);
            }
        }
        self.settle_due();
        for task in 0..TASKS {
            self.arm(task);
        }
    }
}
