//! What `dayfly doctor` asks of the server. Nothing of the installation is changed: rights are tried on keys of a private prefix.

use super::{
    Queue, QueueError,
    reply::{Items, pairs, parsed, text},
};
use redis::{AsyncConnectionConfig, Client, Cmd, Value};
use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Sections and keys of `INFO`, by name.
pub type Info = HashMap<String, String>;

/// What the library is on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LibraryFound {
    /// None yet: whoever comes first loads it.
    Missing,
    /// This revision.
    Revision(u32),
}

/// What decides how long a failover takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failover {
    /// There is one server.
    None,
    /// By sentinels: `down-after-milliseconds` (the longest of theirs), the `quorum`, and how many sentinels answered of how many.
    Sentinels {
        /// ms.
        down_after_ms: u64,
        /// Sentinels that must agree.
        quorum: u64,
        /// That answered.
        answered: usize,
        /// Of the URL.
        known: usize,
    },
    /// By a cluster: `cluster-node-timeout`, ms; `None` where it may not be asked.
    Cluster(Option<u64>),
}

/// A command that Dayfly sends, and what it is for.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// The command, or command and subcommand, as a rule of an ACL names it.
    pub rule: &'static str,
    /// Without it nothing works; else something is missed.
    pub needed: bool,
    /// What for.
    pub purpose: &'static str,
    words: &'static [&'static str],
}

const fn right(rule: &'static str, needed: bool, purpose: &'static str, words: &'static [&'static str]) -> Right {
    Right { rule, needed, purpose, words }
}

/// `KEY` stands for a key of the private prefix, `BASE` for what its keys begin with.
const RIGHTS: &[Right] = &[
    right("fcall_ro", true, "reads jobs", &["FCALL_RO", "dayfly_version", "1", "BASE"]),
    right("fcall", true, "every change of a job", &["FCALL", "dayfly_sweep", "1", "BASE"]),
    right("blpop", true, "idle workers wait for jobs", &["BLPOP", "KEY", "0.01"]),
    right("zrange", true, "lists jobs and workers", &["ZRANGE", "KEY", "0", "0"]),
    right("zcount", true, "counts workers", &["ZCOUNT", "KEY", "0", "0"]),
    right("hgetall", true, "reads records", &["HGETALL", "KEY"]),
    right("hmget", true, "reads records", &["HMGET", "KEY", "a"]),
    right("smembers", true, "reads which tasks are paused", &["SMEMBERS", "KEY"]),
    right("xrange", true, "reads logs", &["XRANGE", "KEY", "-", "+"]),
    right("xread", true, "follows events", &["XREAD", "STREAMS", "KEY", "0"]),
    right("lrange", true, "reads attempts and run times", &["LRANGE", "KEY", "0", "0"]),
    right("time", true, "all times are the server's", &["TIME"]),
    right("publish", true, "tells workers of a cancel at once", &["PUBLISH", "KEY", "x"]),
    right(
        "info",
        false,
        "notices another server after a restart or a failover, and whether the server keeps what it is given",
        &["INFO", "server"],
    ),
    right("config|get", false, "tells how often the append-only file is synced", &["CONFIG", "GET", "appendfsync"]),
    right(
        "client|unblock",
        false,
        "a worker with a memory bound hears of new jobs at once",
        &["CLIENT", "UNBLOCK", "0"],
    ),
    right("scan", true, "the audit walks over all keys", &["SCAN", "0", "MATCH", "BASEnothing", "COUNT", "1"]),
];

impl Queue {
    /// `INFO`, all sections.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn info(&self) -> Result<Info, QueueError> {
        let info = text(self.ask(redis::cmd("INFO")).await?)?;
        let fields = info.lines().filter_map(|line| line.trim().split_once(':'));
        Ok(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Round trips of `TIME`, shortest first, and by how much this host's clock is ahead of the server's (ms; negative: behind),
    /// by the shortest of them.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn time_round_trips(&self, number: usize) -> Result<(Vec<Duration>, i64), QueueError> {
        let mut trips = Vec::with_capacity(number);
        let mut skew: Option<(Duration, i64)> = None;
        for _ in 0..number {
            let begun = Instant::now();
            let mut time = Items::of(self.ask(redis::cmd("TIME")).await?)?;
            let took = begun.elapsed();
            let (seconds, micros): (i64, i64) = (time.parsed()?, time.parsed()?);
            let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() - took / 2;
            let ahead = i64::try_from(own.as_millis()).unwrap_or(i64::MAX) - (seconds * 1_000 + micros / 1_000);
            if skew.is_none_or(|(best, _)| took < best) {
                skew = Some((took, ahead));
            }
            trips.push(took);
        }
        trips.sort();
        Ok((trips, skew.map_or(0, |(_, ahead)| ahead)))
    }

