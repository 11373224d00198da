//! Changes of all jobs, for any number of listeners: read once, rendered once, and kept in one bounded buffer for all. Who
//! falls behind it, or hears of a gap, reads the events stream back from its own place.
//!
//! ```text
//!   events (the one reader) --batches--> run (adds records, renders) --broadcast--> listeners
//! ```

use crate::{app::App, streams::Frames, view::list_item};
use dayfly_common::{
    model::{JobId, State, TaskName, format_rfc3339_ms},
    queue::{EntryId, Event, JobRecord, QueueError},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{broadcast, mpsc};

/// Changes that a listener may be behind before it has to read back: about 2 MB, for all listeners together.
const BUFFERED: usize = 2_048;
/// Batches of the reader (of at most 1,000 events each) that wait to be rendered.
const BATCHES: usize = 32;
/// Records read in one round trip.
const RECORDS: usize = 200;

/// What a listener hears.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// A job has changed its state.
    Change(Arc<Change>),
    /// The stream has come this far without a change of state.
    At(EntryId),
    /// Something may have been missed.
    Gap,
}

/// A job's change of state.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) entry: EntryId,
    pub(crate) task: TaskName,
    pub(crate) state: State,
    /// Whose job it is; `None` when its record is gone, and nobody's who is limited to an owner.
    pub(crate) owner: Option<String>,
    /// The finished event.
    pub(crate) frame: String,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    id: String,
    task: &'a str,
    state: &'static str,
    at: String,
    job: Option<Box<RawValue>>,
}

/// The listeners.
#[derive(Debug)]
pub(crate) struct Fleet {
    news: broadcast::Sender<News>,
    batches: mpsc::Sender<Vec<Event>>,
    /// For [`run`] to take.
    arriving: Mutex<Option<mpsc::Receiver<Vec<Event>>>>,
    /// A batch found no room.
    missed: AtomicBool,
}

impl Default for Fleet {
    fn default() -> Self {
        let (batches, arriving) = mpsc::channel(BATCHES);
        let (news, arriving) = (broadcast::Sender::new(BUFFERED), Mutex::new(Some(arriving)));
        Self { news, batches, arriving, missed: AtomicBool::new(false) }
    }
}

impl Fleet {
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.news.receiver_count() > 0
    }

    /// Passes on what was read. Never waits: the reader has others to wake.
    pub(crate) fn tell(&self, events: &[Event]) {
        if !events.is_empty() && self.has_listeners() && self.batches.try_send(events.to_vec()).is_err() {
            // What is there already wakes the other side, which then sees this.
            self.missed.store(true, Ordering::Release);
        }
    }

    /// Something may have been missed.
    pub(crate) fn tell_gap(&self) {
        self.say(News::Gap);
    }

    fn say(&self, news: News) {
        // Nobody there is no fault.
        drop(self.news.send(news));
    }
}

/// Renders what was read, until the server shuts down.
pub(crate) async fn run(app: Arc<App>) {
    let fleet = app.events.fleet();
    let Some(mut arriving) = fleet.arriving.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let rendering = async {
        while let Some(batch) = arriving.recv().await {
            if fleet.missed.swap(false, Ordering::AcqRel) {
                fleet.tell_gap();
            }
            match changes(&app, &batch).await {
                Ok(changes) => changes.into_iter().for_each(|change| fleet.say(News::Change(Arc::new(change)))),
                Err(error) => {
                    tracing::debug!(%error, "records of changed jobs could not be read");
                    fleet.tell_gap();
                }
            }
            if let Some(last) = batch.last().filter(|last| last.state.is_none()) {
                fleet.say(News::At(last.entry));
            }
        }
    };
    app.closing.run_until_cancelled(rendering).await;
}

/// The changes of state among `events`, each with the job as a list shows it now.
pub(crate) async fn changes(app: &App, events: &[Event]) -> Result<Vec<Change>, QueueError> {
    let moved: Vec<(&Event, State)> = events.iter().filter_map(|event| Some((event, event.state?))).collect();
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<JobId> = moved.iter().map(|(event, _)| event.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut records: HashMap<JobId, JobRecord> = HashMap::new();
    for ids in ids.chunks(RECORDS) {
        let read = app.queue.job_records(ids).await?;
        records.extend(ids.iter().zip(read).filter_map(|(&id, record)| Some((id, record?))));
    }
    let catalogue = app.catalogue.current().await;
    let render = |(event, state): (&Event, State)| {
        let task = event.task.as_str();
        let item = |record| list_item(record, catalogue.task(task).map(|task| &**task), catalogue.live_workers(task));
        let told = ChangeJson {
            id: event.id.to_string(),
            task,
            state: state.as_str(),
            at: format_rfc3339_ms(event.entry.ms()),
            job: records.get(&event.id).map(item),
        };
        let mut frame = Frames::default();
        frame.event("job", event.entry, &serde_json::to_string(&told).unwrap_or_default());
        let owner = records.get(&event.id).map(|record| record.owner.clone());
        Change { entry: event.entry, task: event.task.clone(), state, owner, frame: frame.into_text() }
    };
    Ok(moved.into_iter().map(render).collect())
}
