//! Audit: the slow walk that puts right what no operation leaves behind.

use super::{Queue, QueueError, reply::Items};
use std::{collections::BTreeMap, fmt, time::Duration};

/// What one step of the walk did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audited {
    /// It ended a walk over all keys.
    pub ended: bool,
    /// Keys it looked at.
    pub keys: u64,
    /// What it put right: kind -> how often.
    pub repaired: BTreeMap<String, u64>,
}

impl Queue {
    /// One step, of a bounded number of keys, unless any process made one less than `apart` ago.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn audit(&self, apart: Duration) -> Result<Audited, QueueError> {
        let mut call = self.function("dayfly_audit");
        call.arg(u64::try_from(apart.as_millis()).unwrap_or(u64::MAX));
        let mut items = Items::of(self.ask(call).await?)?;
        let mut audited = Audited { ended: items.flag()?, keys: items.parsed()?, repaired: BTreeMap::new() };
        while let Some(kind) = items.maybe_parsed::<String>()? {
            audited.repaired.insert(kind, items.parsed()?);
        }
        Ok(audited)
    }

    /// A step every 10 s of all processes together, with a warning when something had to be put right.
    pub async fn audit_now_and_then(&self) {
        const APART: Duration = Duration::from_secs(10);
        match self.audit(APART).await {
            Ok(audited) if audited.repaired.is_empty() => {}
            Ok(audited) => tracing::warn!(repaired = %audited, "the audit put right what should not have been"),
            Err(error) => tracing::debug!(%error, "no audit"),
        }
    }
}

impl fmt::Display for Audited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (kind, count)) in self.repaired.iter().enumerate() {
            write!(out, "{}{kind} {count}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
