//! A cluster: which of its nodes has the slot of the queue.
//!
//! All keys share one hash tag and with it one slot (see `keys.rs`), so the queue lives on one node and one connection to it does all
//! that a client of clusters would. What is left to do is small: find that node (`CLUSTER SLOTS`, asked of several nodes at
//! once; the owner that most of them name counts), and follow it when it changes (`MOVED`).
//!
//! `ASK` is **not** followed. It comes while the slot is on its way to another node key by key. A function that ran over there would
//! see some of the keys and write others anew, which then could not arrive. So the queue rests until the slot has moved.
//!
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>

use super::{QueueError, primary::reach, reply::Items, reply::text};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, Value, aio::MultiplexedConnection,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;

/// Most nodes that are asked at a time.
const ASKED: usize = 8;
const SLOTS: u16 = 16_384;

/// The nodes that may be asked.
pub(super) struct Nodes {
    seeds: Vec<ConnectionInfo>,
    /// What the last answers named: seeds may be gone for good.
    known: Mutex<Vec<ConnectionAddr>>,
    slot: u16,
}

/// A node's answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    owner: Option<(String, u16)>,
    /// All nodes, those of our slot first.
    nodes: Vec<(String, u16)>,
}

impl Nodes {
    /// `seeds` is not empty. `base` is what every key begins with.
    pub(super) fn new(seeds: Vec<ConnectionInfo>, base: &str) -> Self {
        Self { seeds, known: Mutex::default(), slot: slot(base) }
    }

    /// How a node is spoken to: as the seeds are.
    pub(super) fn reach(&self, address: ConnectionAddr) -> ConnectionInfo {
        reach(address, &self.seeds[0], self.seeds[0].redis_settings())
    }

    /// The node that most of those asked say has the slot.
    pub(super) async fn find(&self, each: Duration) -> Result<ConnectionInfo, QueueError> {
        let asked = self.to_ask();
        let enough = asked.len() / 2 + 1;
        let mut answers: FuturesUnordered<_> = asked
            .iter()
            .map(|node| async move {
                let said = timeout(each, self.ask(node, each)).await;
                said.unwrap_or(Err(QueueError::Slow(each))).map_err(|error| format!("{}: {error}", node.addr()))
            })
            .collect();
        let (mut owners, mut nodes, mut faults) = (Vec::<((String, u16), usize)>::new(), Vec::new(), Vec::new());
        while let Some(answer) = answers.next().await {
            match answer {
                Err(fault) => faults.push(fault),
                Ok(answer) => {
                    nodes.extend(answer.nodes);
                    let Some(owner) = answer.owner else {
                        faults.push(format!("nobody has slot {}", self.slot));
                        continue;
                    };
                    match owners.iter_mut().find(|(known, _)| *known == owner) {
                        Some((_, votes)) => *votes += 1,
                        None => owners.push((owner, 1)),
                    }
                    if owners.iter().any(|(_, votes)| *votes >= enough) {
                        break;
                    }
                }
            }
        }
        let Some(((host, port), _)) = owners.into_iter().max_by_key(|(_, votes)| *votes) else {
            return Err(QueueError::Unreachable(format!(
                "no node of the cluster names the owner ({})",
                faults.join("; ")
            )));
        };
        self.remember(nodes);
        Ok(self.reach(ConnectionAddr::Tcp(host, port)))
    }

    fn to_ask(&self) -> Vec<ConnectionInfo> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut all: Vec<ConnectionInfo> = Vec::new();
        let known = known.into_iter().map(|address| self.reach(address));
        // Half of them from either list: a cluster may have been built anew behind the old seeds.
        for node in known.take(ASKED / 2).chain(self.seeds.iter().cloned()) {
            if all.len() < ASKED && !all.iter().any(|other| other.addr() == node.addr()) {
                all.push(node);
            }
        }
        all
    }

    fn remember(&self, nodes: Vec<(String, u16)>) {
        let mut known = Vec::new();
        for (host, port) in nodes {
            let address = ConnectionAddr::Tcp(host, port);
            if !known.contains(&address) {
                known.push(address);
            }
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    async fn ask(&self, node: &ConnectionInfo, each: Duration) -> Result<Answer, QueueError> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(each)).set_response_timeout(Some(each));
        let client = Client::open(node.clone())?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let slots = redis::cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut connection).await?;
        let own = match node.addr() {
            ConnectionAddr::Tcp(host, _) => host.as_str(),
            _ => "",
        };
        read(slots, self.slot, own)
    }
}

