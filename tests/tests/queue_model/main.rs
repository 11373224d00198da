//! Random sequences of queue operations against a real server agree with a pure reference model.
//!
//! ```text
//!   step.rs    what may happen, drawn at random
//!   model.rs   what should become of it: pure, no clock; time passes when a step says so
//!   drive.rs   does a step to the server and to the model, and compares the answers
//!   seen.rs    the whole keyspace, read at once and compared with the model after every step
//! ```
//!
//! `DAYFLY_SEQUENCES` sets how many sequences (2,000 by default). Time passes by ageing what the server has stored: a lease, a
//! delay or an expiry is moved into the past, as if one had waited.

mod drive;
mod model;
mod seen;
mod step;

use dayfly_tests::rig::Rig;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

fn sequences() -> u32 {
    let asked = std::env::var("DAYFLY_SEQUENCES").ok();
    asked.map_or(2_000, |text| text.parse().expect("DAYFLY_SEQUENCES is a number"))
}

/// Two servers work side by side.
const LANES: u32 = 2;

#[test]
fn random_sequences_agree_with_the_model() {
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| agree(sequences().div_ceil(LANES)));
        }
    });
}

fn agree(cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rig = runtime.block_on(Rig::start());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let steps = proptest::collection::vec(step::any_step(), 1..40);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let run = runtime.block_on(drive::run(&rig, &steps));
        run.map_err(|difference| TestCaseError::fail(format!("{difference}\nafter {steps:#?}")))
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// The comparison itself must be able to fail: a hand that moves things behind the model's back is noticed.
#[test]
fn a_meddling_hand_is_noticed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rig = runtime.block_on(Rig::start());
    let keys = rig.queue.keys().clone();
    let queue = keys.queue(&model::task(0));
    for meddling in [
        vec!["DEL".to_owned(), queue.clone()],
        vec!["ZINCRBY".to_owned(), queue, "1".to_owned(), "?".to_owned()],
        vec!["HINCRBY".to_owned(), keys.counts(), "task0:queued".to_owned(), "1".to_owned()],
        vec!["LPUSH".to_owned(), keys.wake(&model::task(0)), "1".to_owned()],
        vec!["SADD".to_owned(), keys.queues(), "task1".to_owned()],
        vec!["ZADD".to_owned(), keys.leases(), "1".to_owned(), "?".to_owned()],
        vec!["HSET".to_owned(), format!("{}job:?", keys.base()), "state".to_owned(), "running".to_owned()],
        vec!["SET".to_owned(), format!("{}cancel:?", keys.base()), "1".to_owned()],
        vec!["SET".to_owned(), keys.unique("", model::UNIQUE), "?".to_owned()],
    ] {
        let noticed = runtime.block_on(async {
            let mut drive = drive::Drive::new(&rig).await;
            let plain = step::Step::Submit {
                task: 0,
                priority: 5,
                delayed: false,
                expires: false,
                retries: None,
                unique: false,
            };
            drive.step(&plain).await.expect("they agree");
            let id = drive.model.jobs[0].id.to_string();
            let words: Vec<String> = meddling.iter().map(|word| word.replace('?', &id)).collect();
            rig.hand.get::<redis::Value>(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
            drive.compare().await
        });
        assert!(noticed.is_err(), "{meddling:?}");
    }
}
