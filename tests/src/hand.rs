//! A worker played by hand: it claims and finishes jobs by the queue's own calls, and runs nothing.

use crate::eventually_async;
use dayfly_common::{
    model::{Fence, JobId, Nonce, Outcome, TaskDef},
    queue::{Ask, AskTask, Beat, Claim, Finished, Line, LineStream, Presence, Progress, Queue, Report, TaskCard},
};
use std::time::Duration;

/// The lease of its claims, ms.
const TTL_MS: u64 = 30_000;

/// A worker played by hand.
#[derive(Debug)]
pub struct Hand {
    queue: Queue,
    presence: Presence,
    tasks: Vec<AskTask>,
}

/// A task with the usual defaults.
///
/// # Panics
/// When the name cannot be one.
#[must_use]
pub fn task(name: &str) -> TaskDef {
    let name = name.parse().expect("a task's name");
    TaskDef { no_new_privs: false, ..TaskDef::command(name, &["true"]) }
}

impl Hand {
    /// Publishes the tasks and shows itself alive.
    ///
    /// # Panics
    /// When Redis refuses.
    pub async fn new(queue: &Queue, tasks: &[TaskDef]) -> Self {
        let cards: Vec<TaskCard> = tasks.iter().map(TaskCard::from).collect();
        queue.register_tasks(&cards).await.expect("the tasks are published");
        let presence = Presence {
            id: "hand-00000001".to_owned(),
            name: "hand".to_owned(),
            host: "here".to_owned(),
            pid: 1,
            version: "0.0.0".to_owned(),
            slots: 4,
            busy: 0,
            tasks: tasks.iter().map(|task| task.name.to_string()).collect(),
            draining: false,
            isolation: "tree".to_owned(),
            limits: dayfly_common::queue::LimitHolders::default(),
            started_at: 1_700_000_000_000,
            memory: None,
            memory_used: None,
        };
        let tasks = tasks
            .iter()
            .map(|task| AskTask {
                name: task.name.clone(),
                timeout_ms: task.timeout_ms,
                lost_retries: task.lost_retries,
                memory: task.limits.memory.unwrap_or(0),
            })
            .collect();
        let hand = Self { queue: queue.clone(), presence, tasks };
        hand.beat().await;
        hand
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.presence.id
    }

    /// What it shows of itself.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// A heartbeat that holds nothing.
    ///
    /// # Panics
    /// When Redis refuses.
    pub async fn beat(&self) {
        let beat = Beat { presence: self.presence.clone(), held: Vec::new(), ttl_ms: TTL_MS };
        self.queue.heartbeat(&beat).await.expect("a heartbeat");
    }

    /// The next job, which must come within 10 s.
    ///
    /// # Panics
    /// When none does.
    pub async fn claim(&self) -> Claim {
        eventually_async("a job to claim", Duration::from_secs(10), || self.try_claim()).await
    }

    /// A job, if there is one.
    ///
    /// # Panics
    /// When Redis refuses.
    pub async fn try_claim(&self) -> Option<Claim> {
        let (worker, tasks) = (self.presence.id.clone(), self.tasks.clone());
        let ask = Ask { worker, nonces: vec![Nonce::random()], tasks, ttl_ms: TTL_MS, memory_left: None };
        self.queue.claim(&ask).await.expect("a claim").claims.pop()
    }

    /// Says lines on a job's standard error.
    ///
    /// # Panics
    /// When the queue does not take them.
    pub async fn say(&self, id: JobId, fence: &Fence, lines: &[&str]) {
        let line = |text: &&str| Line { stream: LineStream::Stderr, at: 1_700_000_000_000, text: (*text).to_owned() };
        self.report(id, fence, None, lines.iter().map(line).collect()).await;
    }

    /// Says how far a job is.
    ///
    /// # Panics
    /// When the queue does not take it.
    pub async fn show(&self, id: JobId, fence: &Fence, fraction: f64) {
        self.report(id, fence, Some(Progress { fraction: Some(fraction), message: None }), Vec::new()).await;
    }

    async fn report(&self, id: JobId, fence: &Fence, progress: Option<Progress>, lines: Vec<Line>) {
        let report = Report { id, fence: fence.clone(), pid: None, progress, lines };
        assert!(self.queue.report(&report).await.expect("an answer"), "the report is taken");
    }

    /// Ends a job.
    ///
    /// # Panics
    /// When the queue does not take it.
    pub async fn finish(&self, claim: Claim, outcome: Outcome) {
        let end = claim.finish(&self.presence.id, outcome);
        let (finished, _) = self.queue.finish(&[end], None).await.expect("an answer");
        assert!(matches!(finished[..], [Finished::Done(_)]), "{finished:?}");
    }

    /// Ends a job well, with a JSON result.
    ///
    /// # Panics
    /// When the queue does not take it.
    pub async fn succeed(&self, claim: Claim, json: &str) {
        let result = json.as_bytes().to_vec();
        self.finish(claim, Outcome::Succeeded { result, content_type: "application/json", truncated: false }).await;
    }
}