/// Reads `CLUSTER SLOTS`: ranges, each with its primary first, then its replicas. A node that does not know its own name is
/// called by the one under which it was reached.
fn read(slots: Value, slot: u16, own: &str) -> Result<Answer, QueueError> {
    let (mut owner, mut ours, mut others) = (None, Vec::new(), Vec::new());
    for range in Items::of(slots)?.rest() {
        let mut range = Items::of(range)?;
        let (first, last): (u16, u16) = (range.parsed()?, range.parsed()?);
        let mut nodes = Vec::new();
        for node in range.rest() {
            let mut node = Items::of(node)?;
            let host = match node.value() {
                Value::Nil => String::new(),
                named => text(named)?,
            };
            let host = if host.is_empty() { own.to_owned() } else { host };
            nodes.push((host, node.parsed()?));
        }
        if (first..=last).contains(&slot) {
            owner = nodes.first().filter(|(host, _)| host != "?").cloned();
            ours.extend(nodes);
        } else {
            others.extend(nodes);
        }
    }
    ours.extend(others);
    ours.retain(|(host, _)| host != "?");
    Ok(Answer { owner, nodes: ours })
}

/// The owner of the slot answers; any other node says who the owner is.
pub(super) async fn check(connection: &mut MultiplexedConnection, key: &str) -> Result<(), RedisError> {
    match redis::cmd("EXISTS").arg(key).query_async::<Value>(connection).await {
        Ok(_) => Ok(()),
        // On its way to another node: still this one's. Who may not ask is told by its first command.
        Err(error) if matches!(error.code(), Some("ASK" | "NOPERM")) => Ok(()),
        Err(error) => Err(error),
    }
}

/// `MOVED <slot> <host>:<port>`; the host may be empty.
pub(super) fn moved_to(code: &str, details: Option<&str>) -> Option<(String, u16)> {
    let (host, port) = details.filter(|_| code == "MOVED")?.rsplit(' ').next()?.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((if host == "?" { String::new() } else { host.to_owned() }, port.parse().ok()?))
}

/// CRC16 (XMODEM) of the hash tag: what stands between the first `{` and the next `}`.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or(key, |(tag, _)| tag);
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8)
            .fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), bulk("id"), Value::Array(Vec::new())])
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot("123456789"), 0x31c3 % SLOTS);
        assert_eq!(slot("dayfly:{0}:"), slot("0"));
        assert_ne!(slot("dayfly:{0}:"), slot("dayfly:{1}:"));
    }

    #[test]
    fn the_owner_is_the_first_of_its_range() {
        let range = |first, last, nodes: Vec<Value>| {
            Value::Array([Value::Int(first), Value::Int(last)].into_iter().chain(nodes).collect())
        };
        let slots = Value::Array(vec![
            range(0, 99, vec![node(bulk("a"), 1)]),
            range(100, 200, vec![node(Value::Nil, 2), node(bulk("?"), 3), node(bulk("b"), 4)]),
        ]);
        let named = |host: &str, port| (host.to_owned(), port);
        let answer = read(slots.clone(), 150, "seed").unwrap();
        assert_eq!(answer.owner, Some(named("seed", 2)));
        assert_eq!(answer.nodes, [named("seed", 2), named("b", 4), named("a", 1)]);
        assert_eq!(read(slots, 201, "seed").unwrap().owner, None);
    }

    #[test]
    fn a_move_names_where_to() {
        let named = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(moved_to("MOVED", Some("1 10.0.0.1:7000")), named("10.0.0.1", 7000));
        assert_eq!(moved_to("MOVED", Some("1 [::1]:7000")), named("::1", 7000));
        assert_eq!(moved_to("MOVED", Some("1 ::1:7000")), named("::1", 7000));
        assert_eq!(moved_to("MOVED", Some("1 :7000")), named("", 7000));
        assert_eq!(moved_to("ASK", Some("1 10.0.0.1:7000")), None);
    }
}
