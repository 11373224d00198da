//! A queue on a server of its own, with the few words that tests of the queue need.

use crate::{Server, server::Backend};
use dayfly_common::{
    model::{ErrorKind, JobError, JobId, Nonce, Outcome, State, TaskName},
    queue::{
        Ask, AskTask, Beat, BeatReply, Claim, Claimed, Finished, Held, JobView, Presence, Queue, RedisSettings, Submit,
    },
};
use redis::aio::MultiplexedConnection;
use std::{collections::BTreeMap, time::Duration};

/// Long enough never to run out during a test.
pub const TTL_MS: u64 = 60_000;

/// A queue and its server.
#[derive(Debug)]
pub struct Rig<S = Server> {
    /// The server, or the set of them.
    pub server: S,
    /// The queue on it.
    pub queue: Queue,
    /// A plain connection to the primary of the moment, for what an operator would type.
    pub hand: Hand,
}

/// A plain connection.
#[derive(Clone)]
pub struct Hand(MultiplexedConnection);

impl std::fmt::Debug for Hand {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Hand")
    }
}

impl Hand {
    /// Connects.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn of(url: &str) -> Self {
        Self::try_of(url).await.expect("a connection")
    }

    /// As [`Hand::of`].
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn try_of(url: &str) -> redis::RedisResult<Self> {
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(20)));
        Ok(Self(redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await?))
    }

    /// Sends a command of words.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn send<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query_async(&mut self.0.clone()).await
    }

    /// As [`Hand::send`].
    ///
    /// # Panics
    /// When the server answers an error.
    pub async fn get<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.send(words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// Settings for a server at `url`.
#[must_use]
pub fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: url.to_owned(),
        prefix: "dayfly".to_owned(),
        pool_size: 4,
        command_deadline: Duration::from_secs(5),
        wait_replicas: 0,
        require_durable: false,
    }
}

/// A task's name.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn task(name: &str) -> TaskName {
    name.parse().expect("a good name")
}

/// A plain job of `name`.
#[must_use]
pub fn job(name: &str) -> Submit {
    Submit {
        id: JobId::now(),
        task: task(name),
        input: "{\"n\":42}".into(),
        priority: 5,
        delay_ms: 0,
        timeout_ms: None,
        expires_ms: None,
        retries: None,
        retention_ms: None,
        max_queued: None,
        repeatable: false,
        trace: None,
        owner: String::new(),
        labels: BTreeMap::new(),
        unique: None,
        retry_of: None,
    }
}

/// A task as a worker asks for it, that declares `memory` bytes.
#[must_use]
pub fn ask_task(name: &str, memory: u64) -> AskTask {
    AskTask { name: task(name), timeout_ms: 600_000, lost_retries: 2, memory }
}

/// A request of `worker` for `slots` jobs of `tasks`, with fresh nonces.
#[must_use]
pub fn ask(worker: &str, tasks: &[&str], slots: usize) -> Ask {
    Ask {
        worker: worker.to_owned(),
        nonces: (0..slots).map(|_| Nonce::random()).collect(),
        tasks: tasks.iter().map(|name| ask_task(name, 0)).collect(),
        ttl_ms: TTL_MS,
        memory_left: None,
    }
}

/// A worker's presence.
#[must_use]
pub fn presence(worker: &str, tasks: &[&str]) -> Presence {
    Presence {
        id: worker.to_owned(),
        name: "host".to_owned(),
        host: "host".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        slots: 4,
        busy: 0,
        tasks: tasks.iter().map(|&name| name.to_owned()).collect(),
        draining: false,
        isolation: "tree".to_owned(),
        limits: dayfly_common::queue::LimitHolders::default(),
        started_at: 0,
        memory: None,
        memory_used: None,
    }
}

/// Exit 0 with a result.
#[must_use]
pub fn success(result: &str) -> Outcome {
    Outcome::Succeeded { result: result.as_bytes().to_vec(), content_type: "application/json", truncated: false }
}

/// A failure of the program's own.
#[must_use]
pub fn failure(retryable: bool) -> Outcome {
    Outcome::Failed(JobError {
        kind: ErrorKind::ExitCode,
        message: "it ended with code 3".to_owned(),
        exit_code: Some(3),
        signal: None,
        retryable,
        stderr_tail: "oh \"dear\"\n".to_owned(),
    })
}