    /// The library as it is, without loading it.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn library_there(&self) -> Result<LibraryFound, QueueError> {
        match self.ask_plainly(self.reading("dayfly_version")).await {
            Ok(answer) => Ok(LibraryFound::Revision(parsed(&text(answer)?)?)),
            Err(QueueError::Refused(said)) if said.contains("Function not found") => Ok(LibraryFound::Missing),
            Err(error) => Err(error),
        }
    }

    /// The rights that this user lacks, with what the server said. To be asked of a queue of a private prefix.
    ///
    /// # Errors
    /// The server cannot be asked at all.
    pub async fn lacking_rights(&self) -> Result<Vec<(Right, String)>, QueueError> {
        let mut lacking = Vec::new();
        for right in RIGHTS {
            let mut command = Cmd::new();
            for word in right.words {
                let base = self.keys.base();
                command.arg(word.replace("KEY", &format!("{base}cancel")).replace("BASE", base));
            }
            match self.ask_plainly(command).await {
                Err(QueueError::Refused(said)) if said.starts_with("NOPERM") => lacking.push((*right, said)),
                // That the library is missing is a finding of its own.
                Ok(_) | Err(QueueError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(lacking)
    }

    /// What decides how long a failover takes.
    ///
    /// # Errors
    /// No sentinel answers, or the server does not.
    pub async fn failover(&self) -> Result<Failover, QueueError> {
        if let Some(set) = self.primary.sentinels() {
            let (mut down_after_ms, mut quorum, mut answered) = (0, 0, 0);
            let mut last = QueueError::Unreachable("the URL names no sentinel".to_owned());
            for sentinel in &set.sentinels {
                match self.of_sentinel(Client::open(sentinel.clone())?, &set.master).await {
                    Ok((after, agree)) => {
                        down_after_ms = after.max(down_after_ms);
                        quorum = agree.max(quorum);
                        answered += 1;
                    }
                    Err(error) => last = error,
                }
            }
            if answered == 0 {
                return Err(last);
            }
            return Ok(Failover::Sentinels { down_after_ms, quorum, answered, known: set.sentinels.len() });
        }
        if !self.primary.may_move() {
            return Ok(Failover::None);
        }
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg("cluster-node-timeout");
        match self.ask(ask).await {
            Ok(answer) => {
                let value = Items::of(answer)?.rest().nth(1).map(text).transpose()?;
                Ok(Failover::Cluster(value.map(|value| parsed(&value)).transpose()?))
            }
            Err(QueueError::Refused(_)) => Ok(Failover::Cluster(None)),
            Err(error) => Err(error),
        }
    }

    async fn of_sentinel(&self, client: Client, master: &str) -> Result<(u64, u64), QueueError> {
        let timed = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline));
        let mut connection = client.get_multiplexed_async_connection_with_config(&timed).await?;
        let about: Value = redis::cmd("SENTINEL").arg("MASTER").arg(master).query_async(&mut connection).await?;
        let about: HashMap<String, Vec<u8>> = pairs(about)?.into_iter().collect();
        let number = |name: &str| about.get(name).and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        Ok((number("down-after-milliseconds").unwrap_or(0), number("quorum").unwrap_or(0)))
    }

    /// Removes every key of this queue's prefix: of a trial's own, which nobody else has.
    ///
    /// # Errors
    /// See [`QueueError`]; then some are left.
    pub async fn wipe(&self, trial: &TrialPrefix) -> Result<(), QueueError> {
        let pattern = format!("{}:{{0}}:*", trial.0);
        let mut cursor = "0".to_owned();
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
            let mut found = Items::of(self.ask(scan).await?)?;
            cursor = found.text()?;
            let keys: Vec<String> = Items::of(found.value())?.rest().map(text).collect::<Result<_, _>>()?;
            if !keys.is_empty() {
                let mut remove = redis::cmd("DEL");
                remove.arg(keys);
                self.ask(remove).await?;
            }
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}

/// The prefix of a trial: below the installation's, so that the rights of its user reach it, and of nobody else.
#[derive(Debug, Clone)]
pub struct TrialPrefix(String);

impl TrialPrefix {
    /// A new one.
    #[must_use]
    pub fn below(prefix: &str) -> Self {
        let short: String = prefix.chars().take(40).collect();
        Self(format!("{short}:doctor-{}", crate::model::Nonce::random()))
    }

    /// As `[redis] prefix` takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
