//! Connections: a pool for commands, each with a deadline, and dedicated ones for waits.

use super::{QueueError, RedisMetrics, link::Links, primary::Primary, servers::Servers, term::Tenure};
use crate::keys::Keys;
use deadpool::managed::{Pool, QueueMode};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use std::{fmt, sync::Arc, time::Duration};

/// How to reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port/db`, `redis+unix:///path`, `redis-sentinel://[user:password@]host:port,../db?master=name`
    /// or `redis-cluster://[user:password@]host:port,..`.
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
    pub(super) primary: Arc<Primary>,
    pub(super) deadline: Duration,
    pub(super) wait_replicas: u32,
    pub(super) require_durable: bool,
    pub(super) metrics: RedisMetrics,
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
        let keys = Keys::new(&settings.prefix, 0);
        let servers = Servers::parse(&settings.url)
            .map_err(|why| QueueError::Unreachable(format!("`{}` {why}", without_password(&settings.url))))?;
        let deadline = settings.command_deadline;
        let primary = Primary::new(servers, &keys, deadline)?;
        let timed =
            AsyncConnectionConfig::new().set_connection_timeout(Some(deadline)).set_response_timeout(Some(deadline));
        let pool = Pool::builder(Links::new(Arc::clone(&primary), timed))
            .max_size(settings.pool_size.max(1))
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(deadline))
            .create_timeout(Some(deadline))
            .recycle_timeout(None)
            .runtime(deadpool_redis::Runtime::Tokio1)
            .build()
            .map_err(|error| QueueError::Unreachable(error.to_string()))?;
        Ok(Self {
            keys,
            pool,
            primary,
            deadline,
            wait_replicas: settings.wait_replicas,
            require_durable: settings.require_durable,
            metrics: RedisMetrics::new(),
        })
    }

    /// The keyspace.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What this handle and its clones have measured.
    #[must_use]
    pub fn metrics(&self) -> &RedisMetrics {
        &self.metrics
    }

    /// A connection of one's own for commands that block: without a response timeout, for the caller sets the bound.
    pub(super) async fn dedicated(&self) -> Result<(MultiplexedConnection, Tenure), QueueError> {
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(self.deadline)).set_response_timeout(None);
        let (connection, term) = self.primary.connect(&patient).await?;
        Ok((connection, self.primary.tenure(term)))
    }

    /// A connection of one's own for subscriptions.
    pub(super) async fn subscriber(&self) -> Result<(redis::aio::PubSub, Tenure), QueueError> {
        let (subscriber, term) = self.primary.subscriber().await?;
        Ok((subscriber, self.primary.tenure(term)))
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

/// Errors are logged: a password must not be.
#[must_use]
pub fn without_password(url: &str) -> String {
    let (url, options) = url.split_once('?').map_or((url, None), |(url, options)| (url, Some(options)));
    let mut shown = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            let user = url[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}{user}:***{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    };
    for (at, option) in options.into_iter().flat_map(|options| options.split('&')).enumerate() {
        let secret = option.starts_with("sentinel_password=");
        shown.push(if at == 0 { '?' } else { '&' });
        shown.push_str(if secret { "sentinel_password=***" } else { option });
    }
    shown
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
            "redis-sentinel://ada:secret@host:26379,host:26380/0?master=mymaster",
            "redis-cluster://host:7000,host:7001",
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
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("redis://:pw@h:1/0", "redis://:***@h:1/0"),
            ("redis://me:p@w@h:1/0", "redis://me:***@h:1/0"),
            ("redis://h:1/0", "redis://h:1/0"),
            (
                "redis-sentinel://u:p@h:1,i:2/0?master=m&sentinel_password=q&sentinel_user=v",
                "redis-sentinel://u:***@h:1,i:2/0?master=m&sentinel_password=***&sentinel_user=v",
            ),
        ] {
            assert_eq!(without_password(url), shown);
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
