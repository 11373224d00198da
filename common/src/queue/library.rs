//! The function library `dayfly_v1`: put together from `lua/*.lua`, loaded when absent, replaced when older.

use super::{Queue, QueueError, reply::parsed, reply::text};
use redis::{Cmd, Value};
use std::{fmt::Write as _, sync::LazyLock};

/// The revision of the library this program carries. Grows with every change of a `.lua` file.
pub const REVISION: u32 = 6;

/// Shared parts: their names are seen by all that follow.
const SHARED: [&str; 8] = [
    include_str!("lua/keys.lua"),
    include_str!("lua/quota.lua"),
    include_str!("lua/unique.lua"),
    include_str!("lua/record.lua"),
    include_str!("lua/parked.lua"),
    include_str!("lua/server.lua"),
    include_str!("lua/due.lua"),
    include_str!("lua/minutes.lua"),
];

/// Shared too: heartbeats sweep.
const SWEEP: &str = include_str!("lua/sweep.lua");

/// Shared too: a retry submits.
const SUBMIT: &str = include_str!("lua/submit.lua");

const OPERATIONS: [&str; 20] = [
    include_str!("lua/version.lua"),
    include_str!("lua/claim.lua"),
    include_str!("lua/release.lua"),
    include_str!("lua/recover.lua"),
    include_str!("lua/finish.lua"),
    include_str!("lua/cancel.lua"),
    include_str!("lua/retry.lua"),
    include_str!("lua/delete.lua"),
    include_str!("lua/change.lua"),
    include_str!("lua/report.lua"),
    include_str!("lua/heartbeat.lua"),
    include_str!("lua/depart.lua"),
    include_str!("lua/register.lua"),
    include_str!("lua/audit.lua"),
    include_str!("lua/forget.lua"),
    include_str!("lua/drain.lua"),
    include_str!("lua/pause.lua"),
    include_str!("lua/resume.lua"),
    include_str!("lua/wake.lua"),
    include_str!("lua/job.lua"),
];

static LIBRARY: LazyLock<String> = LazyLock::new(|| {
    let mut code = format!("#!lua name=dayfly_v1\nlocal REVISION = {REVISION}\n");
    for part in SHARED {
        code.push_str(part);
    }
    code.push_str(SWEEP);
    code.push_str(SUBMIT);
    for part in OPERATIONS {
        // A block of its own, so that an operation's local names are its own too.
        let _ = writeln!(code, "do\n{part}end");
    }
    code
});

impl Queue {
    /// The library's text, as `FUNCTION LOAD` takes it.
    #[must_use]
    pub fn library() -> &'static str {
        &LIBRARY
    }

    /// Makes sure that the server holds the library in this revision or a newer one.
    ///
    /// # Errors
    /// [`QueueError::NoLibrary`] without the right to load it, or another [`QueueError`].
    pub async fn ensure_library(&self) -> Result<(), QueueError> {
        // A missing library is loaded on the way.
        let there: u32 = parsed(&text(self.ask(self.reading("dayfly_version")).await?)?)?;
        if there < REVISION {
            self.send_library(true).await?;
        }
        Ok(())
    }

    /// Loads the library where there is none. Another process may be quicker: that is as good.
    pub(super) async fn load_library(&self) -> Result<(), QueueError> {
        self.send_library(false).await
    }

    async fn send_library(&self, replace: bool) -> Result<(), QueueError> {
        let mut command: Cmd = redis::cmd("FUNCTION");
        command.arg("LOAD");
        if replace {
            command.arg("REPLACE");
        }
        command.arg(Self::library());
        // Boxed: loading is a call too, and a call may load.
        match Box::pin(self.ask(command)).await {
            Ok(Value::BulkString(_) | Value::SimpleString(_)) => {
                tracing::info!(revision = REVISION, "loaded the function library dayfly_v1");
                Ok(())
            }
            Ok(_) => Err(QueueError::Garbled("FUNCTION LOAD did not answer with the library's name".into())),
            Err(QueueError::Refused(said)) if said.contains("already exists") && !replace => Ok(()),
            Err(QueueError::Refused(said)) if said.starts_with("NOPERM") => Err(QueueError::NoLibrary(said)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    /// Of the library's text in [`REVISION`]. A changed text under an old number would never reach a server that has it.
    const DIGEST: &str = "77ecea0de1689c7b";

    #[test]
    fn a_changed_text_has_a_new_revision() {
        let digest = Sha256::digest(Queue::library().as_bytes());
        let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, DIGEST, "the library has changed: raise REVISION, then note this digest");
    }

    #[test]
    fn every_file_says_what_it_is_for_and_why_it_may_be_cut_short() {
        for file in OPERATIONS.iter().chain([&SWEEP, &SUBMIT]) {
            let header: Vec<&str> = file.lines().take_while(|line| line.starts_with("--")).collect();
            let header = header.join("\n");
            for needed in ["-- dayfly_", "KEYS: ", "ARGV: ", "Returns: ", "Crash points: "] {
                assert!(header.contains(needed), "no `{needed}` in\n{header}");
            }
        }
    }
}
