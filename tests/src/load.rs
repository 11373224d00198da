//! Clients that submit without a pause while something happens to Redis, and what became of every job that was accepted.

use crate::{Backend, Installation, eventually_async, rig::Hand};
use dayfly_common::keys::Keys;
use reqwest::{Client, StatusCode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

const CLIENTS: usize = 3;
/// From one submission of a client to its next.
const PACE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(60);

/// The clients at work.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    accepted: Mutex<Vec<String>>,
    count: AtomicUsize,
    refused: AtomicUsize,
    /// The longest time that nobody was accepted, ms.
    gap: AtomicUsize,
    last: Mutex<Option<Instant>>,
    wrong: Mutex<Vec<String>>,
}

/// What became of it all.
#[derive(Debug)]
pub struct Outcome {
    /// Submissions that were answered with 202.
    pub accepted: usize,
    /// Those that were answered with 503 and `Retry-After`.
    pub refused: usize,
    /// Accepted, and not there afterwards.
    pub lost: usize,
    /// The longest time without an accepted submission.
    pub gap: Duration,
}

impl Load {
    /// Lets clients submit jobs of `task`.
    #[must_use]
    pub fn begin<S: Backend>(rig: &Installation<S>, task: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let url = format!("{}/v1/tasks/{task}", rig.url);
        let client = || tokio::spawn(submit(url.clone(), Arc::clone(&shared)));
        Self { clients: (0..CLIENTS).map(|_| client()).collect(), shared }
    }

    /// Waits until `more` further jobs have been accepted.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn until_accepted(&self, more: usize) {
        let target = self.shared.count.load(Ordering::Relaxed) + more;
        eventually_async("jobs are accepted", PATIENCE, || async {
            (self.shared.count.load(Ordering::Relaxed) >= target).then_some(())
        })
        .await;
    }

    /// Ends the clients, waits until every accepted job that is there has succeeded, and counts.
    ///
    /// # Panics
    /// When a job ended otherwise or does not end, or an answer was neither 202 nor a 503 with `Retry-After`.
    pub async fn settle<S: Backend>(self, rig: &Installation<S>) -> Outcome {
        self.shared.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("no panic");
        }
        let wrong = self.shared.wrong.lock().await;
        assert!(wrong.is_empty(), "{wrong:?}");
        let accepted = self.shared.accepted.lock().await;
        let mut lost = 0;
        // Not by the API: it may speak with a server that takes itself for the primary and is not.
        let (hand, keys) = (Hand::of(&rig.server.primary_url().await).await, Keys::new("dayfly", 0));
        for id in accepted.iter() {
            let record = keys.job(id.parse().expect("an id"));
            let state = eventually_async(format_args!("job {id} has ended"), PATIENCE, || async {
                let state: Option<String> = hand.get(&["HGET", &record, "state"]).await;
                let waits = state.as_deref().is_some_and(|state| ["queued", "scheduled", "running"].contains(&state));
                (!waits).then_some(state)
            })
            .await;
            match state.as_deref() {
                None => lost += 1,
                Some(state) => assert_eq!(state, "succeeded", "job {id}"),
            }
        }
        Outcome {
            accepted: accepted.len(),
            refused: self.shared.refused.load(Ordering::Relaxed),
            lost,
            gap: Duration::from_millis(u64::try_from(self.shared.gap.load(Ordering::Relaxed)).unwrap_or(u64::MAX)),
        }
    }
}

async fn submit(url: String, shared: Arc<Shared>) {
    let client = Client::builder().no_proxy().build().expect("a client");
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shared.stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let answer = client.post(&url).header("content-type", "application/json").body("{}").send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                shared.wrong.lock().await.push(error.to_string());
                continue;
            }
        };
        let (status, retry_after) = (answer.status(), answer.headers().contains_key("retry-after"));
        let text = answer.text().await.unwrap_or_default();
        let body: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        match (status, body["id"].as_str()) {
            (StatusCode::ACCEPTED | StatusCode::OK, Some(id)) => {
                shared.accepted.lock().await.push(id.to_owned());
                shared.count.fetch_add(1, Ordering::Relaxed);
                let before = shared.last.lock().await.replace(Instant::now());
                let gap = before.map_or(0, |before| before.elapsed().as_millis());
                shared.gap.fetch_max(usize::try_from(gap).unwrap_or(usize::MAX), Ordering::Relaxed);
            }
            (StatusCode::SERVICE_UNAVAILABLE, _) if retry_after => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
            }
            _ => shared.wrong.lock().await.push(format!("{status} {text}")),
        }
    }
}
