//! What all parts of one worker share.

use crate::{
    daemon::Shutdown,
    held::HeldClaims,
    memory::{Memory, Share},
    metrics::Metrics,
    mutant::SelfFence,
    process::{BootTime, Supervisor},
    python::Python,
    workdir::Home,
};
use dayfly_common::{
    config::WorkerConfig,
    model::{Nonce, TaskDef, TaskName},
    queue::{Ask, AskTask, Queue},
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) struct Context {
    pub(crate) config: WorkerConfig,
    /// `<name>-<8 hex>`, new at every start.
    pub(crate) worker: String,
    /// Where its jobs' folders lie.
    pub(crate) home: Home,
    pub(crate) tasks: HashMap<TaskName, Arc<TaskDef>>,
    /// What hosts of Python functions are started with.
    pub(crate) python: Python,
    pub(crate) queue: Queue,
    pub(crate) supervisor: Supervisor,
    pub(crate) held: HeldClaims,
    pub(crate) memory: Memory,
    pub(crate) metrics: Arc<Metrics>,
    /// Kept, but in a test of tests.
    pub(crate) self_fence: SelfFence,
    /// Claim nothing more.
    pub(crate) drain: CancellationToken,
    /// End running jobs with their task's grace and give them back.
    pub(crate) end: CancellationToken,
    /// End running jobs without any grace and give them back.
    pub(crate) end_now: CancellationToken,
    /// The server has lost its data: claim nothing more.
    pub(crate) data_gone: CancellationToken,
    /// Beat now rather than at the next second.
    pub(crate) beat_now: Notify,
    asks: Vec<AskTask>,
    turn: AtomicUsize,
}

impl Context {
    pub(crate) fn new(
        config: WorkerConfig,
        worker: String,
        home: Home,
        tasks: Vec<TaskDef>,
        queue: Queue,
        supervisor: Supervisor,
        shutdown: &Shutdown,
    ) -> Self {
        let memory = Memory::new(config.memory, &tasks);
        let asks = tasks
            .iter()
            .map(|task| AskTask {
                name: task.name.clone(),
                timeout_ms: task.timeout_ms,
                lost_retries: task.lost_retries,
                memory: memory.of(task),
            })
            .collect();
        let python = Python::new(&home);
        let metrics = Arc::new(Metrics::new(&queue, tasks.iter().map(|task| &task.name)));
        let tasks = tasks.into_iter().map(|task| (task.name.clone(), Arc::new(task))).collect();
        Self {
            config,
            worker,
            home,
            tasks,
            python,
            queue,
            supervisor,
            held: HeldClaims::default(),
            memory,
            metrics,
            self_fence: SelfFence::Kept,
            drain: shutdown.drain.clone(),
            end: CancellationToken::new(),
            end_now: shutdown.now.clone(),
            data_gone: CancellationToken::new(),
            beat_now: Notify::new(),
            asks,
            turn: AtomicUsize::new(0),
        }
    }

    /// A request for `slots` jobs that fit into what was lent to it. Each begins one task further on, so that equal priorities
    /// take turns.
    pub(crate) fn ask(&self, slots: usize, lent: &Share) -> Ask {
        let mut tasks = self.asks.clone();
        if !tasks.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % tasks.len();
            tasks.rotate_left(turn);
        }
        Ask {
            worker: self.worker.clone(),
            nonces: (0..slots).map(|_| Nonce::random()).collect(),
            tasks,
            ttl_ms: self.config.lease_ttl_ms,
            memory_left: self.memory.left(lent),
        }
    }

    /// What a job of the task counts for, bytes.
    pub(crate) fn memory_of(&self, task: &TaskName) -> u64 {
        self.tasks.get(task).map_or(0, |task| self.memory.of(task))
    }

    /// Whether jobs are to be asked for.
    pub(crate) fn may_claim(&self) -> bool {
        !self.drain.is_cancelled() && !self.data_gone.is_cancelled()
    }

    /// A shutdown that waits no longer for running jobs.
    pub(crate) fn must_leave(&self) -> bool {
        self.end.is_cancelled() || self.end_now.is_cancelled()
    }

    /// When a job must have ended, by the lease's own limit.
    pub(crate) fn lease_limit(&self, limit: BootTime) -> BootTime {
        match self.self_fence {
            SelfFence::Kept => limit,
            SelfFence::Missing => BootTime(u64::MAX),
        }
    }

    pub(crate) fn lease_ttl(&self) -> Duration {
        Duration::from_millis(self.config.lease_ttl_ms)
    }
}
