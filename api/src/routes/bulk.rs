//! POST /v1/jobs: many jobs in one request, each taken or refused for itself.

use super::reply::json_bytes;
use crate::{
    app::App,
    auth::Principal,
    error::{Code, Problem},
    extract::{Accepts, Pieces, batch_kind, query, traceparent},
    front::RequestId,
    intake::{Batch, Outcome},
};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode, header},
};
use dayfly_common::model::JobId;
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{io, sync::Arc};

const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// What became of one job, as it is answered.
#[derive(Serialize)]
struct ResultJson {
    index: usize,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    id: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Box<RawValue>>,
    /// Seconds; what a single answer says in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

fn as_text<S: serde::Serializer>(id: &Option<JobId>, out: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => out.collect_str(id),
        None => out.serialize_none(),
    }
}

/// POST /v1/jobs
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    who: Principal,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let in_lines = Accepts::names(&head.headers, NDJSON);
    if !in_lines {
        Accepts::check(&head.headers, JSON)?;
    }
    query(&head.uri, &[])?;
    if head.headers.contains_key("idempotency-key") {
        return Err(Problem::new(
            Code::BadOption,
            "`Idempotency-Key` is of no use here, where each job has a key of its own: give each item an `idempotency_key`.",
        ));
    }
    let framing = batch_kind(&head.headers)?;
    let trace = traceparent(&head.headers);
    let pieces = Pieces::new(head.headers, body, app.max_body);
    let mut batch = Batch::new(app, who.owner().to_owned(), framing, pieces, trace, in_lines);
    if in_lines {
        // Before the answer begins, so that a body that is no batch at all has a status of its own.
        let first = batch.next().await?;
        return Ok(answered_in_lines(batch, first, request_id));
    }
    let mut answer = b"{\"results\":[".to_vec();
    while let Some(outcomes) = batch.next().await? {
        for line in lines(outcomes, &request_id) {
            if answer.ends_with(b"}") {
                answer.push(b',');
            }
            answer.extend_from_slice(&line);
        }
    }
    answer.extend_from_slice(b"]}");
    Ok(json_bytes(StatusCode::OK, answer))
}

/// One result a line, as soon as it is known.
fn answered_in_lines(batch: Batch, first: Option<Vec<Outcome>>, request_id: Arc<str>) -> Response<Body> {
    let rest = stream::try_unfold((batch, first), move |(mut batch, first)| {
        let request_id = Arc::clone(&request_id);
        async move {
            let outcomes = match first {
                Some(outcomes) => Some(outcomes),
                None => batch.next().await.map_err(|gone| io::Error::other(gone.detail().to_owned()))?,
            };
            let text = outcomes.map(|outcomes| {
                let with_end = |mut line: Vec<u8>| {
                    line.push(b'\n');
                    line
                };
                Bytes::from(lines(outcomes, &request_id).flat_map(with_end).collect::<Vec<u8>>())
            });
            Ok::<_, io::Error>(text.map(|text| (text, (batch, None))))
        }
    });
    let mut response = Response::new(Body::from_stream(rest));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    response
}

/// Each outcome as JSON. What is behind a problem is logged, once for all jobs that failed alike.
fn lines(outcomes: Vec<Outcome>, request_id: &str) -> impl Iterator<Item = Vec<u8>> {
    let mut logged: Option<String> = None;
    outcomes.into_iter().map(move |Outcome { index, taken }| {
        let result = match taken {
            Ok((status, id)) => {
                ResultJson { index, status: status.as_u16(), id: Some(id), problem: None, retry_after: None }
            }
            Err(problem) => {
                let code = problem.code().as_str();
                if let Some(cause) = problem.cause().filter(|cause| logged.as_deref() != Some(*cause)) {
                    tracing::warn!(request_id, code, cause, "job {index} of a batch failed: {cause}");
                    logged = Some(cause.to_owned());
                }
                ResultJson {
                    index,
                    status: problem.code().status().as_u16(),
                    id: None,
                    retry_after: problem.retry_after_s(),
                    problem: serde_json::from_slice(&problem.document(request_id)).ok(),
                }
            }
        };
        serde_json::to_vec(&result).unwrap_or_default()
    })
}
