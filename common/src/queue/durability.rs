//! What the server promises to keep, looked up when a process first meets it.

use super::{
    Queue, QueueError,
    reply::{Items, text},
};
use std::fmt;

/// Longest wait for a replica's word, ms.
const CONFIRMATION_MS: u64 = 200;

/// How well a server keeps what it is given, by its own word (`INFO`, `CONFIG GET`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Every write goes to the append-only file.
    pub append_only: bool,
    /// `appendfsync`: `always`, `everysec` or `no`; `None` where it may not be asked.
    pub fsync: Option<String>,
    /// `maxmemory_policy`; only `noeviction` keeps every key.
    pub eviction: String,
    /// Replicas connected now.
    pub replicas: u32,
    /// Replicas that each write waits for.
    pub wait_replicas: u32,
}

impl Durability {
    /// What falls short of keeping every acknowledged job through a crash of the server's process, each with its remedy.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.eviction != "noeviction" {
            faults.push(format!(
                "maxmemory-policy is {}: when its memory is full it drops jobs; set `maxmemory-policy noeviction`",
                self.eviction
            ));
        }
        if !self.append_only {
            faults.push("it has no append-only file: a crash loses jobs; set `appendonly yes`".to_owned());
        } else if self.fsync.as_deref() == Some("no") {
            faults.push("appendfsync is no: set `appendfsync everysec` or `always`".to_owned());
        }
        if self.replicas < self.wait_replicas {
            faults.push(format!(
                "{} of the {} replicas of `wait_replicas` are connected: until they are, nothing is accepted",
                self.replicas, self.wait_replicas
            ));
        }
        faults
    }
}

impl fmt::Display for Durability {
    /// What is promised.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let crash = match (self.append_only, self.fsync.as_deref()) {
            (false, _) => "a crash of the server loses what came after its last snapshot",
            (true, Some("always")) => "no crash loses anything acknowledged",
            (true, Some("everysec")) => {
                "a crash of the server's process loses nothing, one of its machine the last second or two"
            }
            (true, Some(_)) => {
                "a crash of the server's process loses nothing, one of its machine what the system had not written"
            }
            (true, None) => {
                "a crash of the server's process loses nothing; how much one of its machine does cannot be asked"
            }
        };
        let failover = match self.wait_replicas {
            0 => "a failover loses what replicas did not have yet".to_owned(),
            1 => "a failover to a replica that confirmed loses nothing".to_owned(),
            number => format!("a failover loses nothing while one of {number} replicas that confirmed takes over"),
        };
        write!(out, "{crash}; {failover}")
    }
}

impl Queue {
    /// What the server promises now.
    ///
    /// # Errors
    /// See [`QueueError`]. Without the right to `INFO` there is no answer.
    pub async fn durability(&self) -> Result<Durability, QueueError> {
        let info = text(self.ask(redis::cmd("INFO")).await?)?;
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let mut policy = redis::cmd("CONFIG");
        policy.arg("GET").arg("appendfsync");
        // Managed servers keep CONFIG to themselves.
        let fsync = match self.ask(policy).await {
            Ok(answer) => Items::of(answer)?.rest().nth(1).map(text).transpose()?,
            Err(QueueError::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Durability {
            append_only: field("aof_enabled") == "1",
            fsync,
            eviction: field("maxmemory_policy"),
            replicas: field("connected_slaves").parse().unwrap_or(0),
            wait_replicas: self.wait_replicas,
        })
    }

    /// Whether the replica that sentinels or a cluster would make the primary has all that was written until now, as far as
    /// that can be known: one has confirmed it, or who asks may not know. Waits at most 200 ms.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub(super) async fn outlives_failover(&self) -> Result<bool, QueueError> {
        if !self.primary.may_move() {
            return Ok(true);
        }
        let mut mark = redis::cmd("SET");
        mark.arg(self.keys.sync()).arg(1);
        let mut wait = redis::cmd("WAIT");
        wait.arg(1).arg(CONFIRMATION_MS);
        match self.ask_all(vec![mark, wait]).await {
            Ok(answers) => Ok(answers.into_iter().nth(1).map(text).transpose()?.is_some_and(|got| got != "0")),
            Err(QueueError::Refused(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Makes sure of the library, and says in the log what the server promises. To be called when a process first meets its
    /// server.
    ///
    /// # Errors
    /// [`QueueError::NotDurable`] when that is less than `require_durable` asks for, or another [`QueueError`].
    pub async fn meet_server(&self) -> Result<(), QueueError> {
        self.ensure_library().await?;
        let durability = match self.durability().await {
            Ok(durability) => durability,
            Err(QueueError::Refused(said)) if self.require_durable => {
                return Err(QueueError::NotDurable(format!("it does not say ({said})")));
            }
            Err(QueueError::Refused(said)) => {
                tracing::info!(said, "this Redis does not say how well it keeps what it is given");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let faults = durability.faults();
        if faults.is_empty() {
            tracing::info!("this Redis: {durability}");
            return Ok(());
        }
        let said = faults.join("; ");
        if self.require_durable {
            return Err(QueueError::NotDurable(said));
        }
        tracing::warn!("this Redis: {durability}. {said}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Durability {
        Durability {
            append_only: true,
            fsync: Some("everysec".to_owned()),
            eviction: "noeviction".to_owned(),
            replicas: 1,
            wait_replicas: 1,
        }
    }

    #[test]
    fn each_fault_has_its_remedy() {
        assert_eq!(good().faults(), [""; 0]);
        for (durability, remedy) in [
            (Durability { append_only: false, ..good() }, "appendonly yes"),
            (Durability { fsync: Some("no".to_owned()), ..good() }, "appendfsync everysec"),
            (Durability { eviction: "allkeys-lru".to_owned(), ..good() }, "maxmemory-policy noeviction"),
            (Durability { replicas: 0, ..good() }, "0 of the 1 replicas"),
        ] {
            let faults = durability.faults();
            assert!(faults.len() == 1 && faults[0].contains(remedy), "{faults:?}");
        }
    }

    #[test]
    fn promises_differ_by_what_crashes() {
        assert!(good().to_string().contains("one of its machine the last second"));
        let always = Durability { fsync: Some("always".to_owned()), wait_replicas: 0, ..good() };
        assert_eq!(
            always.to_string(),
            "no crash loses anything acknowledged; a failover loses what replicas did not have yet"
        );
        assert!(Durability { append_only: false, ..good() }.to_string().contains("last snapshot"));
    }
}
