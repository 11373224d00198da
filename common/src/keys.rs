//! Every Redis key, as a function of the prefix and the shard. Nowhere else is a key put together in Rust; the
//! library's `lua/keys.lua` is the twin of this file and a test holds the two together.
//!
//! All keys of a shard carry its hash tag, `{0}` today, so that they share one cluster slot and one function may
//! touch them all.

use crate::model::{JobId, Nonce, State, TaskName, TokenId};

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

    /// HASH: long optional fields (webhook, labels).
    #[must_use]
    pub fn job_more(&self, id: JobId) -> String {
        format!("{}job:{id}:more", self.base)
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

    /// SET: tasks whose queue holds work.
    #[must_use]
    pub fn queues(&self) -> String {
        self.key("queues")
    }

    /// ZSET: scheduled jobs; score = due ms.
    #[must_use]
    pub fn delayed(&self) -> String {
        self.key("delayed")
    }

    /// ZSET: waiting jobs that must have started by a time; score = that time, ms.
    #[must_use]
    pub fn expiring(&self) -> String {
        self.key("expiring")
    }

    /// ZSET: running jobs; score = lease expiry ms.
    #[must_use]
    pub fn leases(&self) -> String {
        self.key("leases")
    }

    /// HASH: what a worker holds; nonce -> job id.
    #[must_use]
    pub fn held(&self, worker: &str) -> String {
        format!("{}held:{worker}", self.base)
    }

    /// STRING, ten minutes: a nonce that was given back and can never take a job.
    #[must_use]
    pub fn released(&self, nonce: &Nonce) -> String {
        format!("{}released:{}", self.base, nonce.as_str())
    }

    /// STRING: a cancel request.
    #[must_use]
    pub fn cancel(&self, id: JobId) -> String {
        format!("{}cancel:{id}", self.base)
    }

    /// STRING: the tombstone of a deleted job; its fingerprint.
    #[must_use]
    pub fn deleted(&self, id: JobId) -> String {
        format!("{}deleted:{id}", self.base)
    }

    /// STRING: the id of the live job of `owner` that holds `unique`. A colon in the owner is written `%3A`, so that no two
    /// pairs share a key.
    #[must_use]
    pub fn unique(&self, owner: &str, unique: &str) -> String {
        format!("{}unique:{}:{unique}", self.base, owner.replace('%', "%25").replace(':', "%3A"))
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

    /// LIST: how long the latest jobs of a task have run, ms, the latest first.
    #[must_use]
    pub fn times(&self, task: &TaskName) -> String {
        format!("{}times:{task}", self.base)
    }

    /// HASH: `<task>:<state>` -> jobs; a gauge for states that end, a total for terminal ones.
    #[must_use]
    pub fn counts(&self) -> String {
        self.key("counts")
    }

    /// STREAM: once a minute, how many jobs stood in each state.
    #[must_use]
    pub fn minutes(&self) -> String {
        self.key("minutes")
    }

    /// HASH: `<task>:<kind>` -> jobs that ever failed so.
    #[must_use]
    pub fn failures(&self) -> String {
        self.key("failures")
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

    /// HASH: the definitions of a task that are about; digest -> `<first seen>-<last seen>` ms.
    #[must_use]
    pub fn definitions(&self, task: &TaskName) -> String {
        format!("{}definitions:{task}", self.base)
    }

    /// ZSET: workers; score = last heartbeat, ms.
    #[must_use]
    pub fn workers(&self) -> String {
        self.key("workers")
    }

    /// HASH: a worker's presence.
    #[must_use]
    pub fn worker(&self, worker: &str) -> String {
        format!("{}worker:{worker}", self.base)
    }

    /// ZSET: the workers that serve a task; score = last heartbeat, ms.
    #[must_use]
    pub fn serving(&self, task: &TaskName) -> String {
        format!("{}serving:{task}", self.base)
    }

    /// ZSET: the ids of all API tokens that ever were; score = when they were made, ms.
    #[must_use]
    pub fn tokens(&self) -> String {
        self.key("tokens")
    }

    /// HASH: an API token, by its id; of the token itself only the SHA-256.
    #[must_use]
    pub fn token(&self, id: &TokenId) -> String {
        format!("{}token:{id}", self.base)
    }

    /// HASH, 12 hours: somebody who signed in with a browser, by the session's id; of its secret only the SHA-256.
    #[must_use]
    pub fn session(&self, id: &TokenId) -> String {
        format!("{}session:{id}", self.base)
    }

    /// HASH: what owners may have; name -> JSON.
    #[must_use]
    pub fn quotas(&self) -> String {
        self.key("quotas")
    }

    /// HASH: `<owner>:<state>` -> jobs that have not ended.
    #[must_use]
    pub fn owners(&self) -> String {
        self.key("owners")
    }

    /// STRING: how far an owner's submissions are ahead of their rate.
    #[must_use]
    pub fn rate(&self, owner: &str) -> String {
        format!("{}rate:{owner}", self.base)
    }

    /// ZSET: an owner's jobs that must not run yet, by the score that they had in their queue.
    #[must_use]
    pub fn parked(&self, owner: &str) -> String {
        format!("{}parked:{owner}", self.base)
    }

    /// SET: owners that have such jobs.
    #[must_use]
    pub fn parked_owners(&self) -> String {
        self.key("parked")
    }

    /// HASH: the clock of the last sweep.
    #[must_use]
    pub fn sweep(&self) -> String {
        self.key("sweep")
    }

    /// STRING: written before each `WAIT` for replicas; its value says nothing.
    #[must_use]
    pub fn sync(&self) -> String {
        self.key("sync")
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
