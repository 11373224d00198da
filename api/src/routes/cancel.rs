//! POST /v1/jobs/{id}/cancel

use super::reply::{applied, job_body, json_bytes};
use crate::{
    app::App,
    auth::{Principal, visible},
    error::{Code, Fault, Problem, escaped, unknown_job},
    extract::{JobPath, WantsJson, prefer_wait, query, read_body, read_input},
    waiting,
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode, header},
};
use dayfly_common::{
    model::{JobId, State as JobState, parse_duration},
    queue::{Cancelled, QueueError},
};
use serde_json::Value;
use std::sync::Arc;

/// Longest reason, bytes.
const LONGEST_REASON: usize = 500;

/// What the body may say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    reason: Option<String>,
    grace_ms: Option<u64>,
}

/// POST /v1/jobs/{id}/cancel: 200 when the job is cancelled, 202 when its worker has yet to end it.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    JobPath(id): JobPath,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    query(&head.uri, &[])?;
    let preference = prefer_wait(&head.headers, app.max_wait_ms);
    let body = read_body(&head.headers, body, app.max_body).await?;
    let wish = wish(&read_input(&head.headers, body, None).await?)?;
    app.must_see(&who, id).await?;
    let cancelled = app.queue.cancel(id, wish.reason.as_deref(), wish.grace_ms).await;
    match cancelled.map_err(|error| unconfirmed(error, id))? {
        Cancelled::Now | Cancelled::Asked | Cancelled::Ended(JobState::Cancelled) => {}
        Cancelled::Ended(state) => {
            let detail = format!("The job {id} is {state} already: there is nothing to cancel.");
            return Err(Problem::new(Code::WrongState, detail).about(id));
        }
        Cancelled::Unknown => return Err(unknown_job(id)),
    }
    let view = match preference {
        None => app.queue.job(id).await?,
        Some(preference) => {
            let bound = preference.bound(app.max_wait_ms);
            waiting::for_end(&app.queue, &app.events, &app.closing, id, bound).await?
        }
    };
    let view = visible(&who, id, view)?;
    let ended = view.record.state.is_terminal();
    let status = if ended { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = json_bytes(status, job_body(&app, &view).await);
    if !ended {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    applied(&mut response, preference);
    Ok(response)
}

/// Written, and not yet where it is to be: a failover may undo it.
fn unconfirmed(error: QueueError, id: JobId) -> Problem {
    if !matches!(error, QueueError::NotReplicated { .. }) {
        return error.into();
    }
    let detail =
        "The cancel is written, but too few replicas of Redis have it, so a failover may still undo it. Send it again.";
    Problem::new(Code::OutcomeUnknown, detail).retry_after(1).about(id).caused_by(error)
}

/// `{"reason": "..", "grace": "0s"}`, each of them optional.
fn wish(body: &Bytes) -> Result<Wish, Problem> {
    let wrong = |pointer: &str, detail: &str| {
        let fault = Fault { pointer: pointer.to_owned(), detail: detail.to_owned() };
        let detail =
            format!("The body of a cancel is an object such as {{\"reason\": \"..\", \"grace\": \"0s\"}}: {detail}");
        Problem::new(Code::InvalidInput, detail).with_faults(vec![fault])
    };
    let body: Value = serde_json::from_slice(body).map_err(|why| wrong("", &why.to_string()))?;
    let Value::Object(members) = body else { return Err(wrong("", "it is not an object.")) };
    let mut wish = Wish::default();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("reason" | "grace", Value::Null) => {}
            ("reason", Value::String(reason)) if reason.len() <= LONGEST_REASON => wish.reason = Some(reason),
            ("reason", Value::String(_)) => {
                let detail = format!("`reason` is longer than {LONGEST_REASON} bytes, the most kept.");
                return Err(Problem::new(Code::TooLarge, detail));
            }
            ("grace", Value::String(grace)) => {
                let bad = |why| Problem::new(Code::BadDuration, format!("`grace`: {why}."));
                wish.grace_ms = Some(parse_duration(&grace).map_err(bad)?);
            }
            ("reason" | "grace", _) => return Err(wrong(&format!("/{name}"), &format!("`{name}` must be a string."))),
            _ => {
                let shown: String = name.chars().take(80).collect();
                let detail = format!("`{shown}` is not known here; `reason` and `grace` are.");
                return Err(wrong(&format!("/{}", escaped(&name)), &detail));
            }
        }
    }
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Wish, Problem> {
        wish(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn both_parts_are_optional() {
        assert_eq!(read("{}").unwrap(), Wish::default());
        assert_eq!(read(r#"{"reason":null,"grace":"0s"}"#).unwrap(), Wish { reason: None, grace_ms: Some(0) });
        assert_eq!(read(r#"{"reason":"r"}"#).unwrap().reason.as_deref(), Some("r"));
    }

    #[test]
    fn wrong_wishes_are_explained() {
        for (body, code, says) in [
            ("[]", Code::InvalidInput, "not an object"),
            (r#"{"grace":5}"#, Code::InvalidInput, "`grace` must be a string"),
            (r#"{"grace":"5"}"#, Code::BadDuration, "needs a unit"),
            (r#"{"raeson":"x"}"#, Code::InvalidInput, "`raeson` is not known"),
            (&format!(r#"{{"reason":"{}"}}"#, "x".repeat(LONGEST_REASON + 1)), Code::TooLarge, "500"),
        ] {
            let problem = read(body).unwrap_err();
            assert_eq!(problem.code(), code, "{body}");
            assert!(problem.detail().contains(says), "{}", problem.detail());
        }
    }
}
