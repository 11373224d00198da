//! Every Redis key, as a function of the prefix and the shard. Nowhere else is a key put together in Rust; the
//! library's `lua/keys.lua` is the twin of this file and a test holds the two together.
//!
//! All keys of a shard carry its hash tag, `{0}` today, so that they share one cluster slot and one function may
//! touch them all.

use crate::model::{JobId, State, TaskName};

/// The keyspace of one prefix and shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    base: String,
}

impl Keys {
    /// Keys of `prefix` (`dayfly` by default) in shard `shard`.
    #[must_use]
    pub fn new(prefix: &str, shard: u16) -> Self {
        Self { base: format!("{prefix}:{{{shard}}}:") }
    }

    /// What every key begins with; the `KEYS[1]` of every function: `dayfly:{0}:`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    /// HASH: the record.
    #[must_use]
    pub fn job(&self, id: JobId) -> String {
        format!("{}job:{id}", self.base)
    }

    /// STRING: the input as given.
    #[must_use]
    pub fn job_input(&self, id: JobId) -> String {
        format!("{}job:{id}:input", self.base)
    }

    /// STRING: the result as printed.
    #[must_use]
    pub fn job_result(&self, id: JobId) -> String {
        format!("{}job:{id}:result", self.base)
    }

    /// STREAM: captured lines.
    #[must_use]
    pub fn job_log(&self, id: JobId) -> String {
        format!("{}job:{id}:log", self.base)
    }

    /// LIST: one JSON per ended attempt, oldest first.
    #[must_use]
    pub fn job_attempts(&self, id: JobId) -> String {
        format!("{}job:{id}:attempts", self.base)
    }

    /// ZSET: the jobs of a task that wait; score = priority x 10^13 + ready ms.
    #[must_use]
    pub fn queue(&self, task: &TaskName) -> String {
        format!("{}queue:{task}", self.base)
    }

    /// ZSET: scheduled jobs; score = due ms.
    #[must_use]
    pub fn delayed(&self) -> String {
        self.key("delayed")
    }

    /// ZSET: running jobs; score = lease expiry ms.
    #[must_use]
    pub fn leases(&self) -> String {
        self.key("leases")
    }

    /// STRING: a cancel request.
    #[must_use]
    pub fn cancel(&self, id: JobId) -> String {
        format!("{}cancel:{id}", self.base)
    }

    /// Channel: the id of a running job whose cancel was just asked for.
    #[must_use]
    pub fn cancel_channel(&self) -> String {
        self.key("cancel")
    }

    /// SET: paused tasks.
    #[must_use]
    pub fn paused(&self) -> String {
        self.key("paused")
    }

    /// ZSET: ended jobs of a terminal state; score = finished ms.
    #[must_use]
    pub fn finished(&self, state: State) -> String {
        format!("{}finished:{state}", self.base)
    }

    /// LIST: at most one token; idle workers block on it.
    #[must_use]
    pub fn wake(&self, task: &TaskName) -> String {
        format!("{}wake:{task}", self.base)
    }

    /// STREAM: state changes.
    #[must_use]
    pub fn events(&self) -> String {
        self.key("events")
    }

    /// HASH: the registry of tasks; name -> JSON.
    #[must_use]
    pub fn tasks(&self) -> String {
        self.key("tasks")
    }

    /// HASH: a worker's presence.
    #[must_use]
    pub fn worker(&self, worker: &str) -> String {
        format!("{}worker:{worker}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_carries_the_tag() {
        let keys = Keys::new("dayfly", 0);
        let id = JobId::now();
        let task: TaskName = "factor".parse().expect("a good name");
        assert_eq!(keys.base(), "dayfly:{0}:");
        assert_eq!(keys.job(id), format!("dayfly:{{0}}:job:{id}"));
        assert_eq!(keys.queue(&task), "dayfly:{0}:queue:factor");
        assert_eq!(keys.cancel(id), format!("dayfly:{{0}}:cancel:{id}"));
        assert_eq!(keys.finished(State::Failed), "dayfly:{0}:finished:failed");
    }
}
