//! `dayfly get`, `dayfly wait` and `dayfly logs`.

use super::{
    Common, Exit,
    attend::{attend, ended},
    follow::{Told, follow},
    http::{Api, Ask},
    job::{self, Job},
    resolve::resolve,
    term::{self, Look, clean},
};
use crate::failure::Failure;
use clap::Args as ArgsOf;
use http_body_util::BodyExt as _;
use std::{
    io::{IsTerminal as _, stdout},
    time::Duration,
};

#[derive(Debug, ArgsOf)]
pub(crate) struct GetArgs {
    /// The job's id, or its beginning.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct WaitArgs {
    /// The jobs' ids, or their beginnings.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Waits no longer than this for all of them; they go on, and the exit code is 124.
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct LogsArgs {
    /// The job's id, or its beginning.
    #[arg(value_name = "ID")]
    id: String,
    /// Goes on until the job has ended.
    #[arg(long, short)]
    follow: bool,
    /// The last lines only.
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Waits no longer than this with -f; the job goes on, and the exit code is 124.
    #[arg(long, value_name = "DURATION", value_parser = super::duration, requires = "follow")]
    wait: Option<Duration>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn get(api: &Api, args: &GetArgs) -> Result<(), Failure> {
    let id = resolve(api, &args.id).await?;
    let answer = api.ask(Ask::get(format!("/v1/jobs/{id}"))).await?;
    if args.common.json {
        return term::json(&answer.body);
    }
    let job: Job = job::read(&answer)?;
    term::print_all(&describe(&job, Look::of_stdout()))
}

/// Waits for all; the first bad end is the command's.
pub(super) async fn wait(api: &Api, args: &WaitArgs) -> Result<(), Failure> {
    let mut ids = Vec::new();
    for id in &args.ids {
        ids.push(resolve(api, id).await?);
    }
    let look = Look::of_stdout();
    let all = async {
        let mut outcome = Ok(());
        for id in &ids {
            let (job, body) = ended(api, id).await?;
            if args.common.json {
                term::json(&body)?;
            } else {
                term::print(&format!("{} {}", job.id, look.state(&job.state)))?;
            }
            outcome = outcome.and(job.outcome(true));
        }
        outcome
    };
    attend(&ids.join(" "), args.wait, all).await
}

pub(super) async fn logs(api: &Api, args: &LogsArgs) -> Result<(), Failure> {
    let id = resolve(api, &args.id).await?;
    if !args.follow {
        let tail = args.tail.map(|tail| format!("?tail={tail}")).unwrap_or_default();
        let answer = api.ask(Ask::get(format!("/v1/jobs/{id}/logs{tail}"))).await?;
        let lines: Vec<String> =
            String::from_utf8_lossy(&answer.body).lines().map(|line| written(args, line)).collect();
        return term::print_all(&lines);
    }
    let Some(tail) = args.tail else {
        let all = follow(api, &id, |told| match told {
            Told::Log(line) if line.stream == "system" => {
                term::print(&written(args, &format!("[dayfly] {}", line.line)))
            }
            Told::Log(line) => term::print(&written(args, &line.line)),
            Told::Reset => term::print(&written(args, "[dayfly] the log begins anew")),
            Told::State(_) | Told::Progress(_) => Ok(()),
        });
        return attend(&id, args.wait, all).await;
    };
    attend(&id, args.wait, last_and_on(api, args, &id, tail)).await
}

/// The last lines and what comes after them: the plain log, since events begin with all there is.
async fn last_and_on(api: &Api, args: &LogsArgs, id: &str, tail: u32) -> Result<(), Failure> {
    let ask = Ask::get(format!("/v1/jobs/{id}/logs?follow=1&tail={tail}"));
    let mut body = api.open(&ask).await?.into_body();
    let mut rest = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        rest.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        let whole = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = rest.drain(..whole).collect();
        for line in String::from_utf8_lossy(&lines).lines() {
            term::print(&written(args, line))?;
        }
    }
    let job: Job = job::read(&api.ask(Ask::get(format!("/v1/jobs/{id}"))).await?)?;
    if job.has_ended() {
        return Ok(());
    }
    Err(Exit::Error.because(format_args!("the log of job {id} broke off, and it has not ended: ask again")))
}

/// As it is, unless it goes to a terminal or is wanted as JSON.
fn written(args: &LogsArgs, line: &str) -> String {
    if args.common.json {
        return serde_json::json!({ "line": line }).to_string();
    }
    if stdout().is_terminal() { clean(line).into_owned() } else { line.to_owned() }
}

/// A job for people: what is known, a line each.
fn describe(job: &Job, look: Look) -> Vec<String> {
    let mut rows: Vec<(&str, String)> = vec![("id", job.id.clone()), ("task", clean(&job.task).into_owned())];
    let attempt = job.max_attempts.map_or_else(|| job.attempt.to_string(), |most| format!("{} of {most}", job.attempt));
    rows.push(("state", look.state(&job.state)));
    let mut add = |name, value: Option<String>| rows.extend(value.map(|value| (name, clean(&value).into_owned())));
    add("asked to end", job.cancel_requested_at.clone().filter(|_| !job.has_ended()));
    add("reason", job.cancel_reason.clone());
    add("before it", job.queue_position.map(|before| before.to_string()));
    add("starts about", job.estimated_start_at.clone());
    add(
        "progress",
        job.progress.as_ref().map(|progress| {
            let percent = progress.fraction.map(|fraction| format!("{:.0} % ", fraction * 100.0)).unwrap_or_default();
            format!("{percent}{}", progress.message.as_deref().unwrap_or_default()).trim_end().to_owned()
        }),
    );
    add("attempt", Some(attempt));
    add("priority", Some(job.priority.to_string()));
    add("submitted", Some(job.created_at.clone()));
    add("started", job.started_at.clone());
    add("deadline", job.deadline_at.clone().filter(|_| !job.has_ended()));
    add("ended", job.finished_at.clone());
    add(
        "worker",
        job.worker.as_ref().map(|worker| match worker.pid {
            Some(pid) => format!("{} (pid {pid})", worker.id),
            None => worker.id.clone(),
        }),
    );
    let labels: Vec<String> = job.labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    add("labels", Some(labels.join(" ")).filter(|labels| !labels.is_empty()));
    add("retry of", job.retry_of.clone());
    add(
        "result",
        job.result_bytes
            .map(|bytes| format!("{bytes} bytes, {}", job.result_type.as_deref().unwrap_or("of an unknown type"))),
    );
    for warning in &job.warnings {
        add("warning", Some(warning.clone()));
    }
    let mut lines: Vec<String> =
        rows.iter().map(|(name, value)| look.cut(&format!("{} {value}", look.bold(&format!("{name:<13}"))))).collect();
    if let Some(error) = &job.error {
        lines.push(look.alarm(&format!("{:<13} {}: {}", "error", clean(&error.kind), clean(&error.message))));
        lines.extend(error.stderr_tail.lines().map(|line| look.cut(&format!("  {}", clean(line)))));
    }
    lines
}
