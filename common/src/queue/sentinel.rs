//! Sentinels: which server is the primary, and when that is about to change.
//!
//! **All of them are asked at once**, and the answer of the highest configuration epoch counts: epochs order the configurations
//! of a set, so a sentinel that was away is outvoted by one that knows better. The server that they name must say itself
//! that it is a primary.
//!
//! **They are listened to** as well. During a failover that was asked for (`SENTINEL FAILOVER`) the old primary takes writes for
//! seconds after its successor was made, and forgets them when it becomes a replica. Sentinels tell when they begin, some tenth
//! of a second before they do anything. From then on nothing is sent to the old primary.
//!
//! <https://redis.io/docs/latest/develop/reference/sentinel-clients/>,
//! <https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#pubsub-messages>

use super::{
    QueueError,
    primary::{Primary, reach},
    reply::{Items, pairs, text},
    servers::Sentinels,
};
use futures_util::{StreamExt as _, future::join_all};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value,
    aio::MultiplexedConnection,
};
use std::{sync::Weak, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Longest that nothing is sent because of a failover that does not come to its end.
const LONGEST_HOLD: Duration = Duration::from_secs(10);
/// Before a broken subscription is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// A subscription is made again after this, in case its connection died unheard.
const RENEWAL: Duration = Duration::from_secs(60);
/// `+try-failover`, `+failover-state-*`, `+failover-end`, `-failover-abort-*`, `+switch-master`.
const TIDINGS: [&str; 2] = ["*failover*", "+switch-master"];

/// What a sentinel says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    host: String,
    port: u16,
    epoch: u64,
    /// It leads a failover, and this is still the old primary.
    leaving: bool,
}

/// The primary, as the sentinels name it. `held` remembers since when a failover has been under way.
pub(super) async fn find(
    set: &Sentinels,
    each: Duration,
    held: &mut Option<Instant>,
) -> Result<ConnectionInfo, QueueError> {
    let asked = set.sentinels.iter().map(|sentinel| async move {
        let said = timeout(each, ask(sentinel, &set.master, each)).await;
        said.unwrap_or(Err(QueueError::Slow(each))).map_err(|error| format!("{}: {error}", sentinel.addr()))
    });
    let (answers, faults): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().partition(Result::is_ok);
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let Some(best) = answers.iter().max_by_key(|answer| answer.epoch) else {
        let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
        let text = format!("no sentinel names the primary `{}` ({})", set.master, faults.join("; "));
        return Err(QueueError::Unreachable(text));
    };
    let same = |answer: &&Answer| answer.host == best.host && answer.port == best.port;
    if answers.iter().filter(same).any(|answer| answer.leaving) {
        if held.get_or_insert_with(Instant::now).elapsed() < LONGEST_HOLD {
            return Err(QueueError::Unreachable("sentinels are making another server the primary".into()));
        }
    } else {
        *held = None;
    }
    let address = ConnectionAddr::Tcp(best.host.clone(), best.port);
    Ok(reach(address, &set.sentinels[0], &set.server))
}

async fn ask(sentinel: &ConnectionInfo, master: &str, each: Duration) -> Result<Answer, QueueError> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(each)).set_response_timeout(Some(each));
    let client = Client::open(sentinel.clone())?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let mut both = redis::pipe();
    both.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    both.cmd("SENTINEL").arg("MASTER").arg(master);
    let mut answers = both.query_async::<Vec<Value>>(&mut connection).await?.into_iter();
    read(answers.next().unwrap_or(Value::Nil), answers.next().unwrap_or(Value::Nil))
}

