//! A job's events, over as many connections as it takes.

use super::{
    attend::Away,
    http::{Api, Ask, Refusal},
    job::{self, Job, Progress},
    sse::Parser,
};
use crate::failure::Failure;
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// The server says something every 15 s, if only a comment.
const SILENCE: Duration = Duration::from_secs(45);

/// What a job's stream tells.
#[derive(Debug)]
pub(super) enum Told {
    State(Box<Job>),
    Progress(Progress),
    Log(Line),
    /// The log begins anew.
    Reset,
}

/// A line of its log.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) stream: String,
    pub(super) line: String,
}

/// Hands over what is told until the job has ended.
pub(super) async fn follow(
    api: &Api,
    id: &str,
    mut hear: impl FnMut(Told) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut away = Away::default();
    let mut last: Option<String> = None;
    loop {
        let mut ask = Ask::get(format!("/v1/jobs/{id}/events"));
        if let Some(last) = &last {
            ask = ask.header("last-event-id", last);
        }
        let mut body = match api.open(&ask).await {
            Ok(answer) if answer.status() == StatusCode::NO_CONTENT => return Ok(()),
            Ok(answer) => answer.into_body(),
            Err(refusal) => {
                away.again(refusal).await?;
                continue;
            }
        };
        let mut parser = Parser::default();
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(SILENCE, body.frame()).await {
            away.over();
            let Some(bytes) = frame.data_ref() else { continue };
            for event in parser.feed(bytes) {
                last = event.id.or(last);
                let data = event.data.as_bytes();
                match event.name.as_str() {
                    "state" => hear(Told::State(Box::new(job::parse(data)?)))?,
                    "progress" => hear(Told::Progress(job::parse(data)?))?,
                    "log" => hear(Told::Log(job::parse(data)?))?,
                    "reset" => hear(Told::Reset)?,
                    "end" => return Ok(()),
                    // Of a later version.
                    _ => {}
                }
            }
        }
        away.again(Refusal::Lost(format!("the events of job {id} broke off"))).await?;
    }
}
