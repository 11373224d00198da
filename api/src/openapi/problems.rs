//! Problems in the document: an example of every code, and which codes a status may have.

use crate::error::{Code, Problem};
use serde_json::{Map, Value, json};

const EXAMPLE_REQUEST: &str = "0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f91";
const EXAMPLE_JOB: &str = super::examples::JOB;

/// What a problem of this code may say.
const fn example_of(code: Code) -> &'static str {
    match code {
        Code::MalformedJson => {
            "The body is not JSON: expected value at line 1 column 6. It is handed to the job as it is."
        }
        Code::MalformedForm => "The form cannot be read: a percent sign is not followed by two hexadecimal digits.",
        Code::BadCursor => "The cursor cannot be read: take the one of the page before, as it is.",
        Code::BadDuration => {
            "`timeout`: `30` is not a duration: it needs a unit, for example 250ms, 30s, 10m, 2h or 7d."
        }
        Code::BadId => "`1` is not a job id: it must be a UUID such as 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90",
        Code::BadOption => "`timout` is not an option here: did you mean `timeout`?",
        Code::Forbidden => {
            "The request comes from a page of `https://example.com`, which is not this server (`localhost:8080`)."
        }
        Code::Unauthorized => {
            "This server asks for a token: send `Authorization: Bearer dfly_..`. The operator of this server makes tokens by `dayfly \
             tokens create`."
        }
        Code::UnknownTask => "There is no task `factr`. Did you mean `factor`? Known tasks: factor.",
        Code::UnknownJob => {
            "There is no job 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90: it never was, or its retention is over. GET /v1/jobs \
             lists the jobs there are."
        }
        Code::JobDeleted => {
            "This request made the job 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90, which was deleted since. Send a new key or id for a \
             new job."
        }
        Code::UnknownWorker => "There is no live worker `host-a-5f2c9e02`. GET /v1/workers lists those there are.",
        Code::NotFound => "There is nothing at /v1/nothing. Jobs are at /v1/jobs, tasks at /v1/tasks.",
        Code::ResultExpired => {
            "The job 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90 succeeded, but its result is no longer kept (`retention`)."
        }
        Code::MethodNotAllowed => "PUT is not allowed at /v1/tasks: the header `Allow` lists what is.",
        Code::NotAcceptable => {
            "Here the answer is `application/json`, which the `Accept` header excludes: ask for `application/json` or `*/*`."
        }
        Code::UnsupportedMediaType => {
            "The body is `text/plain`, which is not taken here. Accepted: application/json, \
             application/x-www-form-urlencoded, multipart/form-data."
        }
        Code::WrongState => {
            "The job 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90 is succeeded already: there is nothing to cancel."
        }
        Code::TooLarge => {
            "The body is larger than 1048576 bytes, the most this server takes (`max_body` in the section [api])."
        }
        Code::CountMismatch => {
            "17 jobs match, and 12 were expected: nothing was done. Look again with `dry_run`, then send the new count or leave \
             `expected_count` out."
        }
        Code::NotUnique => {
            "The job 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90 holds the unique key `nightly-report` until it ends: wait for it, cancel \
             it, or give another `unique`."
        }
        Code::UrlTooLong => "The URL is longer than 8192 bytes, the most this server takes.",
        Code::HeadTooLarge => "The headers are larger than 32768 bytes together, the most this server takes.",
        Code::InvalidInput => "The input does not fit the task's schema: at /n, \"x\" is not of type \"integer\"",
        Code::OptionOutOfRange => "`priority=10`: it must be a whole number from 0 to 9.",
        Code::OptionConflict => "`delay` and `at` both say when the job may start: give one of them.",
        Code::IdempotencyConflict => {
            "This `Idempotency-Key` was used before, for another task or another input. Send the same request to get that \
             job again, or a new key for a new one."
        }
        Code::RateLimited => {
            "The owner `ada` submits more often than its quota allows. The next job is taken in 1500 ms."
        }
        Code::TooManyStreams => {
            "This server has 5000 streams open and takes no more. Please try again later, close what is not read, or ask for the \
             job itself with `Prefer: wait=60`."
        }
        Code::Overloaded => "This server works on 4096 requests already. Nothing was done; please try again.",
        Code::QueueFull => {
            "100 jobs of the task `factor` wait already and it takes at most 100 (`max_queued`). Please try again when some \
             have run."
        }
        Code::RedisUnavailable => "Redis cannot be reached at the moment. Please try again.",
        Code::Draining => "This server is shutting down: use another.",
        Code::OutcomeUnknown => {
            "Redis did not answer, so the job may be stored or not. Look for the job under `job`; with an Idempotency-Key a \
             request can be sent again without making a second job."
        }
        Code::Internal => "A fault of this server. The log has it under this request_id; please report it.",
    }
}

/// Codes whose problems name a job.
const fn names_a_job(code: Code) -> bool {
    matches!(
        code,
        Code::WrongState
            | Code::JobDeleted
            | Code::NotUnique
            | Code::ResultExpired
            | Code::IdempotencyConflict
            | Code::OutcomeUnknown
    )
}

/// An example a code, for `components/examples`.
pub(super) fn examples() -> Map<String, Value> {
    let one = |code: Code| {
        let mut problem = Problem::new(code, example_of(code));
        if names_a_job(code) {
            problem = problem.about(EXAMPLE_JOB);
        }
        let document: Value = serde_json::from_slice(&problem.document(EXAMPLE_REQUEST)).unwrap_or_default();
        (key_of(code), json!({ "value": document }))
    };
    Code::ALL.into_iter().map(one).collect()
}

/// The name of a code's example: its word, with the status where two statuses share it.
fn key_of(code: Code) -> String {
    let twin = Code::ALL.into_iter().find(|other| other.as_str() == code.as_str());
    if twin == Some(code) { code.as_str().to_owned() } else { format!("{}.{}", code.as_str(), code.status().as_u16()) }
}

/// The answer of a status that these codes have.
pub(super) fn response(codes: &[(Code, &str)]) -> Value {
    let mut about = String::new();
    let mut examples = Map::new();
    let mut words = Vec::new();
    for (code, when) in codes {
        let word = code.as_str();
        about.push_str(&format!("- `{word}`: {when}\n"));
        let key = key_of(*code);
        examples.insert(key.clone(), json!({ "$ref": format!("#/components/examples/{key}") }));
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let mut whole = json!({
        "description": about.trim_end(),
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": examples,
        } },
        "x-codes": words,
    });
    let headers: Map<String, Value> = codes.iter().filter_map(|(code, _)| header_of(*code)).collect();
    if !headers.is_empty() {
        whole["headers"] = headers.into();
    }
    whole
}

/// What a refusal says beside its body.
fn header_of(code: Code) -> Option<(String, Value)> {
    let (name, about) = match code.status().as_u16() {
        401 => ("WWW-Authenticate", "`Bearer`: how a token is to be sent."),
        405 => ("Allow", "The methods there are."),
        429 | 503 => ("Retry-After", "Seconds after which asking again is worth it."),
        _ => return None,
    };
    Some((name.to_owned(), json!({ "description": about, "required": false, "schema": { "type": "string" } })))
}
