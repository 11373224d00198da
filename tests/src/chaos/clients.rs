//! Clients: they submit, cancel and look, and note every answer.

use super::{
    clock::boot_us,
    history::ClientNote,
    notes::Notes,
    recipe::{Recipe, recipe},
    schedule::Aim,
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// Longer than any answer takes while only one thing is wrong.
const PATIENCE: Duration = Duration::from_secs(8);
const AGAIN: Duration = Duration::from_millis(100);
/// Between two looks at a job that has not ended.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// All clients of one run.
#[derive(Debug)]
pub(super) struct Clients {
    client: Client,
    url: String,
    notes: Notes,
    aim: Aim,
    seed: u64,
    /// What keys begin with. Ids follow from keys, and other tests on this host look for processes by theirs.
    keys: String,
    total: usize,
    next: AtomicUsize,
    acknowledged: AtomicUsize,
    /// Jobs that nobody has seen ended yet, and when to look again.
    open: Mutex<VecDeque<(Instant, String)>>,
    ended: Mutex<Vec<String>>,
}

/// An answer, read.
enum Answer {
    Taken { status: u16, body: Value },
    Refused { status: u16, code: Option<String> },
    None,
}

impl Clients {
    pub(super) fn new(url: &str, notes: Notes, aim: Aim, seed: u64, total: usize) -> Arc<Self> {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Arc::new(Self {
            client,
            url: url.to_owned(),
            notes,
            aim,
            seed,
            keys: format!("chaos-{seed}-{}", boot_us()),
            total,
            next: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            open: Mutex::default(),
            ended: Mutex::default(),
        })
    }

    /// Jobs acknowledged so far.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Jobs acknowledged and not yet seen ended.
    pub(super) fn open(&self) -> usize {
        self.acknowledged() - self.ended.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Submits one job after another, each at its time, until there are none left.
    pub(super) async fn submit_all(self: Arc<Self>, begun: Instant, span: Duration) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.total {
                return;
            }
            let share = u32::try_from(number).unwrap_or(u32::MAX);
            sleep_until(begun + span.saturating_mul(share) / u32::try_from(self.total).unwrap_or(u32::MAX)).await;
            let recipe = recipe(self.aim, self.seed, number, self.total);
            let id = self.submit(&format!("{}-{number}", self.keys), &recipe).await;
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
            self.open.lock().unwrap_or_else(PoisonError::into_inner).push_back((Instant::now() + AGAIN, id.clone()));
            if let Some(after) = recipe.cancel {
                let clients = Arc::clone(&self);
                tokio::spawn(async move {
                    sleep(after).await;
                    clients.cancel(&id).await;
                });
            }
        }
    }

    /// Under the same key until it is answered; only then is it acknowledged.
    async fn submit(&self, key: &str, recipe: &Recipe) -> String {
        loop {
            self.notes.add(&ClientNote::Sent { at: boot_us(), key: key.to_owned() });
            let request = self.client.post(format!("{}/v1/tasks/{}{}", self.url, recipe.task, recipe.query));
            let request = request.header("idempotency-key", key).json(&recipe.input);
            if let Answer::Taken { body, .. } = self.ask("submit", key, request).await {
                let id = body["id"].as_str().unwrap_or_default().to_owned();
                self.notes.add(&ClientNote::Acked { at: boot_us(), key: key.to_owned(), id: id.clone() });
                return id;
            }
            sleep(AGAIN).await;
        }
    }

    /// Until it is answered, by whatever answer that settles it.
    async fn cancel(&self, id: &str) {
        loop {
            self.notes.add(&ClientNote::CancelSent { at: boot_us(), id: id.to_owned() });
            let request = self.client.post(format!("{}/v1/jobs/{id}/cancel", self.url)).json(&json!({}));
            match self.ask("cancel", id, request).await {
                Answer::Taken { status, body } => {
                    let state = body["state"].as_str().unwrap_or_default().to_owned();
                    self.notes.add(&ClientNote::CancelAcked { at: boot_us(), id: id.to_owned(), status, state });
                    return;
                }
                // It had ended before.
                Answer::Refused { status: 409, .. } => return,
                Answer::Refused { .. } | Answer::None => sleep(AGAIN).await,
            }
        }
    }

    /// Looks at jobs that have not ended, and now and then at those that have: to be dropped when the run is over.
    pub(super) async fn look_for_ever(self: Arc<Self>, mut dice: super::Dice) {
        loop {
            let next = self.open.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match next {
                Some((due, id)) => {
                    sleep_until(due.min(Instant::now() + LOOK_EVERY)).await;
                    if self.look(&id).await {
                        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                    } else {
                        let again = (Instant::now() + LOOK_EVERY, id);
                        self.open.lock().unwrap_or_else(PoisonError::into_inner).push_back(again);
                    }
                }
                None => sleep(AGAIN).await,
            }
            if dice.below(5) == 0 {
                let ended = {
                    let all = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                    all.get(dice.index(all.len())).cloned()
                };
                if let Some(id) = ended {
                    self.look(&id).await;
                }
            }
        }
    }

    /// Whether it is seen to have ended.
    async fn look(&self, id: &str) -> bool {
        let Answer::Taken { body, .. } =
            self.ask("job", id, self.client.get(format!("{}/v1/jobs/{id}", self.url))).await
        else {
            return false;
        };
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let state = text("state").unwrap_or_default();
        let ended = ["succeeded", "failed", "cancelled"].contains(&state.as_str());
        let result = body.get("result").filter(|result| !result.is_null()).cloned();
        let finished_at = text("finished_at");
        self.notes.add(&ClientNote::Seen { at: boot_us(), id: id.to_owned(), state, finished_at, result });
        ended
    }

    async fn ask(&self, call: &str, about: &str, request: RequestBuilder) -> Answer {
        let answer = match request.send().await {
            Ok(response) => read(response).await,
            Err(_) => Answer::None,
        };
        let call = call.to_owned();
        match &answer {
            Answer::Refused { status, code } => {
                let (status, code) = (*status, code.clone());
                self.notes.add(&ClientNote::Refused { at: boot_us(), call, about: about.to_owned(), status, code });
            }
            Answer::None => self.notes.add(&ClientNote::Unanswered { at: boot_us(), call }),
            Answer::Taken { .. } => {}
        }
        answer
    }
}

/// An answer that breaks off is none.
async fn read(response: Response) -> Answer {
    let status = response.status();
    let Ok(bytes) = response.bytes().await else { return Answer::None };
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        Answer::Taken { status: status.as_u16(), body }
    } else {
        Answer::Refused { status: status.as_u16(), code: body["code"].as_str().map(str::to_owned) }
    }
}
