//! `keys.rs` and `lua/keys.lua` name the same keys.

use dayfly_common::{
    keys::Keys,
    model::{JobId, Nonce, State, Token},
};
use dayfly_tests::rig::{Rig, task};

const TWIN: &str = include_str!("../../common/src/queue/lua/keys.lua");

/// A second argument, which only `unique` takes.
const UNIQUE: &str = "or:der 7";

/// Each function of the Lua file with one argument, and what Rust says.
fn expected(keys: &Keys) -> Vec<(&'static str, String, String)> {
    let token = Token::random().id().clone();
    let (id, nonce, name) = (JobId::now(), Nonce::random(), task("shell_pipeline"));
    let of_job = |function, key| (function, id.to_string(), key);
    let of_task = |function, key| (function, name.to_string(), key);
    let alone = |function, key| (function, String::new(), key);
    let of_worker = |function, key| (function, "host-1a2b3c4d".to_owned(), key);
    vec![
        of_job("job", keys.job(id)),
        of_job("job_input", keys.job_input(id)),
        of_job("job_result", keys.job_result(id)),
        of_job("job_more", keys.job_more(id)),
        of_job("job_log", keys.job_log(id)),
        of_job("job_attempts", keys.job_attempts(id)),
        of_job("cancel", keys.cancel(id)),
        of_job("deleted", keys.deleted(id)),
        ("unique", "a:da%".to_owned(), keys.unique("a:da%", UNIQUE)),
        of_task("queue", keys.queue(&name)),
        of_task("wake", keys.wake(&name)),
        of_task("serving", keys.serving(&name)),
        of_task("definitions", keys.definitions(&name)),
        of_task("times", keys.times(&name)),
        ("finished", "failed".to_owned(), keys.finished(State::Failed)),
        of_worker("held", keys.held("host-1a2b3c4d")),
        of_worker("worker", keys.worker("host-1a2b3c4d")),
        ("released", nonce.as_str().to_owned(), keys.released(&nonce)),
        ("rate", "ada".to_owned(), keys.rate("ada")),
        ("session", token.to_string(), keys.session(&token)),
        ("parked", "ada".to_owned(), keys.parked("ada")),
        alone("parked_owners", keys.parked_owners()),
        alone("quotas", keys.quotas()),
        alone("owners", keys.owners()),
        alone("queues", keys.queues()),
        alone("delayed", keys.delayed()),
        alone("expiring", keys.expiring()),
        alone("leases", keys.leases()),
        alone("paused", keys.paused()),
        alone("counts", keys.counts()),
        alone("minutes", keys.minutes()),
        alone("failures", keys.failures()),
        alone("events", keys.events()),
        alone("tasks", keys.tasks()),
        alone("workers", keys.workers()),
        alone("sweep", keys.sweep()),
        alone("sync", keys.sync()),
        alone("cancel_channel", keys.cancel_channel()),
    ]
}

#[tokio::test]
async fn both_languages_name_the_same_keys() {
    let rig = Rig::start().await;
    let script = format!("{TWIN}\nreturn K[ARGV[1]](KEYS[1], ARGV[2], ARGV[3])");
    for prefix in ["dayfly", "acme:jobs"] {
        let keys = Keys::new(prefix, 0);
        for (function, argument, rust) in expected(&keys) {
            let lua: String = rig.hand.get(&["EVAL", &script, "1", keys.base(), function, &argument, UNIQUE]).await;
            assert_eq!(lua, rust, "{function}");
        }
    }
    let count = format!("{TWIN}\nlocal n = 0 for _ in pairs(K) do n = n + 1 end return n");
    let functions: usize = rig.hand.get(&["EVAL", &count, "1", "dayfly:{0}:"]).await;
    assert_eq!(functions, expected(&Keys::new("dayfly", 0)).len(), "none is left out");
}
