//! The whole keyspace, read at once.

use super::model::{Model, TASKS, UNIQUE, task, worker};
use dayfly_common::{
    keys::Keys,
    model::{JobId, State},
};
use dayfly_tests::rig::Hand;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every key with its content: hashes as objects, sorted sets as [member, score, ..], sets as arrays, lists as their lengths.
const READ: &str = r"
local all = {}
for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do
  local kind = redis.call('TYPE', key).ok
  local name = string.sub(key, #KEYS[1] + 1)
  if kind == 'hash' then
    local flat, fields = redis.call('HGETALL', key), {}
    for at = 1, #flat, 2 do fields[flat[at]] = flat[at + 1] end
    all[name] = fields
  elseif kind == 'zset' then all[name] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then all[name] = redis.call('SMEMBERS', key)
  elseif kind == 'list' then all[name] = redis.call('LLEN', key)
  elseif kind == 'string' then all[name] = redis.call('GET', key)
  end
end
return cjson.encode(all)";

/// What the server holds.
pub(crate) struct Seen {
    all: BTreeMap<String, Value>,
    keys: Keys,
}

impl Seen {
    pub(crate) async fn read(hand: &Hand, keys: &Keys) -> Self {
        let text: String = hand.get(&["EVAL", READ, "1", keys.base()]).await;
        Self { all: serde_json::from_str(&text).expect("JSON"), keys: keys.clone() }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.all.get(key.strip_prefix(self.keys.base()).expect("a key of ours"))
    }

    fn field(&self, key: &str, field: &str) -> Option<&str> {
        self.value(key)?.get(field)?.as_str()
    }

    fn number(&self, key: &str, field: &str) -> i64 {
        self.field(key, field).map_or(0, |text| text.parse().expect("a number"))
    }

    fn ids(&self, key: &str) -> Vec<(String, i64)> {
        let flat = self.value(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        flat.chunks(2).map(|pair| (text(&pair[0]), text(&pair[1]).parse().expect("a whole score"))).collect()
    }

    fn set(&self, key: &str) -> BTreeSet<String> {
        let members = self.value(key).and_then(Value::as_array).cloned().unwrap_or_default();
        members.iter().map(|member| member.as_str().expect("a text").to_owned()).collect()
    }

    /// The model has no clock: when a job became ready it learns from the record.
    pub(crate) fn learn_times(&self, model: &mut Model) {
        for job in &mut model.jobs {
            let key = self.keys.job(job.id);
            let field = if self.field(&key, "ready_at").is_some() { "ready_at" } else { "created_at" };
            job.ready_at = self.number(&key, field);
        }
    }

    /// Every record, index, count and token is as the model has it.
    pub(crate) fn compare(&self, model: &Model) -> Result<(), String> {
        self.compare_records(model)?;
        self.compare_queues(model)?;
        let members = |wanted: &dyn Fn(&super::model::Job) -> bool| -> BTreeSet<String> {
            model.jobs.iter().filter(|job| wanted(job)).map(|job| job.id.to_string()).collect()
        };
        for (key, wanted) in [
            (self.keys.delayed(), members(&|job| job.state == State::Scheduled)),
            (self.keys.leases(), members(&|job| job.state == State::Running)),
            (self.keys.expiring(), members(&|job| job.expiring)),
            (self.keys.finished(State::Succeeded), members(&|job| job.state == State::Succeeded)),
            (self.keys.finished(State::Failed), members(&|job| job.state == State::Failed)),
            (self.keys.finished(State::Cancelled), members(&|job| job.state == State::Cancelled)),
        ] {
            let server: BTreeSet<String> = self.ids(&key).into_iter().map(|(id, _)| id).collect();
            differ(&key, &server, &wanted)?;
        }
        let held = self.value(&self.keys.unique("", UNIQUE)).and_then(Value::as_str).map(str::to_owned);
        differ("unique key", &held, &model.holder().map(|id| id.to_string()))?;
        let paused: BTreeSet<String> = model.paused.iter().map(|&of| task(of).to_string()).collect();
        differ("paused", &self.set(&self.keys.paused()), &paused)?;
        for by in 0..2 {
            let held: BTreeMap<String, String> = model
                .jobs
                .iter()
                .filter(|job| job.state == State::Running && job.worker == by)
                .map(|job| (job.fence.as_ref().expect("a fence").nonce.as_str().to_owned(), job.id.to_string()))
                .collect();
            let key = self.keys.held(&worker(by));
            let server = self.value(&key).map(|value| serde_json::from_value(value.clone()).expect("texts"));
            differ(&key, &server.unwrap_or_default(), &held)?;
        }
        Ok(())
    }

    fn compare_records(&self, model: &Model) -> Result<(), String> {
        for job in &model.jobs {
            let key = self.keys.job(job.id);
            let server = (
                self.field(&key, "state"),
                self.number(&key, "attempt"),
                self.number(&key, "failures"),
                self.number(&key, "lost"),
                self.field(&key, "fence").map(str::to_owned),
                self.field(&key, "lease").is_some(),
                self.field(&key, "error").is_some(),
                self.value(&self.keys.cancel(job.id)).is_some(),
                self.value(&self.keys.job_result(job.id)).is_some(),
                self.value(&self.keys.job_attempts(job.id)).map_or(0, |len| len.as_u64().unwrap_or(0)),
            );
            let wanted = (
                Some(job.state.as_str()),
                i64::from(job.attempt),
                i64::from(job.failures),
                i64::from(job.lost),
                job.fence.as_ref().map(ToString::to_string),
                job.state == State::Running,
                job.state == State::Failed,
                job.cancel,
                job.state == State::Succeeded,
                u64::try_from(job.ended.len()).expect("few"),
            );
            differ(&key, &server, &wanted)?;
        }
        let records =
            self.all.keys().filter(|name| name.strip_prefix("job:").is_some_and(|id| id.parse::<JobId>().is_ok()));
        differ("records", &records.count(), &model.jobs.len())
    }

    fn compare_queues(&self, model: &Model) -> Result<(), String> {
        let mut named = BTreeSet::new();
        for of in 0..TASKS {
            let queue = model.queue(of);
            if !queue.is_empty() {
                named.insert(task(of).to_string());
            }
            let wanted: Vec<(String, i64)> = queue
                .iter()
                .map(|&at| &model.jobs[at])
                .map(|job| (job.id.to_string(), i64::from(job.priority) * 10_000_000_000_000 + job.ready_at))
                .collect();
            differ(&self.keys.queue(&task(of)), &self.ids(&self.keys.queue(&task(of))), &wanted)?;

            let tokens = self.value(&self.keys.wake(&task(of))).map_or(0, |len| len.as_u64().expect("a length"));
            differ("wake tokens", &tokens, &u64::from(model.tokens.contains(&of)))?;
            for state in State::ALL {
                let server = self.number(&self.keys.counts(), &format!("{}:{state}", task(of)));
                let wanted = if state.is_terminal() {
                    i64::try_from(model.totals.get(&(of, state)).copied().unwrap_or(0)).expect("few")
                } else {
                    i64::try_from(model.count(of, state)).expect("few")
                };
                differ(&format!("count of {} {state}", task(of)), &server, &wanted)?;
            }
        }
        differ("queues", &self.set(&self.keys.queues()), &named)
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, server: &T, model: &T) -> Result<(), String> {
    if server == model { Ok(()) } else { Err(format!("{what}: the server holds {server:?}, the model {model:?}")) }
}
