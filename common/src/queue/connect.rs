//! Connections: a pool for commands, each with a deadline, and dedicated ones for waits.

use super::{QueueError, link::Links};
use crate::keys::Keys;
use deadpool::managed::{Pool, QueueMode};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use std::{fmt, time::Duration};

/// How to reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port/db` or `redis+unix:///path`.
    pub url: String,
    /// What keys begin with, `dayfly` by default.
    pub prefix: String,
    /// Most connections of the pool.
    pub pool_size: usize,
    /// Deadline of a command, and of the wait for a connection.
    pub command_deadline: Duration,
    /// How many replicas must have a submit, claim, renewal or outcome before it counts; 0: none is waited for.
    pub wait_replicas: u32,
    /// Refuse a server that promises less than [`Durability`](super::Durability) asks for.
    pub require_durable: bool,
}

/// A handle on the queue; cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(super) keys: Keys,
    pub(super) pool: Pool<Links>,
    client: Client,
    pub(super) deadline: Duration,
    pub(super) wait_replicas: u32,
    pub(super) require_durable: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue").field("base", &self.keys.base()).finish_non_exhaustive()
    }
}

impl Queue {
    /// Checks the settings and makes the pool. Connects lazily: the server may be away.
    ///
    /// # Errors
    /// A URL or prefix that cannot be used.
    pub fn new(settings: &RedisSettings) -> Result<Self, QueueError> {
        check_prefix(&settings.prefix)?;
        let client = open(&settings.url)?;
        let deadline = settings.command_deadline;
        let timed =
            AsyncConnectionConfig::new().set_connection_timeout(Some(deadline)).set_response_timeout(Some(deadline));
        let manager = deadpool_redis::Manager::new_with_config(client.get_connection_info().clone(), timed)
            .map_err(|error| unusable(&settings.url, &error.to_string()))?;
        let pool = Pool::builder(Links::new(manager))
            .max_size(settings.pool_size.max(1))
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(deadline))
            .create_timeout(Some(deadline))
            .recycle_timeout(None)
            .runtime(deadpool_redis::Runtime::Tokio1)
            .build()
            .map_err(|error| QueueError::Unreachable(error.to_string()))?;
        Ok(Self {
            keys: Keys::new(&settings.prefix, 0),
            pool,
            client,
            deadline,
            wait_replicas: settings.wait_replicas,
            require_durable: settings.require_durable,
        })
    }

    /// The keyspace.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A connection of one's own for commands that block: without a response timeout, for the caller sets the bound.
    pub(super) async fn dedicated(&self) -> Result<MultiplexedConnection, QueueError> {
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(self.deadline)).set_response_timeout(None);
        Ok(self.client.get_multiplexed_async_connection_with_config(&patient).await?)
    }

    /// A connection of one's own for subscriptions.
    pub(super) async fn subscriber(&self) -> Result<redis::aio::PubSub, QueueError> {
        tokio::time::timeout(self.deadline, self.client.get_async_pubsub())
            .await
            .map_err(|_| QueueError::Slow(self.deadline))?
            .map_err(QueueError::from)
    }
}

/// A prefix stands in front of every key; braces would change the hash tag.
fn check_prefix(prefix: &str) -> Result<(), QueueError> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte);
    if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(usual) {
        return Err(QueueError::Unreachable(format!(
            "`{prefix}` cannot be the prefix of keys: use 1 to 64 letters, digits, `_`, `-`, `.` or `:`"
        )));
    }
    Ok(())
}

fn open(url: &str) -> Result<Client, QueueError> {
    if url.starts_with("rediss://") || url.starts_with("valkeys://") {
        return Err(unusable(url, "this build speaks no TLS"));
    }
    Client::open(url).map_err(|error| unusable(url, error.detail().unwrap_or_else(|| error.category())))
}

fn unusable(url: &str, why: &str) -> QueueError {
    QueueError::Unreachable(format!(
        "`{}` is not a URL that can be used ({why}): write redis://HOST:6379/0, redis://USER:PASSWORD@HOST:6379/0 or \
         redis+unix:///PATH/TO/SOCKET",
        without_password(url)
    ))
}

/// Errors are logged: a password must not be.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}***{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(url: &str, prefix: &str) -> Result<Queue, QueueError> {
        Queue::new(&RedisSettings {
            url: url.into(),
            prefix: prefix.into(),
            pool_size: 2,
            command_deadline: Duration::from_secs(1),
            wait_replicas: 0,
            require_durable: false,
        })
    }

    #[test]
    fn urls_of_every_kind_are_read() {
        for url in [
            "redis://127.0.0.1:6379/0",
            "redis://localhost",
            "redis://ada:secret@host:6379/1",
            "redis+unix:///run/redis.sock",
        ] {
            assert!(made(url, "dayfly").is_ok(), "{url}");
        }
    }

    #[test]
    fn an_unusable_url_says_what_is_right_and_keeps_the_password() {
        for url in ["", "localhost:6379", "http://localhost", "rediss://host", "redis://", "redis://ada:secret@host:x"]
        {
            let said = made(url, "dayfly").expect_err(url).to_string();
            assert!(said.contains("redis://HOST:6379/0"), "{url}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_prefix_cannot_change_the_hash_tag() {
        assert!(made("redis://localhost", "acme:dayfly").is_ok());
        for prefix in ["", "a{b}", "a b"] {
            assert!(made("redis://localhost", prefix).is_err(), "{prefix}");
        }
    }
}
