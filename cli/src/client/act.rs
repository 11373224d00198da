//! `dayfly cancel`, `dayfly retry` and `dayfly rm`, of jobs by their ids.

use super::{
    Common, Exit,
    filter::Filter,
    http::{Api, Ask},
    job::{self, Job},
    many,
    resolve::resolve,
    term::{self, clean},
};
use crate::failure::Failure;
use clap::Args as ArgsOf;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Which jobs: some by their ids, or all that match.
#[derive(Debug, ArgsOf)]
pub(crate) struct Which {
    /// The jobs' ids, or their beginnings; instead of a filter.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    pub(super) filter: Filter,
    /// All jobs there are; instead of a filter.
    #[arg(long)]
    pub(super) all: bool,
    /// Counts the jobs, and does nothing to them.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Asks nobody whether all that match are meant.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// Kills at once what runs: no SIGTERM, no time to clean up.
    #[arg(long, conflicts_with = "grace")]
    now: bool,
    /// The time between SIGTERM and SIGKILL [default: the task's kill_grace].
    #[arg(long, value_name = "DURATION")]
    grace: Option<String>,
    /// Why; kept with the job.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What is done to a job.
#[derive(Debug)]
pub(super) enum Action {
    /// With the members of the request's body.
    Cancel(Map<String, Value>),
    Retry,
    Delete,
}

impl Action {
    pub(super) fn of(args: &CancelArgs) -> Self {
        let mut body = Map::new();
        if let Some(reason) = &args.reason {
            body.insert("reason".to_owned(), json!(reason));
        }
        if let Some(grace) = args.grace.as_deref().or(args.now.then_some("0s")) {
            body.insert("grace".to_owned(), json!(grace));
        }
        Self::Cancel(body)
    }

    /// As a command and as the API call it.
    pub(super) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Cancel(_) => ("cancel", "cancel"),
            Self::Retry => ("retry", "retry"),
            Self::Delete => ("rm", "delete"),
        }
    }

    fn ask(&self, id: &str) -> Ask {
        match self {
            Self::Cancel(body) => {
                let body = Value::Object(body.clone()).to_string();
                Ask::post(format!("/v1/jobs/{id}/cancel")).body("application/json", body).repeatable()
            }
            Self::Retry => {
                let key = Uuid::new_v4().to_string();
                Ask::post(format!("/v1/jobs/{id}/retry")).header("idempotency-key", key).repeatable()
            }
            Self::Delete => Ask::new(Method::DELETE, format!("/v1/jobs/{id}")).repeatable(),
        }
    }
}

pub(super) async fn act(api: &Api, which: &Which, action: &Action) -> Result<(), Failure> {
    let filtered = which.all || !which.filter.is_empty();
    let usage =
        |what: &str| Err(Exit::Usage.because(format_args!("{what}: `dayfly {} --help` shows how", action.words().0)));
    match (which.ids.is_empty(), filtered) {
        (true, false) => usage("which jobs? Give ids, or a filter, or --all"),
        (false, true) => usage("give either ids or a filter"),
        (true, true) if which.all && !which.filter.is_empty() => usage("give either a filter or --all"),
        (true, true) => many::act(api, which, action).await,
        (false, false) => {
            // All of them before anything is done.
            let mut ids = Vec::new();
            for id in &which.ids {
                ids.push(resolve(api, id).await?);
            }
            each(api, which, action, &ids).await
        }
    }
}

/// One after the other; the first that cannot be done gives the exit code, and the others are done all the same.
async fn each(api: &Api, which: &Which, action: &Action, ids: &[String]) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for id in ids {
        let done = if which.dry_run { show(api, which, action, id).await } else { one(api, which, action, id).await };
        match (&outcome, done) {
            (_, Ok(())) => {}
            (Ok(()), Err(failure)) => outcome = Err(failure),
            (Err(_), Err(failure)) => failure.say(),
        }
    }
    outcome
}

async fn show(api: &Api, which: &Which, action: &Action, id: &str) -> Result<(), Failure> {
    let answer = api.ask(Ask::get(format!("/v1/jobs/{id}"))).await?;
    if which.common.json {
        return term::json(&answer.body);
    }
    let job: Job = job::read(&answer)?;
    term::print(&format!("would {} {id} ({}, {})", action.words().1, clean(&job.task), job.state))
}

async fn one(api: &Api, which: &Which, action: &Action, id: &str) -> Result<(), Failure> {
    let answer = api.ask(action.ask(id)).await?;
    match action {
        Action::Delete if which.common.json => term::print(&json!({ "id": id, "deleted": true }).to_string()),
        Action::Delete => term::print(&format!("{id} deleted")),
        Action::Cancel(_) | Action::Retry if which.common.json => term::json(&answer.body),
        Action::Cancel(_) if answer.status == StatusCode::ACCEPTED => {
            term::print(&format!("{id} runs and is asked to end"))
        }
        Action::Cancel(_) => term::print(&format!("{id} cancelled")),
        Action::Retry => term::print(&job::read::<Job>(&answer)?.id),
    }
}
