//! Once a minute the sweep notes how many jobs stand in each state.

use dayfly_common::model::State;
use dayfly_tests::rig::{Rig, failure, job, success};

/// Lets the next sweep be in another minute than the last.
async fn let_a_minute_pass(rig: &Rig) {
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().sweep(), "minute", "1"]).await;
    rig.sweep().await;
}

#[tokio::test]
async fn a_sweep_notes_each_minute_once() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.submit(job("a")).await;
    }
    rig.submit(job("b")).await;
    let_a_minute_pass(&rig).await;
    rig.sweep().await;
    for outcome in [success("{}"), failure(false)] {
        let claim = rig.take("a").await;
        rig.end(claim, outcome).await;
    }
    let_a_minute_pass(&rig).await;
    // The second sweep above may have met the turn of a minute.
    let minutes = rig.queue.minutes(0..1).await.expect("an answer");
    assert_eq!(minutes.len(), 1);
    let first = &minutes[0];
    assert_eq!((first.sums[&State::Queued], first.sums[&State::Failed], first.tasks.len()), (4, 0, 2));
    let length: i64 = rig.hand.get(&["XLEN", &rig.queue.keys().minutes()]).await;
    assert!((2..=3).contains(&length), "{length}");
    let later = rig.queue.minutes([0, first.at + 1, first.at + 1, i64::MAX - 1].into_iter()).await.expect("an answer");
    assert_eq!(later[0], *first);
    let numbers = rig.queue.numbers().await.expect("an answer");
    let last = later.last().expect("one").clone();
    let both = [State::Succeeded, State::Failed, State::Queued].map(|state| (last.sums[&state], numbers.sum(state)));
    if length == 2 {
        assert_eq!(both, [(1, 1), (1, 1), (2, 2)]);
        assert_eq!(last.tasks[&"a".parse().expect("a name")], (1, 1));
    }
    assert_eq!((numbers.of("a", State::Failed), numbers.kept[&State::Succeeded]), (1, 1));
    assert_eq!(numbers.as_minute().sums[&State::Queued], 2);
}

#[tokio::test]
async fn a_day_is_kept_and_no_more_than_a_hundred_tasks() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    for number in 0..130 {
        rig.hand.get::<i64>(&["HSET", &keys.counts(), &format!("t{number:03}:succeeded"), "7"]).await;
    }
    let_a_minute_pass(&rig).await;
    let minute = rig.queue.minutes(0..1).await.expect("an answer").remove(0);
    assert_eq!((minute.tasks.len(), minute.sums[&State::Succeeded]), (100, 910));
    let fill = "for at = 1, 3000 do redis.call('XADD', KEYS[1], '*', 'queued', '1') end";
    rig.hand.get::<()>(&["EVAL", fill, "1", &keys.minutes()]).await;
    let_a_minute_pass(&rig).await;
    let length: i64 = rig.hand.get(&["XLEN", &keys.minutes()]).await;
    assert!((1_500..=1_700).contains(&length), "{length}");
}
