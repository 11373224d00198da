//! What the API's refusals (RFC 9457) mean here: an exit code, and a line for people.

use super::{Exit, term::clean};
use crate::failure::Failure;
use serde::Deserialize;
use std::fmt::Write as _;

/// A refusal.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Debug, Clone, Deserialize)]
struct Fault {
    pointer: String,
    detail: String,
}

impl Problem {
    /// Reads the body of an answer with this status; whatever else answers there is told too.
    pub(super) fn of(status: u16, body: &[u8], url: &str) -> Self {
        match serde_json::from_slice::<Self>(body) {
            Ok(problem) if !problem.code.is_empty() => Self { status, ..problem },
            _ => {
                let detail = format!("{url} answers {status}, and not as Dayfly does: is the URL right?");
                Self { status, detail, ..Self::default() }
            }
        }
    }

    fn exit(&self) -> Exit {
        match self.status {
            401 | 403 => Exit::Auth,
            404 | 410 if !self.code.is_empty() => Exit::NotFound,
            400 | 413 | 415 | 422 if !self.code.is_empty() => Exit::Usage,
            _ => Exit::Error,
        }
    }

    fn message(&self) -> String {
        let mut text = clean(&self.detail).trim_end_matches('.').to_owned();
        for fault in &self.errors {
            let place = if fault.pointer.is_empty() { "the input" } else { &fault.pointer };
            _ = write!(text, "\n  {}: {}", clean(place), clean(&fault.detail));
        }
        if self.status == 401 {
            text.push_str("\n  give one as DAYFLY_TOKEN or in a profile; whoever reaches Redis makes one: dayfly tokens create --owner NAME");
        }
        text
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        problem.exit().because(problem.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_exit_codes() {
        for (status, body, exit) in [
            (400, r#"{"code":"bad_option","detail":"x"}"#, Exit::Usage),
            (401, r#"{"code":"unauthorized","detail":"x"}"#, Exit::Auth),
            (403, r#"{"code":"forbidden","detail":"x"}"#, Exit::Auth),
            (404, r#"{"code":"unknown_job","detail":"x"}"#, Exit::NotFound),
            (404, "<html>", Exit::Error),
            (409, r#"{"code":"wrong_state","detail":"x"}"#, Exit::Error),
            (410, r#"{"code":"result_expired","detail":"x"}"#, Exit::NotFound),
            (422, r#"{"code":"invalid_input","detail":"x"}"#, Exit::Usage),
            (429, r#"{"code":"queue_full","detail":"x"}"#, Exit::Error),
            (500, r#"{"code":"internal","detail":"x"}"#, Exit::Error),
        ] {
            assert_eq!(Problem::of(status, body.as_bytes(), "http://x").exit(), exit, "{status} {body}");
        }
    }

    #[test]
    fn every_fault_is_told_and_nothing_steers_the_terminal() {
        let body =
            r#"{"code":"invalid_input","detail":"Bad \u001b[2J.","errors":[{"pointer":"/n","detail":"too small"}]}"#;
        assert_eq!(Problem::of(422, body.as_bytes(), "http://x").message(), "Bad \n  /n: too small");
    }
}
