//! The whole keyspace, read by plain commands as an operator would.

use super::history::{Dump, Record};
use crate::rig::Hand;
use std::collections::{BTreeMap, BTreeSet};

const BASE: &str = "dayfly:{0}:";

/// Reads everything. Nothing may change meanwhile.
///
/// # Errors
/// The server does not answer.
pub(super) async fn read(hand: &Hand) -> redis::RedisResult<Dump> {
    let mut dump = Dump::default();
    for key in keys(hand).await? {
        let name = key.strip_prefix(BASE).unwrap_or(&key);
        match name.split(':').collect::<Vec<_>>()[..] {
            ["job", id] => {
                let record = record(hand, id).await?;
                dump.records.insert(id.to_owned(), record);
            }
            ["queue" | "finished", _] | ["delayed" | "leases"] => {
                let members: BTreeSet<String> = hand.send(&["ZRANGE", &key, "0", "-1"]).await?;
                dump.indexes.insert(name.to_owned(), members);
            }
            ["held", _] => dump.held.extend(hand.send::<Vec<String>>(&["HVALS", &key]).await?),
            ["cancel", id] => drop(dump.cancels.insert(id.to_owned())),
            ["counts"] => dump.counts = hand.send(&["HGETALL", &key]).await?,
            _ => {}
        }
    }
    Ok(dump)
}

async fn keys(hand: &Hand) -> redis::RedisResult<BTreeSet<String>> {
    let (mut all, mut cursor) = (BTreeSet::new(), "0".to_owned());
    loop {
        let (next, some): (String, Vec<String>) =
            hand.send(&["SCAN", &cursor, "MATCH", &format!("{BASE}*"), "COUNT", "1000"]).await?;
        all.extend(some);
        if next == "0" {
            return Ok(all);
        }
        cursor = next;
    }
}

async fn record(hand: &Hand, id: &str) -> redis::RedisResult<Record> {
    let key = |what: &str| format!("{BASE}job:{id}{what}");
    let fields: BTreeMap<String, String> = hand.send(&["HGETALL", &key("")]).await?;
    let result: Option<String> = hand.send(&["GET", &key(":result")]).await?;
    let attempts: Vec<String> = hand.send(&["LRANGE", &key(":attempts"), "0", "-1"]).await?;
    let attempts = attempts.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    Ok(Record { fields, result, attempts })
}
