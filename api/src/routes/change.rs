//! PATCH /v1/jobs/{id}: another priority or another time for a job that waits.

use super::reply::{job_body, json_bytes};
use crate::{
    app::App,
    auth::Principal,
    error::{Code, Fault, Problem, escaped, unknown_job},
    extract::{JobPath, WantsJson, at_time, query, read_body, read_input},
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Response, StatusCode},
};
use dayfly_common::{
    model::format_rfc3339_ms,
    queue::{Change, Changed, StartAt},
};
use serde_json::Value;
use std::sync::Arc;

/// PATCH /v1/jobs/{id}
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    JobPath(id): JobPath,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    query(&head.uri, &[])?;
    let body = read_body(&head.headers, body, app.max_body).await?;
    app.must_see(&who, id).await?;
    let change = read_change(&read_input(&head.headers, body, None).await?)?;
    match app.queue.change(id, &change).await? {
        Changed::Done(_) => {}
        Changed::Wrong(state) => {
            let detail =
                format!("The job {id} is {state}: only a job that waits, queued or scheduled, can be changed.");
            return Err(Problem::new(Code::WrongState, detail).about(id));
        }
        Changed::Late(expires_at) => {
            let expires_at = format_rfc3339_ms(expires_at);
            let detail = format!("The job {id} must have started by {expires_at} (`expires`): a later `at` is no use.");
            return Err(Problem::new(Code::OptionConflict, detail).about(id));
        }
        Changed::Unknown => return Err(unknown_job(id)),
    }
    let view = app.queue.job(id).await?.ok_or_else(|| unknown_job(id))?;
    Ok(json_bytes(StatusCode::OK, job_body(&app, &view).await))
}

/// `{"priority": 2, "at": "now"}`, at least one of them.
fn read_change(body: &Bytes) -> Result<Change, Problem> {
    let wrong = |pointer: &str, detail: &str| {
        let fault = Fault { pointer: pointer.to_owned(), detail: detail.to_owned() };
        let detail = format!("A change is an object such as {{\"priority\": 2, \"at\": \"now\"}}: {detail}");
        Problem::new(Code::InvalidInput, detail).with_faults(vec![fault])
    };
    let body: Value = serde_json::from_slice(body).map_err(|why| wrong("", &why.to_string()))?;
    let Value::Object(members) = body else { return Err(wrong("", "it is not an object.")) };
    let mut change = Change::default();
    for (name, value) in members {
        match name.as_str() {
            "priority" => {
                change.priority = Some(priority(&value).ok_or_else(|| {
                    let detail = "`priority` must be a whole number from 0 (most urgent) to 9.";
                    let fault = Fault { pointer: "/priority".to_owned(), detail: detail.to_owned() };
                    Problem::new(Code::OptionOutOfRange, detail).with_faults(vec![fault])
                })?)
            }
            "at" => {
                let Value::String(text) = &value else {
                    return Err(wrong("/at", "`at` must be a string: an RFC 3339 time, or \"now\"."));
                };
                change.at = Some(if text == "now" { StartAt::Now } else { StartAt::Ms(at_time(text)?) });
            }
            _ => {
                let shown: String = name.chars().take(80).collect();
                let detail = format!("`{shown}` is not known here; `priority` and `at` are.");
                return Err(wrong(&format!("/{}", escaped(&name)), &detail));
            }
        }
    }
    if change == Change::default() {
        return Err(wrong("", "it names nothing to change."));
    }
    Ok(change)
}

/// A number, or the digit of a form.
fn priority(value: &Value) -> Option<u8> {
    let number = match value {
        Value::Number(number) => u8::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (number <= 9).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Change, Problem> {
        read_change(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn one_of_the_two_is_enough() {
        let change = |priority, at| Change { priority, at };
        assert_eq!(read(r#"{"priority":0}"#).unwrap(), change(Some(0), None));
        assert_eq!(read(r#"{"priority":"9"}"#).unwrap(), change(Some(9), None));
        assert_eq!(read(r#"{"at":"now"}"#).unwrap(), change(None, Some(StartAt::Now)));
        let at = Some(StartAt::Ms(1_700_000_000_000));
        assert_eq!(read(r#"{"at":"2023-11-14T23:13:20+01:00","priority":5}"#).unwrap(), change(Some(5), at));
    }

    #[test]
    fn wrong_changes_are_explained() {
        for (body, code, says) in [
            ("[]", Code::InvalidInput, "not an object"),
            ("{}", Code::InvalidInput, "nothing to change"),
            (r#"{"priority":10}"#, Code::OptionOutOfRange, "0 (most urgent) to 9"),
            (r#"{"priority":1.5}"#, Code::OptionOutOfRange, "0 (most urgent) to 9"),
            (r#"{"priority":null}"#, Code::OptionOutOfRange, "0 (most urgent) to 9"),
            (r#"{"at":5}"#, Code::InvalidInput, "must be a string"),
            (r#"{"at":"soon"}"#, Code::BadOption, "not an RFC 3339 time"),
            (r#"{"at":"2999-01-01T00:00:00Z"}"#, Code::OptionOutOfRange, "ten years"),
            (r#"{"timeout":"1s"}"#, Code::InvalidInput, "`timeout` is not known"),
        ] {
            let problem = read(body).unwrap_err();
            assert_eq!(problem.code(), code, "{body}");
            assert!(problem.detail().contains(says), "{}", problem.detail());
        }
    }
}
