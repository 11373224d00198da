//! Quotas of owners: `quotas`, one JSON an owner, checked by `dayfly_submit` (`lua/quota.lua`) wherever a job comes
//! from, and by `dayfly_claim` (`lua/parked.lua`).

use super::{
    Queue, QueueError,
    reply::{maybe_bytes, pairs},
};
use crate::model::OwnerName;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What an owner may have. Absent: no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// How often jobs may be submitted.
    #[serde(flatten)]
    pub rate: Option<Rate>,
    /// Most jobs that wait, scheduled ones among them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_queued: Option<u64>,
    /// Most jobs that run at a time; the others wait.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_running: Option<u64>,
}

/// So many jobs in a time, and how many of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Jobs ..
    pub rate: u64,
    /// .. in this many ms.
    pub per_ms: u64,
    /// Jobs that may come at once after a rest.
    pub burst: u64,
}

/// The text is no rate.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a rate: write it like 10/s, 600/m or 5000/h, from 1 to 1000000 jobs")]
pub struct RateError(pub String);

/// Most jobs of a rate or a burst.
const MOST: u64 = 1_000_000;

impl Quota {
    /// That there is no bound at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// `10/s`: the burst is the number itself.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError(text.chars().take(80).collect());
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let per_ms = match unit.trim() {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let number = number.trim();
        let rate = number.parse().ok().filter(|rate| (1..=MOST).contains(rate) && !number.starts_with('+'));
        let rate = rate.ok_or_else(wrong)?;
        Ok(Self { rate, per_ms, burst: rate })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, per_ms, burst } = self;
        match per_ms {
            1_000 => write!(out, "{rate}/s")?,
            60_000 => write!(out, "{rate}/m")?,
            3_600_000 => write!(out, "{rate}/h")?,
            86_400_000 => write!(out, "{rate}/d")?,
            other => write!(out, "{rate} in {other}ms")?,
        }
        if burst == rate { Ok(()) } else { write!(out, " (burst {burst})") }
    }
}

impl Queue {
    /// An owner's quota.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn quota(&self, owner: &OwnerName) -> Result<Quota, QueueError> {
        let mut ask = redis::cmd("HGET");
        ask.arg(self.keys.quotas()).arg(owner.as_str());
        match maybe_bytes(self.ask(ask).await?)? {
            None => Ok(Quota::default()),
            Some(json) => read(owner.as_str(), &json),
        }
    }

    /// Every owner's that has one.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn quotas(&self) -> Result<BTreeMap<String, Quota>, QueueError> {
        let mut ask = redis::cmd("HGETALL");
        ask.arg(self.keys.quotas());
        let stored = pairs(self.ask(ask).await?)?;
        stored.into_iter().map(|(owner, json)| read(&owner, &json).map(|quota| (owner, quota))).collect()
    }

    /// Sets an owner's quota; one without any bound is taken away.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn set_quota(&self, owner: &OwnerName, quota: &Quota) -> Result<(), QueueError> {
        let mut set = redis::cmd(if quota.is_none() { "HDEL" } else { "HSET" });
        set.arg(self.keys.quotas()).arg(owner.as_str());
        if !quota.is_none() {
            set.arg(serde_json::to_string(quota).map_err(|error| QueueError::Garbled(error.to_string()))?);
        }
        self.ask_replicated(vec![set]).await.map(drop)
    }
}

fn read(owner: &str, json: &[u8]) -> Result<Quota, QueueError> {
    serde_json::from_slice(json).map_err(|error| QueueError::Garbled(format!("the quota of {owner}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back() {
        for (text, rate, per_ms) in
            [("10/s", 10, 1_000), ("600/m", 600, 60_000), ("1/h", 1, 3_600_000), ("5/d", 5, 86_400_000)]
        {
            let read: Rate = text.parse().unwrap();
            assert_eq!(read, Rate { rate, per_ms, burst: rate });
            assert_eq!(read.to_string(), text);
        }
        assert_eq!(Rate { rate: 1, per_ms: 1_000, burst: 5 }.to_string(), "1/s (burst 5)");
        for wrong in ["", "10", "0/s", "-1/s", "+1/s", "1/w", "1/", "/s", "1.5/s", "1000001/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quota_is_one_flat_object() {
        let whole = Quota { rate: Some("10/s".parse().unwrap()), max_queued: Some(5), max_running: Some(2) };
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(json, r#"{"rate":10,"per_ms":1000,"burst":10,"max_queued":5,"max_running":2}"#);
        assert_eq!(read("a", json.as_bytes()).unwrap(), whole);
        assert_eq!(read("a", b"{\"max_queued\":0}").unwrap(), Quota { max_queued: Some(0), ..Quota::default() });
        assert!(read("a", b"[]").is_err() && Quota::default().is_none());
    }
}
