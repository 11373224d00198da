//! What was observed, and by whom. All times are µs of `CLOCK_BOOTTIME`, the same clock for everybody on this host.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// What a client did or saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ClientNote {
    /// It submits under a key, perhaps again.
    Sent {
        /// When.
        at: u64,
        /// The idempotency key.
        key: String,
    },
    /// A submit was answered with a job.
    Acked {
        /// When the answer was there.
        at: u64,
        /// The idempotency key.
        key: String,
        /// The job.
        id: String,
    },
    /// A request was refused.
    Refused {
        /// When the answer was there.
        at: u64,
        /// `submit`, `job` or `cancel`.
        call: String,
        /// The key or id it was about.
        about: String,
        /// HTTP status.
        status: u16,
        /// The machine-readable code, if there was one.
        code: Option<String>,
    },
    /// A request was not answered at all: the API was down.
    Unanswered {
        /// When that was known.
        at: u64,
        /// `submit`, `job` or `cancel`.
        call: String,
    },
    /// A job as HTTP showed it.
    Seen {
        /// When the answer was there.
        at: u64,
        /// The job.
        id: String,
        /// Its state.
        state: String,
        /// Its `finished_at`.
        finished_at: Option<String>,
        /// Its result.
        result: Option<Value>,
    },
    /// A cancel is asked for, perhaps again.
    CancelSent {
        /// When.
        at: u64,
        /// The job.
        id: String,
    },
    /// A cancel was answered.
    CancelAcked {
        /// When the answer was there.
        at: u64,
        /// The job.
        id: String,
        /// HTTP status: 200 it is cancelled, 202 its worker will end it.
        status: u16,
        /// The state the answer shows.
        state: String,
    },
}

/// What a job's own processes write of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witnessed {
    /// The program begins, and holds the job's lock unless it says otherwise.
    Start,
    /// A process of it is alive.
    Alive,
    /// The program is about to exit by itself.
    End,
    /// The program found the job's lock held by a living process.
    Overlap,
}

/// A line of a job's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobNote {
    /// Which.
    pub what: Witnessed,
    /// When.
    pub at: u64,
    /// `DAYFLY_JOB_ID`
    pub id: String,
    /// `DAYFLY_FENCE`
    pub fence: String,
    /// `DAYFLY_ATTEMPT`
    pub attempt: u64,
    /// The exit code of an `end`; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Who held the lock, of an `overlap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
}

/// A process that carried a job's id in its environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carrier {
    /// When it was seen.
    pub at: u64,
    /// The process.
    pub pid: i32,
    /// The job.
    pub id: String,
}

/// A change of state as the server's stream of events tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The job.
    pub id: String,
    /// Its new state.
    pub state: String,
}

/// A job as the server holds it at the end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The hash.
    pub fields: BTreeMap<String, String>,
    /// The stored result.
    pub result: Option<String>,
    /// The ended attempts, oldest first.
    pub attempts: Vec<Value>,
}

impl Record {
    /// A field; empty when absent.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// A field that is a number; 0 when absent.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.field(name).parse().unwrap_or(0)
    }

    /// How many attempts ended so.
    #[must_use]
    pub fn ended(&self, outcome: &str) -> u64 {
        self.attempts.iter().filter(|attempt| attempt["outcome"] == outcome).count() as u64
    }
}

/// The whole keyspace at the end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Dump {
    /// Jobs by id.
    pub records: BTreeMap<String, Record>,
    /// Members of every index: `queue:<task>`, `delayed`, `leases`, `finished:<state>`.
    pub indexes: BTreeMap<String, BTreeSet<String>>,
    /// `<task>:<state>` -> number.
    pub counts: BTreeMap<String, i64>,
    /// Jobs that some worker is said to hold.
    pub held: BTreeSet<String>,
    /// Jobs with a cancel key.
    pub cancels: BTreeSet<String>,
}

/// How often a task's jobs may run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// After failures of their own.
    pub retries: u64,
    /// After their worker was lost.
    pub lost_retries: u64,
}

/// What the run was to keep to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// After healing, everything must have ended within this long, µs.
    pub drain: u64,
    /// By task.
    pub budgets: BTreeMap<String, Budget>,
    /// When the last fault was over and the last job accepted.
    pub healed_at: u64,
    /// What the server's clock is ahead of `CLOCK_BOOTTIME`, µs.
    pub epoch: u64,
}

/// Everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// By clients.
    pub clients: Vec<ClientNote>,
    /// By the jobs' own processes.
    pub jobs: Vec<JobNote>,
    /// From `/proc`.
    pub carriers: Vec<Carrier>,
    /// From the stream of events, in its order.
    pub events: Vec<Event>,
    /// The server at the end.
    pub dump: Dump,
    /// The rules.
    pub terms: Terms,
}

/// File names of the observations.
pub(super) const CLIENTS: &str = "clients.jsonl";
pub(super) const JOBS: &str = "jobs.jsonl";
pub(super) const CARRIERS: &str = "carriers.jsonl";
pub(super) const EVENTS: &str = "events.jsonl";

impl History {
    /// Reads the observations of a folder.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub fn read(folder: &Path, dump: Dump, terms: Terms) -> io::Result<Self> {
        Ok(Self {
            clients: lines(&folder.join(CLIENTS))?,
            jobs: lines(&folder.join(JOBS))?,
            carriers: lines(&folder.join(CARRIERS))?,
            events: lines(&folder.join(EVENTS))?,
            dump,
            terms,
        })
    }
}

fn lines<T: DeserializeOwned>(file: &Path) -> io::Result<Vec<T>> {
    let text = match fs::read_to_string(file) {
        // Nothing of the kind was observed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let read = |line: &str| {
        serde_json::from_str(line).map_err(|why| io::Error::other(format!("{}: {why}: {line}", file.display())))
    };
    text.lines().map(read).collect()
}
