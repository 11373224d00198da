//! Lists: every job once, in order, page by page.

use dayfly_common::{
    model::{JobId, State},
    queue::{ListError, ListFilter, Submit},
};
use dayfly_tests::rig::{Rig, failure, job, success, task};

async fn pages(rig: &Rig, mut filter: ListFilter) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..200 {
        let page = rig.queue.list(&filter).await.expect("a page");
        assert!(page.items.len() <= filter.limit);
        ids.extend(page.items.iter().map(|record| record.id));
        filter.cursor = page.next;
        if filter.cursor.is_none() {
            return ids;
        }
    }
    panic!("no end of pages");
}

#[tokio::test]
async fn running_queued_scheduled_then_finished_newest_first() {
    let rig = Rig::start().await;
    let mut ended = Vec::new();
    for at in 0..6 {
        let id = rig.submit(job("a")).await;
        if at % 3 == 0 {
            rig.queue.cancel(id, None, None).await.expect("cancelled");
        } else {
            let outcome = if at % 3 == 1 { success("1") } else { failure(false) };
            rig.end(rig.take("a").await, outcome).await;
        }
        // Times of their own, for within one ms none is promised.
        let state = rig.state(id).await;
        let score = (1_000 + at).to_string();
        rig.hand.get::<i64>(&["ZADD", &rig.queue.keys().finished(state), "XX", &score, &id.to_string()]).await;
        ended.insert(0, id);
    }
    let mut running = Vec::new();
    for _ in 0..2 {
        running.push(rig.submit(job("a")).await);
        rig.take("a").await;
    }
    running.sort();
    let b = rig.submit(job("b")).await;
    let low = rig.submit(Submit { priority: 9, ..job("a") }).await;
    let high = rig.submit(Submit { priority: 1, ..job("a") }).await;
    let later = rig.submit(Submit { delay_ms: 90_000, ..job("a") }).await;
    let sooner = rig.submit(Submit { delay_ms: 60_000, ..job("b") }).await;
    let all: Vec<JobId> = [&running[..], &[high, low, b, sooner, later], &ended[..]].concat();

    for limit in [1, 2, 3, 500] {
        let filter = ListFilter { limit, ..ListFilter::default() };
        assert_eq!(pages(&rig, filter).await, all, "pages of {limit}");
        let only_b = ListFilter { limit, task: Some(task("b")), ..ListFilter::default() };
        assert_eq!(pages(&rig, only_b).await, [b, sooner], "pages of {limit}");
    }
    for (state, ids) in [
        (State::Running, &running[..]),
        (State::Queued, &[high, low, b]),
        (State::Scheduled, &[sooner, later]),
        (State::Cancelled, &[ended[2], ended[5]]),
    ] {
        let filter = ListFilter { limit: 1, state: Some(state), ..ListFilter::default() };
        assert_eq!(pages(&rig, filter).await, ids, "{state}");
    }
}

#[tokio::test]
async fn more_entries_of_one_score_than_a_page_holds() {
    let rig = Rig::start().await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        let id = rig.submit(job("t")).await;
        let queue = rig.queue.keys().queue(&task("t"));
        rig.hand.get::<i64>(&["ZADD", &queue, "XX", "50001700000000000", &id.to_string()]).await;
        ids.push(id);
    }
    ids.sort();
    let filter = ListFilter { limit: 7, ..ListFilter::default() };
    assert_eq!(pages(&rig, filter).await, ids);
}

#[tokio::test]
async fn records_that_are_gone_or_broken_hide_no_others() {
    let rig = Rig::start().await;
    let gone = rig.submit(job("t")).await;
    let broken = rig.submit(job("t")).await;
    let good = rig.submit(job("t")).await;
    let keys = rig.queue.keys();
    rig.hand.get::<i64>(&["DEL", &keys.job(gone)]).await;
    rig.hand.get::<i64>(&["HSET", &keys.job(broken), "created_at", "yesterday"]).await;
    rig.hand.get::<i64>(&["ZADD", &keys.queue(&task("t")), "1", "no job at all"]).await;
    assert_eq!(pages(&rig, ListFilter { limit: 2, ..ListFilter::default() }).await, [good]);
}

#[tokio::test]
async fn a_scarce_task_is_looked_for_in_bounded_steps() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let rare = rig.submit(Submit { delay_ms: 90_000, ..job("rare") }).await;
    let mut add = vec!["ZADD".to_owned(), keys.delayed()];
    for _ in 0..2_500 {
        add.extend(["1".to_owned(), JobId::now().to_string()]);
    }
    rig.hand.get::<i64>(&add.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let filter =
        ListFilter { limit: 5, state: Some(State::Scheduled), task: Some(task("rare")), ..ListFilter::default() };
    let first = rig.queue.list(&filter).await.expect("a page");
    assert!(first.items.is_empty() && first.next.is_some(), "a short page that goes on");
    assert_eq!(pages(&rig, filter).await, [rare]);
}

#[tokio::test]
async fn only_cursors_that_a_list_gave_are_taken() {
    let rig = Rig::start().await;
    for cursor in ["", "x", "r~1~2", "../../etc"] {
        let filter = ListFilter { cursor: Some(cursor.to_owned()), limit: 1, ..ListFilter::default() };
        assert!(matches!(rig.queue.list(&filter).await, Err(ListError::BadCursor)), "{cursor}");
    }
}
