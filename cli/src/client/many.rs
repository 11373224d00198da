//! An action on all jobs that match a filter, a thousand a request.

use super::{
    Exit,
    act::{Action, Which},
    http::{Api, Ask},
    job, term,
};
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
};
use uuid::Uuid;

/// What all requests together did.
#[derive(Debug, Serialize)]
struct Total {
    action: &'static str,
    dry_run: bool,
    matched: u64,
    done: u64,
    skipped: BTreeMap<String, u64>,
    retries: Vec<Value>,
}

/// What one did.
#[derive(Debug, Deserialize)]
struct Report {
    matched: u64,
    done: u64,
    skipped: BTreeMap<String, u64>,
    retries: Vec<Value>,
    next: Option<String>,
}

pub(super) async fn act(api: &Api, which: &Which, action: &Action) -> Result<(), Failure> {
    let word = action.words().1;
    if which.dry_run {
        let total = all(api, which, action, true).await?;
        if which.common.json {
            return tell(&total);
        }
        return term::print(&format!("would {word} {}", jobs(total.matched)));
    }
    if !which.yes {
        let matched = all(api, which, action, true).await?.matched;
        if matched > 0 && !confirmed(&format!("{word} {}?", jobs(matched)))? {
            return Err(Exit::Error.because("nothing was done"));
        }
    }
    let total = all(api, which, action, false).await?;
    if which.common.json {
        return tell(&total);
    }
    term::print(&format!("{word}: {} done", jobs(total.done)))?;
    for (code, number) in &total.skipped {
        eprintln!("dayfly: {} skipped: {}", jobs(*number), term::clean(code));
    }
    Ok(())
}

fn tell(total: &Total) -> Result<(), Failure> {
    let text = serde_json::to_string(total).map_err(|why| Exit::Error.because(why))?;
    term::print(&text)
}

async fn all(api: &Api, which: &Which, action: &Action, dry_run: bool) -> Result<Total, Failure> {
    let word = action.words().1;
    let mut total = Total { action: word, dry_run, matched: 0, done: 0, skipped: BTreeMap::new(), retries: Vec::new() };
    let filter = if which.all { json!({ "all": true }) } else { which.filter.object() };
    // One key for all requests: a job that is found twice is retried once.
    let key = Uuid::new_v4().to_string();
    let mut cursor: Option<String> = None;
    loop {
        let mut body = json!({ "action": word, "filter": filter, "dry_run": dry_run, "cursor": cursor });
        if let (Action::Cancel(members), Some(body)) = (action, body.as_object_mut()) {
            body.extend(members.clone());
        }
        let ask = Ask::post("/v1/jobs/actions").header("idempotency-key", &key).repeatable();
        let report: Report = job::read(&api.ask(ask.body("application/json", body.to_string())).await?)?;
        total.matched += report.matched;
        total.done += report.done;
        total.retries.extend(report.retries);
        for (code, number) in report.skipped {
            *total.skipped.entry(code).or_default() += number;
        }
        cursor = report.next;
        if cursor.is_none() {
            return Ok(total);
        }
    }
}

fn jobs(number: u64) -> String {
    if number == 1 { "1 job".to_owned() } else { format!("{number} jobs") }
}

/// Asks the person there is; without one, the flag is needed.
fn confirmed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("{question} --yes says so where nobody can be asked; --dry-run only counts");
        return Err(Exit::Usage.because(message));
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|why| Exit::Error.because(format_args!("no answer: {why}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