/// The first names the successor as soon as it was promoted; the second the old primary until all replicas follow.
fn read(address: Value, about: Value) -> Result<Answer, QueueError> {
    let mut address = Items::of(address)?;
    let (host, port) = (address.text()?, address.parsed()?);
    let (mut epoch, mut leading, mut old) = (0, false, (String::new(), 0));
    for (name, value) in pairs(about)? {
        let value = text(Value::BulkString(value))?;
        match name.as_str() {
            "config-epoch" => epoch = value.parse().unwrap_or(0),
            "flags" => leading = value.split(',').any(|flag| flag == "failover_in_progress"),
            "ip" => old.0 = value,
            "port" => old.1 = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let leaving = leading && old == (host.clone(), port);
    Ok(Answer { host, port, epoch, leaving })
}

/// A server that sentinels name must say itself that it is a primary: they learn of a change later than it does.
pub(super) async fn check(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    match redis::cmd("ROLE").query_async::<Value>(connection).await {
        Ok(Value::Array(role)) => match role.into_iter().next().map(text) {
            Some(Ok(role)) if role == "master" => Ok(()),
            Some(_) | None => Err((ErrorKind::Io, "the server that the sentinels name is not a primary").into()),
        },
        Ok(_) => Err((ErrorKind::UnexpectedReturnType, "ROLE did not answer with a role").into()),
        // Without the right to ask, a replica is found out by its first refusal.
        Err(error) if error.code() == Some("NOPERM") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Raises a doubt whenever any sentinel tells of a failover. Ends with the queue.
pub(super) async fn listen(primary: Weak<Primary>, set: Sentinels, deadline: Duration) {
    join_all(set.sentinels.iter().map(|sentinel| async {
        loop {
            if let Err(error) = hear(&primary, sentinel, &set.master, deadline).await {
                tracing::debug!(sentinel = %sentinel.addr(), %error, "a sentinel is not heard");
            }
            if primary.strong_count() == 0 {
                return;
            }
            sleep(PAUSE).await;
        }
    }))
    .await;
}

async fn hear(
    primary: &Weak<Primary>,
    sentinel: &ConnectionInfo,
    master: &str,
    deadline: Duration,
) -> Result<(), QueueError> {
    let client = Client::open(sentinel.clone())?;
    let subscription = async {
        let mut subscription = client.get_async_pubsub().await?;
        for pattern in TIDINGS {
            subscription.psubscribe(pattern).await?;
        }
        Ok::<_, RedisError>(subscription)
    };
    let subscription = timeout(deadline, subscription).await.map_err(|_| QueueError::Slow(deadline))??;
    let mut messages = subscription.into_on_message();
    let until = Instant::now() + RENEWAL;
    // What was said before is not known.
    let doubt = || primary.upgrade().map(|primary| primary.doubt_current());
    doubt();
    while let Ok(Some(message)) = tokio::time::timeout_at(until, messages.next()).await {
        let said = message.get_payload::<String>()?;
        if concerns(&said, master) {
            tracing::debug!(sentinel = %sentinel.addr(), event = message.get_channel_name(), "a sentinel tells of a failover");
            doubt();
        }
    }
    Ok(())
}

/// `master <name> <ip> <port>`, `slave <..> <ip> <port> @ <name> <ip> <port>`, or `<name> <old ip> <old port> <new ip> <new port>`.
fn concerns(said: &str, master: &str) -> bool {
    said.split(' ').any(|word| word == master)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|word| Value::BulkString(word.as_bytes().to_vec())).collect())
    }

    #[test]
    fn a_primary_that_is_being_replaced_is_told_from_its_successor() {
        let about = words(&[
            "name",
            "m",
            "ip",
            "10.0.0.1",
            "port",
            "6379",
            "flags",
            "master,failover_in_progress",
            "config-epoch",
            "7",
        ]);
        let old = read(words(&["10.0.0.1", "6379"]), about.clone()).unwrap();
        assert_eq!(old, Answer { host: "10.0.0.1".to_owned(), port: 6379, epoch: 7, leaving: true });
        assert!(!read(words(&["10.0.0.2", "6379"]), about).unwrap().leaving);
        let calm = words(&["ip", "10.0.0.1", "port", "6379", "flags", "master", "config-epoch", "7"]);
        assert!(!read(words(&["10.0.0.1", "6379"]), calm).unwrap().leaving);
    }

    #[test]
    fn tidings_of_other_sets_are_passed_over() {
        assert!(concerns("master m 127.0.0.1 1", "m") && concerns("m 127.0.0.1 1 127.0.0.1 2", "m"));
        assert!(concerns("slave 127.0.0.1:2 127.0.0.1 2 @ m 127.0.0.1 1", "m"));
        assert!(!concerns("master mm 127.0.0.1 1", "m"));
    }
}