impl Rig {
    /// A fresh server with a queue.
    pub async fn start() -> Self {
        Self::on(Server::start()).await
    }
}

impl<S: Backend> Rig<S> {
    /// A queue on `server`.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn on(server: S) -> Self {
        let queue = Queue::new(&settings(&server.url())).expect("good settings");
        let hand = Hand::of(&server.primary_url().await).await;
        Self { server, queue, hand }
    }

    /// After a failover: the hand on the new primary.
    pub async fn reach_anew(&mut self) {
        self.hand = Hand::of(&self.server.primary_url().await).await;
    }

    /// Submits and gives the id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn submit(&self, job: Submit) -> JobId {
        self.queue.submit(&job).await.expect("accepted");
        job.id
    }

    /// Claims for worker `w`.
    ///
    /// # Panics
    /// On any error.
    pub async fn claim(&self, tasks: &[&str], slots: usize) -> Claimed {
        self.queue.claim(&ask("w", tasks, slots)).await.expect("an answer")
    }

    /// Claims the one job there must be, for worker `w`.
    ///
    /// # Panics
    /// When there is none.
    pub async fn take(&self, name: &str) -> Claim {
        self.claim(&[name], 1).await.claims.pop().expect("a job")
    }

    /// Finishes a claim of worker `w`.
    ///
    /// # Panics
    /// On any error.
    pub async fn end(&self, claim: Claim, outcome: Outcome) -> Finished {
        let end = claim.finish("w", outcome);
        self.queue.finish(&[end], None).await.expect("an answer").0.remove(0)
    }

    /// A heartbeat of worker `w`.
    ///
    /// # Panics
    /// On any error.
    pub async fn beat(&self, claims: &[&Claim]) -> BeatReply {
        let held = claims.iter().map(|claim| Held { id: claim.id, fence: claim.fence.clone() }).collect();
        let beat = Beat { presence: presence("w", &["t"]), held, ttl_ms: TTL_MS };
        self.queue.heartbeat(&beat).await.expect("an answer")
    }

    /// The job, which must be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn job(&self, id: JobId) -> JobView {
        self.queue.job(id).await.expect("an answer").expect("the job")
    }

    /// Where a job stands.
    pub async fn state(&self, id: JobId) -> State {
        self.job(id).await.record.state
    }

    /// Lets a job's lease be over, as if its ttl had passed.
    pub async fn expire_lease(&self, id: JobId) {
        self.hand.get::<i64>(&["ZADD", &self.queue.keys().leases(), "XX", "1", &id.to_string()]).await;
    }

    /// Lets a scheduled job be due, as if its delay had passed.
    pub async fn let_due(&self, id: JobId) {
        let keys = self.queue.keys();
        self.hand.get::<i64>(&["HSET", &keys.job(id), "ready_at", "1"]).await;
        self.hand.get::<i64>(&["ZADD", &keys.delayed(), "XX", "1", &id.to_string()]).await;
    }

    /// Lets a waiting job's expiry be over.
    pub async fn let_expire(&self, id: JobId) {
        let keys = self.queue.keys();
        self.hand.get::<i64>(&["HSET", &keys.job(id), "expires_at", "1"]).await;
        self.hand.get::<i64>(&["ZADD", &keys.expiring(), "XX", "1", &id.to_string()]).await;
    }

    /// Lets the time be over in which no lease is taken because the server is another one than before.
    pub async fn end_hold(&self) {
        self.sweep().await;
        self.hand.get::<i64>(&["HDEL", &self.queue.keys().sweep(), "hold_until"]).await;
    }

    /// Lets the time go by for which no claim is given after a failover.
    ///
    /// # Panics
    /// When no failover was noticed.
    pub async fn let_claims_be_given(&self) {
        self.sweep().await;
        let key = self.queue.keys().sweep();
        let from: i64 = self.hand.get(&["HGET", &key, "claims_from"]).await;
        assert!(from > 1, "claims are held back after a failover");
        self.hand.get::<i64>(&["HSET", &key, "claims_from", "1"]).await;
    }

    /// Sweeps, as if the last sweep had been long enough ago.
    ///
    /// # Panics
    /// On any error.
    pub async fn sweep(&self) {
        self.hand.get::<i64>(&["HDEL", &self.queue.keys().sweep(), "last"]).await;
        self.queue.sweep().await.expect("swept");
    }
}
